"""The sensor's picture of the plant: when its facts (`otmon.sensor.gathering`) are judged, told and saved.

Judging is done when something new was seen (`otmon.ledger.harvest.novelty`, then `otmon.sensor.outline`), and
every half a minute where packets came; when it takes long it is done less often, so that over minutes it
never takes more than a fifth of the time, and a fortieth where nothing is new (`otmon.sensor.schedule`). What
is new after a quiet minute is judged at once, however long that takes; a judgement of which nothing new was
expected gives way to it. Where a flood makes a judgement of all facts so long that the next must wait, those
in which somebody answered are judged alone meanwhile (`otmon.sensor.answered_facts`). Without packets nothing
is done.

The end does not wait for a judgement: what goes on is broken off (`interrupt`), the facts are saved, and
what time is left is for judging them. Beside the ledger stands which findings were told
(`otmon.sensor.ledger_marks`), so that the next start tells what this one had no time for.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from otmon.detect.detector import Case
from otmon.detect.finding import Finding
from otmon.detect.rules.rule import Rule
from otmon.findings.coverage import coverage, is_one_way, ways_seen, zones_seen
from otmon.findings.decision import NO_DECISIONS, Decisions
from otmon.findings.judge import case_of, found_in, go_on
from otmon.findings.news import News
from otmon.findings.standing import Decided, Standing, decided
from otmon.garbage_collection import without_garbage_collection
from otmon.ledger.file.aside import stand_aside
from otmon.ledger.file.ledger_error import LedgerError
from otmon.ledger.file.store import save
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.outputs.metrics import InterfaceStatus, Judged, Status, judged_metrics
from otmon.sensor import ledger_marks
from otmon.sensor.answered_facts import answered
from otmon.sensor.gathering import Gathering
from otmon.sensor.observer import Reader, State
from otmon.sensor.outline import Known, outline
from otmon.sensor.proof import ProofFolder
from otmon.sensor.schedule import Schedule
from otmon.sensor.status import interfaces_of
from otmon.sentence import Sentence, sentence
from otmon.zones.model import Model

KEEP_DAYS: Final = 400
"""Long enough for what a plant does once a year."""
PROVING_S: Final = 0.05
"""Spent on proofs at each look at what is due: a thousand findings that come up at once take a while."""
GLANCE_S: Final = 0.1
"""How often a judgement of which nothing new is expected asks whether something new came."""
ENDING_S: Final = 3.0
"""After this time nothing more is judged or proved at the end."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that came up, or has become graver, or is covered by a decision since."""

    finding: Finding
    is_new: bool
    standing: Standing | None = None
    """To what was decided about it."""


class Interrupted(Exception):
    """The end was asked for while facts were judged or saved."""


class Overtaken(Exception):
    """Something new came while facts were judged of which nothing new was expected."""


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
        arrivals: bool = False,
        told: Mapping[str, int] | None = None,
        notes: Mapping[str, str] | None = None,
        decisions: Decisions = NO_DECISIONS,
    ) -> None:
        """`judge` gives facts with their verdicts. Findings of `before`, which an earlier run saved with
        `notes`, are known and not told again, as far as `told` names them (`News.known`), all where it is
        None. Facts that were not seen again in `keep_days` days of listening are forgotten. `arrivals`: tell
        by which interface each sender came in."""
        self._readers = readers
        self._judge = judge
        self._decisions = decisions
        self._known, self._known_first = Known(), Known()
        """What was judged among all facts, and alone with what else was answered."""
        self._gathering = Gathering(readers, self._known, before, notes or {}, keep_days, arrivals)
        self._path = ledger_path
        self._proofs = proofs
        self._novelty: list[int] = []
        self._is_news = False
        """Whether something came that was not there when all facts were made last."""
        self._unsaved = True
        """The same of what was saved last."""
        self._saved_novelty: list[int] = []
        self._heard = self._saved = [-1]
        """Packets of each reader at the last look at all facts, and at the last save."""
        self._may_break = self._ending = self._must_end = False
        self.unjudged = False
        """Whether the end came before the last facts were judged."""
        self._states: list[State] = []
        self._schedule = Schedule()
        self._next_glance = 0.0
        self._news = News(told)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._told_s: dict[str, float] = {}
        self._judgements = self._saves = self._failed_saves = 0
        self._judging_s = self._saving_s = self._judged_s = self._saved_s = 0.0
        self._started_s = time.time()
        self._version = version
        self._model_loaded = True
        self._one_way: tuple[int, int] | None = None
        findings, known, self._told_of = _judgement(judge(before), decisions)
        self._known_before = len(findings)
        self._aside = self._count_aside()
        self._left = self._know(self._news.of(findings, known), told is not None, known)
        """What is told at the first step, as the run before had no time for it."""
        self.status: Status = self._status()

    @property
    def known_before(self) -> int:
        """Findings of the run before that were told by it."""
        return self._known_before - len(self._left)

    @property
    def ledger(self) -> Ledger:
        """All facts, made anew."""
        return self._gathered()

    @property
    def looks(self) -> int:
        """How often all facts were made."""
        return self._gathering.looks

    @property
    def missing(self) -> dict[str, int]:
        """What found no place in the ledger, as of the last look at all facts (`Ledger.overflow`)."""
        return self._gathering.missing

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings that stand now, judged anew."""
        return found_in(self._judge(self.ledger))

    @property
    def finds_something(self) -> bool:
        """Whether there were findings at the last judgement that no decision covered."""
        return self._news.has_undecided

    def use(
        self, judge: Callable[[Ledger], Case], arrivals: bool = False, decisions: Decisions = NO_DECISIONS
    ) -> None:
        """Judge by another model and other decisions from now on, and tell `arrivals` if it needs them."""
        self._judge = judge
        self._decisions = decisions
        self._gathering.arrivals = arrivals
        self._model_loaded = True
        self._schedule.judge_soon()
        self._heard = [-1]
        self.status = self._status(self.status.interfaces)

    def keep_for(self, days: int) -> None:
        """Forget facts that were not seen again for so many days, from the next step on."""
        self._gathering.keep_for(days)

    def keep_model(self) -> None:
        """The model's files have errors; the one that was read before stays in force."""
        self._model_loaded = False
        self.status = self._status(self.status.interfaces)

    def interrupt(self) -> None:
        """Break off a judgement or a save, as the end is near; called by a handler of signals in the thread
        that uses this. Raises Interrupted there, where it can be."""
        self._ending = True
        if self._may_break:
            self._may_break = False
            raise Interrupted

    @contextmanager
    def _breakable(self) -> Iterator[None]:
        """What is done here changes nothing before it is done whole."""
        if self._ending and not self._must_end:
            raise Interrupted
        self._may_break = not self._must_end
        try:
            yield
        finally:
            self._may_break = False

    def step(self) -> list[Told]:
        """Judge and save where it is due; what came up."""
        told, self._left = self._left, []
        with suppress(Interrupted):
            try:
                self._look_after(told, may_yield=True)
            except Overtaken:
                self._look_after(told, may_yield=False)
        self.status = self._status(self.status.interfaces)
        return told

    def _look_after(self, told: list[Told], may_yield: bool) -> None:
        now = time.monotonic()
        self._states = [one.state() for one in self._readers]
        heard = [state.source.packets for state in self._states]
        novelty = [state.novelty for state in self._states]
        is_new = self._unsaved or novelty != self._saved_novelty
        saving = self._path is not None and self._schedule.must_save(now, is_new)
        window = is_late = False
        ledger: Ledger | None = None
        if heard == self._heard:
            # No packet came since: all facts are judged.
            self._judged_s = time.time()
        elif self._schedule.may_hurry(now) and self._hears_news():
            ledger = self._look_first(told)
        elif self._schedule.may_judge(now):
            window = self._schedule.must_judge(now, saving)
            self._hears_news()
            is_late = self._is_news and saving and self._schedule.is_slow
            if is_late:
                self._is_news = False
                ledger = self._gathered()
            elif self._is_news:
                ledger = self._look(told, None, window)
                window = False
        self._prove(PROVING_S)
        if saving and not self._is_saved(heard):
            if ledger is None:
                ledger = self._gathered()
            with self._breakable():
                self._save(ledger, heard, now, novelty)
        if is_late:
            self._look(told, ledger, window)
            self._keep_told()
        elif window:
            self._look(told, ledger, True, may_yield)

    def _look(self, told: list[Told], ledger: Ledger | None, window: bool, may_yield: bool = False) -> Ledger:
        """Judge all facts (`ledger`, else made anew), where there are others than at the last look, or in any
        case for a `window`; the facts. Raises Overtaken if that can be given up for what is new."""
        begun, used = time.monotonic(), time.thread_time()
        heard = [state.source.packets for state in self._states]
        try:
            if ledger is None:
                self._is_news = False
                ledger = self._gathered()
            outlined = outline(ledger)
            judges = window or not self._known.holds(outlined)
            if judges:
                told += self._judged(ledger, partial(self._give_way, begun, used) if may_yield else go_on)
                self._known.add(outlined)
                self._heard = heard
        except Overtaken:
            self._schedule.yielded(begun, time.thread_time() - used)
            raise
        finally:
            self._judging_s += time.monotonic() - begun
        self._schedule.looked(begun, time.thread_time() - used, judges)
        # What is told of the packets is not older than what is found in them.
        self._states = [one.state() for one in self._readers]
        return ledger

    def _look_first(self, told: list[Told]) -> Ledger:
        """Judge what was answered, while a judgement of all must wait: a flood keeps none of that waiting.
        All facts, which are not judged by that."""
        begun, used = time.monotonic(), time.thread_time()
        try:
            ledger = self._gathered()
            first = answered(ledger)
            outlined = outline(first)
            if not self._known.holds(outlined) and not self._known_first.holds(outlined):
                with self._breakable():
                    case = self._judge(first)
                    findings = found_in(case)
                    known = decided(case, findings, self._decisions)
                told += self._know(self._news.early(findings, known), True, known)
                self._known_first.add(outlined)
        finally:
            self._judging_s += time.monotonic() - begun
            self._schedule.hurried(begun, time.thread_time() - used)
        return ledger

    def _give_way(self, begun: float, used: float) -> None:
        """Between two steps of a judgement that began at `begun`, when so much processor time was `used`:
        raises Overtaken if something new came and can be judged at once."""
        now = time.monotonic()
        if now < self._next_glance:
            return
        self._next_glance = now + GLANCE_S
        # Who is asked must be let finish.
        self._may_break = False
        self._states = [one.state() for one in self._readers]
        self._hears_news()
        self._may_break = True
        if self._ending:
            raise Interrupted
        if self._is_news and self._schedule.may_yield(begun, time.thread_time() - used, now):
            raise Overtaken

    def _is_saved(self, heard: list[int]) -> bool:
        """Whether the file holds all that was heard; then its time says so."""
        if heard != self._saved or self._path is None:
            return False
        try:
            os.utime(self._path)
        except OSError:
            return False
        self._keep_told()
        self._saved_s = time.time()
        self._schedule.saved(time.monotonic(), 0.0, 0)
        return True

    def _gathered(self) -> Ledger:
        """All facts, unjudged: what is saved is not as old as the last judgement."""
        return self._gathering.facts(self._breakable, self._must_end)

    def _hears_news(self) -> bool:
        """Whether there is something to judge that was not there when all facts were judged last."""
        novelty = [state.novelty for state in self._states]
        self._is_news |= novelty != self._novelty
        self._novelty = novelty
        self._is_news |= self._gathering.says_something_new(self._states)
        self._unsaved |= self._is_news
        return self._is_news

    def finish(self) -> list[Told]:
        """End the reading and save everything; judge it, unless that is interrupted (`unjudged`)."""
        end = time.monotonic() + ENDING_S
        self._ending, self._must_end = False, True
        for one in self._readers:
            one.stop()
        told, self._left = self._left, []
        ledger = self._gathered()
        if self._path is not None:
            self._save(ledger, [], time.monotonic(), [])
        self._must_end = False
        try:
            told += self._judged(ledger)
        except Interrupted:
            self.unjudged = True
        self._keep_told()
        self._states = [one.state() for one in self._readers]
        self._prove(end - time.monotonic())
        self.status = self._status(self.status.interfaces)
        return told

    def _prove(self, within_s: float) -> None:
        if self._proofs is not None:
            self._proofs.prove_waiting([(one.recent, one.name) for one in self._readers], within_s)

    @without_garbage_collection()
    def _judged(self, ledger: Ledger, between: Callable[[], None] = go_on) -> list[Told]:
        with self._breakable():
            findings, known, told_of = _judgement(self._judge(ledger), self._decisions, between)
        self._told_of = told_of
        ways = ways_seen(ledger)
        # In a quiet hour nothing new says that it is over.
        if (told := is_one_way(ways)) is not None:
            self._one_way = ways if told else None
        self._judgements += 1
        self._judged_s = time.time()
        return self._know(self._news.of(findings, known), True, known)

    def _know(self, news: Iterable[tuple[Finding, bool]], tell: bool, known: Decided) -> list[Told]:
        """Tell of findings that nobody was told of, or was told of as less grave."""
        told = []
        for finding, is_new in news:
            # That it was told is saved with its facts.
            self._unsaved = True
            if tell:
                told.append(Told(finding, is_new, known.of(finding)))
                if not known.covers(finding):
                    self._counts[finding.rule, finding.severity] += 1
                    self._told_s[finding.severity] = self._judged_s
                if self._proofs is not None:
                    self._proofs.ask(finding)
        return told

    def _save(self, ledger: Ledger, heard: list[int], asked: float, novelty: list[int]) -> None:
        """`asked` is when the facts were asked for, `novelty` what the readers said of it then."""
        assert self._path is not None
        begin, used = time.monotonic(), time.thread_time()
        try:
            save(ledger, self._path, self._gathering.notes)
            self._saves += 1
            self._saved, self._saved_novelty, self._unsaved = heard, novelty, False
            self._saved_s = time.time()
            self.trouble = None
        except LedgerError as error:
            self._failed_saves += 1
            self.trouble = error.why
        self._keep_told()
        self._aside = self._count_aside()
        self._saving_s += time.monotonic() - begin
        octets = 0
        with suppress(OSError):
            octets = self._path.stat().st_size
        self._schedule.saved(asked, time.thread_time() - used, octets)

    def _keep_told(self) -> None:
        """Behind the save of what the findings are about: what is told twice is less bad than never."""
        if self._path is not None:
            ledger_marks.keep_told(self._path, self._news.known)

    @property
    def one_way(self) -> Sentence | None:
        """That the mirror seems to show one direction only, as of the last judgement."""
        if self._one_way is None:
            return None
        count, both = self._one_way
        return sentence(
            "{count} of {all} connections that began in the last hour were seen in one direction only; does "
            "the mirror show both directions of its ports?",
            count=count, all=count + both,
        )  # fmt: skip

    def _count_aside(self) -> int:
        return 0 if self._path is None else len(stand_aside(self._path))

    trouble: Sentence | None = None
    """Why the last save failed; "" where it did not."""

    def _status(self, before: Sequence[InterfaceStatus] = ()) -> Status:
        return Status(
            version=self._version,
            started_s=self._started_s,
            interfaces=interfaces_of(self._readers, self._states, before),
            judged=self._told_of,
            entries=tuple(sorted(self._gathering.entries.items())),
            judgements=self._judgements,
            judging_s=self._judging_s,
            judged_s=self._judged_s,
            saves=self._saves,
            failed_saves=self._failed_saves,
            aged=self._gathering.aged,
            saving_s=self._saving_s,
            saved_s=self._saved_s,
            aside=self._aside,
            model_loaded=self._model_loaded,
            told=tuple(sorted(self._counts.items())),
            told_s=tuple(sorted(self._told_s.items())),
            evidence_files=self._proofs.files if self._proofs is not None else 0,
            unproven=self._proofs.failed if self._proofs is not None else 0,
        )


def _judgement(
    case: Case, decisions: Decisions, between: Callable[[], None] = go_on
) -> tuple[tuple[Finding, ...], Decided, Judged]:
    """The findings, what was decided about them, and what metrics tell of the case, which takes more memory
    than its facts and is not kept."""
    findings = found_in(case, between)
    known = decided(case, findings, decisions)
    return findings, known, judged_metrics(case, findings, coverage(case), zones_seen(case), known)


def judged_by(
    model: Model | None, baseline: Ledger | None, rules: Mapping[str, Rule] | None = None
) -> Callable[[Ledger], Case]:
    """What `Watch` wants: facts with their verdicts by a model."""
    return lambda ledger: case_of(ledger, model, baseline, rules)
