"""IPv4, IPv6 and the reassembly of fragments.

Sources: RFC 791 section 3.1 (IPv4 header), RFC 815 (reassembly), RFC 8200 sections 3 and 4 (IPv6
header, extension headers, fragment header), RFC 4302 section 2 (length of AH).

Reassembly is bounded: `SLOTS` datagrams at a time, the longest idle gives way. A byte that came
first stays (overlapping fragments cannot rewrite what was read), and the overlap is counted.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    AT,
    BUFFER,
    C_BAD_HEADER,
    C_CUT,
    C_FRAGMENTS_EVICTED,
    C_FRAGMENTS_OVERLAP,
    C_REASSEMBLED,
    DPORT,
    DST_HI,
    DST_LO,
    END,
    FAMILY,
    FIRST_FRAGMENT,
    FRAGMENT,
    HEADER,
    IP_ID,
    L_IPV4,
    L_IPV4_FRAGMENT,
    L_IPV6,
    L_IPV6_FRAGMENT,
    LED,
    NEXT,
    PART_BYTES,
    PARTS,
    PROTO,
    PROTO_ETHERIP,
    PROTO_GRE,
    PROTO_IPIP,
    PROTO_IPV6,
    PROTO_MPLS,
    PROTO_SCTP,
    PROTO_TCP,
    PROTO_UDP,
    SPORT,
    SRC_HI,
    SRC_LO,
    V4_MAPPED,
    WIRE_END,
)
from otmon.decode.link import DONE, TRANSPORT
from otmon.decode.tunnels import may_be_tunnel
from otmon.kernel import Bytes, Ints, kernel, u8, u16be, u32be, u64be

SLOTS: Final = 64
"""Datagrams under reassembly at a time: 4 MiB of buffers."""
DATAGRAM: Final = 65_536
"""Largest datagram in bytes (RFC 791: total length has 16 bits)."""
UNIT: Final = 8
"""Fragment offsets count in units of 8 bytes."""
TIMEOUT_NS: Final = 30_000_000_000
"""A datagram is given up after this time without a fragment (RFC 1122 section 3.3.2: 60 s at most)."""
MAX_EXTENSION_HEADERS: Final = 16

# Columns of a slot; those of the key first.
_SRC_HI, _SRC_LO, _DST_HI, _DST_LO, _KEY, _LAST, _TOTAL, _HAVE, _PARTS, _BYTES, _LED = range(11)
COLUMNS: Final = 11
"""Columns of a slot: `slots` is int64[SLOTS, COLUMNS], where `_LAST` 0 is a free slot and `_TOTAL` -1 an
unknown length; `data` is uint8[SLOTS * DATAGRAM], and `units` uint8[SLOTS, DATAGRAM // UNIT] has 1
where a unit was received."""


@kernel
def ipv4(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Header with options; sets `NEXT` to the protocol, and `FRAGMENT` to offset | more << 16 | 1 << 17."""
    p = row[AT]
    if row[END] - p < 20:
        counters[C_CUT] += 1
        return DONE
    first = u8(buf, p)
    header = (first & 0x0F) * 4
    total = u16be(buf, p + 2)
    if total == 0:
        # A frame that the sender's card was to cut (TCP segmentation offload).
        total = row[WIRE_END] - p
    if first >> 4 != 4 or header < 20 or total < header:
        counters[C_BAD_HEADER] += 1
        return DONE
    counters[L_IPV4] += 1
    row[FAMILY] = 4
    row[SRC_HI] = 0
    row[SRC_LO] = V4_MAPPED | u32be(buf, p + 12)
    row[DST_HI] = 0
    row[DST_LO] = V4_MAPPED | u32be(buf, p + 16)
    row[IP_ID] = u16be(buf, p + 4)
    row[PROTO] = u8(buf, p + 9)
    row[NEXT] = row[PROTO]
    row[HEADER] = p
    row[WIRE_END] = p + total
    row[END] = min(row[END], row[WIRE_END])
    if row[END] - p < header:
        counters[C_CUT] += 1
        return DONE
    row[AT] = p + header
    position = u16be(buf, p + 6)
    if position & 0x3FFF:
        counters[L_IPV4_FRAGMENT] += 1
        row[FRAGMENT] = ((position & 0x1FFF) * UNIT) | ((position >> 13 & 1) << 16) | (1 << 17)
    return TRANSPORT


@kernel
def ipv6(buf: Bytes, row: Ints, counters: Ints) -> int:
    """Header and its chain of extension headers."""
    p = row[AT]
    if row[END] - p < 40:
        counters[C_CUT] += 1
        return DONE
    if u8(buf, p) >> 4 != 6:
        counters[C_BAD_HEADER] += 1
        return DONE
    counters[L_IPV6] += 1
    length = u16be(buf, p + 4)
    row[FAMILY] = 6
    row[SRC_HI] = u64be(buf, p + 8)
    row[SRC_LO] = u64be(buf, p + 16)
    row[DST_HI] = u64be(buf, p + 24)
    row[DST_LO] = u64be(buf, p + 32)
    row[IP_ID] = -1
    row[HEADER] = p
    if length > 0:
        row[WIRE_END] = p + 40 + length
        row[END] = min(row[END], row[WIRE_END])
    row[AT] = p + 40
    return extension_headers(buf, row, u8(buf, p + 6), counters)


@kernel
def extension_headers(buf: Bytes, row: Ints, following: int, counters: Ints) -> int:
    """Skip to the transport header, or stop at a fragment header (sets `FRAGMENT` as `ipv4` does)."""
    p = row[AT]
    for _ in range(MAX_EXTENSION_HEADERS):
        row[PROTO] = following
        row[NEXT] = following
        row[AT] = p
        # 0 hop by hop, 43 routing, 60 destination, 135 mobility, 139 HIP, 140 shim6.
        chained = following in (0, 43, 60, 135, 139, 140)
        if not chained and following != 44 and following != 51:
            return TRANSPORT
        if row[END] - p < 8:
            counters[C_CUT] += 1
            return DONE
        size = (u8(buf, p + 1) + 1) * 8
        if following == 44:
            size = 8
            position = u16be(buf, p + 2)
            if position & 0xFFF9:
                counters[L_IPV6_FRAGMENT] += 1
                row[IP_ID] = u32be(buf, p + 4)
                row[FRAGMENT] = (position & 0xFFF8) | ((position & 1) << 16) | (1 << 17)
                row[PROTO] = u8(buf, p)
                row[NEXT] = row[PROTO]
                row[AT] = p + 8
                return TRANSPORT
        elif following == 51:
            size = (u8(buf, p + 1) + 2) * 4
        following = u8(buf, p)
        p += size
        if p > row[END]:
            counters[C_CUT] += 1
            return DONE
    counters[C_BAD_HEADER] += 1
    return DONE


@kernel
def _slot_of(slots: Ints, row: Ints, now: int, counters: Ints) -> int:
    """The slot of this datagram, or the one that gives way to it."""
    key = (row[IP_ID] << 9) | (row[PROTO] << 1) | (row[FAMILY] == 6)
    oldest = 0
    for i in range(SLOTS):
        if slots[i, _LAST] != 0 and now - slots[i, _LAST] > TIMEOUT_NS:
            slots[i, _LAST] = 0
            counters[C_FRAGMENTS_EVICTED] += slots[i, _PARTS]
        if (
            slots[i, _LAST] != 0
            and slots[i, _KEY] == key
            and slots[i, _SRC_LO] == row[SRC_LO]
            and slots[i, _DST_LO] == row[DST_LO]
            and slots[i, _SRC_HI] == row[SRC_HI]
            and slots[i, _DST_HI] == row[DST_HI]
        ):
            return i
        if slots[i, _LAST] < slots[oldest, _LAST]:
            oldest = i
    if slots[oldest, _LAST] != 0:
        counters[C_FRAGMENTS_EVICTED] += slots[oldest, _PARTS]
    slots[oldest, _KEY] = key
    slots[oldest, _SRC_HI] = row[SRC_HI]
    slots[oldest, _SRC_LO] = row[SRC_LO]
    slots[oldest, _DST_HI] = row[DST_HI]
    slots[oldest, _DST_LO] = row[DST_LO]
    slots[oldest, _LAST] = 0
    slots[oldest, _TOTAL] = -1
    slots[oldest, _HAVE] = 0
    slots[oldest, _PARTS] = 0
    slots[oldest, _LED] = 0
    slots[oldest, _BYTES] = 0
    return oldest


@kernel
def tells_ends(buf: Bytes, row: Ints) -> bool:
    """Whether the first fragment at `AT` tells who talks with whom, and over which ports, which it writes
    into the row; a tunnel's does not."""
    proto = row[NEXT]
    if proto in (PROTO_GRE, PROTO_IPIP, PROTO_IPV6, PROTO_ETHERIP, PROTO_MPLS) or row[END] - row[AT] < 8:
        return False
    if proto not in (PROTO_TCP, PROTO_UDP, PROTO_SCTP):
        return True
    sport, dport = u16be(buf, row[AT]), u16be(buf, row[AT] + 2)
    if proto == PROTO_UDP and (may_be_tunnel(sport) or may_be_tunnel(dport)):
        return False
    row[SPORT] = sport
    row[DPORT] = dport
    return True


@kernel
def reassemble(
    buf: Bytes, row: Ints, now: int, slots: Ints, data: Bytes, units: Bytes, counters: Ints
) -> bool:
    """Put the fragment at `AT` to its datagram. True when that is complete: then the row points
    at its bytes in `data` (`BUFFER` 1), which hold until the next call."""
    offset = row[FRAGMENT] & 0xFFF8
    more = (row[FRAGMENT] >> 16) & 1
    p = row[AT]
    size = row[WIRE_END] - p
    if row[END] - p < size:
        counters[C_CUT] += 1
        row[FIRST_FRAGMENT] = offset == 0 and tells_ends(buf, row)
        return False
    if size <= 0 or offset + size > DATAGRAM or (more and size % UNIT != 0):
        counters[C_BAD_HEADER] += 1
        return False
    i = _slot_of(slots, row, now, counters)
    if slots[i, _LAST] == 0:
        for k in range(DATAGRAM // UNIT):
            units[i, k] = 0
    slots[i, _LAST] = max(now, 1)
    slots[i, _PARTS] += 1
    slots[i, _BYTES] += row[PART_BYTES]
    base = i * DATAGRAM + offset
    first_unit = offset // UNIT
    fresh = 0
    overlap = False
    for k in range((size + UNIT - 1) // UNIT):
        if units[i, first_unit + k] != 0:
            overlap = True
            continue
        units[i, first_unit + k] = 1
        stop = min(size, (k + 1) * UNIT)
        fresh += stop - k * UNIT
        for b in range(k * UNIT, stop):
            data[base + b] = buf[p + b]
    if overlap:
        counters[C_FRAGMENTS_OVERLAP] += 1
    slots[i, _HAVE] += fresh
    if more == 0 and slots[i, _TOTAL] < 0:
        slots[i, _TOTAL] = offset + size
    if slots[i, _TOTAL] < 0 or slots[i, _HAVE] != slots[i, _TOTAL]:
        if offset == 0 and slots[i, _LED] == 0 and tells_ends(buf, row):
            slots[i, _LED] = row[PART_BYTES]
            row[FIRST_FRAGMENT] = 1
        return False
    counters[C_REASSEMBLED] += 1
    row[BUFFER] = 1
    row[AT] = i * DATAGRAM
    row[END] = i * DATAGRAM + slots[i, _TOTAL]
    row[WIRE_END] = row[END]
    row[PARTS] = slots[i, _PARTS]
    row[PART_BYTES] = slots[i, _BYTES]
    row[LED] = slots[i, _LED]
    row[FRAGMENT] = 0
    slots[i, _LAST] = 0
    return True
