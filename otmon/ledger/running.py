"""A ledger that grows by parts that will not change any more: ended rows of tables, files that were read.

A merge looks at all facts that there are, so parts wait until they are many; a new fact is then looked at a
few times, however long it goes on. What waits is bounded by facts, not by parts: one part may be large.
"""

from __future__ import annotations

from typing import Final

from otmon.ledger.aging import without_older
from otmon.ledger.ledger import EMPTY, LIMITS, Ledger
from otmon.ledger.merge import merge_all
from otmon.ledger.rank import NO_BARS, bars_of

WAITING: Final = 8_192
"""Facts that wait to be merged, a tenth of what a ledger may hold."""


class RunningLedger:
    """Ledgers in their order, merged when those that wait are many."""

    def __init__(self) -> None:
        self._merged = EMPTY
        self._waiting: list[Ledger] = []
        self._facts = 0
        self.bars = NO_BARS
        """What a fact must not lie behind to be kept: as of the last merge that was due."""

    def add(self, part: Ledger) -> None:
        """Take the part in; it may have been put in no order yet (`otmon.ledger.harvest`)."""
        if part == EMPTY:
            return
        self._waiting.append(part)
        parts = part.conversations, part.operations, part.assets, part.written
        others = part.anomalies, part.credentials, part.claims, part.names, part.damage
        self._facts += 1 + sum(map(len, (*parts, *others)))
        if self._facts >= WAITING:
            self.bars = bars_of(self.ledger(), LIMITS)

    @property
    def parts(self) -> tuple[Ledger, ...]:
        """What was merged and what waits: for one who merges it all with something else."""
        return (self._merged, *self._waiting)

    def ledger(self) -> Ledger:
        """All of it."""
        if self._waiting:
            self._merged = merge_all(self.parts)
            self._waiting = []
            self._facts = 0
        return self._merged

    def forget(self, before_ns: int) -> int:
        """Drop the facts that were last seen before `before_ns`; how many these were."""
        self._merged, gone = without_older(self.ledger(), before_ns)
        self.bars = bars_of(self._merged, LIMITS)
        return gone
