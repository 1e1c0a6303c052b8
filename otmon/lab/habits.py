"""The packets of what a plant does now and then: screens, reports, names, time, addresses, labels."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from otmon.lab import opc_ua, profinet, routine, s7
from otmon.lab.dialogues import ask_time, lease, look_up, remote_desktop, resolve_gateway, tls_session
from otmon.lab.form import Form
from otmon.lab.frames import MILLISECOND_NS, MINUTE_NS, SECOND_NS, Packet, Say, arp, connection
from otmon.lab.plant import Plant, PlantHost
from otmon.lab.polling import ROUTINE
from otmon.lab.process import block_of, node_of
from otmon.lab.requests import paced
from otmon.lab.scene import Trouble
from otmon.lab.sessions import Session

HOUR_NS = 3_600 * SECOND_NS
STAGGERED_NS = 15 * SECOND_NS
"""Between one pair and the next, where an entry names several for one time of day."""

Dialogue = tuple[int, Callable[[], list[Packet]]]
"""When it starts, and what makes its packets."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a plant's day that is recorded, in nanoseconds since 1970 UTC."""

    plant: Plant
    start_ns: int
    end_ns: int

    def pairs(self, form: Form) -> list[tuple[PlantHost, PlantHost]]:
        """Each client with each server; with itself where the entry names no server."""
        hosts = self.plant.by_name
        by, to = getattr(form, "by", ()), getattr(form, "to", ())
        return [(hosts[one], hosts[other]) for one in by for other in (to or (one,))]

    def clock(self, at: Iterable[int], number: int = 0) -> list[int]:
        """Which of some times of day lie in the span; `number` counts those who share them."""
        times = (self.plant.midnight_ns + one + number * STAGGERED_NS for one in at)
        return [time_ns for time_ns in times if self.start_ns <= time_ns < self.end_ns]

    def each(self, every_ns: int, number: int = 0) -> list[int]:
        """Every so often since midnight, within the span."""
        midnight_ns = self.plant.midnight_ns + number * STAGGERED_NS
        first = -(-(self.start_ns - midnight_ns) // every_ns)
        return list(range(midnight_ns + first * every_ns, self.end_ns, every_ns))

    def about(self, mean_ns: int, random: Random) -> list[int]:
        """Times with gaps of 0.3 to 1.7 times the mean."""
        found, time_ns = [], self.start_ns + random.randrange(mean_ns)
        while time_ns < self.end_ns:
            found.append(time_ns)
            time_ns += mean_ns * random.randrange(300, 1_701) // 1_000
        return found


def in_order(dialogues: Iterable[Dialogue]) -> Iterator[Packet]:
    """The packets of dialogues that begin in order of time and may last into each other."""
    waiting: list[tuple[int, int, Packet]] = []
    count = 0
    for start_ns, made in dialogues:
        while waiting and waiting[0][0] < start_ns:
            yield heapq.heappop(waiting)[2]
        for packet in made():
            heapq.heappush(waiting, (packet.time_ns, count, packet))
            count += 1
    while waiting:
        yield heapq.heappop(waiting)[2]


def sessions_of(form: Form, span: Span) -> list[Session]:
    """What an entry of the routine asks of Modbus controllers over short connections."""
    found = []
    if isinstance(form, routine.Screen):
        rounds = form.open_for // SECOND_NS
        look = paced(form.asks, 4 * MILLISECOND_NS)
        turn = ((SECOND_NS, look[0][1]), *look[1:])
        for by in form.by:
            client = span.plant.host(by)
            for time_ns in span.each(form.every):
                number = (time_ns - span.plant.midnight_ns) // form.every
                server = span.plant.host(form.to[number % len(form.to)])
                found.append(Session(time_ns, client, server, ROUTINE, turn * rounds))
    elif isinstance(form, routine.Ask):
        requests = paced(form.asks, form.each)
        for number, (one, other) in enumerate(span.pairs(form)):
            times = span.clock(form.at, number)
            times += span.each(form.every, number) if form.every is not None else []
            found += [Session(time_ns, one.host, other.host, ROUTINE, requests) for time_ns in sorted(times)]
    return found


Pair = tuple[PlantHost, PlantHost]


def _https(form: routine.Https, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    sizes = []
    for _ in range(random.randrange(1, 4)):
        sizes += [random.randrange(180, 420), random.randrange(300, 2_400)]
    hosts = (pair[0].host, pair[1].host)
    return tls_session(span.plant.wire, time_ns, hosts, form.name, tuple(sizes), random, ROUTINE)


def _time(form: routine.AskTime, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    return ask_time(span.plant.wire, time_ns, (pair[0].host, pair[1].host), random, ROUTINE)


def _name(form: routine.AskName, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    asked = span.plant.by_name[form.of[random.randrange(len(form.of))]]
    name, hosts = f"{asked.name}.{form.domain}", (pair[0].host, pair[1].host)
    return look_up(span.plant.wire, time_ns, hosts, name, asked.address, random, ROUTINE)


def _address(form: routine.AskAddress, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    one, other = pair
    if one is other:
        return resolve_gateway(span.plant.wire, time_ns, one.host, ROUTINE)
    answer = arp(2, other.host, one.address, one.mac)
    return [
        Packet(time_ns, arp(1, one.host, other.address), ROUTINE),
        Packet(time_ns + 300_000, answer, ROUTINE),
    ]


def _label(form: routine.Print, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    """A raw print job: PJL, then the printer's own language."""
    job = f'\x1b%-12345X@PJL JOB NAME="LABEL {random.randrange(10_000)}"\r\n@PJL ENTER LANGUAGE=ZPL\r\n'
    labels = "".join(f"^XA^FO50,50^FDLOT {random.randrange(100_000):05}^FS^XZ\r\n" for _ in range(6))
    says = [Say("client", (job + labels + "\x1b%-12345X").encode(), 3 * MILLISECOND_NS)]
    return _talk(span, time_ns, pair, 9_100, says, random)


def _lease(form: routine.Lease, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    host = pair[0].host
    return lease(span.plant.wire, time_ns, host, random, ROUTINE, host.name)


def _neighbour(form: routine.Neighbour, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    return [profinet.neighbour(time_ns, pair[0].host, "port-001", pair[0].title.en, ROUTINE)]


def _order(form: routine.WriteBlock, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    value = block_of(span.plant, form.block)
    assert value is not None, "looked up before the recording began"
    written = (SECOND_NS, s7.write(2, form.block, 0, value(time_ns)), s7.answer_write(2))
    return _talk(span, time_ns, pair, s7.PORT, s7.session((written,)), random)


def _release(form: routine.WriteNode, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    value = node_of(span.plant, form.node)
    assert value is not None, "looked up before the recording began"
    one = opc_ua.Conversation(opc_ua.url(pair[1].address), random.getrandbits(15))
    says: list[Say] = []
    for asked, answered in (*one.opening(time_ns), one.write(time_ns, form.node, value(time_ns))):
        says += [Say("client", asked, 3 * MILLISECOND_NS), Say("server", answered, 5 * MILLISECOND_NS)]
    return _talk(span, time_ns, pair, opc_ua.PORT, says, random)


def _maintain(form: routine.Maintain, span: Span, time_ns: int, pair: Pair, random: Random) -> list[Packet]:
    """HTTPS lasts as long as remote desktop behind it, which begins 40 seconds later."""
    plant, sizes = span.plant, (400, 900) * (form.turns // 3 + 1)
    outer, inner = (pair[0].host, pair[1].host), (pair[1].host, plant.host(form.on))
    packets = tls_session(plant.wire, time_ns, outer, form.name, sizes, random, ROUTINE, pause_ns=MINUTE_NS)
    return packets + remote_desktop(
        plant.wire, time_ns + 40 * SECOND_NS, inner, "vendor", form.turns, random, ROUTINE
    )


def _talk(span: Span, time_ns: int, pair: Pair, port: int, says: list[Say], random: Random) -> list[Packet]:
    ports = (random.randrange(49_152, 65_536), port)
    hosts = (pair[0].host, pair[1].host)
    return connection(span.plant.wire, time_ns, hosts, ports, says, random, ROUTINE)


_MAKERS: dict[type[Form], Callable[[Any, Span, int, Pair, Random], list[Packet]]] = {
    routine.Https: _https,
    routine.AskTime: _time,
    routine.AskName: _name,
    routine.AskAddress: _address,
    routine.Print: _label,
    routine.Lease: _lease,
    routine.Neighbour: _neighbour,
    routine.WriteBlock: _order,
    routine.WriteNode: _release,
    routine.Maintain: _maintain,
}


def _times(form: Form, span: Span, number: int, random: Random) -> list[int]:
    """When the pair of that number begins a dialogue."""
    if isinstance(form, routine.Https | routine.AskName | routine.Print):
        return span.about(HOUR_NS // form.per_hour, random)
    if isinstance(form, routine.AskTime | routine.AskAddress):
        return span.about(form.every, random)
    if isinstance(form, routine.Neighbour):
        return [time_ns + number * 700 * MILLISECOND_NS for time_ns in span.each(form.every)]
    if isinstance(form, routine.WriteBlock | routine.WriteNode):
        return span.clock(form.at, number)
    if isinstance(form, routine.Lease | routine.Maintain):
        return span.clock((form.at,), number)
    return []


def dialogues_of(form: Form, span: Span, random: Random, troubles: Sequence[Trouble] = ()) -> list[Dialogue]:
    """What an entry of the routine says besides Modbus, in order of time; who is silent or absent takes
    no part. Its packets draw from `random` when they are made."""
    found: list[Dialogue] = []
    away = [one for one in troubles if one.kind in ("silent", "absent")]
    for number, pair in enumerate(span.pairs(form)):
        names = {host.name for host in pair}
        for time_ns in _times(form, span, number, random):
            if any(one.host in names and one.holds(time_ns) for one in away):
                continue
            found.append((time_ns, partial(_MAKERS[type(form)], form, span, time_ns, pair, random)))
    return sorted(found, key=lambda dialogue: dialogue[0])
