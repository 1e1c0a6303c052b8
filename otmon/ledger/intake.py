"""Rows of one source on their way into a running ledger.

They wait as rows, which take no Python, for as long as they may: in a flood nearly all of them are pushed out
by others before the ledger is asked for, and never become facts. What waits is bounded; where too many rows
are of few hosts, so that none is pushed out, they become facts, which join.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from otmon.ledger.harvest import by_ends, harvested
from otmon.ledger.ledger import Ledger
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.row_ranks import thinned
from otmon.ledger.rows import FIELDS, Rows, by_kind, no_rows, together
from otmon.ledger.running import RunningLedger
from otmon.ledger.senders import ports_of

TIMES: Final = 1.5
"""So many times as many rows wait at most as a ledger has places."""
ENOUGH: Final = 0.75
"""Where thinning leaves more of them, they become facts."""


class Intake:
    """What comes from one source; used by one thread."""

    def __init__(
        self, source: str, into: RunningLedger, also: Callable[[Ledger], Ledger] = lambda facts: facts
    ) -> None:
        """`source` is named in evidence; `also` adds to the facts what rows do not tell."""
        self._source = source
        self._into = into
        self._also = also
        self._waiting: dict[str, list[Rows]] = {kind: [] for kind in FIELDS}
        self._bars = into.bars
        """Of each kind the tightest that what waits, or what was merged, has set."""

    def take(self, rows: Rows, bars: Bars = NO_BARS) -> None:
        """Take in the rows of facts. Those behind the running ledger's bars, or `bars`, are only counted."""
        self._into.add(Ledger(claims=tuple(ports_of(rows.assets, self._source))))
        ledger_bars = self._into.bars.tightened(bars)
        # Where nothing waits, what set them before may be forgotten.
        self._bars = self._bars.tightened(ledger_bars) if any(self._waiting.values()) else ledger_bars
        lost = Counter[str]()
        for kind, part in by_kind(rows).items():
            fitting = self._thinned(kind, part, lost)
            if len(fitting):
                self._waiting[kind].append(fitting)
                if self._share(kind) > 1:
                    self._make_room(kind, lost)
        self._into.add(Ledger(overflow=tuple(lost.items())))

    def flush(self) -> None:
        """Let all that waits become facts, one kind after the other: merged at once they take more memory."""
        lost = Counter[str]()
        for kind, waiting in self._waiting.items():
            if waiting:
                self._thin(kind, lost)
                self._tell(kind)
        self._into.add(Ledger(overflow=tuple(lost.items())))

    def _thinned(self, kind: str, rows: Rows, lost: Counter[str]) -> Rows:
        fitting, self._bars, left = thinned(rows, self._bars, self._into.limits, (kind,))
        lost.update(left)
        return fitting

    def _share(self, kind: str) -> float:
        """How much of what may wait does."""
        rows = sum(map(len, self._waiting[kind]))
        share: float = rows / (TIMES * getattr(self._into.limits, kind))
        return share

    def _make_room(self, kind: str, lost: Counter[str]) -> None:
        self._thin(kind, lost)
        if self._share(kind) > ENOUGH:
            self._tell(kind)

    def _thin(self, kind: str, lost: Counter[str]) -> None:
        every = together(self._waiting[kind])
        self._waiting[kind].clear()
        self._waiting[kind].append(self._thinned(kind, every, lost))

    def _tell(self, kind: str) -> None:
        rows = together(self._waiting[kind])
        # In a flood these are many: what is not needed any more goes at once.
        self._waiting[kind].clear()
        if kind != "conversations":
            self._into.add(self._also(harvested(rows, self._source)))
            return
        for flows in by_ends(rows.flows):
            self._into.add(self._also(harvested(replace(no_rows(), flows=flows), self._source)))
