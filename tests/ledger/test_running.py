"""Parts in any number come to what one merge of all would give, and what waits is bounded."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from otmon.engine import replay
from otmon.ledger.aging import without_old
from otmon.ledger.ledger import EMPTY, LIMITS, Ledger
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.rank import NO_BARS, bars_of
from otmon.ledger.running import RunningLedger
from tests.command import DAY


def parts_of(day: Ledger) -> list[Ledger]:
    """The facts one by one, in no order that a ledger has."""
    talks = [collect(conversations=[one]) for one in reversed(day.conversations)]
    return [*talks, *(collect(operations=[one]) for one in day.operations), collect(assets=day.assets)]


@pytest.fixture(scope="module", name="day")
def day_fixture() -> Ledger:
    return replay([str(DAY)]).ledger


@pytest.mark.parametrize("waiting", [1, 7, 1 << 20])
def test_parts_come_to_one_merge_of_all(day: Ledger, waiting: int) -> None:
    parts = parts_of(day)
    grown = RunningLedger(waiting)
    for part in parts:
        grown.add(part)
        grown.add(EMPTY)
        # Each part counts besides its facts, so parts cannot be many either.
        assert len(grown.parts) <= 1 + waiting
    assert merge_all(grown.parts) == grown.ledger() == merge_all(parts)
    assert grown.parts == (grown.ledger(),)


def test_a_merged_ledger_is_what_there_is_until_others_come(day: Ledger) -> None:
    alone = RunningLedger()
    alone.add_merged(day)
    assert alone.ledger() is day
    alone.add_merged(day)
    alone.add(collect(overflow=[("assets", 3)]))
    assert alone.ledger() == merge_all([day, day, collect(overflow=[("assets", 3)])])
    late = RunningLedger()
    late.add(collect(conversations=reversed(day.conversations)))
    late.add_merged(day)
    assert late.ledger() == merge_all([collect(conversations=day.conversations), day])


def test_a_full_ledger_has_bars_as_soon_as_it_is_merged(day: Ledger) -> None:
    limits = replace(LIMITS, conversations=1, secret=7)
    grown = RunningLedger(1, limits)
    assert grown.bars == replace(NO_BARS, secret=7)
    grown.add(collect(conversations=day.conversations))
    assert grown.bars == bars_of(grown.ledger(), limits) != replace(NO_BARS, secret=7)
    assert len(grown.ledger().conversations) == 1


def test_what_waits_is_forgotten_as_well(day: Ledger) -> None:
    times = sorted(one.last_ns for one in (*day.conversations, *day.operations, *day.assets))
    middle = times[len(times) // 2]
    grown = RunningLedger()
    for part in parts_of(day):
        grown.add(part)
    whole = merge_all(grown.parts)
    young = ((middle, times[-1]),)
    assert grown.forget(partial(without_old, young=young)) == sum(one < middle for one in times) > 0
    assert grown.ledger() == without_old(whole, young)[0]
