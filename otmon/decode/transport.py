"""TCP, UDP and what else is above IP.

Sources: RFC 9293 section 3.1 (TCP), RFC 768 (UDP); `otmon.decode.tunnels` opens tunnels.
"""

from __future__ import annotations

from otmon.decode.fields import (
    ACK,
    AT,
    C_BAD_HEADER,
    C_CUT,
    CHECKSUM,
    DPORT,
    END,
    FAMILY,
    FLAGS,
    L_ICMP,
    L_ICMPV6,
    L_IGMP,
    L_SCTP,
    L_TCP,
    L_UDP,
    NEXT,
    PROTO_ETHERIP,
    PROTO_GRE,
    PROTO_ICMP,
    PROTO_ICMPV6,
    PROTO_IGMP,
    PROTO_IPIP,
    PROTO_IPV6,
    PROTO_L2TP,
    PROTO_MPLS,
    PROTO_SCTP,
    PROTO_TCP,
    PROTO_UDP,
    SEQ,
    SPORT,
    TCP_URG,
    TUNNEL_IPIP,
    URGENT,
    WIRE_END,
)
from otmon.decode.link import DONE, IPV4, IPV6
from otmon.decode.tunnels import enter_tunnel, etherip, gre, l2tp_in_ip, may_be_tunnel, mpls_in_ip, udp_tunnel
from otmon.kernel import Bytes, Ints, kernel, u8, u16be, u32be


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
        return enter_tunnel(row, TUNNEL_IPIP, row[AT], IPV4 if proto == PROTO_IPIP else IPV6, counters)
    elif proto == PROTO_ETHERIP:
        return etherip(buf, row, counters)
    elif proto == PROTO_MPLS:
        return mpls_in_ip(buf, row, counters)
    elif proto == PROTO_L2TP:
        return l2tp_in_ip(buf, row, counters)
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
    if row[FLAGS] & TCP_URG:
        row[URGENT] = u16be(buf, p + 18)
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
    """Ports and length; tunnels on their ports are opened."""
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
    if may_be_tunnel(row[DPORT]) or may_be_tunnel(row[SPORT]):
        return udp_tunnel(buf, row, counters)
    return DONE
