"""One packet to one row: the loop over its layers."""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    ACK,
    AT,
    C_TOO_DEEP,
    CHECKSUM,
    DPORT,
    DST_LO,
    DST_MAC,
    END,
    FAMILY,
    FIELDS,
    FLAGS,
    FRAGMENT,
    HEADER,
    IP_ID,
    L_ETHERNET,
    L_FRAME,
    L_IPV4,
    L_TCP,
    L_UDP,
    NEXT,
    PART_BYTES,
    PARTS,
    PROTO,
    PROTO_TCP,
    PROTO_UDP,
    SEQ,
    SPORT,
    SRC_LO,
    SRC_MAC,
    TCP_URG,
    V4_MAPPED,
    WIRE_END,
)
from otmon.decode.ip import ipv4, ipv6, reassemble
from otmon.decode.link import (
    BARE,
    DONE,
    ETHERNET,
    ETHERTYPE,
    IPV4,
    IPV6,
    LLC,
    MPLS,
    PPP,
    TRANSPORT,
    bare,
    ethernet,
    ethertype,
    first_layer,
    llc,
    mpls,
    ppp,
)
from otmon.decode.transport import transport
from otmon.decode.tunnels import may_be_tunnel
from otmon.kernel import Bytes, Ints, inlined, kernel, u8, u16be, u32be, u48be

MAX_LAYERS: Final = 32
"""Headers in one packet; more is an attack on decoders."""
USUAL: Final = ((FAMILY, 4), (PARTS, 1))
"""Columns that are alike in all rows of `decode_usual`, with their values; others that it does not write are
0. Whoever makes such a row writes them, once."""


@inlined
def decode_usual(buf: Bytes, start: int, caplen: int, wirelen: int, row: Ints) -> bool:
    """Most packets of a plant in one step: Ethernet without tag, IPv4 without options or fragments,
    TCP or UDP, all of it captured. The same row as the layers one by one give, in one of `USUAL`; False,
    with nothing done, for every other packet and for the UDP ports of tunnels. `count_usual` counts it."""
    p = start + 14
    q = start + 34
    if caplen < 42 or u16be(buf, start + 12) != 0x0800 or u8(buf, p) != 0x45 or u16be(buf, p + 6) & 0x3FFF:
        return False
    total = u16be(buf, p + 2)
    proto = u8(buf, p + 9)
    stop = p + total
    if stop > start + caplen:
        return False
    if proto == PROTO_TCP:
        if total < 40:
            return False
        payload = q + (u8(buf, q + 12) >> 4) * 4
        if payload < q + 20 or payload > stop or u8(buf, q + 13) & TCP_URG:
            return False
        row[SEQ] = u32be(buf, q + 4)
        row[ACK] = u32be(buf, q + 8)
        row[FLAGS] = u8(buf, q + 13)
        row[CHECKSUM] = u16be(buf, q + 16)
    elif proto == PROTO_UDP:
        if total < 28 or u16be(buf, q + 4) != total - 20:
            return False
        if may_be_tunnel(u16be(buf, q + 2)) or may_be_tunnel(u16be(buf, q)):
            return False
        payload = q + 8
        row[SEQ] = 0
        row[ACK] = 0
        row[FLAGS] = 0
        row[CHECKSUM] = u16be(buf, q + 6)
    else:
        return False
    row[AT] = payload
    row[END] = stop
    row[WIRE_END] = stop
    row[NEXT] = proto
    row[SRC_LO] = V4_MAPPED | u32be(buf, p + 12)
    row[DST_LO] = V4_MAPPED | u32be(buf, p + 16)
    row[PROTO] = proto
    row[SPORT] = u16be(buf, q)
    row[DPORT] = u16be(buf, q + 2)
    row[SRC_MAC] = u48be(buf, start + 6)
    row[DST_MAC] = u48be(buf, start)
    row[IP_ID] = u16be(buf, p + 4)
    row[HEADER] = p
    row[PART_BYTES] = wirelen
    return True


@inlined
def count_usual(row: Ints, counters: Ints) -> None:
    """Count the layers of a packet that `decode_usual` decoded, as they one by one would."""
    counters[L_FRAME] += 1
    counters[L_ETHERNET] += 1
    counters[L_IPV4] += 1
    if row[PROTO] == PROTO_TCP:
        counters[L_TCP] += 1
    else:
        counters[L_UDP] += 1


@kernel
def decode_packet(
    buf: Bytes,
    start: int,
    caplen: int,
    wirelen: int,
    linktype: int,
    now: int,
    row: Ints,
    slots: Ints,
    data: Bytes,
    units: Bytes,
    counters: Ints,
) -> None:
    """Fill `row` (int64[FIELDS]) with what the packet at ``buf[start:start + caplen]`` says.

    `slots`, `data`, `units` are the tables of reassembly (`otmon.decode.ip`). The payload's position
    is in `data` where ``row[BUFFER]`` is 1. Whatever cannot be decoded is counted in `counters`
    (int64[COUNTERS]) and leaves the row with what its outer layers said. `decode_usual` is the same
    for most packets, and faster.
    """
    for i in range(FIELDS):
        row[i] = 0
    row[AT] = start
    row[END] = start + caplen
    row[WIRE_END] = start + max(wirelen, caplen)
    row[SRC_MAC] = -1
    row[DST_MAC] = -1
    row[IP_ID] = -1
    row[HEADER] = start
    row[PARTS] = 1
    row[PART_BYTES] = wirelen
    counters[L_FRAME] += 1
    kind = first_layer(buf, row, linktype, counters)
    for _ in range(MAX_LAYERS):
        if kind == ETHERNET:
            kind = ethernet(buf, row, counters)
        if kind == ETHERTYPE:
            kind = ethertype(buf, row, counters)
        elif kind == LLC:
            kind = llc(buf, row, counters)
        elif kind == PPP:
            kind = ppp(buf, row, counters)
        elif kind == MPLS:
            kind = mpls(buf, row, counters)
        elif kind == BARE:
            kind = bare(buf, row, counters)
        if kind == IPV4:
            kind = ipv4(buf, row, counters)
        elif kind == IPV6:
            kind = ipv6(buf, row, counters)
        if kind == TRANSPORT:
            if row[FRAGMENT]:
                if not reassemble(buf, row, now, slots, data, units, counters):
                    return
                buf = data
            kind = transport(buf, row, counters)
        if kind == DONE:
            return
    counters[C_TOO_DEEP] += 1
