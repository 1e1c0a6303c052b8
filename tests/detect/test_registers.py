"""What registers may hold, and the largest step of each reading."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.detect.registers import READINGS, is_plausible, largest_step
from otmon.ledger.facts import NO_STEP, WrittenValue
from otmon.zones.model import ValueType
from tests.detect.written import facts, real


def written(values: list[int], words: int) -> WrittenValue:
    (fact,) = facts(values, words).written
    return fact


@pytest.mark.parametrize(
    ("type", "words", "values", "step"),
    [
        ("uint16", 1, [5, 9, 40], (9, 40)),
        ("int16", 1, [5, 0xFFFE, 5, 20], (5, 20)),
        ("uint16", 2, [5 << 16 | 9, 40 << 16, 41 << 16 | 0xFFFF], (5 << 16 | 9, 40 << 16)),
        ("uint32", 2, [5, 1 << 16, 3 << 16], (1 << 16, 3 << 16)),
        ("uint32-swapped", 2, [2 << 16, 5 << 16, 2], (5 << 16, 2)),
        ("float32", 2, [0x3F800000, 0x40000000, 0x41200000], (0x40000000, 0x41200000)),
    ],
)
def test_each_reading_has_its_largest_step(
    type: ValueType, words: int, values: list[int], step: tuple[int, int]
) -> None:
    found = largest_step(written(values, words), type)
    assert found is not None
    assert (found.before, found.value) == step


def test_a_reading_in_which_nothing_is_a_number_has_no_step() -> None:
    fact = written([3, 9], 2)
    assert largest_step(replace(fact, steps=(NO_STEP,) * len(fact.steps)), "float32") is None


def test_every_reading_is_of_one_fact_or_another() -> None:
    for types in READINGS:
        for type in types:
            assert largest_step(written([3, 9], 2), type) is not None


@pytest.mark.parametrize(
    ("value", "plausible"),
    [(0.0, True), (-0.0, True), (0.000101, True), (0.000099, False), (-1e7, True), (1.0000001e7, False)]
    + [(value, False) for value in (float("nan"), float("inf"), 1e-40)],
)
def test_a_quantity_of_a_process_is_neither_tiny_nor_huge(value: float, plausible: bool) -> None:
    assert is_plausible(real(value), "float32") is plausible
    assert is_plausible(real(value, swapped=True), "float32-swapped") is plausible
