"""How full the tables of ended rows may be when another packet comes."""

from __future__ import annotations

from typing import Final

from otmon.kernel import inlined
from otmon.ledger.tables import (
    ENDED,
    ENDED_FLOWS,
    ENDED_SENDERS,
    ENDED_WRITTEN,
    FILL_ANOMALIES,
    FILL_ASSETS,
    FILL_FLOWS,
    FILL_MESSAGES,
    FILL_OCTETS,
    FILL_OPERATIONS,
    FILL_TRANSACTIONS,
    FILL_WRITTEN,
    MESSAGE_BYTES,
    MESSAGE_DATA,
    MESSAGES,
    ROOM,
    ROOM_WRITTEN,
    TRANSACTIONS,
    WANT_TRANSACTIONS,
    Tables,
)

ROOMS: Final = (
    (FILL_FLOWS, ENDED_FLOWS - 2),
    (FILL_ASSETS, ENDED_SENDERS - 2),
    (FILL_OPERATIONS, ENDED - 2 * ROOM),
    (FILL_ANOMALIES, ENDED - 2 * ROOM),
    (FILL_WRITTEN, ENDED_WRITTEN - ROOM_WRITTEN),
    (FILL_MESSAGES, MESSAGES),
    (FILL_OCTETS, MESSAGE_DATA - MESSAGE_BYTES + 1),
)
"""Of each table of ended rows: how many may be taken when another packet comes."""


@inlined
def has_room(t: Tables) -> bool:
    """Whether the rows that one more packet can end have a place."""
    for column, limit in ROOMS:
        if t.used[column] >= limit:
            return False
    return bool(t.used[WANT_TRANSACTIONS] == 0 or t.used[FILL_TRANSACTIONS] < TRANSACTIONS - ROOM)
