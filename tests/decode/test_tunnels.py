"""Tunnels that bring packets past a boundary, and tunnels in tunnels."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from otmon.decode.fields import AROUND, DEPTH, DPORT, NESTED_TUNNELS, SPORT, TUNNEL, TUNNELS
from otmon.decode.tunnels import PORTS, may_be_tunnel
from tests.decode.rows import decoded
from tests.ledger.seen import Seen
from tests.truth.frames import RAW

INNER = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=7, dport=502) / Raw(b"inner")
INNER6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=7, dport=502) / Raw(b"inner")
OUTER = IP(src="10.200.0.1", dst="10.200.0.2")


def udp(port: int, head: bytes, inner: Raw, source: int = 5) -> IP:
    return OUTER / UDP(sport=source, dport=port) / Raw(head + bytes(inner))


def geneve(kind: int, options: bytes = b"") -> bytes:
    return struct.pack(">BBHI", len(options) // 4, 0, kind, 0x2A00) + options


def gtp(flags: int, more: bytes = b"") -> bytes:
    return struct.pack(">BBHI", 0x30 | flags, 255, 0, 9) + more


def in_ip(proto: int, data: bytes) -> IP:
    return IP(src="10.200.0.1", dst="10.200.0.2", proto=proto) / Raw(data)


TAGGED = Ether() / Dot1Q(vlan=7) / INNER[IP]
OPENED = [
    ("geneve", udp(6081, geneve(0x6558), INNER)),
    ("geneve", udp(6081, geneve(0x6558, bytes(12)), INNER)),
    ("geneve", udp(6081, geneve(0x0800), INNER[IP])),
    ("geneve", udp(6081, geneve(0x86DD), INNER6)),
    ("geneve", udp(6081, geneve(0x8847), Raw(b"\0\0\x11\xff" + bytes(INNER[IP])))),
    ("vxlan", udp(4790, b"\x0c\0\0\1\0\0\x2a\0", INNER[IP])),
    ("vxlan", udp(4790, b"\x0c\0\0\2\0\0\x2a\0", INNER6)),
    ("vxlan", udp(4790, b"\x0c\0\0\3\0\0\x2a\0", INNER)),
    ("vxlan", udp(4790, b"\x0c\0\0\5\0\0\x2a\0\0\0\x11\xff", INNER[IP])),
    ("vxlan", udp(4790, b"\x08\0\0\0\0\0\x2a\0", INNER)),
    ("vxlan", udp(4789, b"\x0c\0\0\0\0\0\x2a\0", INNER)),
    ("vxlan", udp(4789, b"\x0c\0\0\3\0\0\x2a\0", INNER)),
    ("vxlan", udp(8472, b"\x0c\0\0\1\0\0\x2a\0", INNER[IP])),
    ("gtp", udp(2152, gtp(0), INNER[IP])),
    ("gtp", udp(2152, gtp(2, b"\0\1\0\0"), INNER[IP])),
    ("gtp", udp(2152, gtp(4, b"\0\0\0\x85" + b"\1\x10\1\x85" + b"\1\x10\1\0"), INNER6)),
    ("l2tp", udp(1701, b"\0\2\0\1\0\2\xff\3\0\x21", INNER[IP])),
    ("l2tp", udp(1701, b"\0\2\0\1\0\2\x21", INNER[IP])),
    ("l2tp", udp(1701, b"\x4a\2\0\0\0\1\0\2\0\1\0\2\0\3xyz\0\x57", INNER6)),
    ("l2tp", udp(40_000, b"\0\2\0\1\0\2\xff\3\0\x21", INNER[IP], 1701)),
    ("l2tp", udp(1701, b"\0\3\0\0\0\0\0\7", INNER)),
    ("l2tp", udp(1701, b"\0\3\0\0\0\0\0\7" + bytes(12), INNER)),
    ("l2tpv3", in_ip(115, b"\0\0\0\7" + bytes(INNER))),
    ("l2tpv3", in_ip(115, b"\0\0\0\7cook" + bytes(INNER))),
    ("l2tpv3", in_ip(115, b"\0\0\0\7acookie!\x40\0\0\1" + bytes(TAGGED))),
    ("teredo", udp(3544, b"", INNER6)),
    ("teredo", udp(40_000, b"\0\0" + bytes(6), INNER6, 3544)),
    ("teredo", udp(3544, b"\0\1\2\3" + bytes(5 + 9) + b"\0\0" + bytes(6), INNER6)),
    ("etherip", IP(src="10.200.0.1", dst="10.200.0.2", proto=97) / Raw(b"\x30\0" + bytes(INNER))),
    ("mpls", udp(6635, b"\0\0\x10\xff\0\0\x11\xff", INNER[IP])),
    ("mpls", IP(src="10.200.0.1", dst="10.200.0.2", proto=137) / Raw(b"\0\0\x11\xff" + bytes(INNER6))),
    ("gre", OUTER / GRE(proto=0x880B) / Raw(b"\xff\3\0\x21" + bytes(INNER[IP]))),
]
UNREAD = [
    udp(6081, b"\x40" + geneve(0x6558)[1:], INNER),
    udp(6081, geneve(0x9999), INNER),
    udp(6081, geneve(0x6558)[:7] + b"\1", INNER),
    udp(4790, b"\x0c\0\0\7\0\0\x2a\0", INNER[IP]),
    udp(2152, b"\x30\1" + bytes(6), INNER[IP]),
    udp(2152, gtp(0), INNER),
    udp(2152, gtp(4, b"\0\0\0\x85" + b"\0"), INNER[IP]),
    udp(1701, b"\xc8\2\0\1\0\2\xff\3\0\x21", INNER[IP]),
    udp(1701, b"\0\3\0\1\0\2\xff\3\0\x21", INNER[IP]),
    udp(1701, b"\0\2\0\1\0\2\xff\3\0\xfd", Raw(bytes(60))),
    # Of L2TP, version 3: a control message, in UDP and in IP; and what is no frame.
    udp(1701, b"\xc8\3\0\x14" + bytes(8), INNER),
    in_ip(115, bytes(4) + bytes(INNER)),
    in_ip(115, b"\0\0\0\7" + b"\x08\0" * 40),
    udp(1701, b"\0\3\0\0\0\0\0\7" + bytes(16), INNER),
    # Modbus, to a unit that could be the protocol of PPP.
    udp(1701, bytes.fromhex("00020000000621060001000145454545"), Raw(bytes(30))),
    udp(3544, b"", INNER[IP]),
    udp(3544, b"\x60\0\0\0\xff\xff", Raw(bytes(60) + b"x" * 40)),
    udp(6635, b"\0\0\x10\xff" * 9, INNER[IP]),
    udp(6635, bytes.fromhex("500000ffff030008001000021000000100"), Raw(b"")),
    IP(src="10.200.0.1", dst="10.200.0.2", proto=97) / Raw(b"\x40\0" + bytes(INNER)),
    OUTER / GRE(proto=0x880B) / Raw(b"\xff\3\xc0\x21" + bytes(40)),
]


@pytest.mark.parametrize(("kind", "packet"), OPENED)
def test_what_is_in_it_is_read(kind: str, packet: IP) -> None:
    row = decoded(bytes(packet), RAW)
    assert (TUNNELS[row[TUNNEL]], row[DEPTH], row[AROUND]) == (kind, 1, 1 << TUNNELS.index(kind))
    assert row.outer == ("10.200.0.1", "10.200.0.2")
    assert row.addresses in (("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2"))
    assert (row[SPORT], row[DPORT], row.payload) == (7, 502, b"inner")


@pytest.mark.parametrize("packet", UNREAD)
def test_what_is_not_of_its_form_is_a_packet_like_others(packet: IP) -> None:
    row = decoded(bytes(packet), RAW)
    assert (row[TUNNEL], row[DEPTH], row[AROUND]) == (0, 0, 0)
    assert row.addresses == ("10.200.0.1", "10.200.0.2")


@pytest.mark.parametrize(("kind", "packet"), OPENED)
def test_it_may_be_cut_anywhere(kind: str, packet: IP) -> None:
    whole = bytes(packet)
    for size in range(len(whole)):
        decoded(whole[:size], RAW, len(whole))
        decoded(whole[:size], RAW)


def test_ports_are_told_fast() -> None:
    assert [port for port in range(1 << 16) if may_be_tunnel(port)] == sorted(PORTS)


def wrapped(times: int) -> IP:
    packet = INNER[IP]
    for n in range(times):
        packet = IP(src=f"10.{100 + n}.0.1", dst=f"10.{100 + n}.0.2") / GRE(proto=0x0800) / packet
    return packet


def talks(*packets: IP) -> list[tuple[str, str, str, str]]:
    frames = [bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / one) for one in packets]
    found = Seen().frames((1_000_000 * n, data) for n, data in enumerate(frames))
    return sorted((one.protocol, one.client, one.server, one.tunnel) for one in found.ledger().conversations)


def test_each_of_several_tunnels_is_a_conversation() -> None:
    hidden = OUTER / UDP(sport=5, dport=6081) / Raw(geneve(0x0800) + bytes(INNER[IP]))
    mirror = IP(src="10.9.0.1", dst="10.9.0.2") / UDP(sport=5, dport=4789) / VXLAN(vni=4, flags=8)
    assert talks(mirror / Ether() / hidden) == [
        ("geneve", "10.200.0.1", "10.200.0.2", ""),
        ("unknown", "10.0.0.1", "10.0.0.2", "geneve+vxlan"),
        ("vxlan", "10.9.0.1", "10.9.0.2", ""),
    ]


def test_l2tp_is_a_conversation_in_udp_and_in_ip() -> None:
    for head, outer in (
        (b"", ("l2tpv3", "ip-115", 0)),
        (b"udp", ("l2tp", "udp", 1701)),
    ):
        packet = udp(1701, b"\0\3\0\0\0\0\0\7", INNER) if head else in_ip(115, b"\0\0\0\7" + bytes(INNER))
        found = Seen().frames([(1, bytes(Ether() / packet))]).ledger().conversations
        assert outer in [(one.protocol, one.transport, one.port) for one in found]
        assert ("10.0.0.1", "10.0.0.2", outer[0]) in [(one.client, one.server, one.tunnel) for one in found]


def test_frames_without_ip_are_read_in_it() -> None:
    asks = Ether(src="02:00:00:00:00:07") / ARP(psrc="10.0.0.1", pdst="10.0.0.2")
    below = Ether(src="02:00:00:00:00:07", type=0x8892) / Raw(bytes(40))
    for inner in (asks, below):
        row = decoded(bytes(in_ip(115, b"\0\0\0\7cook" + bytes(inner))), RAW)
        assert TUNNELS[row[TUNNEL]] == "l2tpv3"


def test_more_than_are_opened_are_one_whose_inside_is_not_read() -> None:
    most = NESTED_TUNNELS + 1
    ends = [("gre", f"10.{100 + n}.0.1", f"10.{100 + n}.0.2", "") for n in range(most + 1)]
    assert talks(wrapped(most)) == sorted([*ends[:most], ("unknown", "10.0.0.1", "10.0.0.2", "gre")])
    row = decoded(bytes(wrapped(most + 1)), RAW)
    assert row.counted["too many layers"] == 1
    found = talks(wrapped(most + 1))
    assert sorted(one[1] for one in found) == [one[1] for one in ends]
    assert found[-1] == ("ip-47", "10.100.0.1", "10.100.0.2", "gre")


def test_a_usual_packet_to_another_port_is_no_tunnel() -> None:
    assert talks(OUTER / UDP(sport=50_000, dport=6082) / Raw(geneve(0x0800) + bytes(INNER[IP]))) == [
        ("unknown", "10.200.0.1", "10.200.0.2", "")
    ]
    assert decoded(bytes(OUTER / TCP(dport=6081) / Raw(geneve(0x0800) + bytes(INNER[IP]))), RAW)[DEPTH] == 0
