"""What is old goes, what was seen since stays, and sums are kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.engine import replay
from otmon.ledger.aging import (
    APART_NS,
    LITTLE_BYTES,
    LITTLE_FREE,
    joined_spans,
    spans_of,
    times_of,
    within_spans,
    without_little,
    without_old,
)
from otmon.ledger.facts import DAY_NS, Evidence, NamesAsked
from otmon.ledger.ledger import EMPTY, LIMITS
from otmon.ledger.merge import collect, merge
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


def asked(domain: str, day: int, octets: int, free: int = 0, client: str = "10.0.0.1") -> NamesAsked:
    at = Evidence(day * DAY_NS, "x", 1, 0)
    link = client, "10.0.0.53", "udp", 53, "dns", ""
    return NamesAsked(*link, domain, day, 9, free, 1, 8 * octets, at.time_ns, at.time_ns, at)


def test_what_little_was_asked_for_on_days_that_are_over_goes() -> None:
    little, much = asked("a.example", 5, LITTLE_BYTES - 1), asked("b.example", 5, LITTLE_BYTES)
    texts = asked("c.example", 5, 9, LITTLE_FREE)
    ledger = collect(names=[little, much, texts])
    for today, kept in ((4, 3), (5, 3), (6, 3), (7, 2), (3, 2), (20_000, 2)):
        young, gone = without_little(ledger, today)
        assert (len(young.names), gone) == (kept, 3 - kept)
    assert set(young.names) == {much, texts}
    # Names that a server asks for on behalf of many clients are no tunnel of its own: all of them stay.
    many = [asked("d.example", 5, LITTLE_BYTES // 8, client=f"10.0.0.{n}") for n in range(1, 9)]
    assert without_little(collect(names=many), 20) == (collect(names=many), 0)
    assert without_little(EMPTY, 20) == (EMPTY, 0)


def test_a_tunnel_is_found_behind_months_of_browsing() -> None:
    browsing = [
        asked(f"{n}.example", day, 90, client=f"10.0.0.{n % 40}") for day in range(60) for n in range(300)
    ]
    for secret in range(20):
        kept = collect(names=browsing, limits=replace(LIMITS, secret=secret))
        tunnel = asked("evil.example", 60, 100_000)
        whole = merge(kept, collect(names=[tunnel]), replace(LIMITS, secret=secret))
        assert len(whole.names) == LIMITS.names and tunnel in whole.names
