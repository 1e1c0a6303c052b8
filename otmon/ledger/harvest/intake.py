"""Rows of one source on their way into a running ledger: they wait as rows, which take no Python, for as long
as they may. Where too many of few hosts wait they become facts, which join.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from otmon.ledger.harvest.harvest import by_ends, harvested
from otmon.ledger.harvest.rows import FIELDS, Rows, no_rows
from otmon.ledger.harvest.senders import ports_of
from otmon.ledger.harvest.waiting_rows import WaitingRows
from otmon.ledger.ledger import Ledger
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.running import RunningLedger


class Intake:
    """What comes from one source; used by one thread."""

    def __init__(
        self, source: str, into: RunningLedger, also: Callable[[Ledger], Ledger] = lambda facts: facts
    ) -> None:
        """`source` is named in evidence; `also` adds to the facts what rows do not tell."""
        self._source = source
        self._into = into
        self._also = also
        self._waiting = WaitingRows(into.limits, self._tell)

    def take(self, rows: Rows, bars: Bars = NO_BARS) -> None:
        """Take in the rows of facts. Those behind the running ledger's bars, or `bars`, are only counted."""
        self._into.add(Ledger(claims=tuple(ports_of(rows.assets, self._source))))
        self._waiting.take(rows, self._into.bars.tightened(bars))
        self._count()

    def flush(self) -> None:
        """Let all that waits become facts, one kind after the other: merged at once they take more memory."""
        for kind in FIELDS:
            rows = self._waiting.leave(kind)
            if rows is not None:
                self._tell(kind, rows)
        self._count()

    def _tell(self, kind: str, rows: Rows) -> None:
        if kind != "conversations":
            self._into.add(self._also(harvested(rows, self._source)))
            return
        for flows in by_ends(rows.flows):
            self._into.add(self._also(harvested(replace(no_rows(), flows=flows), self._source)))

    def _count(self) -> None:
        self._into.add(Ledger(overflow=tuple(self._waiting.lost.items())))
        self._waiting.lost = Counter()
