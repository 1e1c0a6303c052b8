"""IPv4, IPv6 and the reassembly of fragments.

Sources: RFC 791 section 3.1 (IPv4 header), RFC 815 (reassembly), RFC 8200 sections 3 and 4 (IPv6
header, extension headers, fragment header), RFC 4302 section 2 (length of AH).

Reassembly is bounded: `SLOTS` datagrams at a time, the longest idle gives way. Of fragments that overlap
receivers keep the first, the last or none (RFC 1858, RFC 5722), and may never have got one of them: where
these contradict each other the datagram is read with those that came first and with those that came last, and
again for each that comes when it was read; that is told.
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
    OTHER,
    PART_BYTES,
    PARTS,
    PROTO,
    PROTO_ETHERIP,
    PROTO_GRE,
    PROTO_IPIP,
    PROTO_IPV6,
    PROTO_L2TP,
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
from otmon.kernel import Bytes, Ints, copy_bytes, inlined, kernel, u8, u16be, u32be, u64be

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
(
    _SRC_HI, _SRC_LO, _DST_HI, _DST_LO, _KEY, _LAST, _END, _BEFORE, _HAVE, _PARTS, _BYTES, _LED, _OTHER,
    _STATE, _GIVEN,
) = range(15)  # fmt: skip
COLUMNS: Final = 15
"""Columns of a slot: `slots` is int64[SLOTS, COLUMNS], where `_LAST` 0 is a free slot, `_END` and `_BEFORE`
are the last two ends that were told, -1 for none, and `_OTHER` is the slot that has what came first where
fragments contradict each other, whose key names this one; `data` is uint8[SLOTS * DATAGRAM], and `units`
uint8[SLOTS, DATAGRAM // UNIT] has 1 where a unit was received."""
_READ: Final = 1
_WAITS: Final = 2
"""Values of `_STATE`: the datagram was read, or what came first of it."""
_AGES: Final = 1 << 61


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
    i = _free_slot(slots, -1, counters)
    slots[i, _KEY] = key
    slots[i, _SRC_HI] = row[SRC_HI]
    slots[i, _SRC_LO] = row[SRC_LO]
    slots[i, _DST_HI] = row[DST_HI]
    slots[i, _DST_LO] = row[DST_LO]
    return i


@kernel
def _free_slot(slots: Ints, but: int, counters: Ints) -> int:
    """A slot, other than `but`, that is free, or whose datagram was read, or that was idle longest: it is
    free then."""
    best = 0 if but != 0 else 1
    for i in range(SLOTS):
        if i != but and _age(slots, i) < _age(slots, best):
            best = i
    if slots[best, _LAST] != 0:
        counters[C_FRAGMENTS_EVICTED] += slots[best, _PARTS]
    for k in range(COLUMNS):
        slots[best, k] = 0
    slots[best, _END] = -1
    slots[best, _BEFORE] = -1
    slots[best, _OTHER] = -1
    return best


@inlined
def _age(slots: Ints, i: int) -> int:
    """What is lowest for the slot that gives way first."""
    if slots[i, _LAST] == 0:
        return -2 * _AGES
    return int(slots[i, _LAST] - (_AGES if slots[i, _STATE] == _READ else 0))


@kernel
def tells_ends(buf: Bytes, row: Ints) -> bool:
    """Whether the first fragment at `AT` tells who talks with whom, and over which ports, which it writes
    into the row; a tunnel's does not."""
    proto = row[NEXT]
    if (
        proto in (PROTO_GRE, PROTO_IPIP, PROTO_IPV6, PROTO_ETHERIP, PROTO_MPLS, PROTO_L2TP)
        or row[END] - row[AT] < 8
    ):
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
    at its bytes in `data` (`BUFFER` 1), which hold until the next call; where `OTHER` is 1 these are not all
    that may have been read, and the same packet, decoded once more, gives the rest."""
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
    if slots[i, _STATE] == _WAITS:
        o = slots[i, _OTHER]
        if o >= 0:
            slots[o, _LAST] = 0
        slots[i, _OTHER] = -1
        give(row, slots, i, i, slots[i, _GIVEN])
        row[OTHER] = 2
        return True
    if slots[i, _LAST] == 0:
        for k in range(DATAGRAM // UNIT):
            units[i, k] = 0
    slots[i, _LAST] = max(now, 1)
    slots[i, _PARTS] += 1
    slots[i, _BYTES] += row[PART_BYTES]
    read = slots[i, _STATE] == _READ
    changed = put(buf, p, size, offset, slots, i, data, units, counters)
    if more == 0 and slots[i, _END] != offset + size:
        slots[i, _BEFORE] = slots[i, _END]
        slots[i, _END] = offset + size
        changed = True
    end = whole(slots, units, i) if changed else -1
    if end < 0:
        if offset == 0 and slots[i, _LED] == 0 and tells_ends(buf, row):
            slots[i, _LED] = 0 if read else row[PART_BYTES]
            row[FIRST_FRAGMENT] = 1
        if read:
            slots[i, _PARTS] = 0
            slots[i, _BYTES] = 0
        return False
    counters[C_REASSEMBLED] += not read
    o = slots[i, _OTHER]
    if o < 0 or slots[o, _KEY] != -1 - i or slots[o, _LAST] == 0:
        slots[i, _OTHER] = -1
        give(row, slots, i, i, end)
        row[OTHER] = 2 if read else 0
        return True
    parts, octets, led = slots[i, _PARTS], slots[i, _BYTES], slots[i, _LED]
    give(row, slots, i, o, end)
    slots[i, _PARTS], slots[i, _BYTES], slots[i, _LED] = parts, octets, led
    slots[i, _STATE] = _WAITS
    slots[i, _GIVEN] = end
    # It is counted once.
    row[PARTS] = 0
    row[PART_BYTES] = 0
    row[LED] = 0
    row[OTHER] = 1
    return True


@kernel
def put(
    buf: Bytes, p: int, size: int, offset: int, slots: Ints, i: int, data: Bytes, units: Bytes, counters: Ints
) -> bool:
    """Write ``buf[p:p + size]`` to its place in the datagram of slot `i`: what comes later stays there, and
    until the datagram is whole what came first stays in a slot of its own. False where nothing is new."""
    base = i * DATAGRAM + offset
    first_unit = offset // UNIT
    many = (size + UNIT - 1) // UNIT
    overlap = differs = False
    fresh = 0
    for k in range(many):
        if units[i, first_unit + k] == 0:
            fresh += 1
            continue
        overlap = True
        for b in range(k * UNIT, min(size, (k + 1) * UNIT)):
            differs |= data[base + b] != buf[p + b]
    counters[C_FRAGMENTS_OVERLAP] += overlap
    o = slots[i, _OTHER]
    if differs and o < 0 and slots[i, _STATE] == 0:
        o = _free_slot(slots, i, counters)
        slots[o, _KEY] = -1 - i
        slots[i, _OTHER] = o
        copy_bytes(data, o * DATAGRAM, data, i * DATAGRAM, DATAGRAM)
    kept = o >= 0 and slots[o, _KEY] == -1 - i
    if kept:
        slots[o, _LAST] = slots[i, _LAST]
    for k in range(many):
        new = units[i, first_unit + k] == 0
        units[i, first_unit + k] = 1
        for b in range(k * UNIT, min(size, (k + 1) * UNIT)):
            data[base + b] = buf[p + b]
            if kept and new:
                data[o * DATAGRAM + offset + b] = buf[p + b]
    slots[i, _HAVE] += fresh
    return bool(fresh > 0 or differs)


@kernel
def whole(slots: Ints, units: Bytes, i: int) -> int:
    """Where the datagram of slot `i` ends, if all before that is there: by the last end that was told, or the
    one before, as one may be forged. -1 if it is not."""
    for k in range(2):
        end = slots[i, _END] if k == 0 else slots[i, _BEFORE]
        if end < 0 or slots[i, _HAVE] * UNIT < end:
            continue
        n = 0
        while n * UNIT < end and units[i, n] != 0:
            n += 1
        if n * UNIT >= end:
            return int(end)
    return -1


@inlined
def give(row: Ints, slots: Ints, i: int, o: int, end: int) -> None:
    """Let the row point at the `end` bytes of slot `o`, of the datagram of slot `i`, which was read then: it
    stays for what may come in place of a part of it."""
    row[BUFFER] = 1
    row[AT] = o * DATAGRAM
    row[END] = o * DATAGRAM + end
    row[WIRE_END] = row[END]
    row[PARTS] = slots[i, _PARTS]
    row[PART_BYTES] = slots[i, _BYTES]
    row[LED] = slots[i, _LED]
    row[FRAGMENT] = 0
    slots[i, _PARTS] = 0
    slots[i, _BYTES] = 0
    slots[i, _LED] = 0
    slots[i, _STATE] = _READ
