"""Packets that prove a finding are found again, and hold no secret."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.batch import Batch
from otmon.detect.finding import Finding, Link, Place, say
from otmon.ledger.facts import Evidence
from otmon.sensor.recent_packets import PACKETS, Kept, RecentPackets
from tests.sensor.traffic import frames_of

SECRET = b"hunter2-geheim"
MODBUS_WRITE = bytes.fromhex("0001000000060106000a2b5c")


def batch_of(frames: list[bytes], first_number: int = 1) -> Batch:
    lengths = np.array([len(frame) for frame in frames], np.int64)
    start = np.concatenate([[0], lengths.cumsum()[:-1]]).astype(np.int64)
    buf = np.frombuffer(b"".join(frames), np.uint8).copy()
    times = np.arange(len(frames), dtype=np.int64) + 10**18
    return Batch(buf, start, lengths, lengths, times, lengths * 0 + 1, "x", 0, first_number)


def tcp(client: str, server: str, port: int, payload: bytes, vlan: bool = False) -> bytes:
    return _ip(
        client, server, 6, struct.pack(">HHIIBBHHH", 40_000, port, 1, 1, 0x50, 0x18, 0, 0, 0) + payload, vlan
    )


def udp(client: str, server: str, port: int, payload: bytes) -> bytes:
    return _ip(client, server, 17, struct.pack(">HHHH", 40_000, port, 8 + len(payload), 0) + payload)


def _ip(client: str, server: str, proto: int, payload: bytes, vlan: bool = False, fragment: int = 0) -> bytes:
    def four(text: str) -> bytes:
        return bytes(map(int, text.split(".")))

    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, 64, proto, 0)
    tag = bytes.fromhex("8100000a") if vlan else b""
    return bytes(12) + tag + b"\x08\x00" + head + four(client) + four(server) + payload


def finding(client: str, server: str, *packets: int) -> Finding:
    evidence = tuple(Evidence(10**18 + n, "x", n, 0) for n in packets)
    return Finding(
        "unlisted-traffic", ("x",), "high", Link(client=client, server=server), Place(), say("x"), (), 1,
        "packets", 1, 2, evidence, (),
    )  # fmt: skip


def kept(frames: list[bytes], about: Finding) -> list[Kept]:
    recent = RecentPackets(1)
    recent.add(batch_of(frames), 0)
    return recent.around(about, "x")


def test_the_packets_of_two_addresses_are_found_in_both_directions_and_under_tags() -> None:
    frames = [
        tcp("10.0.0.1", "10.0.0.2", 502, MODBUS_WRITE),
        tcp("10.0.0.1", "10.0.0.3", 502, MODBUS_WRITE),
        tcp("10.0.0.2", "10.0.0.1", 502, MODBUS_WRITE, vlan=True),
        udp("10.0.0.9", "10.0.0.8", 53, b"\x0a\x00\x00\x01\x0a\x00\x00\x02" * 40),
    ]
    found = kept(frames, finding("10.0.0.1", "10.0.0.2", 1))
    assert [(one.number, one.data) for one in found if one.number != 4] == [(1, frames[0]), (3, frames[2])]


def test_a_finding_that_counts_others_has_the_packets_that_it_names_and_no_strangers() -> None:
    frames = [tcp("10.0.0.1", f"10.0.0.{n}", 502, MODBUS_WRITE) for n in range(2, 9)]
    assert [one.number for one in kept(frames, finding("", "", 2, 5))] == [2, 5]
    assert kept(frames, finding("", "")) == []


def test_what_evidence_names_is_there_whatever_addresses_it_has() -> None:
    frames = [tcp("10.0.0.1", "10.0.0.2", 502, MODBUS_WRITE)] * 3
    assert [one.number for one in kept(frames, finding("192.0.2.1", "", 2))] == [2]
    other = replace(finding("192.0.2.1", "", 2), evidence=(Evidence(1, "elsewhere", 2, 0),))
    assert kept(frames, other) == []


@pytest.mark.parametrize(
    "frame",
    [
        tcp("10.0.0.1", "10.0.0.2", 23, SECRET),
        tcp("10.0.0.1", "10.0.0.2", 80, b"POST /login\r\n\r\npassword=" + SECRET),
        tcp("10.0.0.1", "10.0.0.2", 502, SECRET),
        tcp("10.0.0.1", "10.0.0.2", 21, b"PASS " + SECRET, vlan=True),
        udp("10.0.0.1", "10.0.0.2", 161, b"\x30\x20" + SECRET),
        _ip("10.0.0.1", "10.0.0.2", 6, SECRET * 3, fragment=0x0010),
        _ip("10.0.0.1", "10.0.0.2", 6, SECRET * 3, fragment=0x2000),
        _ip("10.0.0.1", "10.0.0.2", 47, b"\0\0\x08\0" + tcp("10.0.0.1", "10.0.0.2", 23, SECRET)[14:]),
        bytes(12) + b"\x08\x00" + b"\x99" + SECRET,
        bytes(12) + b"\x12\x34" + SECRET * 3,
    ],
)
def test_no_payload_that_may_hold_a_secret_is_kept(frame: bytes) -> None:
    (found,) = kept([frame], finding("10.0.0.1", "10.0.0.2", 1))
    assert SECRET[2:] not in found.data
    assert found.wire_length == len(frame)
    assert found.data == frame[: len(found.data)]


@pytest.mark.parametrize("before", [b"", MODBUS_WRITE])
def test_of_umas_no_more_is_kept_than_what_it_is(before: bytes) -> None:
    reservation = b"\0\x02\0\0" + struct.pack(">H", 4 + len(SECRET)) + b"\x01\x5a\0\x10" + SECRET
    frame = tcp("10.0.0.1", "10.0.0.2", 502, before + reservation)
    (one,) = kept([frame], finding("10.0.0.1", "10.0.0.2", 1))
    assert one.data == frame[: -len(SECRET)] and one.wire_length == len(frame)


def test_modbus_and_values_below_ip_are_kept_whole() -> None:
    arp = bytes(12) + bytes.fromhex("08060001080006040001") + bytes(20)
    profinet, goose = (bytes(12) + bytes.fromhex(kind) + bytes(50) for kind in ("8892", "88b8"))
    frames = [tcp("10.0.0.1", "10.0.0.2", 1502, MODBUS_WRITE), arp, profinet, goose]
    assert [one.data for one in kept(frames, finding("", "", 1, 2, 3, 4))] == frames


@pytest.mark.parametrize("kind", ["88a4", "88ab", "88cd", "890f"])
def test_what_carries_others_below_ip_is_cut(kind: str) -> None:
    """EtherCAT, POWERLINK, Sercos III, CC-Link IE."""
    (one,) = kept([bytes(12) + bytes.fromhex(kind) + SECRET * 4], finding("", "", 1))
    assert one.data == bytes(12) + bytes.fromhex(kind)


@given(st.lists(st.binary(max_size=120), min_size=1, max_size=8))
def test_any_frames_at_all(frames: list[bytes]) -> None:
    frames = [one for one in frames if one] or [b"x"]
    for one in kept(frames, finding("10.0.0.1", "", *range(1, len(frames) + 1))):
        assert frames[one.number - 1].startswith(one.data)


def test_memory_and_the_number_of_packets_are_bounded() -> None:
    frames = frames_of("factory-day.pcapng")[:1000]
    recent = RecentPackets(1, 200_000)
    for n in range(20):
        recent.add(batch_of(frames, 1 + 1000 * n), 0)
    client = "10.30.1.10"
    found = recent.around(finding(client, "", 19_500, 5), "x")
    assert 0 < len(found) <= PACKETS
    assert 5 not in {one.number for one in found}
    assert recent._size <= 200_000


def test_without_room_nothing_is_kept() -> None:
    recent = RecentPackets(1, 0)
    recent.add(batch_of([tcp("10.0.0.1", "10.0.0.2", 502, MODBUS_WRITE)]), 0)
    assert recent.around(finding("10.0.0.1", "", 1), "x") == []
