"""The packets of what is asked each second: connections that are open all day, and what becomes of them
when a step of a scenario gets in their way."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from otmon.lab import ethernet_ip, modbus, opc_ua, s7
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Packet, Wire
from otmon.lab.plant import PlantHost
from otmon.lab.scene import Trouble
from otmon.lab.sessions import MODBUS_PORT, UNIT, Recall
from otmon.lab.tcp_connection import CLIENT, SERVER, Talk

ROUTINE = "routine"
"""The event of all that the plant does on every day."""
ACK_NS = 40 * MILLISECOND_NS
PATIENCE_NS = 3 * SECOND_NS
"""How long a poller waits for an answer before it drops the connection."""
RETRY_NS = 10 * SECOND_NS
"""From one try to connect to the next."""
_NEXT_NS = 2 * MILLISECOND_NS

Told = Counter[tuple[str, str, int, int]]
"""Modbus transactions by client, server, function and exception."""
Exchange = tuple[bytes, bytes]
"""A request and its answer."""
Speaker = Callable[[int, int, bool], list[Exchange]]
"""What is asked and answered at a time (nanoseconds) in round n, and whether the connection is new."""


@dataclass(frozen=True, slots=True)
class Polled:
    """Who asks whom, from when to when."""

    client: PlantHost
    server: PlantHost
    port: int
    every_ns: int
    start_ns: int
    end_ns: int
    troubles: tuple[Trouble, ...]

    def trouble(self, time_ns: int) -> Trouble | None:
        """What is wrong with this conversation at a time; the gravest first."""
        found = [one for one in self.troubles if one.holds(time_ns) and self.concerns(one)]
        order = ("absent", "silent", "deaf", "diverted", "stopped")
        return min(found, key=lambda one: order.index(one.kind), default=None)

    def concerns(self, trouble: Trouble) -> bool:
        ends = {self.client.name, self.server.name}
        if trouble.kind == "absent":
            return trouble.host in ends
        if trouble.kind == "diverted":
            return {trouble.host, trouble.peer} == ends
        if trouble.kind == "stopped":
            return trouble.host == self.client.name
        return trouble.host == self.server.name


def modbus_speaker(server: str, asks: Sequence[tuple[int, bytes]], recall: Recall) -> Speaker:
    """Asks the same each time, of the process."""
    pdus = [pdu for _, pdu in asks if pdu]

    def speak(time_ns: int, number: int, new: bool) -> list[Exchange]:
        memory = recall(server, time_ns)
        found = []
        for place, pdu in enumerate(pdus):
            response = modbus.answer(memory, pdu)
            transaction = (number * len(pdus) + place + 1) & 0xFFFF
            found.append((modbus.adu(transaction, UNIT, pdu), modbus.adu(transaction, UNIT, response)))
        return found

    return speak


def s7_speaker(block: int, value: Callable[[int], bytes]) -> Speaker:
    """Reads a data block from its first byte; `value` tells it at a time."""

    def speak(time_ns: int, number: int, new: bool) -> list[Exchange]:
        there, count = value(time_ns), (number + 2) & 0xFFFF
        opening = [(s7.connect(1), s7.connected(1)), (s7.setup(1), s7.set_up(1))] if new else []
        return [*opening, (s7.read(count, block, 0, len(there)), s7.answer_read(count, there))]

    return speak


def tag_speaker(tag: str, handle: int, value: Callable[[int], Sequence[int]]) -> Speaker:
    """Reads a tag of a Logix controller."""

    def speak(time_ns: int, number: int, new: bool) -> list[Exchange]:
        there = value(time_ns)
        opening = [(ethernet_ip.register(), ethernet_ip.register(handle))] if new else []
        asked = ethernet_ip.read_tag(handle, number + 1, tag, len(there))
        return [*opening, (asked, ethernet_ip.answer_tag(handle, number + 1, there))]

    return speak


def node_speaker(url: str, handle: int, values: Mapping[str, Callable[[int], int]]) -> Speaker:
    """Reads variables of an OPC UA server."""
    session = opc_ua.Conversation(url, handle)

    def speak(time_ns: int, number: int, new: bool) -> list[Exchange]:
        if new:
            session.number = 1
        opening = session.opening(time_ns) if new else []
        return [*opening, session.read(time_ns, {node: value(time_ns) for node, value in values.items()})]

    return speak


def shown(trouble: Trouble) -> Callable[[bytes], bytes]:
    """What the one in the middle makes of Modbus answers: it knows of each what was asked by the number
    of registers alone, as an attacker does who has watched for a while."""

    def patch(payload: bytes) -> bytes:
        if len(payload) < 9 or payload[7] not in (modbus.READ_HOLDING, modbus.READ_INPUT):
            return payload
        function, count = payload[7], payload[8] // 2
        if len(payload) < 9 + 2 * count:
            return payload
        words = list(struct.unpack(f">{count}H", payload[9 : 9 + 2 * count]))
        for (of, address), value in trouble.shows.items():
            if of == function and address < count:
                words[address] = value
        return payload[:9] + struct.pack(f">{count}H", *words) + payload[9 + 2 * count :]

    return patch


def count(told: Told, client: str, server: str, asked: bytes, answered: bytes) -> None:
    """Counts a transaction, given its two messages."""
    told[client, server, asked[7], answered[8] if answered[7] & 0x80 else 0] += 1


def poll(polled: Polled, speak: Speaker, wire: Wire, random: Random, told: Told) -> Iterator[Packet]:
    """The packets of one poller, in order of time. Its connection is there before the capture begins."""
    hosts = (polled.client.host, polled.server.host)
    talk = Talk(wire, hosts, (random.randrange(49_152, 65_536), polled.port), random, ROUTINE)
    connected, free_ns, number, last = True, 0, 0, ROUTINE
    phase_ns = random.randrange(polled.every_ns)
    for tick_ns in range(polled.start_ns + phase_ns, polled.end_ns, polled.every_ns):
        time_ns = tick_ns + random.randrange(4 * MILLISECOND_NS)
        if time_ns < free_ns:
            continue
        trouble = polled.trouble(time_ns)
        if trouble is not None and trouble.kind == "stopped":
            continue
        talk.event = trouble.event if trouble is not None else ROUTINE
        diverted = trouble is not None and trouble.kind == "diverted"
        talk.middle = trouble.by if trouble is not None and diverted else None
        talk.patch = shown(trouble) if trouble is not None and trouble.shows else None
        kind = trouble.kind if trouble is not None else ""
        if kind == "absent":
            if connected:
                yield from talk.close(time_ns)
                connected = False
            last = talk.event
            continue
        if kind == "silent":
            # Asked first with a new connection: the server has forgotten the old one.
            asked = speak(time_ns, number, not connected)[0][0] if connected else b""
            yield from talk.unanswered(time_ns, asked) if connected else _knocked(talk, time_ns, random)
            if connected:
                yield from talk.abort(time_ns + PATIENCE_NS)
            connected, free_ns, last = False, time_ns + RETRY_NS, talk.event
            continue
        new = not connected
        if new:
            # That it comes back is still what the step did.
            talk.event = last
            yield from talk.open(time_ns, random.randrange(49_152, 65_536))
            connected = True
            time_ns += _NEXT_NS
        if kind == "deaf":
            asked = speak(time_ns, number, new)[0][0]
            yield from talk.say(time_ns, CLIENT, asked)
            yield from talk.acknowledge(time_ns + ACK_NS, SERVER)
            yield from talk.close(time_ns + PATIENCE_NS)
            connected, free_ns, last = False, time_ns + RETRY_NS, talk.event
            continue
        for asked, answered in speak(time_ns, number, new):
            yield from talk.say(time_ns, CLIENT, asked)
            time_ns += random.randrange(3_000, 18_000) * 1000
            yield from talk.say(time_ns, SERVER, answered)
            time_ns += _NEXT_NS
            if polled.port == MODBUS_PORT:
                count(told, polled.client.name, polled.server.name, asked, answered)
        yield from talk.acknowledge(time_ns - _NEXT_NS + ACK_NS, CLIENT)
        free_ns = time_ns + ACK_NS
        number, last = number + 1, talk.event


def _knocked(talk: Talk, time_ns: int, random: Random) -> Iterator[Packet]:
    return talk.knock(time_ns, random.randrange(49_152, 65_536))
