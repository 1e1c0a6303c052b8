from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.ledger.course import (
    NOTHING,
    SHORTEST_NS,
    WINDOWS,
    Window,
    joined,
    length,
    most_in_a_minute,
    spans,
    width,
)

MINUTE_NS = 60_000_000_000
DAY_NS = 24 * 60 * MINUTE_NS
moments = st.lists(
    st.one_of(st.integers(0, 20 * SHORTEST_NS), st.integers(0, 400 * DAY_NS)), min_size=1, max_size=12
)


def of(times: list[int]) -> tuple[Window, ...]:
    """The course of requests that were answered after 5 ns each, without joining anything."""
    first_ns, last_ns = min(times), max(times)
    width_ns = SHORTEST_NS << width(first_ns, last_ns)
    counts = [0] * (last_ns // width_ns - first_ns // width_ns + 1)
    for time in times:
        counts[time // width_ns - first_ns // width_ns] += 1
    return tuple(Window(count, count, 5 * count, 0) for count in counts)


def part(times: list[int]) -> tuple[int, int, tuple[Window, ...]]:
    return min(times), max(times), of(times)


@settings(max_examples=300, deadline=None)
@given(moments, moments, moments)
def test_parts_joined_in_any_order_are_the_course_of_all(a: list[int], b: list[int], c: list[int]) -> None:
    whole = of([*a, *b, *c])
    assert joined(map(part, (a, b, c))) == whole
    first = joined(map(part, (c, a)))
    assert joined([(min(a + c), max(a + c), first), part(b)]) == whole


@settings(max_examples=300, deadline=None)
@given(moments)
def test_windows_are_few_and_as_narrow_as_they_can_be(times: list[int]) -> None:
    first_ns, last_ns = min(times), max(times)
    doubled = width(first_ns, last_ns)
    assert 1 <= length(first_ns, last_ns) <= WINDOWS
    if doubled:
        narrower_ns = SHORTEST_NS << doubled - 1
        assert last_ns // narrower_ns - first_ns // narrower_ns >= WINDOWS


def test_a_window_of_up_to_a_minute_lies_within_one_minute_of_the_clock() -> None:
    first_ns, last_ns = 7 * MINUTE_NS - 1, 21 * MINUTE_NS
    assert SHORTEST_NS << width(first_ns, last_ns) == MINUTE_NS
    windows = list(spans(first_ns, last_ns, (NOTHING,) * length(first_ns, last_ns)))
    assert [begin for begin, _, _ in windows] == [n * MINUTE_NS for n in range(6, 22)]
    assert all(end == begin for (_, end, _), (begin, _, _) in pairwise(windows))


def test_the_longest_gap_of_a_window_stays() -> None:
    parts = [(0, 0, (Window(1, 0, 0, 0),)), (5, 5, (Window(2, 1, 9, 7),)), (9, 9, (Window(1, 1, 1, 3),))]
    assert joined(parts) == (Window(4, 2, 10, 7),)


@pytest.mark.parametrize("order", [1, -1])
def test_of_what_nobody_kept_there_is_no_course(order: int) -> None:
    assert joined([(0, 9, ()), part([3])][::order]) == ()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.integers(0, 15 * MINUTE_NS), min_size=1, max_size=30), min_size=1, max_size=4))
def test_of_short_courses_the_busiest_minute_is_exact(parts: list[list[int]]) -> None:
    minutes = Counter(time // MINUTE_NS for times in parts for time in times)
    most, begin_ns = most_in_a_minute(map(part, parts))
    assert most == max(minutes.values())
    assert minutes[begin_ns // MINUTE_NS] == most


@settings(max_examples=300, deadline=None)
@given(moments, moments)
def test_of_long_courses_it_is_never_more_than_there_was(a: list[int], b: list[int]) -> None:
    minutes = Counter(time // MINUTE_NS for time in [*a, *b])
    most, _ = most_in_a_minute([part(a), part(b)])
    assert 1 <= most <= max(minutes.values())


def test_what_is_steady_is_measured_as_it_is_however_long() -> None:
    """Two polls of a day, each every two seconds, of which one lasts half as long."""
    long, short = range(0, DAY_NS, 2 * 10**9), range(0, DAY_NS // 2, 2 * 10**9)
    assert most_in_a_minute([part(list(long)), part(list(short))])[0] == 60
    assert most_in_a_minute([]) == (0, 0)
