"""A ledger that grows by parts that will not change any more: ended rows of tables, files that were read.

A merge looks at all facts that there are, so parts wait until they are many; a new fact is then looked at a
few times, however long it goes on. What waits is bounded by facts, not by parts: one part may be large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from otmon.ledger.ledger import EMPTY, LIMITS, Ledger, Limits
from otmon.ledger.merge import grown
from otmon.ledger.rank import bars_of

WAITING: Final = 32_768
"""Facts that wait to be merged, a quarter of what a ledger may hold: in a flood all of it is looked at again
each time."""


class RunningLedger:
    """Ledgers in their order, merged when those that wait are many."""

    def __init__(self, waiting: int = WAITING, limits: Limits = LIMITS) -> None:
        """At most so many facts wait to be merged, and at most `limits` are kept."""
        self._most = waiting
        self.limits = limits
        self._merged = EMPTY
        self._waiting: list[Ledger] = []
        self._facts = 0
        self.bars = bars_of(EMPTY, limits)
        """What a fact must not lie behind to be kept: as of the last merge that was due."""

    def add(self, part: Ledger) -> None:
        """Take the part in; it may have been put in no order yet (`otmon.ledger.harvest.harvest`)."""
        if part == EMPTY:
            return
        self._waiting.append(part)
        parts = part.conversations, part.operations, part.assets, part.written
        others = part.anomalies, part.credentials, part.claims, part.names, part.damage
        self._facts += 1 + sum(map(len, (*parts, *others)))
        if self._facts >= self._most:
            self.bars = bars_of(self.ledger(), self.limits)

    def add_merged(self, ledger: Ledger) -> None:
        """Take in what was merged already: where nothing came before, it is what there is."""
        if self._waiting or self._merged != EMPTY:
            self.add(ledger)
        else:
            self._merged = ledger

    @property
    def parts(self) -> tuple[Ledger, ...]:
        """What was merged and what waits: for one who merges it all with something else."""
        return (self._merged, *self._waiting)

    def ledger(self) -> Ledger:
        """The ledger of all parts so far."""
        if self._waiting:
            self._merged = grown(self._merged, self._waiting, self.limits)
            self._waiting = []
            self._facts = 0
        return self._merged

    def forget(self, young: Callable[[Ledger], tuple[Ledger, int]]) -> int:
        """Drop facts; `young` gives the ledger without them, and how many these were, which is the answer."""
        self._merged, gone = young(self.ledger())
        self.bars = bars_of(self._merged, self.limits)
        return gone
