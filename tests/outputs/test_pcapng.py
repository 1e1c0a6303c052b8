from __future__ import annotations

import io

import dpkt
from scapy.utils import PcapNgReader

from otmon.outputs.pcapng import pcapng

PACKETS = [(1_776_100_000_123_456_789 + n, bytes([n]) * (14 + n)) for n in range(6)]


def test_other_readers_read_it_to_the_nanosecond() -> None:
    data = pcapng(PACKETS, "lab", "mirror0", "a switch")
    read = [(packet.time, bytes(packet)) for packet in PcapNgReader(io.BytesIO(data))]
    assert [frame for _, frame in read] == [frame for _, frame in PACKETS]
    assert [round(time * 10**9) for time, _ in read] == [time for time, _ in PACKETS]
    assert [frame for _, frame in dpkt.pcapng.Reader(io.BytesIO(data))] == [frame for _, frame in PACKETS]


def test_it_says_who_wrote_it_and_where() -> None:
    data = pcapng([], "lab", "mirror0", "工場のスイッチ")
    for text in ("lab", "mirror0", "工場のスイッチ"):
        assert text.encode() in data
    assert len(data) % 4 == 0
