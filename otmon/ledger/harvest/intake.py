"""Rows of one source on their way into a running ledger: they wait as rows, which take no Python, for as long
as they may. Where too many of few hosts wait they become facts, which join; flows before that conversations
in columns, as long as a ledger has places for these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from otmon.kernel import Ints
from otmon.ledger.harvest.conversations import conversations_of, facts_of_conversations, joined
from otmon.ledger.harvest.harvest import harvested
from otmon.ledger.harvest.rows import FIELDS, Rows
from otmon.ledger.harvest.senders import ports_of
from otmon.ledger.harvest.waiting_rows import ENOUGH, WaitingRows
from otmon.ledger.ledger import Ledger
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.running import RunningLedger


class Intake:
    """Collects the rows of one source until they become facts of the running ledger; used by one thread."""

    def __init__(
        self, source: str, into: RunningLedger, also: Callable[[Ledger], Ledger] = lambda facts: facts
    ) -> None:
        """`source` is named in evidence; `also` adds to the facts what rows do not tell."""
        self._source = source
        self._into = into
        self._also = also
        self._waiting = WaitingRows(into.limits, self._tell)
        self._conversations: list[Ints] = []
        """Columns of `otmon.ledger.harvest.conversations`."""

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
        self._tell_conversations(joined(self._conversations))
        self._count()

    def _tell(self, kind: str, rows: Rows) -> None:
        if kind != "conversations":
            self._into.add(self._also(harvested(rows, self._source)))
            return
        self._conversations.append(conversations_of(rows.flows))
        if sum(map(len, self._conversations)) > self._into.limits.conversations:
            several = joined(self._conversations)
            self._conversations = [several]
            if len(several) > ENOUGH * self._into.limits.conversations:
                self._tell_conversations(several)

    def _tell_conversations(self, columns: Ints) -> None:
        self._conversations = []
        facts = tuple(facts_of_conversations(columns, self._source))
        self._into.add(self._also(Ledger(conversations=facts)))

    def _count(self) -> None:
        self._into.add(Ledger(overflow=tuple(self._waiting.lost.items())))
        self._waiting.lost = Counter()
