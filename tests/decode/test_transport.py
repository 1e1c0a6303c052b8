"""TCP, UDP and the tunnels of mirror ports."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.erspan import ERSPAN_II
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import GRE, Dot1Q, Ether
from scapy.layers.sctp import SCTP
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from otmon.decode import fields
from otmon.decode.fields import ACK, CHECKSUM, DPORT, FLAGS, SEQ, SPORT, TUNNEL, TUNNELS, WIRE_END
from otmon.decode.tunnels import PORTS as TUNNEL_PORTS
from tests.decode.rows import MARGIN, decoded
from tests.truth.frames import RAW

INNER = (
    Ether() / Dot1Q(vlan=30) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=7, dport=502) / Raw(b"inner")
)
OUTER = IP(src="10.200.0.1", dst="10.200.0.2")
PORTS = st.integers(0, 65_535)
WORDS = st.integers(0, 2**32 - 1)


@given(PORTS, PORTS, WORDS, WORDS, st.integers(0, 255), st.integers(0, 10), st.binary(max_size=30))
def test_tcp_is_read_as_scapy_wrote_it(sport, dport, seq, ack, flags, words, data) -> None:  # type: ignore[no-untyped-def]
    segment = TCP(
        sport=sport, dport=dport, seq=seq, ack=ack, flags=flags, options=[("NOP", None)] * 4 * words
    )
    packet = bytes(IP() / segment / Raw(data))
    row = decoded(packet, RAW)
    assert (row[SPORT], row[DPORT], row[SEQ], row[ACK], row[FLAGS]) == (sport, dport, seq, ack, flags)
    assert row[CHECKSUM] == IP(packet)[TCP].chksum
    assert row.payload == data


@given(PORTS.filter(lambda port: port not in TUNNEL_PORTS), st.binary(max_size=30))
def test_udp_is_read_as_scapy_wrote_it(port: int, data: bytes) -> None:
    row = decoded(bytes(IP() / UDP(sport=9, dport=port) / Raw(data)) + b"padding", RAW)
    assert (row[SPORT], row[DPORT], row.payload) == (9, port, data)


@pytest.mark.parametrize(
    ("packet", "layer"),
    [
        (IP() / ICMP(), "layer.icmp"),
        (IPv6() / ICMPv6EchoRequest(), "layer.icmpv6"),
        (IP(proto=2) / Raw(bytes(8)), "layer.igmp"),
        (IP() / SCTP(sport=2904, dport=2905), "layer.sctp"),
    ],
)
def test_other_transports_are_counted(packet: IP, layer: str) -> None:
    assert decoded(bytes(packet), RAW).counted[layer] == 1


def test_ports_of_sctp_are_read() -> None:
    row = decoded(bytes(IP() / SCTP(sport=2904, dport=2905)), RAW)
    assert (row[SPORT], row[DPORT]) == (2904, 2905)


@pytest.mark.parametrize("words", [0, 4, 15])
def test_a_tcp_header_length_that_lies_is_counted(words: int) -> None:
    packet = bytes(IP() / TCP(sport=1, dport=2, dataofs=words) / Raw(b"x" * 8))
    row = decoded(packet, RAW)
    assert row.counted["contradictory headers"] == 1
    assert row.payload == b""


def test_payload_that_was_not_captured_is_known_by_its_length() -> None:
    packet = bytes(IP() / TCP(sport=1, dport=2) / Raw(b"x" * 100))
    row = decoded(packet[:60], RAW, len(packet))
    assert row.payload == b"x" * 20
    assert row[WIRE_END] - row[fields.AT] == 100
    options = bytes(IP() / TCP(sport=1, dport=2, options=[("NOP", None)] * 20) / Raw(b"x" * 100))
    cut = decoded(options[:50], RAW, len(options))
    assert cut.payload == b""
    assert cut[WIRE_END] - cut[fields.AT] == 100


@pytest.mark.parametrize("length", range(8))
def test_a_udp_length_below_its_header_is_counted(length: int) -> None:
    row = decoded(bytes(IP() / UDP(sport=1, dport=2, len=length) / Raw(b"data")), RAW)
    assert row.counted.get("contradictory headers", 0) == (length != 0)


def erspan3(flags: int = 0) -> bytes:
    return struct.pack(">HHIHH", 0x2000 | 30, 5, 1000, 0, flags) + bytes(8 * (flags & 1))


WRAPPED = {
    "gre": [
        OUTER / GRE(proto=0x6558) / INNER,
        OUTER / GRE(proto=0x6558, key_present=1, key=5, seqnum_present=1, chksum_present=1) / INNER,
        OUTER / GRE(proto=0x0800) / INNER[IP],
        OUTER / GRE(proto=0x8100) / Raw(bytes(INNER)[14:]),
    ],
    "erspan": [
        OUTER / GRE(proto=0x88BE) / INNER,
        OUTER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(vlan=30) / INNER,
        OUTER / GRE(proto=0x22EB, seqnum_present=1) / Raw(erspan3()) / INNER,
        OUTER / GRE(proto=0x22EB, seqnum_present=1) / Raw(erspan3(1)) / INNER,
    ],
    "vxlan": [
        OUTER / UDP(sport=5, dport=4789) / VXLAN(vni=42, flags=0x88) / INNER,
        OUTER / UDP(sport=5, dport=8472) / VXLAN(vni=42, flags=0x88) / INNER,
    ],
    "tzsp": [
        OUTER / UDP(sport=5, dport=37008) / Raw(bytes.fromhex("01000001 01") + bytes(INNER)),
        OUTER / UDP(sport=5, dport=37008) / Raw(bytes.fromhex("01000001 000a01c5000001") + bytes(INNER)),
        OUTER / UDP(sport=5, dport=37008) / Raw(bytes.fromhex("01010001 01") + bytes(INNER)),
    ],
    "ipip": [OUTER / INNER[IP]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "packet"), [(kind, one) for kind, every in WRAPPED.items() for one in every]
)
def test_inner_and_outer_addresses_are_kept_apart(kind: str, packet: IP) -> None:
    row = decoded(bytes(packet), RAW)
    assert TUNNELS[row[TUNNEL]] == kind
    assert row.outer == ("10.200.0.1", "10.200.0.2")
    assert row.addresses == ("10.0.0.1", "10.0.0.2")
    assert (row[SPORT], row[DPORT], row.payload) == (7, 502, b"inner")


@pytest.mark.parametrize("inner", WRAPPED["gre"] + WRAPPED["vxlan"])
def test_the_outermost_of_several_tunnels_is_named(inner: IP) -> None:
    row = decoded(bytes(IP(src="10.99.0.1", dst="10.99.0.2") / inner), RAW)
    assert TUNNELS[row[TUNNEL]] == "ipip"
    assert row.outer == ("10.99.0.1", "10.99.0.2")
    assert row.payload == b"inner"


@pytest.mark.parametrize(
    "packet",
    [
        OUTER / GRE(proto=0x88BE, seqnum_present=1) / Raw(b"\x25" + bytes(7)) / INNER,
        OUTER / GRE(proto=0x22EB, seqnum_present=1) / Raw(b"\x15" + bytes(11)) / INNER,
        OUTER / GRE(proto=0x6558, version=3) / INNER,
        OUTER / GRE(proto=0x9999) / INNER,
        OUTER / UDP(sport=5, dport=4789) / Raw(bytes(8)) / INNER,
        OUTER / UDP(sport=5, dport=37008) / Raw(bytes.fromhex("02000001 01") + bytes(INNER)),
    ],
)
def test_what_is_not_of_the_tunnels_form_is_not_opened(packet: IP) -> None:
    row = decoded(bytes(packet), RAW)
    assert row[TUNNEL] == 0
    assert row.addresses == ("10.200.0.1", "10.200.0.2")


def test_fields_of_tzsp_that_never_end_are_cut() -> None:
    packet = bytes(OUTER / UDP(sport=5, dport=37008) / Raw(bytes.fromhex("01000001") + b"\x0a\xff" * 50))
    row = decoded(packet, RAW)
    assert row.counted["headers cut by the capture"] == 1
    assert row[fields.AT] <= len(packet) + MARGIN


def port(session: int, index: int | None = None) -> int:
    told = fields.PORT_TOLD | session << fields.PORT_SESSION
    return told if index is None else told | fields.PORT_INDEXED | index


def type3(session: int, flags: int, platform: int = 0, first: int = 0, second: int = 0) -> IP:
    head = struct.pack(">HHIHH", 0x2000 | 30, 0xFC00 | session, 1000, 0, flags)
    more = struct.pack(">II", platform << 26 | first, second) if flags & 1 else b""
    return OUTER / GRE(proto=0x22EB, seqnum_present=1) / Raw(head + more) / INNER


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (OUTER / GRE(proto=0x88BE) / INNER, 0),
        (OUTER / GRE(proto=0x88BE, seqnum_present=1) / Raw(b"\x10\x1e\xff\xff\xff\xff\xff\xff") / INNER,
         port(1023, 0xFFFFF)),
        (OUTER / GRE(proto=0x88BE, seqnum_present=1) / Raw(b"\x10\x1e\0\3\0\0\0\x0c") / INNER, port(3, 12)),
        (type3(7, 0), port(7)),
        (type3(7, 8), 0),
        (type3(7, 9, 1, 0, 12), 0),
        (type3(7, 1, 1, 0xABC, 0x89ABCDEF), port(7, 0x89ABCDEF)),
        (type3(7, 1, 3, 0x3FFC00C, 9), port(7, 12)),
        (type3(7, 1, 4, 12, 12), port(7)),
        (type3(7, 1, 5, 0x3FF000C, 9), port(7, 12)),
        (type3(7, 1, 6, 12, 9), port(7, 12)),
        (type3(7, 1, 7, 0x3F0000C, 9), port(7, 12)),
        (type3(7, 1, 0, 12, 9), port(7, 12)),
        (type3(7, 1, 63, 12, 12), port(7)),
        (IP(src="10.99.0.1", dst="10.99.0.2") / type3(7, 1, 3, 12), 0),
    ],
)  # fmt: skip
def test_erspan_tells_at_which_port_a_frame_came_in(packet: IP, told: int) -> None:
    row = decoded(bytes(packet), RAW)
    assert row[fields.PORT] == told
    assert row.payload == b"inner"


def test_the_outermost_mirror_tells_the_port() -> None:
    forged = Ether(src="02:00:00:00:00:66", dst="02:00:00:00:00:01") / type3(9, 1, 3, 99)
    outer = struct.pack(">HHIHH", 0x2000, 7, 1000, 0, 1) + struct.pack(">II", 3 << 26 | 12, 0)
    row = decoded(bytes(OUTER / GRE(proto=0x22EB, seqnum_present=1) / Raw(outer) / forged), RAW)
    assert row[fields.PORT] == port(7, 12)
