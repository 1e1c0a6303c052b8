"""From rows of the tables to facts: numbers become addresses, names and evidence.

Rows of one key are first joined by numpy, so that Python runs once per fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, repeat
from typing import Final, TypeVar

import numpy as np

from otmon.decode.fields import COUNTER_NAMES
from otmon.decode.flows import (
    MINUTE_COLUMNS,
)
from otmon.kernel import Ints
from otmon.ledger.facts import (
    Anomaly,
    Operation,
    Source,
)
from otmon.ledger.fast_init import of_columns
from otmon.ledger.harvest.conversations import conversations_of, facts_of_conversations
from otmon.ledger.harvest.row_ranks import service_of, thinned
from otmon.ledger.harvest.rows import (
    SLICE,
    Rows,
    busiest_of,
    by_runs,
    courses_of,
    evidence_of,
    minutes_of,
    order_of,
    parties_of,
    response_counts_of,
)
from otmon.ledger.harvest.senders import assets_of, ports_of
from otmon.ledger.harvest.written_values import written_values
from otmon.ledger.ledger import LIMITS, Ledger, Limits
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.tables import (
    A_FIRST,
    A_LAST,
    A_NEEDED,
    A_OFFSET,
    A_PACKET,
    A_TIMES,
    A_VALUE,
    A_WHAT,
    LAST_TIME,
    O_ANSWERED,
    O_FIRST,
    O_GAP,
    O_GAP_NOW,
    O_HOURS,
    O_LAST,
    O_MAX,
    O_MIN,
    O_MINUTE,
    O_OFFSET,
    O_PACKET,
    O_RANGE,
    O_SERVICE,
    O_SUM,
    O_TIMES,
    W_WHAT,
    Tables,
    bits_of,
)
from otmon.protocols.modbus import REASONS

_Fact = TypeVar("_Fact")


def facts_of(rows: Rows, source: str, bars: Bars = NO_BARS, limits: Limits = LIMITS) -> Ledger:
    """The facts of rows, but for messages, which are read by `otmon.ledger.dialogues.dialogues`. Rows behind
    `bars`, or behind so many others of their own that a ledger has no place for them, are counted in
    `overflow` only. They are in no order, and keys are repeated, until they are merged."""
    rows_left, _, lost = thinned(rows, bars, limits)
    # Claims have room of their own.
    claims = tuple(ports_of(rows.assets, source))
    return replace(harvested(rows_left, source), claims=claims, overflow=tuple(lost.items()))


def harvested(rows: Rows, source: str) -> Ledger:
    """The facts of all rows, in no order; without the claims that tell where senders came in."""

    def made(of: Callable[[Ints, str], Iterator[_Fact]], rows: Ints, keys: int = 0) -> tuple[_Fact, ...]:
        """By the first columns: rows of the same hosts then share their texts and lie together."""
        slices = (rows[begin : begin + SLICE] for begin in range(0, len(rows), SLICE))
        ordered = (some[order_of(some[:, :keys])] for some in slices) if keys else slices
        return tuple(chain.from_iterable(of(some, source) for some in ordered))

    return Ledger(
        conversations=tuple(facts_of_conversations(conversations_of(rows.flows), source)),
        assets=made(assets_of, rows.assets),
        operations=made(
            lambda some, source: _operations(some, rows.courses, source), rows.operations, O_RANGE + 1
        ),
        written=made(written_values, rows.written, W_WHAT + 1),
        anomalies=made(_anomalies, rows.anomalies),
    )


def source_of(t: Tables, name: str, octets: int, first_ns: int) -> Source:
    """The source as a fact, with every counter that is not zero."""
    counters = t.counters.tolist()
    named = sorted((name, count) for name, count in zip(COUNTER_NAMES, counters, strict=True) if count)
    last_ns = int(t.used[LAST_TIME]) if counters[0] else 0
    return Source(name, counters[0], octets, first_ns, last_ns, tuple(named))


_OPERATIONS: Final = of_columns(Operation)


def _operations(rows: Ints, courses: Ints, source: str) -> Iterator[Operation]:
    services, ranges, times = rows[:, O_SERVICE], rows[:, O_RANGE], rows[:, O_TIMES]
    named = by_runs(service_of, services[:, None])
    begins = rows[:, [O_FIRST, O_PACKET, O_OFFSET]]
    evidence = evidence_of(begins, source)
    minutes = minutes_of(rows[:, O_MINUTE : O_MINUTE + MINUTE_COLUMNS], times)
    # Of most only one request was seen, and that is its minute.
    once = times == 1
    minutes[once, 0], minutes[once, 1:] = 1, begins[once]
    # In the order of its fields, as they are many.
    yield from _OPERATIONS(
        *parties_of(rows),
        (services & 0xFF).tolist(),
        (services >> 8 & 0xFF).tolist(),
        ((services >> 16 & 0x3FFFF) - 1).tolist(),
        [one.name for one in named],
        [one.access for one in named],
        ((ranges >> 20) - 1).tolist(),
        ((ranges & 0xFFFFF) - 1).tolist(),
        ((services >> 36) - 2).tolist(),
        repeat(False, len(rows)),
        times.tolist(),
        *rows[:, [O_SUM, O_MIN, O_MAX, O_ANSWERED]].T.tolist(),
        response_counts_of(rows, courses),
        np.maximum(rows[:, O_GAP], rows[:, O_GAP_NOW]).tolist(),
        busiest_of(minutes, begins, evidence),
        courses_of(rows, courses),
        by_runs(lambda *columns: bits_of(columns), rows[:, O_HOURS : O_HOURS + 3]),
        begins[:, 0].tolist(),
        np.where(once, begins[:, 0], rows[:, O_LAST]).tolist(),
        evidence,
    )


def _anomalies(rows: Ints, source: str) -> Iterator[Anomaly]:
    what = rows[:, A_WHAT]
    reasons = [REASONS[number] for number in (what & 0xFF).tolist()]
    return map(
        Anomaly,
        *parties_of(rows),
        (what >> 20 & 1 == 1).tolist(),
        [reason for reason, _ in reasons],
        [field for _, field in reasons],
        ((what >> 8 & 0xFFF) - 1).tolist(),
        *rows[:, [A_VALUE, A_NEEDED, A_TIMES, A_FIRST, A_LAST]].T.tolist(),
        evidence_of(rows[:, [A_FIRST, A_PACKET, A_OFFSET]], source),
    )
