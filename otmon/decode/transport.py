"""TCP, UDP and the tunnels that mirror ports wrap packets in.

Sources: RFC 9293 section 3.1 (TCP), RFC 768 (UDP), RFC 2784, 2890 and 2637 (GRE and its
enhanced form), draft-foschiano-erspan-03 sections 4.1 to 4.3 (ERSPAN types I, II, III), RFC 7348
section 5 (VXLAN), and Wireshark's description of TZSP (version 1, tagged fields, type 1 Ethernet).
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    ACK,
    AT,
    C_BAD_HEADER,
    C_CUT,
    CHECKSUM,
    DPORT,
    DST_HI,
    DST_LO,
    END,
    FAMILY,
    FLAGS,
    L_ERSPAN,
    L_GRE,
    L_ICMP,
    L_ICMPV6,
    L_IGMP,
    L_SCTP,
    L_TCP,
    L_TZSP,
    L_UDP,
    L_VXLAN,
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
    PROTO_GRE,
    PROTO_ICMP,
    PROTO_ICMPV6,
    PROTO_IGMP,
    PROTO_IPIP,
    PROTO_IPV6,
    PROTO_SCTP,
    PROTO_TCP,
    PROTO_UDP,
    SEQ,
    SPORT,
    SRC_HI,
    SRC_LO,
    TUNNEL,
    TUNNEL_ERSPAN,
    TUNNEL_GRE,
    TUNNEL_IPIP,
    TUNNEL_TZSP,
    TUNNEL_VXLAN,
    VLAN,
    WIRE_END,
)
from otmon.decode.link import DONE, ETHERNET, ETHERTYPE, IPV4, IPV6, PPP
from otmon.kernel import Bytes, Ints, kernel, u8, u16be, u32be

PORT_VXLAN: Final = 4789
PORT_VXLAN_LINUX: Final = 8472
"""What the Linux kernel used before the port was assigned, and still its default."""
PORT_TZSP: Final = 37008


@kernel
def transport(buf: Bytes, row: Ints, counters: Ints) -> int:
    """The layer above IP, by `NEXT`."""
    proto = row[NEXT]
    if proto == PROTO_TCP:
        return tcp(buf, row, counters)
    if proto == PROTO_UDP:
        return udp(buf, row, counters)
    if proto == PROTO_ICMP and row[FAMILY] == 4:
        counters[L_ICMP] += 1
    elif proto == PROTO_ICMPV6 and row[FAMILY] == 6:
        counters[L_ICMPV6] += 1
    elif proto == PROTO_IGMP:
        counters[L_IGMP] += 1
    elif proto == PROTO_SCTP:
        counters[L_SCTP] += 1
        if row[END] - row[AT] >= 12:
            row[SPORT] = u16be(buf, row[AT])
            row[DPORT] = u16be(buf, row[AT] + 2)
    elif proto == PROTO_GRE:
        return gre(buf, row, counters)
    elif proto == PROTO_IPIP or proto == PROTO_IPV6:
        enter_tunnel(row, TUNNEL_IPIP)
        return IPV4 if proto == PROTO_IPIP else IPV6
    return DONE


@kernel
def tcp(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Ports, numbers and flags; `AT` ends at the payload."""
    p = row[AT]
    if row[END] - p < 20:
        counters[C_CUT] += 1
        if row[END] - p >= 4:
            row[SPORT] = u16be(buf, p)
            row[DPORT] = u16be(buf, p + 2)
        row[AT] = row[END]
        row[WIRE_END] = row[END]
        return DONE
    counters[L_TCP] += 1
    row[SPORT] = u16be(buf, p)
    row[DPORT] = u16be(buf, p + 2)
    row[SEQ] = u32be(buf, p + 4)
    row[ACK] = u32be(buf, p + 8)
    row[FLAGS] = u8(buf, p + 13)
    row[CHECKSUM] = u16be(buf, p + 16)
    header = (u8(buf, p + 12) >> 4) * 4
    if header < 20 or p + header > row[WIRE_END]:
        counters[C_BAD_HEADER] += 1
        row[AT] = row[END]
        row[WIRE_END] = row[END]
        return DONE
    row[AT] = min(p + header, row[END])
    if p + header > row[END]:
        counters[C_CUT] += 1
        # Payload is missing from its first byte on: keep its length for the stream.
        row[WIRE_END] -= p + header - row[END]
    return DONE


@kernel
def udp(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Ports and length; VXLAN and TZSP on their ports are opened."""
    p = row[AT]
    if row[END] - p < 8:
        counters[C_CUT] += 1
        if row[END] - p >= 4:
            row[SPORT] = u16be(buf, p)
            row[DPORT] = u16be(buf, p + 2)
        row[AT] = row[END]
        return DONE
    counters[L_UDP] += 1
    row[SPORT] = u16be(buf, p)
    row[DPORT] = u16be(buf, p + 2)
    row[CHECKSUM] = u16be(buf, p + 6)
    length = u16be(buf, p + 4)
    row[AT] = p + 8
    if length >= 8:
        row[WIRE_END] = min(row[WIRE_END], p + length)
        row[END] = min(row[END], row[WIRE_END])
    elif length != 0:
        counters[C_BAD_HEADER] += 1
        return DONE
    if row[DPORT] in (PORT_VXLAN, PORT_VXLAN_LINUX):
        return vxlan(buf, row, counters)
    if row[DPORT] == PORT_TZSP:
        return tzsp(buf, row, counters)
    return DONE


@kernel
def enter_tunnel(row: Ints, kind: int) -> None:
    """Keep the outermost addresses, and forget what belongs to the outer packet only."""
    if row[TUNNEL] == 0:
        row[TUNNEL] = kind
        row[OUTER_FAMILY] = row[FAMILY]
        row[OUTER_SRC_HI] = row[SRC_HI]
        row[OUTER_SRC_LO] = row[SRC_LO]
        row[OUTER_DST_HI] = row[DST_HI]
        row[OUTER_DST_LO] = row[DST_LO]
    row[SPORT] = 0
    row[DPORT] = 0
    row[VLAN] = 0
    row[CHECKSUM] = 0


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
        enter_tunnel(row, TUNNEL_ERSPAN)
        row[AT] = p + size
        return ETHERNET
    if kind not in (0x0800, 0x86DD, 0x6558, 0x880B, 0x8847, 0x8100, 0x88A8):
        return DONE
    enter_tunnel(row, TUNNEL_GRE)
    row[AT] = p + size
    if kind == 0x6558:
        return ETHERNET
    if kind == 0x880B:
        return PPP
    row[NEXT] = kind
    return ETHERTYPE


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
    enter_tunnel(row, TUNNEL_ERSPAN)
    row[AT] = p + size
    return ETHERNET


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
    """Eight bytes with the I flag set, and not the one (P) that says that no Ethernet follows. Other
    reserved bits are to be ignored; the last byte tells it from plain UDP."""
    p = row[AT]
    if row[END] - p < 8 or u8(buf, p) & 0x0C != 0x08 or u8(buf, p + 7) != 0:
        return DONE
    counters[L_VXLAN] += 1
    enter_tunnel(row, TUNNEL_VXLAN)
    row[AT] = p + 8
    return ETHERNET


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
            enter_tunnel(row, TUNNEL_TZSP)
            row[AT] = p
            return ETHERNET
        if tag != 0:
            if p >= end:
                break
            p += 1 + u8(buf, p)
    counters[C_CUT] += 1
    return DONE
