"""Tables of fixed size: what is full gives its longest idle row, counted, and nothing is lost."""

from __future__ import annotations

from random import Random

import numpy as np

from otmon.decode.fields import PART_BYTES, PARTS
from otmon.kernel import kernel
from otmon.ledger.tables import (
    A_TIMES,
    ASSETS,
    ENDED_SENDERS,
    FILL_ASSETS,
    FILL_OPERATIONS,
    MODBUS,
    O_TIMES,
    WANT_TRANSACTIONS,
    X_PACKETS,
    asset_place,
    count_asset,
    new_tables,
    note_asset,
)  # fmt: skip
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import read_registers
from tests.truth.talk import Talk, whole


@kernel
def count(t, i, now):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller."""
    count_asset(t, i, now)


def test_tables_are_empty_aligned_and_know_what_they_are_for() -> None:
    for wanted in (False, True):
        t = new_tables(7, wanted)
        assert (t.used[MODBUS], t.used[WANT_TRANSACTIONS]) == (7, wanted)
        assert not t.flows.any() and not t.operations.any() and not t.counters.any()
        assert all(getattr(t, name).ctypes.data % 64 == 0 for name in t.dtype.names)


def test_an_asset_is_one_row_and_counts_its_packets() -> None:
    t = new_tables(7, False)
    t.rows[0, PARTS], t.rows[0, PART_BYTES] = 1, 60
    rows = {int(note_asset(t, 5, 0, 6, asset_place(t.rows[0]), now, 1, 24)) for now in (1, 2, 3)}
    assert len(rows) == 1
    (i,) = rows
    for now in (1, 2, 3):
        count(t, i, now)
    assert t.assets[i, X_PACKETS] == 3
    assert int(note_asset(t, 5, 0, 7, 0, 1, 1, 24)) != i
    assert int(note_asset(t, 6, 0, 6, 0, 1, 1, 24)) != i


def test_more_assets_than_rows_are_moved_not_lost() -> None:
    t = new_tables(7, False)
    t.rows[0, PARTS], t.rows[0, PART_BYTES] = 1, 60
    known = 2 * ASSETS
    ended = 0
    for mac in range(known):
        count(t, note_asset(t, mac, 0, 1000 + mac, 0, mac, mac + 1, 24), mac)
        if t.used[FILL_ASSETS] == ENDED_SENDERS - 2:
            ended += int(t.ended_assets[: t.used[FILL_ASSETS], X_PACKETS].sum())
            t.used[FILL_ASSETS] = 0
    ended += int(t.ended_assets[: t.used[FILL_ASSETS], X_PACKETS].sum())
    assert ended + int(t.assets[:, X_PACKETS].sum()) == known


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
