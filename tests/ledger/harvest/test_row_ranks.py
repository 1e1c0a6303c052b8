"""Rows behind the bars of a full ledger are counted, and make no difference to what is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.row_ranks import rows_within
from otmon.ledger.harvest.rows import rows_in_use
from otmon.ledger.ledger import Limits
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.rank import NO_BARS, bars_of
from tests.ledger.harvest.test_novelty import frames_of
from tests.ledger.seen import Seen

FEW = Limits(assets=6, conversations=6, operations=6, written=2)


@pytest.mark.parametrize("secret", [0, 0x8765432112345678])
def test_rows_behind_bars_are_counted_and_not_copied(secret: int) -> None:
    few = replace(FEW, secret=secret)
    seen = Seen().frames(frames_of("water-works-day"))
    every = rows_in_use(seen.t)
    assert rows_within(seen.t, NO_BARS)[1] == ()
    bars = bars_of(merge_all([facts_of(every, "x")], few), few)
    rows, beyond = rows_within(seen.t, bars)
    left_out = collect(overflow=[(kind, amount) for kind, _, amount in beyond])
    whole = merge_all([facts_of(every, "x", bars)], few)
    assert merge_all([facts_of(rows, "x", bars), left_out], few) == whole
    assert {kind for kind, _, _ in beyond} >= {"assets", "conversations"}
    assert len(rows.flows) + dict((k, n) for k, n, _ in beyond)["conversations"] == len(every.flows)
    assert len(rows.assets) < len(every.assets)
