"""Errors of ICMP that answer a packet of a conversation: they belong to that, and are none of their own.

An error is believed where it goes to who sent the packet that it quotes, in a flow that was seen, and comes
from where that packet went, or by the router that brings what comes from there. So that nobody talks by
errors, there are no more of them than packets that they may quote, and none is longer than a sender makes it
(RFC 1812, 4.3.2.3; RFC 4443, 2.4 c). Whatever else has the form of an error is a conversation by ICMP.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    AT,
    DPORT,
    DST_HI,
    DST_LO,
    END,
    FAMILY,
    PROTO,
    PROTO_ICMP,
    PROTO_TCP,
    PROTO_UDP,
    SPORT,
    SRC_HI,
    SRC_LO,
    SRC_MAC,
    V4_MAPPED,
    VLAN,
    WIRE_END,
)
from otmon.decode.flows import ERRORS_BITS, ERRORS_SHIFT, F_ASSET, F_PACKETS, F_STATE, find_flow, name_flow
from otmon.kernel import Bytes, Ints, kernel, u8, u16be, u32be, u64be
from otmon.ledger.tables import OUTER, ROW, X_HI, X_LO, X_MAC, Tables

_MOST_4: Final = 576 - 20
_MOST_6: Final = 1280 - 40
"""Bytes of an error, without the header of IP."""
_MOST_ERRORS: Final = (1 << ERRORS_BITS) - 1


@kernel
def answered_by_error(t: Tables, src: Bytes) -> int:
    """The flow that the packet in the row, which is of ICMP, is an error about, times two, plus the direction
    in which it goes there; -1 for any other packet. It is counted as one of them."""
    row = t.rows[t.used[ROW]]
    quoted = t.rows[OUTER]
    if not quote(src, row, quoted):
        return -1
    if quoted[SRC_LO] != row[DST_LO] or quoted[SRC_HI] != row[DST_HI]:
        return -1
    name_flow(quoted, row[FAMILY], quoted[SRC_HI], quoted[DST_HI], quoted[VLAN])
    found = find_flow(quoted, t.flows, t.tags)
    if found < 0:
        return -1
    f = found >> 1
    asks = found & 1
    errors = (t.flows[f, F_STATE] >> ERRORS_SHIFT) & _MOST_ERRORS
    if errors >= min(t.flows[f, F_PACKETS + asks], _MOST_ERRORS):
        return -1
    if row[SRC_LO] != quoted[DST_LO] or row[SRC_HI] != quoted[DST_HI]:
        x = t.flows[f, F_ASSET + 1 - asks]
        if (
            x < 0
            or row[SRC_MAC] < 0
            or t.assets[x, X_MAC] != row[SRC_MAC]
            or t.assets[x, X_LO] != quoted[DST_LO]
            or t.assets[x, X_HI] != quoted[DST_HI]
        ):
            return -1
    t.flows[f, F_STATE] += 1 << ERRORS_SHIFT
    return int(f * 2 + 1 - asks)


@kernel
def quote(src: Bytes, row: Ints, quoted: Ints) -> bool:
    """Write into `quoted` the addresses and ports of the packet that the error of ICMP in the row quotes;
    False where it is none, or too long for one."""
    p, end = row[AT], row[END]
    four = row[PROTO] == PROTO_ICMP
    if end - p < (36 if four else 56) or row[WIRE_END] - p > (_MOST_4 if four else _MOST_6):
        return False
    kind = u8(src, p)
    p += 8
    if four:
        # Destination unreachable, source quench, time exceeded, parameter problem (RFC 792).
        if kind not in (3, 4, 11, 12) or u8(src, p) >> 4 != 4 or u16be(src, p + 6) & 0x1FFF:
            return False
        proto = u8(src, p + 9)
        quoted[SRC_HI], quoted[SRC_LO] = 0, V4_MAPPED | u32be(src, p + 12)
        quoted[DST_HI], quoted[DST_LO] = 0, V4_MAPPED | u32be(src, p + 16)
        size = (u8(src, p) & 0x0F) * 4
    else:
        # Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443).
        if kind < 1 or kind > 4 or u8(src, p) >> 4 != 6:
            return False
        proto = u8(src, p + 6)
        quoted[SRC_HI], quoted[SRC_LO] = u64be(src, p + 8), u64be(src, p + 16)
        quoted[DST_HI], quoted[DST_LO] = u64be(src, p + 24), u64be(src, p + 32)
        size = 40
    p += size
    if size < 20 or end - p < 8:
        return False
    ports = proto == PROTO_TCP or proto == PROTO_UDP
    quoted[PROTO] = proto
    quoted[SPORT] = u16be(src, p) if ports else 0
    quoted[DPORT] = u16be(src, p + 2) if ports else 0
    quoted[VLAN] = row[VLAN]
    return bool(ports or proto == row[PROTO])
