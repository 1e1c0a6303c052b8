"""The sensor's picture of the plant: parts of all interfaces become one ledger, which is judged and told.

The ledger is always ``merge(before, ended, in use)``: what an earlier run saved, what ended since, and what
the tables hold at this moment. The last is made anew each time and never merged into the others, so a
connection that lasts for months is one fact, and the facts are those of a replay of the same packets.

Judging is done when something new was seen, and at least every ten seconds; when it takes long it is done
less often, so that over minutes it never takes more than a tenth of the time. What is new after a quiet
minute is judged at once, however long that takes. Saving does not wait for that: it takes along what is new.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otmon.detect.detector import Case, Finding
from otmon.detect.rules.rule import Rule
from otmon.findings.coverage import Coverage, ZoneCoverage, coverage, zones_seen
from otmon.findings.judge import case_of, found_in
from otmon.findings.news import News
from otmon.ledger.acyclic import acyclic
from otmon.ledger.aging import without_older
from otmon.ledger.dialogues import Dialogues
from otmon.ledger.harvest import facts_of
from otmon.ledger.ledger import EMPTY, LIMITS, Ledger
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.rank import bars_of
from otmon.ledger.store import LedgerError, save
from otmon.outputs.metrics import InterfaceStatus, Status
from otmon.sensor.observer import Part, Reader, State
from otmon.sensor.proof import ProofFolder
from otmon.zones.model import Model

JUDGE_S: Final = 1.0
"""Between two judgements at least, where something is new."""
WINDOW_S: Final = 10.0
"""Between two judgements at most; and what a power failure can cost."""
SAVE_S: Final = 8.0
"""Between two saves, which take their time as well."""
DAY_NS: Final = 86_400_000_000_000
KEEP_DAYS: Final = 400
"""Long enough for what a plant does once a year."""
SHARE: Final = 10
"""A judgement needs this many times its duration without one."""
SAVE_SHARE: Final = 4
"""The same for a save: a full ledger on a slow disk may take longer than seconds."""
CREDIT_S: Final = 60.0
"""So much time without a judgement can be had beforehand."""
PROVING_S: Final = 0.05
"""Spent on proofs at each look at what is due: a thousand findings that come up at once take a while."""
ENDING_S: Final = 2.0
"""Spent on proofs at the end."""
UNPROVED: Final = 2_000
"""Findings that wait for their proofs at most; what comes behind them has none, and is counted."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that came up, or has become graver."""

    finding: Finding
    is_new: bool


class Watch:
    """Everything that is known; used by one thread."""

    def __init__(
        self,
        readers: Sequence[Reader],
        judge: Callable[[Ledger], Case],
        *,
        before: Ledger = EMPTY,
        ledger_path: Path | None = None,
        proofs: ProofFolder | None = None,
        keep_days: int = KEEP_DAYS,
        version: str = "",
    ) -> None:
        """`judge` gives facts with their verdicts. Findings of `before`, which an earlier run saved,
        are known and not told again. Facts that were not seen again for `keep_days` are forgotten."""
        self._readers = readers
        self._dialogues = {one.name: Dialogues(one.name) for one in readers}
        self._judge = judge
        self._before = before
        self._ended = EMPTY
        self._path = ledger_path
        self._proofs = proofs
        self._novelty: list[int] = []
        self._states: list[State] = []
        self._next_judgement = 0.0
        self._next_window = 0.0
        self._next_save = 0.0
        self._paid = 0.0
        """Up to when the judgements so far need time without one."""
        self._unproved: deque[Finding] = deque()
        self._unproven = 0
        self._news = News()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._told_s: dict[str, float] = {}
        self._judgements = self._saves = self._failed_saves = 0
        self._judging_s = self._saving_s = self._judged_s = self._saved_s = 0.0
        self._started_s = time.time()
        self._version = version
        self._keep_ns = keep_days * DAY_NS
        self._next_aging_ns = 0
        self._aged = 0
        self._model_loaded = True
        self.ledger = before
        self.case = judge(before)
        self.findings: tuple[Finding, ...] = found_in(self.case)
        self.covered: tuple[Coverage, ...] = coverage(self.case)
        self.zones: tuple[ZoneCoverage, ...] = zones_seen(self.case)
        self._know(self.findings)
        self.status: Status = self._status()

    def use(self, judge: Callable[[Ledger], Case]) -> None:
        """Judge by another model from now on."""
        self._judge = judge
        self._model_loaded = True
        self._next_judgement = self._next_window = 0.0
        self.status = self._status()

    def keep_model(self) -> None:
        """The model's files have errors; the one that was read before stays in force."""
        self._model_loaded = False
        self.status = self._status()

    def step(self) -> list[Told]:
        """Judge and save where it is due; what came up."""
        now, used = time.monotonic(), time.thread_time()
        told: list[Told] = []
        judged = self._judgements
        self._states = [one.state() for one in self._readers]
        if now >= self._next_judgement and (self._is_new() or now >= self._next_window):
            told = self._look()
            # What is told of the packets is not older than what is found in them.
            self._states = [one.state() for one in self._readers]
            self._judging_s += time.monotonic() - now
            # What others make it wait for does not count.
            self._paid = max(self._paid, now - CREDIT_S) + SHARE * (time.thread_time() - used)
            self._next_judgement = max(now + JUDGE_S, self._paid)
            self._next_window = max(now + WINDOW_S, self._paid)
        self._prove(PROVING_S)
        if self._path is not None and now >= self._next_save:
            if judged == self._judgements:
                self._gather()
            self._save()
        self.status = self._status()
        return told

    @acyclic()
    def _gather(self) -> None:
        """All facts, unjudged: what is saved is not as old as the last judgement."""
        self.ledger = self._merged([one.part() for one in self._readers])

    def _is_new(self) -> bool:
        """Whether there is something to judge that was not there when this was asked last."""
        novelty = [state.novelty for state in self._states]
        is_new = novelty != self._novelty
        self._novelty = novelty
        return is_new

    def finish(self) -> list[Told]:
        """End the reading; judge and save everything."""
        for one in self._readers:
            one.stop()
        told = self._look()
        self._states = [one.state() for one in self._readers]
        if self._path is not None:
            self._save()
        self._prove(ENDING_S)
        self.status = self._status()
        return told

    def _prove(self, within_s: float) -> None:
        """Write the packets of findings, gravest first, for so long; the others wait."""
        end = time.monotonic() + within_s
        while self._proofs is not None and self._unproved and time.monotonic() < end:
            finding = self._unproved.popleft()
            for one in self._readers:
                self._proofs.prove(finding, one.recent, one.name)

    @acyclic()
    def _look(self) -> list[Told]:
        self._gather()
        self.case = self._judge(self.ledger)
        self.findings = found_in(self.case)
        self.covered = coverage(self.case)
        self.zones = zones_seen(self.case)
        self._judgements += 1
        self._judged_s = time.time()
        return self._know(self.findings)

    def _merged(self, parts: list[Part]) -> Ledger:
        ended = [self._ended]
        in_use = []
        sources = []
        for part in parts:
            name = part.source.name
            for rows in part.ended:
                bars = bars_of(self._ended, LIMITS)
                ended.append(facts_of(rows, name, bars))
                ended.append(self._dialogues[name].take(rows.messages, rows.octets))
                if len(ended) > 1:
                    self._ended = merge_all(ended)
                    ended = [self._ended]
            ended.append(collect(overflow=part.shed))
            ended.append(self._dialogues[name].silent_since(part.source.last_ns))
            in_use.append(facts_of(part.in_use, name, bars_of(self._ended, LIMITS)))
            in_use.append(self._dialogues[name].going_on())
            sources.append(part.source)
        self._ended = merge_all(ended)
        now_ns = max((part.source.last_ns for part in parts), default=0)
        self._forget(now_ns)
        ledger = merge_all((self._before, self._ended, *in_use, collect(sources=sources)))
        # A table may still hold what is too old.
        return without_older(ledger, now_ns - self._keep_ns)[0]

    def _forget(self, now_ns: int) -> None:
        """Once a day of packet time: what is too old."""
        if now_ns < self._next_aging_ns:
            return
        self._next_aging_ns = now_ns + DAY_NS
        self._before, gone_before = without_older(self._before, now_ns - self._keep_ns)
        self._ended, gone_since = without_older(self._ended, now_ns - self._keep_ns)
        self._aged += gone_before + gone_since

    def _know(self, findings: tuple[Finding, ...]) -> list[Told]:
        """Which of the findings nobody was told of, or was told of as less grave."""
        told = []
        for finding, is_new in self._news.of(findings):
            if self._judgements:
                told.append(Told(finding, is_new))
                self._counts[finding.rule, finding.severity] += 1
                self._told_s[finding.severity] = self._judged_s
                if self._proofs is None:
                    continue
                if len(self._unproved) < UNPROVED:
                    self._unproved.append(finding)
                else:
                    self._unproven += 1
        return told

    def _save(self) -> None:
        assert self._path is not None
        begin, used = time.monotonic(), time.thread_time()
        try:
            save(self.ledger, self._path)
            self._saves += 1
            self._saved_s = time.time()
            self.trouble = ""
        except LedgerError as error:
            self._failed_saves += 1
            self.trouble = str(error)
        self._saving_s += time.monotonic() - begin
        self._next_save = begin + max(SAVE_S, SAVE_SHARE * (time.thread_time() - used))

    trouble: str = ""
    """Why the last save failed; "" where it did not."""

    def _status(self) -> Status:
        return Status(
            version=self._version,
            started_s=self._started_s,
            interfaces=_interfaces(self._readers, self._states),
            case=self.case,
            findings=self.findings,
            covered=self.covered,
            zones=self.zones,
            judgements=self._judgements,
            judging_s=self._judging_s,
            judged_s=self._judged_s,
            saves=self._saves,
            failed_saves=self._failed_saves,
            aged=self._aged,
            saving_s=self._saving_s,
            saved_s=self._saved_s,
            model_loaded=self._model_loaded,
            told=tuple(sorted(self._counts.items())),
            told_s=tuple(sorted(self._told_s.items())),
            evidence_files=self._proofs.files if self._proofs is not None else 0,
            unproven=self._unproven + (self._proofs.failed if self._proofs is not None else 0),
        )


def _interfaces(readers: Sequence[Reader], states: Sequence[State]) -> tuple[InterfaceStatus, ...]:
    """What the readers of each interface tell together."""
    by_name: dict[str, list[State]] = {one.interface: [] for one in readers}
    for reader, state in zip(readers, states, strict=bool(states)):
        by_name[reader.interface].append(state)
    return tuple(_interface(name, of) for name, of in by_name.items())


def _interface(name: str, states: Sequence[State]) -> InterfaceStatus:
    counters: Counter[str] = Counter()
    for one in states:
        counters.update(dict(one.source.counters))
    return InterfaceStatus(
        name=name,
        is_up=all(one.is_up for one in states),
        received=sum(one.counts.received for one in states),
        dropped=sum(one.counts.dropped for one in states),
        freezes=sum(one.counts.freezes for one in states),
        fill=max((one.fill for one in states), default=0.0),
        packets=sum(one.source.packets for one in states),
        octets=sum(one.source.bytes for one in states),
        last_ns=max((one.source.last_ns for one in states), default=0),
        stamped=sum(one.stamped for one in states),
        restarts=sum(one.restarts for one in states),
        counters=tuple(sorted(counters.items())),
    )


def judged_by(
    model: Model | None, baseline: Ledger | None, rules: Mapping[str, Rule] | None = None
) -> Callable[[Ledger], Case]:
    """What `Watch` wants: facts with their verdicts by a model."""
    return lambda ledger: case_of(ledger, model, baseline, rules)
