"""Messages that are cut into segments: each command is seen, wherever the cut lies, and once."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from otmon.lab.frames import ACK, Packet, Segment, ip_packet, tcp
from otmon.ledger.copying.cip_messages import ANSWERS, COMMANDS, WRITES
from otmon.ledger.copying.command_messages import (
    is_commanded,
    may_begin,
    message_at,
)
from otmon.ledger.copying.commands import RESENT_NS
from otmon.ledger.facts import Operation
from otmon.ledger.tables import CUT_BYTES, CUTS, U_FLOW
from otmon.protocols.registry import IDS, code_of
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE, seen
from tests.ledger.seen import Seen
from tests.protocols.test_commands import (
    ANSWERS_READ,
    CIP_READ,
    CIP_STOP,
    COMMANDS_READ,
    DNP3_READ,
    DONE,
    EMPTY,
    FINS_READ,
    IEC104_READ,
    READ,
    SLMP_READ,
    STOP,
    WRITES_READ,
    connected,
    s7,
)


def in_tcp(frame: bytes) -> bytes:
    """A frame of FINS with its header in TCP."""
    return b"FINS" + (8 + len(frame)).to_bytes(4, "big") + bytes((0, 0, 0, 2, 0, 0, 0, 0)) + frame


PORTS = {"s7comm": 102, "fins": 9600, "slmp": 61451, "ethernet_ip": 44818, "dnp3": 20000, "iec104": 2404}
READS = {
    "s7comm": READ,
    "fins": in_tcp(FINS_READ),
    "slmp": SLMP_READ,
    "ethernet_ip": CIP_READ,
    "dnp3": DNP3_READ,
    "iec104": IEC104_READ,
}
OF_TCP = [
    (protocol, in_tcp(payload) if protocol == "fins" else payload, name)
    for protocol, payload, _, name, _ in COMMANDS_READ
    if protocol in PORTS and not payload.startswith(b"FINS")
]
SHED = "commands behind the budget of a second"
each = pytest.mark.parametrize(
    ("protocol", "payload", "name"), OF_TCP, ids=[f"{one[0]}-{one[2]}-{n}" for n, one in enumerate(OF_TCP)]
)


class Line:
    """Segments of a connection that was there before, each `wait_ns` after the one before it."""

    def __init__(self, protocol: str, source: int = 50_000, sequence: int = 5_000) -> None:
        self.port = PORTS[protocol]
        self.source = source
        self.first = sequence
        self.following = sequence
        self.packets: list[Packet] = []

    def says(self, *payloads: bytes, wait_ns: int = 1_000_000) -> Line:
        for payload in payloads:
            self.resends(self.following, payload, wait_ns)
            self.following += len(payload)
        return self

    def resends(self, sequence: int, payload: bytes, wait_ns: int = 1_000_000) -> Line:
        """A segment from any sequence number on."""
        number = len(self.packets)
        time_ns = self.packets[-1].time_ns + wait_ns if number else START_NS
        frame = tcp(CLIENT, SERVER, (self.source, self.port), Segment(sequence % (1 << 32), 9, ACK, payload))
        self.packets.append(ip_packet(WIRE, time_ns, (CLIENT, SERVER), 6, frame, number, "x"))
        return self

    def operations(self) -> tuple[Operation, ...]:
        return seen(self.packets).ledger().operations


def functions(line: Line) -> list[tuple[int, int]]:
    return sorted((one.function, one.times) for one in line.operations())


def cut(payload: bytes, *places: int) -> list[bytes]:
    ends = [0, *places, len(payload)]
    return [payload[begin:end] for begin, end in pairwise(ends)]


@each
@pytest.mark.parametrize("named", [True, False])
def test_a_command_that_is_cut_anywhere_is_seen_once(
    protocol: str, payload: bytes, name: str, named: bool
) -> None:
    before = [READS[protocol]] if named else []
    whole = functions(Line(protocol).says(*before, payload))
    assert [times for _, times in whole] == [1]
    for place in range(1, len(payload)):
        assert functions(Line(protocol).says(*before, *cut(payload, place))) == whole, place
    assert functions(Line(protocol).says(*before, *cut(payload, *range(1, len(payload))))) == whole


@each
def test_the_name_of_what_is_started_may_be_cut_off(protocol: str, payload: bytes, name: str) -> None:
    for place in range(1, len(payload)):
        line = Line(protocol).says(READS[protocol], *cut(payload, place))
        assert [one.service for one in line.operations()] == [name], place


@each
def test_it_is_seen_between_others_wherever_the_cuts_lie(protocol: str, payload: bytes, name: str) -> None:
    read = READS[protocol]
    whole = functions(Line(protocol).says(payload))
    stream = read + read + payload + read
    random = Random(name)
    for _ in range(40):
        places = sorted(random.sample(range(1, len(stream)), random.randrange(1, 6)))
        assert functions(Line(protocol).says(*cut(stream, *places), payload[:0], read)) == whole, places
        assert functions(Line(protocol, sequence=(1 << 32) - 20).says(*cut(stream, *places))) == whole, places


@each
def test_it_is_seen_behind_a_message_of_several_segments(protocol: str, payload: bytes, name: str) -> None:
    long = {
        "s7comm": s7(1, 15, b"\4\1\x12\x0a\x10\2\4\0\0\x0a\x84\0\0\0" + bytes(3_000)),
        "fins": in_tcp(FINS_READ[:10] + b"\1\1" + bytes(3_000)),
        "slmp": SLMP_READ[:7] + (6 + 3_000).to_bytes(2, "little") + SLMP_READ[9:15] + bytes(3_000),
        "ethernet_ip": connected(b"\x4c\2\x20\x6b\x24\1" + bytes(3_000), 7),
        "dnp3": DNP3_READ * 200,
        "iec104": IEC104_READ * 200,
    }[protocol]
    whole = functions(Line(protocol).says(payload))
    stream = READS[protocol] + long + payload + READS[protocol]
    for size in (100, 700, 1_400, 1_460):
        parts = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert functions(Line(protocol).says(*parts)) == whole, size


@each
def test_what_tcp_sends_again_is_one_command(protocol: str, payload: bytes, name: str) -> None:
    whole = functions(Line(protocol).says(READS[protocol], payload))
    for place in (0, 2, len(payload) // 2):
        line = Line(protocol).says(READS[protocol], *(cut(payload, place) if place else [payload]))
        begin = line.following - len(payload)
        for size in (len(payload), len(payload) - place):
            line.resends(line.following - size, payload[len(payload) - size :], 250_000_000)
        line.resends(begin, payload[:place] or payload).resends(begin - 3, READS[protocol][-3:] + payload)
        assert functions(line) == whole, place


def test_a_command_of_its_own_is_none_that_is_sent_again() -> None:
    line = Line("s7comm").says(STOP, STOP)
    assert sum(one.times for one in line.operations()) == 2
    # On the same ports with the same numbers, but long after.
    line = Line("s7comm").says(STOP).resends(5_000, STOP, RESENT_NS + 1)
    assert sum(one.times for one in line.operations()) == 2
    # Another command at the same place: one of them was not taken.
    line = Line("s7comm").says(READ, STOP).resends(5_000 + len(READ), s7(1, 9, STOP[17:]))
    assert sum(one.times for one in line.operations()) == 2


@pytest.mark.parametrize(
    "decoy", [b"\3", b"\3\0", b"\3\0\0", b"\3\0\5\0", b"\3\0\5\0\2\xf0\x80\x32", EMPTY[:3], STOP[:9], b"\0"]
)
def test_a_piece_that_the_receiver_did_not_take_hides_no_command(decoy: bytes) -> None:
    for at in (-len(decoy), 0, 7):
        line = Line("s7comm").says(READ)
        line.resends(line.following + at, decoy).says(STOP)
        assert functions(line) == [(0x29, 1)], at


def test_a_segment_that_comes_again_between_two_parts_changes_nothing() -> None:
    for place in range(1, len(STOP)):
        line = Line("s7comm").says(READ, STOP[:place]).resends(5_000, READ).says(STOP[place:])
        assert functions(line) == [(0x29, 1)], place


def test_lost_bytes_cost_no_command_behind_them() -> None:
    line = Line("s7comm").says(READ, STOP[:3])
    line.following += 500
    assert functions(line.says(STOP)) == [(0x29, 1)]


def test_a_length_that_lies_hides_nothing_and_pieces_have_their_room() -> None:
    for lie in (b"\3\0\xff\xff\2\xf0\x80", b"\3\0\5\xdc\2\xf0\x80" + bytes(400)):
        assert functions(Line("s7comm").says(READ, lie, STOP)) == [(0x29, 1)]
    many = connected(b"\x4c\2\x20\x6b\x24\1" + bytes(5_000), 7)
    line = Line("ethernet_ip").says(CIP_READ, *[many[at : at + 30] for at in range(0, len(many), 30)])
    assert functions(line.says(CIP_STOP)) == [(7, 1)]
    assert len(many) > CUT_BYTES


def test_a_flow_of_which_each_message_is_cut_or_behind_an_empty_one_is_known() -> None:
    for parts in (cut(READ, 3) * 3 + cut(STOP, 3), [EMPTY + STOP], [EMPTY * 3 + STOP[:5], STOP[5:]]):
        line = Line("s7comm").says(*parts)
        found = seen(line.packets).ledger()
        assert [one.protocol for one in found.conversations] == ["s7comm"]
        assert [one.function for one in found.operations] == [0x29]


def test_pieces_of_other_connections_give_way_and_are_counted() -> None:
    found = Seen()
    for source in range(1_024, 1_024 + 2 * CUTS):
        line = Line("s7comm", source=source).says(READ, STOP[:9])
        found.frames((one.time_ns, one.data) for one in line.packets)
    taken = int(np.count_nonzero(found.t.cuts[:CUTS, U_FLOW]))
    assert 0 < taken <= CUTS
    assert found.counted[SHED] == 2 * CUTS - taken


def test_answers_are_copied_behind_a_command_and_leave_commands_their_room() -> None:
    error = s7(2, 14, b"", b"\x81\4")
    assert seen(Line("s7comm").says(*[error] * 600).packets).counted.get(SHED, 0) == 0
    random = Random(1)
    found = Seen()
    said = (
        [(CLIENT, SERVER, STOP)]
        + [(SERVER, CLIENT, error)] * 2_000
        + [(CLIENT, SERVER, s7(1, 77, STOP[17:]))]
    )
    following = {CLIENT.name: random.getrandbits(31), SERVER.name: random.getrandbits(31)}
    for number, (sender, receiver, payload) in enumerate(said):
        ports = (50_000, 102) if sender is CLIENT else (102, 50_000)
        segment = Segment(following[sender.name], 9, ACK, payload)
        frame = tcp(sender, receiver, ports, segment)
        following[sender.name] += len(payload)
        packet = ip_packet(WIRE, START_NS + number * 1_000, (sender, receiver), 6, frame, number, "x")
        found.frames([(packet.time_ns, packet.data)])
    assert found.counted[SHED] > 1_000
    assert sum(one.times for one in found.ledger().operations) == 2


def test_what_is_looked_at_tells_what_it_does() -> None:
    for cases, kind in ((COMMANDS_READ, COMMANDS), (WRITES_READ, WRITES), (ANSWERS_READ, ANSWERS)):
        for case in cases:
            protocol, payload = case[0], case[1]
            data = np.frombuffer(payload, np.uint8)
            datagram = protocol in ("bacnet", "fins")
            assert message_at(code_of(protocol), data, 0, len(data), True, datagram) & 3 == kind
    assert [one for one in IDS if is_commanded(code_of(one))] == sorted({case[0] for case in COMMANDS_READ})


def test_a_beginning_is_one_as_long_as_its_length_is_not_known() -> None:
    for protocol, payload, name in OF_TCP:
        code = code_of(protocol)
        for size in range(1, len(payload)):
            data = np.frombuffer(payload[:size], np.uint8)
            known = message_at(code, data, 0, size, True, False) >> 2
            assert known == len(payload) or may_begin(code, data, 0, size), (protocol, name, size)
    assert not may_begin(code_of("s7comm"), np.frombuffer(DONE, np.uint8), 0, 4)
    assert not may_begin(code_of("ethernet_ip"), np.frombuffer(bytes(range(40)), np.uint8), 0, 40)
