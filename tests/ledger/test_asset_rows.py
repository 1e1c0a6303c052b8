from __future__ import annotations

from otmon.decode.fields import PART_BYTES, PARTS
from otmon.kernel import kernel
from otmon.ledger.asset_rows import asset_place, count_asset, note_asset
from otmon.ledger.tables import ASSETS, ENDED_SENDERS, FILL_ASSETS, X_PACKETS, new_tables


@kernel
def count(t, i, now):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller."""
    count_asset(t, i, now)


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
