"""What is old goes, what was seen since stays, and sums are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.engine import replay
from otmon.ledger.aging import APART_NS, joined_spans, spans_of, times_of, within_spans, without_old
from otmon.ledger.merge import merge
from tests.command import DAY

TIMES = st.lists(st.integers(0, 40).map(lambda n: n * APART_NS // 2), max_size=12)


@pytest.mark.parametrize("hours", [[(10, 11)], [(1, 3), (10, 11)], [(-9, 0), (1, 12), (15, 16)]])
def test_facts_go_that_were_last_seen_in_no_young_span(hours: list[tuple[int, int]]) -> None:
    ledger = replay([str(DAY)]).ledger
    parts = ("assets", "conversations", "operations", "written", "anomalies", "credentials", "claims")
    times = sorted(fact.last_ns for part in parts for fact in getattr(ledger, part))
    step = (times[-1] - times[0]) // 20
    spans = tuple((times[0] + first * step, times[0] + last * step) for first, last in hours)
    young = {
        time for time in times if any(first <= time <= last for first, last in spans) or time > spans[-1][1]
    }
    kept, gone = without_old(ledger, spans)
    assert gone == sum(time not in young for time in times) > 0
    for part in parts:
        there = getattr(kept, part)
        assert there == tuple(fact for fact in getattr(ledger, part) if fact.last_ns in young)
    assert (kept.sources, kept.damage, kept.overflow) == (ledger.sources, ledger.damage, ledger.overflow)
    # Still a ledger in canonical order.
    assert merge(kept, replace(kept, sources=())).conversations != ()
    assert sorted(times_of(kept)) == [time for time in times if time in young]


def test_nothing_is_old_where_nobody_says_what_is_young() -> None:
    ledger = replay([str(DAY)]).ledger
    assert without_old(ledger, ()) == (ledger, 0)
    assert without_old(ledger, ((0, 1 << 62),)) == (ledger, 0)


@given(TIMES)
def test_spans_hold_all_times_and_no_gap_that_is_wide(times: list[int]) -> None:
    array = np.array(times, np.int64)
    spans = spans_of(array)
    assert spans == list(joined_spans((time, time) for time in times))
    assert within_spans(array, tuple(spans)).all()
    ends = {end for span in spans for end in span}
    assert ends <= set(times)
    assert all(after[0] - before[1] > APART_NS for before, after in pairwise(spans))
    few = joined_spans(spans, 2)
    assert len(few) == min(len(spans), 2) and (within_spans(array, few).all())


def test_the_nearest_become_one_where_there_may_be_few() -> None:
    far = 10 * APART_NS
    assert joined_spans([(0, 1), (far, far + 1), (3 * far, 3 * far)], 2) == ((0, far + 1), (3 * far, 3 * far))
