"""Where a payload goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from otmon.lab import frames
from otmon.ledger.tables import FILL_MESSAGES
from tests.detect import captures
from tests.ledger.packets.test_naming import DNS, MODBUS
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.frames import ACK, ethernet, ipv4, udp
from tests.truth.messages import read_registers, write_single
from tests.truth.talk import CLIENT, MILLISECOND, SECOND, SERVER, START_NS, Segment, Talk, handshake, whole


@pytest.mark.parametrize("port", [502, 5020, 40_502])
def test_modbus_is_read_on_any_port(port: int) -> None:
    talk = Talk("x", server_port=port)
    for number in range(9):
        talk.poll(read_registers(3, number, 2, Random(number)) if number % 2 else write_single(6, 7, number))
    seen = Seen().packets(packets(talk, whole(talk))).finish()
    assert seen.counted["transactions"] == 9
    ledger = seen.ledger()
    assert [one.protocol for one in ledger.conversations] == ["modbus"]
    assert sum(one.times for one in ledger.operations) == 9


def test_a_segment_without_payload_tells_that_a_gap_is_final() -> None:
    """A request that was acknowledged is missing from the capture; the one behind it is read then, not at the
    end."""
    talk = Talk("x")
    for number in range(3):
        talk.poll(read_registers(3, number, 2, Random(number)))
    segments = whole(talk)
    asked = [one for one in segments if one.sender == 0 and one.end > one.start >= 0]
    before = [one for one in segments if one.time_ns < asked[1].time_ns]
    places = before[-1].end, asked[2].end
    acknowledges = [
        Segment(asked[2].time_ns + n, SERVER, places[0], places[0], places[1], ACK) for n in (1, 2, 3)
    ]
    seen = Seen().packets(packets(talk, [*before, asked[2]]))
    assert seen.counted.get("bytes lost in streams", 0) == 0
    seen.packets(packets(talk, acknowledges))
    assert seen.counted["bytes lost in streams"] == asked[1].end - asked[1].start


@pytest.mark.parametrize(("port", "payload", "named"), [(53, DNS, "dns"), (502, MODBUS, "modbus")])
def test_what_is_understood_is_not_copied(port: int, payload: bytes, named: str) -> None:
    data = udp("10.0.0.1", "10.0.0.2", (40_000, port), payload)
    seen = Seen().frames([(START_NS, ethernet()(ipv4("10.0.0.1", "10.0.0.2", 17, data, 1), 0))])
    assert seen.t.used[FILL_MESSAGES] == 0
    assert [one.protocol for one in seen.finish().ledger().conversations] == [named]


def alive(talk: Talk, sender: int, at: int, times: int, payload: bytes = b"\0") -> list[Segment]:
    """One byte at the same number again and again, each answered."""
    segments = []
    for n in range(times):
        now = talk.now + n * 10 * SECOND
        segments.append(Segment(now, sender, at, at + 1, 0, ACK, payload=payload))
        segments.append(Segment(now + MILLISECOND, 1 - sender, 0, 0, at + 1, ACK))
    return segments


@pytest.mark.parametrize("sender", [CLIENT, SERVER])
@pytest.mark.parametrize("port", [502, 102, 44818, 4840, 20000, 9999])
def test_who_only_asks_whether_the_other_end_lives_says_nothing(port: int, sender: int) -> None:
    """Of a connection that began before the capture, and of one in which nothing was said at all."""
    talk = Talk("x", server_port=port)
    begun = Seen().packets(packets(talk, alive(talk, sender, 1_000, 40))).finish().ledger()
    assert [(one.protocol, one.answered) for one in begun.conversations] == [("none", True)]
    mute = [*handshake(talk), *alive(talk, sender, -1, 40)]
    ledger = Seen().packets(packets(talk, mute)).finish().ledger()
    assert [one.protocol for one in ledger.conversations] == ["none"] and not ledger.anomalies


@pytest.mark.parametrize("port", [502, 102, 9999])
def test_what_is_said_byte_by_byte_is_said(port: int) -> None:
    talk = Talk("x", server_port=port)
    segments = [s for n in range(40) for s in alive(talk, CLIENT, 1_000 + n, 1, b"\x81")]
    ordered = [replace(s, time_ns=talk.now + n) for n, s in enumerate(segments)]
    ledger = Seen().packets(packets(talk, ordered)).finish().ledger()
    assert [one.protocol for one in ledger.conversations] == ["unknown"]


@pytest.mark.parametrize("begun", [False, True])
def test_polls_go_on_behind_hours_of_silence(begun: bool) -> None:
    talk = Talk("x")
    for number in range(9):
        talk.poll(read_registers(3, number, 2, Random(number)))
    segments = whole(talk)[3 if begun else 0 :]
    middle = next(n for n, s in enumerate(segments) if s.sender == CLIENT and s.start == talk.places[8].start)
    talk.now = segments[middle - 1].time_ns + SECOND
    silence = alive(talk, CLIENT, segments[middle].start - 1, 40)
    later = [replace(s, time_ns=s.time_ns + 500 * SECOND) for s in segments[middle:]]
    seen = Seen().packets(packets(talk, [*segments[:middle], *silence, *later])).finish()
    assert seen.counted["transactions"] == 9 and not seen.ledger().anomalies
    assert "gaps in streams" not in seen.counted or not seen.counted["gaps in streams"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x42\x42\x03" + bytes(40), "stp"),
        (bytes.fromhex("aaaa0300000c010b") + bytes(40), "stp"),
        (bytes.fromhex("aaaa0300000c2000") + bytes(40), "cdp"),
        (bytes.fromhex("aaaa0300000c2004") + bytes(40), "unknown"),
        (b"\x42\x42\x07" + bytes(40), "unknown"),
        (b"", "unknown"),
    ],
)
def test_frames_with_a_length_are_named_by_their_header(data: bytes, name: str, tmp_path: Path) -> None:
    frame = frames.ethernet("01:80:c2:00:00:00", "00:0e:8c:00:00:01", len(data), data)
    (one,) = captures.replayed([frames.Packet(captures.START_NS, frame, "x")], tmp_path).conversations
    assert (one.transport, one.port, one.protocol) == ("ethernet", 0, name)


@pytest.mark.parametrize(("number", "name"), [(2, "igmp"), (112, "vrrp"), (89, "ospf"), (99, "ip-99")])
def test_protocols_of_ip_have_names(number: int, name: str, tmp_path: Path) -> None:
    hosts = captures.HMI, captures.plc(1)
    packet = frames.ip_packet(captures.WIRE, captures.START_NS, hosts, number, bytes(20), 1, "x")
    (one,) = captures.replayed([packet], tmp_path).conversations
    assert (one.transport, one.port, one.protocol) == (f"ip-{number}", 0, name)
