"""Tables of fixed size: what is full gives its longest idle row, counted, and nothing is lost."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from otmon.kernel import kernel
from otmon.ledger.tables import (
    A_TIMES,
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
    MODBUS,
    O_TIMES,
    ROOM,
    ROOM_WRITTEN,
    TRANSACTIONS,
    WANT_TRANSACTIONS,
    has_room,
    new_tables,
)
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import read_registers
from tests.truth.talk import Talk, whole


def test_tables_are_empty_aligned_and_know_what_they_are_for() -> None:
    for wanted in (False, True):
        t = new_tables(7, wanted)
        assert (t.used[MODBUS], t.used[WANT_TRANSACTIONS]) == (7, wanted)
        assert not t.flows.any() and not t.operations.any() and not t.counters.any()
        assert all(getattr(t, name).ctypes.data % 64 == 0 for name in t.dtype.names)


def test_every_transaction_is_in_one_operation_whatever_was_evicted() -> None:
    seen = Seen()
    asked = 0
    for number in range(40):
        talk = Talk(f"{number}", 49_152 + number)
        for i in range(30):
            talk.poll(read_registers(3, 97 * i + number, 1 + i % 3, Random(i)), unit=number)
            asked += 1
        seen.packets(packets(talk, whole(talk)))
    seen.finish()
    total = (
        seen.t.operations[:, O_TIMES].sum()
        + seen.t.ended_operations[: seen.t.used[FILL_OPERATIONS], O_TIMES].sum()
    )
    assert total == asked == seen.counted["transactions"]
    assert not seen.t.anomalies[:, A_TIMES].any()
    assert np.count_nonzero(seen.t.operations[:, O_TIMES]) == asked


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
