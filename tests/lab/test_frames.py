"""Frames of the lab are what scapy reads, with sums that are right."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether

from otmon.lab import body_line_day, factory_day, two_factories_day, water_works_day
from otmon.lab.day import day_of
from otmon.lab.frames import (
    ACK,
    FIN,
    SYN,
    Say,
    arp,
    checksum,
    connection,
    ethernet,
    icmp_echo,
    ip_packet,
    ipv4,
    mac_bytes,
    udp,
    udp_packet,
    unanswered_syn,
)  # fmt: skip
from otmon.lab.plant import shipped_plant

PLANT = shipped_plant("food-factory")
HMI = PLANT.host("hmi")
PLC_MIXING = PLANT.host("plc-mixing")
WIRE = PLANT.wire

SITES = {
    "factory": factory_day.SITE,
    "two-factories": two_factories_day.SITE,
    "body-line": body_line_day.SITE,
    "water-works": water_works_day.SITE,
}


@pytest.mark.parametrize("name", SITES)
def test_every_frame_of_the_day_has_right_sums_and_lengths(name: str) -> None:
    counted = Counter[str]()
    for packet in day_of(SITES[name], 1).packets:
        frame = Ether(packet.data)
        if IP not in frame:
            continue
        assert len(frame[IP]) >= frame[IP].len
        again = Ether(packet.data)
        for layer in (IP, TCP, UDP, ICMP):
            if layer in again:
                counted[layer.__name__] += 1
                del again[layer].chksum
        if UDP in again and frame[UDP].chksum == 0:
            continue
        assert bytes(again)[: 14 + frame[IP].len + 8] == packet.data[: 14 + frame[IP].len + 8]
    assert all(counted[layer] for layer in ("IP", "TCP", "UDP"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [("0001f203f4f5f6f7", 0x220D), ("", 0xFFFF), ("ff", 0x00FF), ("ffff", 0), ("4500", 0xBAFF)],
)
def test_the_checksum_is_that_of_rfc_1071(data: str, expected: int) -> None:
    assert checksum(bytes.fromhex(data)) == expected


def test_ethernet_with_and_without_a_tag() -> None:
    plain = Ether(ethernet("01:02:03:04:05:06", "0a:0b:0c:0d:0e:0f", 0x0800, b"x" * 60))
    assert (plain.dst, plain.src, plain.type) == ("01:02:03:04:05:06", "0a:0b:0c:0d:0e:0f", 0x0800)
    tagged = Ether(ethernet("01:02:03:04:05:06", "0a:0b:0c:0d:0e:0f", 0x8892, b"x" * 60, 6))
    assert (tagged[Dot1Q].prio, tagged[Dot1Q].vlan, tagged[Dot1Q].type) == (6, 0, 0x8892)
    assert mac_bytes("0a:0b:0c:0d:0e:0f").hex(":") == "0a:0b:0c:0d:0e:0f"


def test_ip_udp_icmp_and_arp_are_what_they_say() -> None:
    packet = IP(ipv4("10.0.0.1", "10.0.0.2", 17, udp("10.0.0.1", "10.0.0.2", 5, 6, b"data"), 7, 64))
    assert (packet.src, packet.id, packet.ttl, packet[UDP].dport, bytes(packet[UDP].payload)) == (
        "10.0.0.1", 7, 64, 6, b"data",
    )  # fmt: skip
    assert ICMP(icmp_echo(8, 3, 4)).type == 8
    asked = Ether(arp(1, HMI, "10.30.1.1"))
    assert (asked[ARP].op, asked[ARP].psrc, asked[ARP].hwsrc) == (1, HMI.address, HMI.mac)
    made = ip_packet(WIRE, 5, (HMI, PLC_MIXING), 1, icmp_echo(8, 3, 4), 9, "x")
    assert (made.time_ns, made.event, Ether(made.data)[IP].dst) == (5, "x", PLC_MIXING.address)
    sent = udp_packet(WIRE, 5, (HMI, PLC_MIXING), (1, 2), b"data", 9, "x")
    assert Ether(sent.data)[UDP].dport == 2


def test_a_connection_opens_carries_everything_and_closes() -> None:
    says = [Say("client", b"ask", 10), Say("server", b"answer", 10), Say("client", b"more", 900_000_000)]
    packets = connection(WIRE, 0, (HMI, PLC_MIXING), (49_152, 502), says, Random(1), "x")
    segments = [Ether(packet.data)[TCP] for packet in packets]
    assert [int(one.flags) for one in segments[:3]] == [SYN, SYN | ACK, ACK]
    assert [bytes(one.payload).rstrip(b"\0") for one in segments if int(one.flags) & 8] == [
        b"ask",
        b"answer",
        b"more",
    ]
    assert sum(int(one.flags) & FIN for one in segments) == 2
    assert [packet.time_ns for packet in packets] == sorted(packet.time_ns for packet in packets)
    following: dict[int, int] = {}
    for packet in packets:
        ip = Ether(packet.data)[IP]
        segment = ip[TCP]
        size = ip.len - 20 - segment.dataofs * 4 + bool(int(segment.flags) & (SYN | FIN))
        assert segment.seq == following.get(segment.sport, segment.seq)
        following[segment.sport] = (segment.seq + size) % 2**32


def test_a_syn_that_nobody_answers_is_sent_three_times() -> None:
    packets = unanswered_syn(WIRE, 0, (HMI, PLC_MIXING), (49_152, 445), Random(1), "x")
    assert [packet.time_ns // 10**9 for packet in packets] == [0, 3, 9]
    assert len({Ether(packet.data)[TCP].seq for packet in packets}) == 1
