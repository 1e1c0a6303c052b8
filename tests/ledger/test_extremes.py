"""Which of two written values is more extreme, and which of two steps goes further."""

from __future__ import annotations

import pytest

from otmon.ledger.extremes import rank_of, size_of_move
from otmon.ledger.facts import NO_STEP, ORDERS, UNKNOWN, WAYS, Evidence, Extreme

SEEN = Evidence(1, "a", 1, 0)


@pytest.mark.parametrize(
    ("value", "words", "ranks"),
    [
        (0xFFFF, 1, {"unsigned": 0xFFFF << 16, "signed": -1 << 16}),
        (0x0001FFFE, 2, {"unsigned": 0x1FFFE, "signed": 0x1FFFE}),
        (0x0001FFFE, 2, {"unsigned-swapped": 0xFFFE0001, "signed-swapped": 0xFFFE0001 - (1 << 32)}),
        (0x80000000, 2, {"signed": -(1 << 31), "signed-swapped": 0x8000}),
    ],
)
def test_a_value_stands_where_its_order_says(value: int, words: int, ranks: dict[str, int]) -> None:
    assert {name: rank_of(value, words, ORDERS.index(name)) for name in ranks} == ranks  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "value", "way", "reach"),
    [
        (0x3F800000, 0x40000000, "float", 1.0),
        (0x00003F80, 0x00004000, "float-swapped", 1.0),
        (0x7F800000, 0x40000000, "float", -1),
        (0x0001_0000, 0x0003_FFFF, "first-unsigned", 2 << 16),
        (0x0001_0000, 0xFFFF_0000, "first-signed", 2 << 16),
        (10, 4, "unsigned", 6),
        (UNKNOWN, 4, "unsigned", -1),
    ],
)
def test_a_step_is_as_long_as_its_way_says(before: int, value: int, way: str, reach: float) -> None:
    assert size_of_move(Extreme(value, before, SEEN), 2, WAYS.index(way)) == reach  # type: ignore[arg-type]
    assert size_of_move(NO_STEP, 2, WAYS.index(way)) == -1  # type: ignore[arg-type]
