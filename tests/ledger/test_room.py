"""Room for the rows that one more packet may end."""

from __future__ import annotations

import pytest

from otmon.kernel import kernel
from otmon.ledger.room import has_room
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
    new_tables,
)


@kernel
def room(t):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller."""
    return has_room(t)


@pytest.mark.parametrize(
    ("fill", "most"),
    [
        (FILL_FLOWS, ENDED_FLOWS - 2),
        (FILL_ASSETS, ENDED_SENDERS - 2),
        (FILL_OPERATIONS, ENDED - 2 * ROOM),
        (FILL_ANOMALIES, ENDED - 2 * ROOM),
        (FILL_TRANSACTIONS, TRANSACTIONS - ROOM),
        (FILL_WRITTEN, ENDED_WRITTEN - ROOM_WRITTEN),
        (FILL_MESSAGES, MESSAGES),
        (FILL_OCTETS, MESSAGE_DATA - MESSAGE_BYTES + 1),
    ],
)
def test_there_is_room_until_one_packet_more_could_end_too_many_rows(fill: int, most: int) -> None:
    t = new_tables(7, True)
    t.used[fill] = most - 1
    assert room(t)
    t.used[fill] = most
    assert not room(t)
    unwanted = new_tables(7, False)
    unwanted.used[FILL_TRANSACTIONS] = TRANSACTIONS
    assert room(unwanted)
