"""Rows that wait to become facts: as many as a full ledger could use. The others are counted, by kind.

In a flood the ledger would drop nearly all of them again. Which rows go is decided by the ledger's own order
(`otmon.ledger.rank`), so what stays makes the same ledger as all of them would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from otmon.ledger.harvest.row_ranks import thinned
from otmon.ledger.harvest.rows import FIELDS, Rows, by_kind, together
from otmon.ledger.ledger import Limits
from otmon.ledger.rank import NO_BARS, Bars

TIMES: Final = 1.5
"""So many times as many rows of a kind wait at most as a ledger has places."""
ENOUGH: Final = 0.75
"""Where more than this share of them are left, as too many are of few hosts, somebody else must make room."""


class WaitingRows:
    """Rows without their copied payloads; used by one thread."""

    def __init__(self, limits: Limits, full: Callable[[str, Rows], None], for_claims: bool = False) -> None:
        """`full` gets all rows of a kind, which wait no more, where none of so many is pushed out.
        `for_claims`: senders whose switch port is known stay, for what they tell beside."""
        self._limits = limits
        self._full = full
        self._for_claims = for_claims
        self._waiting: dict[str, list[Rows]] = {kind: [] for kind in FIELDS}
        self._bars = NO_BARS
        self.lost = Counter[str]()
        """As `Ledger.overflow`, of the rows that were pushed out; for the one who asks to take it."""

    def __len__(self) -> int:
        return sum(sum(map(len, waiting)) for waiting in self._waiting.values())

    def take(self, rows: Rows, bars: Bars) -> None:
        """Add rows; those behind the bars are pushed out at once. The order in which rows are pushed out is
        that of the bars."""
        self.take_all([rows], bars)

    def take_all(self, parts: list[Rows], bars: Bars) -> None:
        """Add the rows of several parts, which is quicker than one after the other. `parts` is empty
        afterwards, and each kind goes as soon as it is thinned: all of them at once as one take twice the
        memory."""
        # Where nothing waits, what set the bars may be forgotten; with another secret they say nothing.
        keeps = len(self) and self._bars.secret == bars.secret
        self._bars = self._bars.tightened(bars) if keeps else bars
        kinds = [by_kind(part) for part in parts]
        parts.clear()
        for kind in FIELDS:
            fitting = self._thinned(kind, together([one.pop(kind) for one in kinds]))
            if len(fitting):
                self._waiting[kind].append(fitting)
                if self._share(kind) > 1:
                    self._make_room(kind)

    def leave(self, kind: str) -> Rows | None:
        """The rows of a kind, which wait no more."""
        waiting = self._waiting[kind]
        if not waiting:
            return None
        rows = together(waiting)
        # In a flood these are many: what is not needed any more goes at once.
        waiting.clear()
        return self._thinned(kind, rows)

    def _thinned(self, kind: str, rows: Rows) -> Rows:
        fitting, self._bars, lost = thinned(rows, self._bars, self._limits, (kind,), self._for_claims)
        self.lost.update(lost)
        return fitting

    def _share(self, kind: str) -> float:
        """How many rows of a kind wait, as a share of those that may."""
        most: float = TIMES * getattr(self._limits, kind)
        return sum(map(len, self._waiting[kind])) / most

    def _make_room(self, kind: str) -> None:
        rows = self.leave(kind)
        assert rows is not None
        self._waiting[kind].append(rows)
        if self._share(kind) > ENOUGH:
            self._waiting[kind].clear()
            self._full(kind, rows)
