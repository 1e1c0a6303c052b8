"""From rows of written values to facts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from operator import itemgetter
from typing import Any, Final, TypeVar

import numpy as np

from otmon.kernel import Ints
from otmon.ledger.facts import NO_CHANGE, NO_STEP, ORDERS, UNKNOWN, Change, Evidence, Extreme, WrittenValue
from otmon.ledger.fast_init import of_columns
from otmon.ledger.harvest.rows import parties_of
from otmon.ledger.tables import (
    CHANGE_COLUMNS,
    COIL_BIT,
    E_BEFORE,
    E_COLUMNS,
    E_RANK,
    E_TIME,
    PAIR_BIT,
    STEPS,
    W_CHANGES,
    W_EXTREMES,
    W_FIRST,
    W_LAST,
    W_OFFSET,
    W_PACKET,
    W_REPEATED,
    W_STEPS,
    W_TIMES,
    W_WHAT,
)

_Known = dict[int, Evidence]
"""By the numbers of packets in a source."""
_Move = TypeVar("_Move", Extreme, Change)
_WRITTEN: Final = of_columns(WrittenValue)
_TABLES: Final = ("holding_registers", "coils")


def written_values(rows: Ints, source: str) -> Iterator[WrittenValue]:
    """The facts of rows of `Tables.written`; `source` is the name of the capture. There is at least one."""
    what = rows[:, W_WHAT]
    words = np.where(what >> PAIR_BIT & 1, 2, 1)
    values: list[tuple[Any, ...]] = [()] * len(rows)
    known: _Known = {}
    for count in (1, 2):
        places = np.flatnonzero(words == count)
        some = rows[places]
        found = [of(some, count, source, known) for of in (_extremes, _steps, _changes)]
        for at, of_one in zip(places.tolist(), zip(*found, strict=True), strict=True):
            values[at] = of_one
    # In the order of its fields, as they are many.
    yield from _WRITTEN(
        *parties_of(rows),
        (what & 0xFF).tolist(),
        map(_TABLES.__getitem__, (what >> COIL_BIT & 1).tolist()),
        (what >> 8 & 0xFFFF).tolist(),
        words.tolist(),
        *rows[:, [W_TIMES, W_REPEATED, W_FIRST, W_LAST]].T.tolist(),
        *zip(*values, strict=True),
        _evidence_of(rows[:, [W_FIRST, W_PACKET, W_OFFSET]], source, known),
    )


def _evidence_of(columns: Ints, source: str, known: _Known) -> list[Evidence]:
    """As `otmon.ledger.harvest.rows.evidence_of`, one value for each packet: a request writes many elements,
    and most of what is told of each was in a few of them."""
    return [
        known.get(packet) or known.setdefault(packet, Evidence(time_ns, source, packet, offset))
        for time_ns, packet, offset in columns.tolist()
    ]


def _extremes(rows: Ints, words: int, source: str, known: _Known) -> list[tuple[Extreme, ...]]:
    """Smallest, then largest, for each order."""
    orders = len(ORDERS) if words == 2 else 2
    columns = rows[:, W_EXTREMES : W_EXTREMES + 2 * orders * E_COLUMNS].reshape(-1, 2 * orders, E_COLUMNS)
    # The bits as written, of a rank among values of 32 bits.
    columns = columns & np.array([0xFFFFFFFF, *[-1] * (E_COLUMNS - 1)])
    swapped = columns[:, 4:, E_RANK]
    columns[:, 4:, E_RANK] = (swapped & 0xFFFF) << 16 | swapped >> 16
    # The smallest of all orders are mostly one value, and so the largest: here they follow one another.
    by_side = columns.reshape(-1, orders, 2, E_COLUMNS).swapaxes(1, 2).reshape(columns.shape)
    in_pairs = itemgetter(*np.arange(2 * orders).reshape(2, orders).T.ravel().tolist())
    return list(map(in_pairs, _moves(Extreme, by_side, words, source, known)))


def _steps(rows: Ints, words: int, source: str, known: _Known) -> list[tuple[Extreme, ...]]:
    """All there are, or none: of whole numbers there is a step where anything was known before."""
    columns = rows[:, W_STEPS : W_STEPS + STEPS * E_COLUMNS].reshape(-1, STEPS, E_COLUMNS)
    found = _moves(Extreme, columns if words == 2 else columns[:, :2], words, source, known, NO_STEP)
    return [() if steps[0] is NO_STEP else steps for steps in found]


def _changes(rows: Ints, words: int, source: str, known: _Known) -> list[tuple[Change, ...]]:
    """All there are, or none where nothing changed in any way."""
    columns = rows[:, W_CHANGES : W_CHANGES + STEPS * CHANGE_COLUMNS].reshape(-1, STEPS, CHANGE_COLUMNS)
    found = _moves(Change, columns if words == 2 else columns[:, :2], words, source, known, NO_CHANGE)
    return [() if changes.count(NO_CHANGE) == len(changes) else changes for changes in found]


def _moves(
    kind: type[_Move],
    columns: Ints,
    words: int,
    source: str,
    known: _Known,
    nothing: _Move | None = None,
) -> list[tuple[_Move, ...]]:
    """The values in the last axis of columns, by the axis before that; `nothing` where nobody knows what was
    before. Many are equal to the one before them: these are one value."""
    flat = columns.reshape(-1, columns.shape[-1])
    fresh = np.append(True, (flat[1:] != flat[:-1]).any(axis=1))[: len(flat)]
    some = flat[fresh]
    shift = 0 if words == 2 else 16
    before = np.where(some[:, E_BEFORE] < 0, UNKNOWN, some[:, E_BEFORE] >> shift)
    # Those of the last packet, and of the first one, if these are two.
    seen: list[list[Evidence]] = [
        _evidence_of(some[:, at : at + 3], source, known) for at in range(E_TIME, some.shape[1], 3)
    ]
    parts = (some[:, E_RANK] >> shift).tolist(), before.tolist(), *reversed(seen)
    made: list[_Move] = list(map(tuple.__new__, repeat(kind), zip(*parts, strict=True)))
    if nothing is not None:
        for at in np.flatnonzero(before < 0).tolist():
            made[at] = nothing
    each = map(made.__getitem__, (np.cumsum(fresh) - 1).tolist())
    return list(zip(*[each] * columns.shape[-2], strict=True))
