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
        first_ns = row[W_FIRST]
        # In the order of its fields, as they are many.
        yield WrittenValue(
            *parties(row),
            what & 0xFF,
            "coils" if what >> COIL_BIT & 1 else "holding_registers",
            what >> 8 & 0xFFFF,
            words,
            row[W_TIMES],
            first_ns,
            row[W_LAST],
            *_values(values.tobytes(), words, source),
            Evidence(first_ns, source, row[W_PACKET], row[W_OFFSET]),
        )


@lru_cache(maxsize=REMEMBERED)
def _values(
    columns: bytes, words: int, source: str
) -> tuple[tuple[Extreme, ...], tuple[Extreme, ...], tuple[Change, ...]]:
    """Extremes, steps and changes of a row's columns from `W_EXTREMES` to `W_END`."""
    row = np.frombuffer(columns, np.int64).tolist()
    return _extremes(row, words, source), _steps(row, words, source), _changes(row, words, source)


def _extremes(row: list[int], words: int, source: str) -> tuple[Extreme, ...]:
    """Smallest, then largest, for each order."""
    shift = 0 if words == 2 else 16
    found = []
    for number in range(2 * (len(ORDERS) if words == 2 else 2)):
        rank, before, time_ns, packet, offset = row[number * E_COLUMNS : (number + 1) * E_COLUMNS]
        bits = rank & 0xFFFFFFFF
        if number >= 4:
            bits = (bits & 0xFFFF) << 16 | bits >> 16
        seen = Evidence(time_ns, source, packet, offset)
        found.append(Extreme(bits >> shift, UNKNOWN if before < 0 else before >> shift, seen))
    return tuple(found)


def _steps(row: list[int], words: int, source: str) -> tuple[Extreme, ...]:
    """All there are, or none: of whole numbers there is a step where anything was known before. Most are the
    largest one in several ways, which are one value."""
    begin = W_STEPS - W_EXTREMES
    if row[begin + E_BEFORE] < 0:
        return ()
    shift = 0 if words == 2 else 16
    found: list[Extreme] = []
    last: list[int] = []
    for at in range(begin, begin + (STEPS if words == 2 else 2) * E_COLUMNS, E_COLUMNS):
        columns = row[at : at + E_COLUMNS]
        if columns == last:
            found.append(found[-1])
            continue
        last = columns
        value, before, time_ns, packet, offset = columns
        seen = Evidence(time_ns, source, packet, offset)
        found.append(NO_STEP if before < 0 else Extreme(value >> shift, before >> shift, seen))
    return tuple(found)


def _changes(row: list[int], words: int, source: str) -> tuple[Change, ...]:
    """All there are, or none where nothing changed in any way; as with steps, several may be one value."""
    begin = W_CHANGES - W_EXTREMES
    shift = 0 if words == 2 else 16
    found: list[Change] = []
    last: list[int] = []
    for at in range(begin, begin + (STEPS if words == 2 else 2) * CHANGE_COLUMNS, CHANGE_COLUMNS):
        columns = row[at : at + CHANGE_COLUMNS]
        if columns == last:
            found.append(found[-1])
            continue
        last = columns
        value, before, time_ns, packet, offset, since_ns, since_packet, since_offset = columns
        if before < 0:
            found.append(NO_CHANGE)
            continue
        since = Evidence(since_ns, source, since_packet, since_offset)
        seen = Evidence(time_ns, source, packet, offset)
        found.append(Change(value >> shift, before >> shift, since, seen))
    return tuple(found) if any(one is not NO_CHANGE for one in found) else ()
