"""How findings stand to what was decided about them: covered, or told as ever and why.

A decision covers the finding with its rule and id that is about the same, no graver, of no higher risk and no
larger than what was decided about, until its last day is over. Time is that of the packets: the same facts
and decisions give the same answer on any day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from otmon.detect.capture_end import went_on_until
from otmon.detect.detector import Case
from otmon.detect.finding import SEVERITIES, Finding, Message, say
from otmon.findings.aggregation import KEY
from otmon.findings.decision import NO_DECISIONS, Decision, Decisions, permitted
from otmon.findings.judge import id_of
from otmon.sentence import Sentence, sentence
from otmon.zones.files.draftfile import text_of
from otmon.zones.times import end_of

LAPSED: Final = "decision.lapsed"
State = Literal["holds", "outgrown", "lapsed", "unmet"]
"""Of a decision: it covers its finding; that is told, as it is other than what was decided about, or as the
last day is over; nothing has met it."""
STATES: Final[tuple[State, ...]] = get_args(State)


@dataclass(frozen=True, slots=True)
class Standing:
    """A finding's decision."""

    decision: Decision
    against: tuple[Message, ...] = ()
    """Why it does not cover the finding."""

    @property
    def holds(self) -> bool:
        """Whether it covers the finding."""
        return not self.against

    @property
    def state(self) -> State:
        """What became of it."""
        if self.holds:
            return "holds"
        return "lapsed" if any(one.key == LAPSED for one in self.against) else "outgrown"


@dataclass(frozen=True, slots=True)
class Decided:
    """What people decided, held against all findings of a case."""

    decisions: Decisions
    standings: Mapping[str, Standing]
    """By the ids of findings: of those that somebody decided about."""

    def of(self, finding: Finding) -> Standing | None:
        """How a finding stands; None where nobody decided about it."""
        return self.standings.get(id_of(finding)) if self.standings else None

    def covers(self, finding: Finding) -> bool:
        """Whether a decision covers a finding."""
        standing = self.of(finding)
        return standing is not None and standing.holds

    def uncovered(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that are told as ever, in their order."""
        return tuple(finding for finding in findings if not self.covers(finding))

    @property
    def unmet(self) -> tuple[Decision, ...]:
        """The decisions whose findings are not there, in the order of the file."""
        return tuple(one for name, one in self.decisions.items() if name not in self.standings)

    @property
    def states(self) -> dict[State, int]:
        """How many decisions are in each state."""
        counts = Counter(one.state for one in self.standings.values())
        return {state: len(self.unmet) if state == "unmet" else counts[state] for state in STATES}


UNDECIDED: Final = Decided(NO_DECISIONS, {})


def decided(case: Case, findings: Iterable[Finding], decisions: Decisions) -> Decided:
    """How the findings of a case stand to decisions."""
    if not decisions:
        return UNDECIDED
    now_ns = went_on_until(case)
    known = ((id_of(finding), finding) for finding in findings)
    return Decided(decisions, {
        name: Standing(decisions[name], tuple(_against(finding, decisions[name], now_ns, case.timezone)))
        for name, finding in known
        if name in decisions
    })  # fmt: skip


def _against(finding: Finding, decision: Decision, now_ns: int, timezone: str) -> Iterator[Message]:
    about = subject_of(finding)
    if finding.rule != decision.rule:
        yield say("decision.other-rule", was=decision.rule, now=finding.rule)
    if set(about) != set(decision.about):
        yield say("decision.other-subject", was=", ".join(decision.about), now=", ".join(about))
    if unfit := undecidable(finding):
        yield say("decision.unfit", why=unfit)
    if SEVERITIES.index(finding.severity) < SEVERITIES.index(decision.severity):
        was, now = (say(f"severity.{one}") for one in (decision.severity, finding.severity))
        yield say("decision.graver", was=(was,), now=(now,))
    if finding.risk.value < decision.risk:
        yield say("decision.riskier", was=decision.risk, now=finding.risk.value)
    if finding.extent > decision.extent:
        yield say("decision.grown", was=decision.extent, now=finding.extent)
    if now_ns >= end_of(decision.until, timezone or "UTC"):
        yield say(LAPSED, until=decision.until.isoformat())


def undecidable(finding: Finding) -> Sentence | None:
    """Why nobody decides about a finding; None where somebody can."""
    if finding.key[:1] == (KEY,):
        return sentence("it stands for {count} findings that are not told one by one", count=finding.alike)
    return permitted(finding.rule)


def subject_of(finding: Finding) -> tuple[str, ...]:
    """Whom a finding is about: its addresses or names, without them its zones, or what else its key names."""
    link, place = finding.link, finding.place
    for names in ((link.client, link.server), (place.from_zone, place.to_zone), finding.key):
        if named := tuple(dict.fromkeys(filter(None, map(text_of, names)))):
            return named
    return (finding.rule,)
