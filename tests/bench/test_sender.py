"""A capture that is sent again has other connections, and packets that are still right."""

from __future__ import annotations

import struct
from pathlib import Path

import dpkt

from tests.bench.captures import MODBUS, made
from tests.bench.sender import Frames


def packets(frames: Frames) -> list[bytes]:
    return [bytes(frames.data[at : at + size]) for at, size in zip(frames.start, frames.length, strict=True)]


def test_the_frames_are_those_of_the_capture(tmp_path: Path) -> None:
    path, _ = made("factory", tmp_path, 3_000)
    with path.open("rb") as file:
        expected = [data for _, data in dpkt.pcap.Reader(file)]
    assert packets(Frames(path)) == expected


def test_other_ports_of_clients_and_right_sums(tmp_path: Path) -> None:
    path, _ = made("factory", tmp_path, 3_000)
    frames = Frames(path)
    before = packets(frames)
    count = frames.connections()
    frames.turn_over(count)
    changed = 0
    for old, new in zip(before, packets(frames), strict=True):
        if old == new:
            continue
        changed += 1
        ip, was = dpkt.ethernet.Ethernet(new).data, dpkt.ethernet.Ethernet(old).data
        ports = {ip.data.sport, ip.data.dport}
        assert MODBUS in ports and ports != {was.data.sport, was.data.dport}
        # The sum over everything is right only where each part of it is.
        segment = bytes(ip.data)
        pseudo = ip.src + ip.dst + struct.pack(">HH", 6, len(segment))
        assert dpkt.in_cksum(pseudo + segment) == 0
    assert count == 160 and changed > 2_000
    frames.turn_over(-count)
    assert packets(frames) == before
