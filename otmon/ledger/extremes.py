"""How far written values go: which of two is more extreme, and which of two steps is larger."""

from __future__ import annotations

import struct
from math import isfinite
from typing import Final

from otmon.ledger.facts import ORDERS, UNKNOWN, WAYS, Change, Extreme, WrittenValue

_FLOAT: Final = WAYS.index("float")
_FIRST_REGISTER: Final = WAYS.index("first-unsigned")
_FLOAT_32: Final = struct.Struct(">f")


def rank_of(value: int, words: int, order: int) -> int:
    """Where a written value stands in one of `otmon.ledger.facts.ORDERS`."""
    bits = value if words == 2 else value << 16
    if order >= 2:
        bits = (bits & 0xFFFF) << 16 | bits >> 16
    return bits - (1 << 32) if order & 1 and bits >> 31 else bits


def join_written(a: WrittenValue, b: WrittenValue) -> WrittenValue:
    """One fact of two that have one key."""
    return WrittenValue(
        a.client,
        a.server,
        a.transport,
        a.port,
        a.protocol,
        a.vlan,
        a.unit,
        a.table,
        a.address,
        a.words,
        a.times + b.times,
        a.repeated + b.repeated,
        min(a.first_ns, b.first_ns),
        max(a.last_ns, b.last_ns),
        tuple(
            _more_extreme(one, other, a.words, number)
            for number, (one, other) in enumerate(zip(a.extremes, b.extremes, strict=True))
        ),
        _join_steps(a.steps, b.steps, a.words),
        _join_changes(a.changes, b.changes, a.words),
        min(a.evidence, b.evidence),
    )


def _join_steps(a: tuple[Extreme, ...], b: tuple[Extreme, ...], words: int) -> tuple[Extreme, ...]:
    if not a or not b:
        return a or b
    return tuple(
        _larger_step(one, other, words, way) for way, (one, other) in enumerate(zip(a, b, strict=True))
    )


def _join_changes(a: tuple[Change, ...], b: tuple[Change, ...], words: int) -> tuple[Change, ...]:
    if not a or not b:
        return a or b
    return tuple(
        _larger_change(one, other, words, way) for way, (one, other) in enumerate(zip(a, b, strict=True))
    )


def _larger_change(a: Change, b: Change, words: int, way: int) -> Change:
    one, other = size_of_move(a, words, way), size_of_move(b, words, way)
    if one == other:
        return min(a, b, key=lambda change: (change.evidence, change.since, change.value, change.before))
    return a if one > other else b


def _larger_step(a: Extreme, b: Extreme, words: int, way: int) -> Extreme:
    one, other = size_of_move(a, words, way), size_of_move(b, words, way)
    if one == other:
        return min(a, b, key=lambda step: (step.evidence, step.value, step.before))
    return a if one > other else b


def size_of_move(step: Extreme | Change, words: int, way: int) -> float:
    """How far a step or change goes, in one of `otmon.ledger.facts.WAYS`; -1 where there is none."""
    if step.before == UNKNOWN:
        return -1
    value, before = step.value, step.before
    if way < len(ORDERS):
        return abs(rank_of(value, words, way) - rank_of(before, words, way))
    if way < _FIRST_REGISTER:
        swapped = way != _FLOAT
        number, other = _real(value, swapped), _real(before, swapped)
        return abs(number - other) if isfinite(number) and isfinite(other) else -1
    order = way - _FIRST_REGISTER
    return abs(rank_of(value >> 16, 1, order) - rank_of(before >> 16, 1, order))


def _real(bits: int, swapped: bool) -> float:
    if swapped:
        bits = (bits & 0xFFFF) << 16 | bits >> 16
    number: float = _FLOAT_32.unpack(bits.to_bytes(4, "big"))[0]
    return number


def _more_extreme(a: Extreme, b: Extreme, words: int, number: int) -> Extreme:
    one, other = rank_of(a.value, words, number // 2), rank_of(b.value, words, number // 2)
    if one == other:
        return min(a, b, key=lambda extreme: (extreme.evidence, extreme.before))
    return a if (one < other) == (number % 2 == 0) else b
