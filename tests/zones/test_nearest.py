from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.lack import ASPECTS, Lacking
from otmon.zones.nearest import NEAREST, aspects_of, nearest, numbers
from tests.zones.plain_reading import distance


def test_fewer_lacks_are_nearer_and_then_the_finer_one() -> None:
    order: list[list[Lacking]] = [["elements"], ["function"], ["direction"], ["unit", "elements"]]
    assert sorted(order[::-1], key=distance) == order


@given(st.lists(st.lists(st.sampled_from(ASPECTS), min_size=1, unique=True), max_size=9), st.integers(1, 5))
def test_the_sets_find_the_nearest_as_sorting_does(given: list[list[Lacking]], most: int) -> None:
    given = [sorted(one, key=ASPECTS.index) for one in given]
    lacks = [sum(1 << number for number, one in enumerate(given) if key in one) for key in ASPECTS]
    order = sorted(range(len(given)), key=lambda number: (distance(given[number]), number))
    everyone = (1 << len(given)) - 1
    assert nearest(lacks, everyone, most) == order[:most]
    assert nearest([lacking for lacking in lacks if lacking], everyone, most) == order[:most]
    assert [aspects_of(number, lacks) for number in range(len(given))] == given


def test_the_lowest_numbers_come_first() -> None:
    assert numbers(0b1011_0010, 3) == [1, 4, 5]
    assert numbers(0, NEAREST) == []
