"""How old a fact is goes by days of listening, whatever clocks say."""

from __future__ import annotations

import pytest

from otmon.ledger.ledger import EMPTY
from otmon.ledger.merge import collect
from otmon.sensor.diary import DAY_S, SPANS, Diary
from tests.zones.facts import asset

DAY_NS = int(DAY_S * 10**9)
HOUR_NS = DAY_NS // 24


def lived(days: list[tuple[int, int]], text: str = "") -> Diary:
    """A diary of whole days, each with packets of such times."""
    diary = Diary(text)
    assert not diary.note([days[0]], 0.0)
    for number, day in enumerate(days, 1):
        assert diary.note([day], number * DAY_S)
    return diary


def test_the_last_days_are_young_whatever_times_they_had() -> None:
    days = [(n * 2 * DAY_NS, n * 2 * DAY_NS + HOUR_NS) for n in (100, 5, 7, 3000)]
    diary = lived(days)
    assert diary.spans(1) == (days[3],)
    assert diary.spans(2) == (days[2], days[3])
    assert diary.spans(9) == (days[1], days[2], days[0], days[3])
    diary.keep(2)
    assert diary.spans(9) == (days[2], days[3])


def test_a_day_ends_after_a_day_of_listening_in_several_runs() -> None:
    diary = Diary()
    for hour in range(8):
        assert not diary.note([(hour * HOUR_NS, hour * HOUR_NS)], hour * 3600.0)
    again = Diary(diary.text(), EMPTY)
    assert again.spans(1) == diary.spans(1) == ((0, 7 * HOUR_NS),)
    # Weeks later, by any clock: what lies between is no listening.
    assert not again.note([(90 * DAY_NS, 90 * DAY_NS)], 9e9)
    assert not again.note([], 9e9 + 16 * 3600)
    assert not again.note([(90 * DAY_NS, 90 * DAY_NS)], 9e9 + 16 * 3600)
    assert again.note([(90 * DAY_NS, 90 * DAY_NS)], 9e9 + 17 * 3600)


def test_what_is_clocked_wrongly_once_makes_no_other_time_young() -> None:
    """A clock that begins in 1970 at each start, and is set right."""
    days = [((HOUR_NS, 2 * HOUR_NS), (n * DAY_NS, n * DAY_NS + HOUR_NS)) for n in range(20_000, 20_009)]
    diary = Diary()
    for number, spans in enumerate(days):
        diary.note(spans, number * DAY_S)
    assert diary.spans(2) == ((HOUR_NS, 2 * HOUR_NS), *(now for _, now in days[-2:]))
    many = Diary()
    many.note([(n * DAY_NS, n * DAY_NS) for n in range(500)], 0.0)
    assert len(many.spans(1)) == SPANS


def test_facts_of_which_no_diary_tells_were_seen_today() -> None:
    seen = [(n * DAY_NS, n * DAY_NS) for n in (3, 800)]
    facts = collect(assets=[asset("", f"10.0.0.{n}", last_ns=at) for n, (at, _) in enumerate(seen)])
    assert Diary("", facts).spans(0) == tuple(seen)
    told = lived([(n * DAY_NS, n * DAY_NS) for n in (800, 801)])
    assert Diary(told.text(), facts).spans(0) == (seen[0],)


@pytest.mark.parametrize(
    "text", ["{", "[[1]", "[1]", '[["x"]]', "[[1, [1, 2, 3]]]", '[[1, ["a", "b"]]]', "null", "[" * 100_000]
)
def test_a_damaged_diary_is_none(text: str) -> None:
    assert Diary(text).spans(9) == ()
