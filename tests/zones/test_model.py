from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.model import Line, merged, shown, spans

small = st.integers(0, 12)
ranges = st.lists(st.tuples(small, small).map(lambda pair: (min(pair), max(pair))), max_size=6)


def numbers(found: object) -> set[int]:
    return {n for low, high in found for n in range(low, high + 1)}  # type: ignore[attr-defined]


@given(ranges)
def test_merged_ranges_are_the_same_numbers_in_fewest_ranges(given: list[tuple[int, int]]) -> None:
    result = merged(given)
    assert numbers(result) == numbers(given)
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(result))


@given(ranges, small, small)
def test_a_span_is_covered_if_each_of_its_numbers_is(
    given: list[tuple[int, int]], low: int, more: int
) -> None:
    wanted = set(range(low, low + more + 1))
    assert spans(merged(given), low, low + more) == (wanted <= numbers(given))


def test_ranges_are_shown_as_they_are_written() -> None:
    assert shown(((0, 99), (120, 120))) == "0-99, 120"


def test_a_line_is_shown_as_editors_open_it() -> None:
    assert str(Line("zones/a.yaml", 7)) == "zones/a.yaml:7"
    assert str(Line("zones/a.yaml", 0)) == "zones/a.yaml"
