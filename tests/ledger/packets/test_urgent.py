"""Urgent data of TCP: what it hides from who reads every byte is read, and told."""

from __future__ import annotations

import struct

import pytest

from otmon.lab.frames import Packet
from tests.ledger.copying.test_command_messages import OF_TCP, READS, Line
from tests.ledger.copying.test_messages import seen, talk
from tests.ledger.packets.test_naming import MODBUS, WRITE
from tests.ledger.seen import Seen
from tests.protocols.test_commands import READ, STOP

TCP = 34
"""Where the header of TCP begins in a frame."""


def marked(packet: Packet, pointer: int) -> Packet:
    """The packet with an urgent pointer."""
    data = bytearray(packet.data)
    data[TCP + 13] |= 0x20
    data[TCP + 18 : TCP + 20] = struct.pack(">H", pointer)
    return Packet(packet.time_ns, bytes(data), packet.event)


def told(found: Seen) -> list[tuple[str, str, int, int]]:
    anomalies = found.finish().ledger().anomalies
    return [
        (one.protocol, one.client, one.value, one.times) for one in anomalies if one.reason == "urgent-data"
    ]


def with_byte(payload: bytes, at: int) -> bytes:
    return payload[:at] + b"?" + payload[at:]


@pytest.mark.parametrize(("protocol", "payload", "name"), OF_TCP)
def test_a_byte_that_the_receiver_leaves_out_hides_no_command(
    protocol: str, payload: bytes, name: str
) -> None:
    for before in ([READS[protocol]], []):
        for at in range(len(payload) + 1):
            line = Line(protocol).says(*before, with_byte(payload, at))
            line.packets[-1] = marked(line.packets[-1], at + 1)
            found = seen(line.says(READS[protocol]).packets)
            operations = found.ledger().operations
            assert name in {one.service for one in operations}, (before, at)
            (one,) = told(found)
            assert one == (protocol, operations[0].client, at + 1, 1)


def test_nor_does_a_pointer_to_a_byte_that_the_receiver_leaves_in() -> None:
    for pointer in (1, 5, 18, len(STOP), len(STOP) + 1, 0xFFFF):
        line = Line("s7comm").says(READ, STOP)
        line.packets[-1] = marked(line.packets[-1], pointer)
        found = seen(line.packets)
        assert [one.service for one in found.ledger().operations] == ["PLC Stop"]
        assert [one[0] for one in told(found)] == ["s7comm"]


@pytest.mark.parametrize("at", range(len(WRITE) + 1))
def test_a_write_of_modbus_is_seen(at: int) -> None:
    for pointer, request in ((at + 1, with_byte(WRITE, at)), (at + 1, WRITE)):
        packets = talk(502, ("c", MODBUS), ("c", request), ("s", WRITE), ("c", MODBUS))
        place = next(n for n, one in enumerate(packets) if one.data.endswith(request))
        packets[place] = marked(packets[place], pointer)
        found = seen(packets)
        found.finish()
        services = {one.service for one in found.ledger().operations}
        assert "Write Single Register" in services
        assert ("modbus", pointer, 1) in [(one[0], *one[2:]) for one in told(found)]


@pytest.mark.parametrize(("protocol", "payload", "name"), OF_TCP)
@pytest.mark.parametrize("cut", [1, 3])
def test_nor_does_a_pointer_to_a_byte_of_a_later_segment(
    protocol: str, payload: bytes, name: str, cut: int
) -> None:
    for at in range(cut, len(payload) + 1):
        whole = with_byte(payload, at)
        line = Line(protocol).says(READS[protocol], whole[:cut])
        line.packets[-1] = marked(line.packets[-1], at + 1)
        found = seen(line.says(whole[cut:], READS[protocol]).packets)
        assert name in {one.service for one in found.ledger().operations}, at
        assert [one[0] for one in told(found)] == [protocol]


def test_nor_does_a_pointer_of_a_segment_without_data() -> None:
    line = Line("s7comm").says(READ)
    line.resends(line.following, b"")
    line.packets[-1] = marked(line.packets[-1], 4)
    line.says(STOP[:2], with_byte(STOP, 3)[2:])
    assert [one.service for one in line.operations()] == ["PLC Stop"]


def test_a_pointer_that_leads_past_what_comes_is_forgotten() -> None:
    line = Line("s7comm").says(READ)
    line.packets[-1] = marked(line.packets[-1], len(READ) + 3)
    line.following += 900
    line.says(READ, STOP)
    assert [one.times for one in seen(line.packets).ledger().operations] == [1]
    # Of another connection, in whose place it was remembered.
    for source in range(50_001, 50_400):
        other = Line("s7comm", source=source).says(READ)
        other.packets[-1] = marked(other.packets[-1], 0xFFFF)
        line.packets += other.packets
    assert len(seen(line.packets).ledger().operations) == 1


def test_elsewhere_it_is_none_of_our_business() -> None:
    packets = talk(23, ("s", b"login: "), ("c", b"bob\r\n\xff\xf2"))
    found = seen([marked(one, 7) if one.data.endswith(b"\xf2") else one for one in packets])
    assert told(found) == []


def test_it_may_be_cut_and_of_any_length() -> None:
    for size in (0, 1, 2, 1_400):
        for pointer in (1, 2, size, size + 1, 0xFFFF):
            for kept in (size, size // 2):
                line = Line("s7comm").says(READ)
                packet = marked(line.says(bytes(size)).packets[-1], pointer or 1)
                data = packet.data[: len(packet.data) - size + kept]
                line.packets[-1] = Packet(packet.time_ns, data, packet.event)
                assert seen(line.says(STOP).packets).ledger().operations
