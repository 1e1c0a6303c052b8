"""Packets of known flows: a short way for most of what a plant sends.

A segment of a TCP connection that was seen before in this minute, from the sender that it had, changes
counts and times alone. One look says that it is such a one; all else, and what only may be, goes the long way
(`otmon.ledger.packets.observe.count_any`), which comes to the same.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    DST_LO,
    FLAGS,
    KEY,
    PART_BYTES,
    PLACE,
    PRINT,
    PROTO,
    PROTO_TCP,
    SRC_LO,
    SRC_MAC,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    WAY,
)
from otmon.decode.flows import (
    COPIES,
    F_A_LO,
    F_ASSET,
    F_BYTES,
    F_KEY,
    F_LAST,
    F_MINUTE,
    F_PACKETS,
    F_STATE,
    SPOKE_A,
    note_copied,
    place_of_print,
)
from otmon.kernel import Ints, inlined
from otmon.ledger.tables import MINUTE, X_BYTES, X_LAST, X_LO, X_MAC, X_PACKETS, X_PLACE, Tables

_USUAL_PLACE: Final = 4 << 32
"""`otmon.ledger.asset_rows.asset_place` of all usual packets."""


@inlined
def count_known(t: Tables, row: Ints, packet: int, now: int) -> int:
    """Count a usual packet of a known flow. Returns the flow times two, plus the packet's direction; -1, with
    nothing done, for every other packet."""
    place = place_of_print(t.recent, row[PRINT])
    if (
        row[PROTO] != PROTO_TCP
        or row[FLAGS] & (TCP_SYN | TCP_FIN | TCP_RST) != 0
        or 0 <= t.recent[place, 0] - row[PRINT] <= COPIES
    ):
        return -1
    d = row[WAY]
    f = row[PLACE]
    # High words of IPv4 addresses are 0, and the family is in the key; so is it in the place of a sender.
    x = t.flows[f, F_ASSET + d]
    if (
        t.flows[f, F_KEY] != row[KEY]
        or t.flows[f, F_A_LO + 2 * d] != row[SRC_LO]
        or t.flows[f, F_A_LO + 2 * (1 - d)] != row[DST_LO]
        or t.flows[f, F_MINUTE] != t.used[MINUTE]
        or x < 0
        or t.assets[x, X_LO] != row[SRC_LO]
        or t.assets[x, X_MAC] != row[SRC_MAC]
        or t.assets[x, X_PLACE] != _USUAL_PLACE
    ):
        return -1
    t.recent[place, 0] = row[PRINT]
    t.recent[place, 1] = now
    note_copied(row, packet, t.recent, place)
    t.flows[f, F_STATE] |= SPOKE_A << d
    t.flows[f, F_PACKETS + d] += 1
    t.flows[f, F_BYTES + d] += row[PART_BYTES]
    if now > t.flows[f, F_LAST]:
        t.flows[f, F_LAST] = now
    t.assets[x, X_PACKETS] += 1
    t.assets[x, X_BYTES] += row[PART_BYTES]
    if now > t.assets[x, X_LAST]:
        t.assets[x, X_LAST] = now
    return int(f * 2 + d)
