"""All facts that the sensor has: parts of all interfaces become one ledger.

It is always ``merge(before, ended, in use)``: what an earlier run saved, what ended since, and what the
tables hold at this moment. The last is made anew each time and never merged into the others, so a connection
that lasts for months is one fact, and the facts are those of a replay of the same packets.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Final

from otmon.garbage_collection import without_garbage_collection
from otmon.ledger.aging import without_little, without_old, without_span
from otmon.ledger.dialogues.dialogues import Dialogues
from otmon.ledger.facts import DAY_NS
from otmon.ledger.harvest.arrivals import arrived
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.intake import Intake
from otmon.ledger.harvest.rows import Rows, by_kind
from otmon.ledger.ledger import EMPTY, LIMITS, Ledger
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.rank import bars_of
from otmon.ledger.running import RunningLedger
from otmon.sensor.notes import notes_of, read_notes
from otmon.sensor.observer import Part, Reader, State
from otmon.sensor.outline import Known

WAITING: Final = 8_192
"""Facts that wait to be merged: fewer than in a replay, for the sake of memory."""


class Gathering:
    """The facts of all readers; used by one thread."""

    def __init__(
        self,
        readers: Sequence[Reader],
        known: Known,
        before: Ledger,
        notes: Mapping[str, str],
        keep_days: int,
        arrivals: bool,
    ) -> None:
        """`before` and `notes` are those that an earlier run saved. What was heard goes to `known`. Facts
        that were not seen again in `keep_days` days of listening are forgotten. `arrivals`: tell by which
        interface each sender came in."""
        self._readers = readers
        self._known = known
        self._dialogues = {one.name: Dialogues(one.name) for one in readers}
        self._interfaces = {one.name: one.interface for one in readers}
        self._before = before
        self._diary, secret = read_notes(notes, before)
        self._limits = replace(LIMITS, secret=secret)
        self._ended = RunningLedger(WAITING, self._limits)
        self._intakes = {
            one.name: Intake(one.name, self._ended, partial(self._arrived, one.interface)) for one in readers
        }
        self._bars = bars_of(EMPTY, self._limits)
        """Of all facts, when they were merged last."""
        self._keep_days = keep_days
        self._must_forget = True
        self.arrivals = arrivals
        self.looks = 0
        """How often all facts were made."""
        self.aged = 0
        """How many facts were forgotten."""
        self.missing = dict(before.overflow)
        """As `Ledger.overflow`, when all facts were made last."""
        self.entries: Counter[tuple[str, str]] = Counter()
        """Rows in use of each interface's tables, when they were last merged."""

    @property
    def notes(self) -> dict[str, str]:
        """What the next run goes on with, beside the facts."""
        return notes_of(self._diary, self._limits.secret)

    def keep_for(self, days: int) -> None:
        """Forget facts that were not seen again for so many days, from the next look at all facts on."""
        self._keep_days = days
        self._must_forget = True

    @without_garbage_collection()
    def facts(self, breakable: Callable[[], AbstractContextManager[None]], is_last: bool = False) -> Ledger:
        """All of them, made anew: a full ledger takes as much memory as all tables, and so is not kept. What
        may be broken off, as it changes nothing before it is whole, is done in `breakable`. With `is_last`
        they are not asked for again."""
        self.looks += 1
        parts = [one.part(self._bars) for one in self._readers]
        for part in parts:
            self._leave_out(part)
        self._take_ended(parts)
        self.entries = Counter()
        for part in parts:
            self.entries.update(
                {(self._interfaces[part.source.name], table): n for table, n in part.entries.items()}
            )
        times = [span for part in parts for span in part.spans]
        self._must_forget |= self._diary.note(times, time.monotonic())
        self._forget(max((part.now_ns for part in parts), default=0))
        dialogues = [self._dialogues[part.source.name] for part in parts]
        going_on = [one.going_on() for one in dialogues]
        for one in dialogues:
            self._ended.add(one.left_out())
        beyond = [(kind, amount) for part in parts for kind, _, amount in part.beyond]
        sources = collect(sources=[part.source for part in parts], overflow=beyond)
        # What ended is kept by now: the rest is made anew each time.
        with breakable():
            every = (self._before, *self._ended.parts, *self._in_use(parts), *going_on, sources)
            known = [one for one in every if one != EMPTY]
            # A table may still hold what is too old.
            ledger, _ = without_old(merge_all(known, self._limits), self._diary.spans(self._keep_days))
            self.missing = dict(ledger.overflow)
            # What is behind them is so next time too: facts are only added, until some are forgotten.
            self._bars = self._bars if is_last else bars_of(ledger, self._limits)
            return ledger

    def says_something_new(self, states: Sequence[State]) -> bool:
        """Read the payloads that were copied: whether they tell what nobody told before. Hosts repeat
        themselves, and all facts need not be made anew each time that one of them speaks."""
        is_new = False
        for one, state in zip(self._readers, states, strict=True):
            if state.messages:
                for rows in one.messages().ended:
                    is_new |= self._listen(one.name, rows)
                is_new |= self._known.hears_new(self._dialogues[one.name].going_on())
        return is_new

    def _listen(self, name: str, rows: Rows) -> bool:
        """Take copied payloads in; whether those that are complete tell what nobody told before."""
        told = self._dialogues[name].take(rows.messages, rows.octets)
        self._ended.add(told)
        return self._known.hears_new(told)

    def _arrived(self, interface: str, facts: Ledger) -> Ledger:
        return arrived(facts, interface) if self.arrivals else facts

    def _take_ended(self, parts: list[Part]) -> None:
        for at, part in enumerate(parts):
            name = part.source.name
            ended = list(part.ended)
            # In a flood these are many: they go as soon as they are facts.
            parts[at] = part = replace(part, ended=())
            while ended:
                rows = ended.pop(0)
                self._intakes[name].take(rows, self._bars)
                self._listen(name, rows)
                del rows
                if not ended or len(ended[0].messages):
                    self._intakes[name].flush()
            self._ended.add(collect(overflow=part.shed))
            self._ended.add(self._dialogues[name].silent_since(part.now_ns))

    def _in_use(self, parts: list[Part]) -> list[Ledger]:
        """The facts of the rows that are in use. `parts` is empty afterwards, and the rows of each kind go as
        soon as they are facts: all of both at once would take twice the memory."""
        found = []
        while parts:
            name, kinds = parts[0].source.name, by_kind(parts.pop(0).in_use)
            while kinds:
                facts = facts_of(kinds.popitem()[1], name, self._bars, self._limits)
                found.append(self._arrived(self._interfaces[name], facts))
        return found

    def _leave_out(self, part: Part) -> None:
        """What this run was told by a clock that was wrong, where it is known now that it was."""
        wrong = part.wrong
        if wrong is None:
            return
        self._dialogues[part.source.name] = Dialogues(part.source.name)
        self._ended.forget(lambda ledger: without_span(ledger, wrong))
        self._bars = bars_of(EMPTY, self._limits)

    def _forget(self, now_ns: int) -> None:
        """Once a day of listening: what is too old, and what little is left of days that are over. `now_ns`
        is the time of the last packet, 0 for none."""
        if not self._must_forget:
            return
        self._must_forget = False
        self._diary.keep(self._keep_days)
        self._bars = bars_of(EMPTY, self._limits)
        spans = self._diary.spans(self._keep_days)
        today = (now_ns or (spans[-1][1] if spans else 0)) // DAY_NS

        def young(ledger: Ledger) -> tuple[Ledger, int]:
            kept, gone_old = without_old(ledger, spans)
            kept, gone_little = without_little(kept, today)
            return kept, gone_old + gone_little

        self._before, gone = young(self._before)
        self.aged += gone + self._ended.forget(young)
