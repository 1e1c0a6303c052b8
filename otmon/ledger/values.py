"""From rows of written values to facts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np

from otmon.kernel import Ints
from otmon.ledger.facts import (
    NO_CHANGE,
    NO_STEP,
    ORDERS,
    UNKNOWN,
    Change,
    Evidence,
    Extreme,
    WrittenValue,
)
from otmon.ledger.rows import lists_of, parties
from otmon.ledger.tables import (
    CHANGE_COLUMNS,
    COIL_BIT,
    E_BEFORE,
    E_COLUMNS,
    E_OFFSET,
    E_PACKET,
    E_RANK,
    E_SINCE,
    E_SINCE_OFFSET,
    E_SINCE_PACKET,
    E_TIME,
    PAIR_BIT,
    STEPS,
    W_CHANGES,
    W_EXTREMES,
    W_FIRST,
    W_LAST,
    W_OFFSET,
    W_PACKET,
    W_STEPS,
    W_TIMES,
    W_WHAT,
)

W_END: Final = W_CHANGES + STEPS * CHANGE_COLUMNS
REMEMBERED: Final = 1 << 12
"""Rows whose values are kept: a sensor makes facts of the same rows every few seconds, and most writes change
their counts alone. A kilobyte and a half each, and 3 kB of what is made of them."""


def written_values(rows: Ints, source: str) -> Iterator[WrittenValue]:
    """The facts of rows of `Tables.written`; `source` is the name of the capture."""
    for row, values in zip(lists_of(rows[:, :W_EXTREMES]), rows[:, W_EXTREMES:W_END], strict=True):
        what = row[W_WHAT]
        words = 2 if what >> PAIR_BIT & 1 else 1
        extremes, steps, changes = _values(values.tobytes(), words, source)
        yield WrittenValue(
            *parties(row),
            unit=what & 0xFF,
            table="coils" if what >> COIL_BIT & 1 else "holding_registers",
            address=what >> 8 & 0xFFFF,
            words=words,
            times=row[W_TIMES],
            first_ns=row[W_FIRST],
            last_ns=row[W_LAST],
            extremes=extremes,
            steps=steps,
            changes=changes,
            evidence=Evidence(row[W_FIRST], source, row[W_PACKET], row[W_OFFSET]),
        )


@lru_cache(maxsize=REMEMBERED)
def _values(
    columns: bytes, words: int, source: str
) -> tuple[tuple[Extreme, ...], tuple[Extreme, ...], tuple[Change, ...]]:
    """Extremes, steps and changes of a row's columns from `W_EXTREMES` to `W_END`."""
    row = [0] * W_EXTREMES + np.frombuffer(columns, np.int64).tolist()
    places = range(W_EXTREMES, W_EXTREMES + 2 * (len(ORDERS) if words == 2 else 2) * E_COLUMNS, E_COLUMNS)
    extremes = tuple(
        _extreme(row[at : at + E_COLUMNS], number // 2, words, source) for number, at in enumerate(places)
    )
    return extremes, _steps(row, words, source), _changes(row, words, source)


def _steps(row: list[int], words: int, source: str) -> tuple[Extreme, ...]:
    """All there are, or none: of whole numbers there is a step where anything was known before."""
    if row[W_STEPS + E_BEFORE] < 0:
        return ()
    shift = 0 if words == 2 else 16
    ways = range(W_STEPS, W_STEPS + (STEPS if words == 2 else 2) * E_COLUMNS, E_COLUMNS)
    return tuple(
        NO_STEP
        if row[at + E_BEFORE] < 0
        else Extreme(
            row[at + E_RANK] >> shift,
            row[at + E_BEFORE] >> shift,
            Evidence(row[at + E_TIME], source, row[at + E_PACKET], row[at + E_OFFSET]),
        )
        for at in ways
    )


def _changes(row: list[int], words: int, source: str) -> tuple[Change, ...]:
    """All there are, or none where nothing changed in any way."""
    shift = 0 if words == 2 else 16
    size = (STEPS if words == 2 else 2) * CHANGE_COLUMNS
    found = tuple(
        NO_CHANGE
        if row[at + E_BEFORE] < 0
        else Change(
            row[at + E_RANK] >> shift,
            row[at + E_BEFORE] >> shift,
            Evidence(row[at + E_SINCE], source, row[at + E_SINCE_PACKET], row[at + E_SINCE_OFFSET]),
            Evidence(row[at + E_TIME], source, row[at + E_PACKET], row[at + E_OFFSET]),
        )
        for at in range(W_CHANGES, W_CHANGES + size, CHANGE_COLUMNS)
    )
    return found if any(one is not NO_CHANGE for one in found) else ()


def _extreme(columns: list[int], order: int, words: int, source: str) -> Extreme:
    bits = columns[E_RANK] & 0xFFFFFFFF
    if order >= 2:
        bits = (bits & 0xFFFF) << 16 | bits >> 16
    shift = 0 if words == 2 else 16
    before = UNKNOWN if columns[E_BEFORE] < 0 else columns[E_BEFORE] >> shift
    seen = Evidence(columns[E_TIME], source, columns[E_PACKET], columns[E_OFFSET])
    return Extreme(bits >> shift, before, seen)
