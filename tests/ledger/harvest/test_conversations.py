"""Rows of flows that are joined in columns come to the facts that joining their facts gives."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from otmon.decode.flows import (
    F_BYTES,
    F_FIRST,
    F_FIRST_OFFSET,
    F_FIRST_PACKET,
    F_HOURS,
    F_LAST,
    F_MINUTE,
    F_PACKETS,
    F_STATE,
    F_TUNNEL,
    MINUTE_COLUMNS,
    MOST,
    RESET,
    ROLE,
    SPOKE_A,
    TOTAL_BEFORE,
)
from otmon.kernel import Ints
from otmon.ledger.harvest import conversations as module
from otmon.ledger.harvest.conversations import conversations_of, facts_of_conversations, joined
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.rows import no_rows, rows_in_use
from otmon.ledger.ledger import conversation_key
from otmon.ledger.merge import collect, merge_all
from tests.ledger.harvest.test_novelty import frames_of
from tests.ledger.seen import Seen


@pytest.fixture(scope="module", name="flows")
def flows_fixture() -> Ints:
    """The flows of two days."""
    return np.concatenate(
        [rows_in_use(Seen().frames(frames_of(day)).t).flows for day in ("factory-day", "water-works-day")]
    )


def varied(flows: Ints, count: int, seed: int) -> Ints:
    """Rows of some of the flows, whose other columns are small numbers: many are equal."""
    random = np.random.default_rng(seed)
    some = flows[random.integers(0, len(flows), 5)]
    rows: Ints = some[random.integers(0, len(some), count)].copy()
    n = len(rows)
    rows[:, F_FIRST] = random.integers(1, 4, n)
    rows[:, F_FIRST_PACKET] = random.integers(1, 4, n)
    rows[:, F_FIRST_OFFSET] = rows[:, F_FIRST_PACKET] * 100
    rows[:, F_LAST] = rows[:, F_FIRST] + random.integers(0, 3, n)
    for column in (F_PACKETS, F_BYTES):
        rows[:, column : column + 2] = random.integers(0, 5, (n, 2))
    rows[:, F_TUNNEL] = random.integers(0, 4, n) << 1
    rows[:, F_HOURS : F_HOURS + 3] = 1 << random.integers(0, 56, (n, 3))
    bits = RESET | ROLE | SPOKE_A | SPOKE_A << 1
    rows[:, F_STATE] = rows[:, F_STATE] & ~bits | random.integers(0, bits + 1, n) & bits
    rows[:, F_MINUTE : F_MINUTE + MINUTE_COLUMNS] = random.integers(0, 3, (n, MINUTE_COLUMNS))
    # A packet has one offset.
    for begin in (TOTAL_BEFORE, MOST):
        at = F_MINUTE + begin
        rows[:, at + 3] = rows[:, at + 2] * 100
    return rows


@pytest.mark.parametrize("seed", range(20))
def test_joined_in_columns_is_joined_as_facts(
    flows: Ints, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 16)
    rows = varied(flows, 100, seed)
    alone = [facts_of(replace(no_rows(), flows=one), "x") for one in rows[:, None]]
    cuts = sorted(np.random.default_rng(seed).integers(0, len(rows), 3).tolist())
    parts = [conversations_of(some) for some in np.split(rows, cuts)]
    columns = joined([joined(parts[:2]), *parts[2:]])
    facts = list(facts_of_conversations(columns, "x"))
    assert collect(conversations=facts) == merge_all(alone)
    assert sum(one.flows for one in facts) == len(rows)
    # Some of a conversation may differ in what its fact does not tell, such as a number below IP.
    assert len(facts) <= len({conversation_key(one) for one in facts}) + 1 < 10


def test_those_of_one_client_lie_together(flows: Ints) -> None:
    facts = list(facts_of_conversations(joined([conversations_of(flows)]), "x"))
    four = [one.client for one in facts if one.client.count(".") == 3]
    changes = sum(one != other for one, other in pairwise(four))
    assert changes == len(set(four)) - 1 > 5


def test_nothing_comes_to_nothing(flows: Ints) -> None:
    none = joined([])
    assert len(none) == 0 == len(conversations_of(flows[:0])) and joined([none]).shape == none.shape
    assert list(facts_of_conversations(none, "x")) == []
