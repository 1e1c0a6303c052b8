"""Tunnels: those that mirror ports wrap packets in, and those that bring packets past a boundary.

Sources: RFC 2784, 2890 and 2637 (GRE and its enhanced form), draft-foschiano-erspan-03 sections 4.1 to 4.3
(ERSPAN types I, II, III), RFC 7348 section 5 (VXLAN), draft-ietf-nvo3-vxlan-gpe-13 section 3 (VXLAN-GPE),
Wireshark's description of TZSP (version 1, tagged fields, type 1 Ethernet), RFC 8926 section 3 (GENEVE), 3GPP
TS 29.281 section 5 (GTP-U), RFC 2661 section 3.1 (L2TP), RFC 4380 section 5.1.1 (Teredo), RFC 3378 section 3
(EtherIP), RFC 7510 section 3 and RFC 4023 (MPLS in UDP and in IP), RFC 3931 section 4.1 and RFC 4719 (L2TPv3
with Ethernet, in IP and UDP).

Not opened is what wraps IP in UDP on ports of anybody's choice (FOU, GUE): their usual ports would cost time
for each packet of BACnet and FINS, and who uses others is told as a conversation that nobody agreed on.

Each kernel takes the row with `AT` at the tunnel's header, and returns the kind of what it holds. What is not
of its form is not opened, nor what cannot be read, as by encryption: then the tunnel is a packet like others.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    AROUND,
    AT,
    C_BAD_HEADER,
    C_CUT,
    C_TOO_DEEP,
    CHECKSUM,
    DEPTH,
    DPORT,
    DST_HI,
    DST_LO,
    END,
    FAMILY,
    L_ERSPAN,
    L_GENEVE,
    L_GRE,
    L_GTP,
    L_L2TP,
    L_TEREDO,
    L_TZSP,
    L_VXLAN,
    NESTED,
    NESTED_COLUMNS,
    NESTED_TUNNELS,
    NEXT,
    OUTER_DST_HI,
    OUTER_DST_LO,
    OUTER_FAMILY,
    OUTER_SRC_HI,
    OUTER_SRC_LO,
    PORT,
    PORT_INDEXED,
    PORT_SESSION,
    PORT_TOLD,
    SPORT,
    SRC_HI,
    SRC_LO,
    TUNNEL,
    TUNNEL_ERSPAN,
    TUNNEL_ETHERIP,
    TUNNEL_GENEVE,
    TUNNEL_GRE,
    TUNNEL_GTP,
    TUNNEL_L2TP,
    TUNNEL_L2TP3,
    TUNNEL_MPLS,
    TUNNEL_TEREDO,
    TUNNEL_TZSP,
    TUNNEL_VXLAN,
    VLAN,
    WIRE_END,
)
from otmon.decode.link import BARE, DONE, ETHERNET, ETHERTYPE, IPV6, MPLS, PPP
from otmon.kernel import Bytes, Ints, inlined, kernel, u8, u16be, u32be

PORT_VXLAN: Final = 4789
PORT_VXLAN_LINUX: Final = 8472
"""What the Linux kernel used before the port was assigned, and still its default."""
PORT_VXLAN_GPE: Final = 4790
PORT_TZSP: Final = 37008
PORT_GENEVE: Final = 6081
PORT_GTP: Final = 2152
PORT_L2TP: Final = 1701
PORT_TEREDO: Final = 3544
PORT_MPLS: Final = 6635
PORTS: Final = (
    PORT_VXLAN, PORT_VXLAN_LINUX, PORT_VXLAN_GPE, PORT_TZSP, PORT_GENEVE, PORT_GTP, PORT_L2TP, PORT_TEREDO,
    PORT_MPLS,
)  # fmt: skip
_LOW_BITS: Final = sum({1 << (port & 31) for port in PORTS})
"""The last five bits of a port that is one of PORTS, as a set."""


@inlined
def may_be_tunnel(port: int) -> bool:
    """Whether a UDP port may be that of a tunnel."""
    return bool(_LOW_BITS >> (port & 31) & 1 and port in PORTS)


@kernel
def udp_tunnel(buf: Bytes, row: Ints, counters: Ints) -> int:
    """What is in a datagram to the port of a tunnel; of some also in one from it."""
    port, source = row[DPORT], row[SPORT]
    if port == PORT_VXLAN or port == PORT_VXLAN_LINUX or port == PORT_VXLAN_GPE:
        return vxlan(buf, row, counters)
    if port == PORT_TZSP:
        return tzsp(buf, row, counters)
    if port == PORT_GENEVE:
        return geneve(buf, row, counters)
    if port == PORT_GTP:
        return gtp(buf, row, counters)
    if port == PORT_L2TP or source == PORT_L2TP:
        return l2tp(buf, row, counters)
    if port == PORT_TEREDO or source == PORT_TEREDO:
        return teredo(buf, row, counters)
    if port == PORT_MPLS:
        return mpls_in_ip(buf, row, counters)
    return DONE


@kernel
def enter_tunnel(row: Ints, kind: int, at: int, holds: int, counters: Ints) -> int:
    """Keep the addresses of a tunnel of this kind, forget what belongs to the outer packet only, and go on
    `at` what it holds, which is returned; DONE where it is in too many others."""
    depth = row[DEPTH]
    if depth > NESTED_TUNNELS:
        counters[C_TOO_DEEP] += 1
        return DONE
    if depth == 0:
        row[TUNNEL] = kind
        row[OUTER_FAMILY] = row[FAMILY]
        row[OUTER_SRC_HI] = row[SRC_HI]
        row[OUTER_SRC_LO] = row[SRC_LO]
        row[OUTER_DST_HI] = row[DST_HI]
        row[OUTER_DST_LO] = row[DST_LO]
    else:
        n = NESTED + (depth - 1) * NESTED_COLUMNS
        row[n] = kind << 8 | row[FAMILY]
        row[n + 1] = row[SRC_HI]
        row[n + 2] = row[SRC_LO]
        row[n + 3] = row[DST_HI]
        row[n + 4] = row[DST_LO]
    row[DEPTH] = depth + 1
    row[AROUND] |= 1 << kind
    row[SPORT] = 0
    row[DPORT] = 0
    row[VLAN] = 0
    row[CHECKSUM] = 0
    row[AT] = at
    return holds


@kernel
def gre(buf: Bytes, row: Ints, counters: Ints) -> int:
    """GRE, and the ERSPAN inside it."""
    p = row[AT]
    if row[END] - p < 4:
        counters[C_CUT] += 1
        return DONE
    counters[L_GRE] += 1
    flags = u16be(buf, p)
    kind = u16be(buf, p + 2)
    sequenced = flags & 0x1000
    size = 4
    if flags & 0x8000:
        size += 4
    if flags & 0x2000:
        size += 4
    if sequenced:
        size += 4
    if flags & 7 == 1 and flags & 0x0080:
        size += 4
    if flags & 7 > 1 or flags & 0x4000:
        # Unknown version, or the routing field that RFC 2784 withdrew.
        return DONE
    if kind == 0x88BE and sequenced:
        return erspan(buf, row, p + size, 8, counters)
    if kind == 0x22EB:
        return erspan(buf, row, p + size, 12, counters)
    if row[END] - p < size:
        counters[C_CUT] += 1
        return DONE
    if kind == 0x88BE:
        # Type I has no header of its own.
        counters[L_ERSPAN] += 1
        return enter_tunnel(row, TUNNEL_ERSPAN, p + size, ETHERNET, counters)
    if kind == 0x6558:
        return enter_tunnel(row, TUNNEL_GRE, p + size, ETHERNET, counters)
    if kind == 0x880B:
        p = behind_address(buf, p + size, row[END])
        if not carries_ip(buf, p, row[END], row[WIRE_END]):
            return DONE
        return enter_tunnel(row, TUNNEL_GRE, p, PPP, counters)
    if kind not in (0x0800, 0x86DD, 0x8847, 0x8100, 0x88A8):
        return DONE
    row[NEXT] = kind
    return enter_tunnel(row, TUNNEL_GRE, p + size, ETHERTYPE, counters)


@kernel
def erspan(buf: Bytes, row: Ints, p: int, size: int, counters: Ints) -> int:
    """Type II (8 bytes) or III (12 bytes, and 8 more when its last bit is set)."""
    if row[END] - p < size:
        counters[C_CUT] += 1
        return DONE
    version = u8(buf, p) >> 4
    if (size == 8 and version != 1) or (size == 12 and version != 2):
        counters[C_BAD_HEADER] += 1
        return DONE
    if size == 12 and u8(buf, p + 11) & 1:
        size += 8
        if row[END] - p < size:
            counters[C_CUT] += 1
            return DONE
    counters[L_ERSPAN] += 1
    if row[TUNNEL] == 0:
        row[PORT] = erspan_port(buf, p, size)
    return enter_tunnel(row, TUNNEL_ERSPAN, p + size, ETHERNET, counters)


@kernel
def erspan_port(buf: Bytes, p: int, size: int) -> int:
    """`PORT` of a header of `size` bytes that is all there (draft-foschiano-erspan-03, 4).

    Type II has an index of 20 bits, which depends on the platform and may tell the direction, too. Type III
    tells the direction (D: 1 is egress), and the port in the sub-header of the platforms that have one; where
    these have it is as Wireshark's dissector reads it (`packet-cisco-erspan.c`)."""
    told = PORT_TOLD | (u16be(buf, p + 2) & 0x3FF) << PORT_SESSION
    if size == 8:
        return told | PORT_INDEXED | (u32be(buf, p + 4) & 0xFFFFF)
    if u16be(buf, p + 10) & 8:
        return 0
    if size == 12:
        return told
    platform = u8(buf, p + 12) >> 2
    if platform == 1:
        return told | PORT_INDEXED | u32be(buf, p + 16)
    if platform == 3:
        return told | PORT_INDEXED | (u32be(buf, p + 12) & 0x3FFF)
    if platform == 5 or platform == 6:
        return told | PORT_INDEXED | (u32be(buf, p + 12) & 0xFFFF)
    if platform == 0 or platform == 7:
        return told | PORT_INDEXED | (u32be(buf, p + 12) & 0xFFFFF)
    return told


@kernel
def vxlan(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Eight bytes with the I flag set. Ethernet follows, or, where the flag P of VXLAN-GPE is set, what its
    next protocol says; of a protocol that is none the flag is a reserved bit on the other ports. These are to
    be ignored; the last byte tells it from plain UDP."""
    p = row[AT]
    if row[END] - p < 8 or u8(buf, p) & 0x08 == 0 or u8(buf, p + 7) != 0:
        return DONE
    kind = ETHERNET
    if u8(buf, p) & 0x04:
        following = u8(buf, p + 3)
        if following == 5:
            kind = MPLS
        elif following == 1 or following == 2:
            kind = BARE
        elif row[DPORT] == PORT_VXLAN_GPE and following != 3:
            return DONE
    counters[L_VXLAN] += 1
    return enter_tunnel(row, TUNNEL_VXLAN, p + 8, kind, counters)


@kernel
def geneve(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Version 0, eight bytes and options; a last byte that is 0 tells it from plain UDP."""
    p = row[AT]
    if row[END] - p < 8 or u8(buf, p) >> 6 != 0 or u8(buf, p + 1) & 0x3F or u8(buf, p + 7) != 0:
        return DONE
    kind = u16be(buf, p + 2)
    if kind not in (0x0800, 0x86DD, 0x6558, 0x8847):
        return DONE
    size = 8 + (u8(buf, p) & 0x3F) * 4
    if row[END] - p < size:
        counters[C_CUT] += 1
        return DONE
    counters[L_GENEVE] += 1
    row[NEXT] = kind
    return enter_tunnel(row, TUNNEL_GENEVE, p + size, ETHERNET if kind == 0x6558 else ETHERTYPE, counters)


@kernel
def gtp(buf: Bytes, row: Ints, counters: Ints) -> int:
    """A packet of GTP-U, version 1, with its extension headers."""
    p, end = row[AT], row[END]
    if end - p < 12 or u8(buf, p) & 0xF0 != 0x30 or u8(buf, p + 1) != 0xFF:
        return DONE
    q = p + 8
    if u8(buf, p) & 7:
        following = u8(buf, p + 11) if u8(buf, p) & 4 else 0
        q = p + 12
        while following != 0:
            size = u8(buf, q) * 4 if q < end else 0
            if size == 0 or end - q < size:
                counters[C_CUT] += 1
                return DONE
            q += size
            following = u8(buf, q - 1)
    if not begins_ip(buf, q, end, row[WIRE_END]):
        return DONE
    counters[L_GTP] += 1
    return enter_tunnel(row, TUNNEL_GTP, q, BARE, counters)


@kernel
def l2tp(buf: Bytes, row: Ints, counters: Ints) -> int:
    """A data message of L2TP, version 2, with PPP that carries IP, or version 3."""
    p, end = row[AT], row[END]
    if end - p >= 8 and u16be(buf, p) & 0x800F == 3:
        return l2tp3(buf, row, p + 8, TUNNEL_L2TP, counters)
    if end - p < 6 or u16be(buf, p) & 0x800F != 2:
        return DONE
    flags = u8(buf, p)
    q = p + 6
    if flags & 0x40:
        q += 2
    if flags & 0x08:
        q += 4
    if flags & 0x02:
        q += 2
        if q > end:
            return DONE
        q += u16be(buf, q - 2)
    q = behind_address(buf, q, end)
    if not carries_ip(buf, q, end, row[WIRE_END]):
        return DONE
    counters[L_L2TP] += 1
    return enter_tunnel(row, TUNNEL_L2TP, q, PPP, counters)


@kernel
def l2tp3(buf: Bytes, row: Ints, p: int, kind: int, counters: Ints) -> int:
    """Ethernet behind the number of a session of L2TP, version 3, which ends at `p`: between them may be a
    cookie of 4 or 8 bytes and a sublayer of 4, as both ends agreed, and no packet tells."""
    for k in range(4):
        q = p + 4 * k
        if holds_ethernet(buf, q, row[END], row[WIRE_END]):
            counters[L_L2TP] += 1
            return enter_tunnel(row, kind, q, ETHERNET, counters)
    return DONE


@kernel
def l2tp_in_ip(buf: Bytes, row: Ints, counters: Ints) -> int:
    """A data message of L2TP, version 3, which has the number of a session."""
    p = row[AT]
    if row[END] - p < 4 or u32be(buf, p) == 0:
        return DONE
    return l2tp3(buf, row, p + 4, TUNNEL_L2TP3, counters)


@kernel
def holds_ethernet(buf: Bytes, p: int, end: int, wire_end: int) -> bool:
    """Whether a frame of Ethernet is at `p` that is surely one: with IP, ARP, or what plants speak below."""
    at = p + 12
    for _ in range(2):
        if end - at >= 6 and (u16be(buf, at) == 0x8100 or u16be(buf, at) == 0x88A8):
            at += 4
    if end - at < 6:
        return False
    kind = u16be(buf, at)
    if kind == 0x0800 or kind == 0x86DD:
        four = u8(buf, at + 2) >> 4 == 4
        return bool(four == (kind == 0x0800) and begins_ip(buf, at + 2, end, wire_end))
    if kind == 0x0806:
        return bool(u32be(buf, at + 2) == 0x00010800)
    # PROFINET, EtherCAT, GOOSE and sampled values, LLDP, CC-Link IE.
    return kind in (0x8892, 0x88A4, 0x88B8, 0x88BA, 0x88CC, 0x890F)


@inlined
def behind_address(buf: Bytes, p: int, end: int) -> int:
    """Where the protocol field of PPP is, before which its address and control fields may be."""
    return p + 2 if end - p >= 2 and u16be(buf, p) == 0xFF03 else p


@kernel
def carries_ip(buf: Bytes, p: int, end: int, wire_end: int) -> bool:
    """Whether PPP at `p` carries IP in clear."""
    if end - p < 2:
        return False
    # One of one byte is compressed.
    at = p + 1 if u8(buf, p) & 1 else p + 2
    return bool(u8(buf, at - 1) in (0x21, 0x57) and u8(buf, p) in (0, 0x21, 0x57)) and begins_ip(
        buf, at, end, wire_end
    )


@kernel
def begins_ip(buf: Bytes, p: int, end: int, wire_end: int) -> bool:
    """Whether there is a header of IPv4 or IPv6 at `p`, of a packet that ends by `wire_end`."""
    if end - p < 20:
        return False
    first = u8(buf, p)
    if first >> 4 == 4:
        size = (first & 15) * 4
        total = u16be(buf, p + 2)
        return bool(20 <= size <= total <= wire_end - p)
    return bool(first >> 4 == 6 and u16be(buf, p + 4) <= wire_end - p - 40)


@kernel
def mpls_in_ip(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Labels of MPLS, at most eight, and a packet of IP behind them."""
    p = row[AT]
    for _ in range(8):
        if row[END] - p < 4:
            return DONE
        p += 4
        if u8(buf, p - 2) & 1:
            break
    if not begins_ip(buf, p, row[END], row[WIRE_END]):
        return DONE
    return enter_tunnel(row, TUNNEL_MPLS, row[AT], MPLS, counters)


@kernel
def teredo(buf: Bytes, row: Ints, counters: Ints) -> int:
    """IPv6 behind the indications of a server, if any, that fills the datagram."""
    p, end = row[AT], row[END]
    if end - p >= 4 and u16be(buf, p) == 1:
        p += 13 + u8(buf, p + 2) + u8(buf, p + 3)
    if end - p >= 8 and u16be(buf, p) == 0:
        p += 8
    if not begins_ip(buf, p, end, row[WIRE_END]) or u8(buf, p) >> 4 != 6:
        return DONE
    counters[L_TEREDO] += 1
    return enter_tunnel(row, TUNNEL_TEREDO, p, IPV6, counters)


@kernel
def etherip(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Two bytes with version 3, then Ethernet."""
    p = row[AT]
    if row[END] - p < 2 or u16be(buf, p) != 0x3000:
        return DONE
    return enter_tunnel(row, TUNNEL_ETHERIP, p + 2, ETHERNET, counters)


@kernel
def tzsp(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Four bytes, then tagged fields up to the end tag (1); 0 is padding without a length."""
    p = row[AT]
    end = row[END]
    if end - p < 5 or u8(buf, p) != 1 or u8(buf, p + 1) > 1 or u16be(buf, p + 2) != 1:
        return DONE
    p += 4
    while p < end:
        tag = u8(buf, p)
        p += 1
        if tag == 1:
            counters[L_TZSP] += 1
            return enter_tunnel(row, TUNNEL_TZSP, p, ETHERNET, counters)
        if tag != 0:
            if p >= end:
                break
            p += 1 + u8(buf, p)
    counters[C_CUT] += 1
    return DONE
