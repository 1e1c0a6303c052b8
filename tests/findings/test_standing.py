"""What a decision covers, and what it does not any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest

from otmon.detect.detector import Case
from otmon.detect.finding import Finding, Link, Place, Risk, say
from otmon.engine import replay
from otmon.findings.aggregation import KEY
from otmon.findings.decision import NO_DECISIONS, Decision
from otmon.findings.judge import case_of, found_in, id_of
from otmon.findings.standing import UNDECIDED, decided, subject_of, undecidable
from otmon.findings.wording import LANGUAGES, worded
from otmon.lab.frames import SECOND_NS, Host, Packet
from otmon.ledger.facts import Source
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import merge_all
from otmon.zones.files.load import load_model
from tests.detect import captures
from tests.detect.captures import LAPTOP, START_NS, knock, plc
from tests.detect.plant import ledger_of
from tests.findings.taken import decision, taken
from tests.oracle import captures as captures_of

ROOT = Path(__file__).resolve().parent.parent.parent
MODEL = load_model(str(ROOT / "zones" / "two-factories.yaml"))
XP, CAMERA = "91a2a3de74c7", "bd1a64adf983"
"""The Windows XP and the camera of the day of the two factories."""


@pytest.fixture(scope="module", name="case")
def case_fixture() -> Case:
    return case_of(replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger, MODEL)


@pytest.fixture(scope="module", name="findings")
def findings_fixture(case: Case) -> tuple[Finding, ...]:
    return found_in(case)


def by_id(findings: tuple[Finding, ...], name: str) -> Finding:
    (found,) = [one for one in findings if id_of(one) == name]
    return found


def standing_of(case: Case, finding: Finding, one: Decision) -> tuple[list[str], str]:
    """Why the decision does not cover the finding, and what became of it."""
    known = decided(case, [finding], {one.finding: one})
    (standing,) = known.standings.values()
    assert standing.holds == known.covers(finding) == (not standing.against)
    assert known.uncovered([finding]) == (() if standing.holds else (finding,))
    assert all(worded(message, language) for message in standing.against for language in LANGUAGES)
    return [message.key for message in standing.against], standing.state


@pytest.mark.parametrize("name", [XP, CAMERA])
def test_what_was_decided_is_covered_and_nothing_else(
    case: Case, findings: tuple[Finding, ...], name: str
) -> None:
    finding = by_id(findings, name)
    assert standing_of(case, finding, decision(finding)) == ([], "holds")
    known = decided(case, findings, {name: decision(finding)})
    assert known.uncovered(findings) == tuple(one for one in findings if one != finding)
    assert [one for one in findings if known.of(one) is not None] == [finding]
    assert known.states == {"holds": 1, "outgrown": 0, "lapsed": 0, "unmet": 0} and known.unmet == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severity": "critical"}, ["decision.graver"]),
        ({"risk": Risk("A", 3, 3, 3)}, ["decision.riskier"]),
        ({"extent": 3}, ["decision.grown"]),
        ({"link": Link("10.11.8.36")}, ["decision.other-subject"]),
        ({"severity": "high", "extent": 9}, ["decision.graver", "decision.grown"]),
        ({"severity": "low"}, []),
        ({"risk": Risk("E", 1, 1, 1)}, []),
        ({"extent": 1}, []),
        ({"count": 10**9, "last_ns": 1 << 62, "why": ()}, []),
    ],
)
def test_what_is_more_than_was_decided_is_told(
    case: Case, findings: tuple[Finding, ...], change: dict[str, object], said: list[str]
) -> None:
    finding = replace(by_id(findings, XP), extent=2)
    one = decision(finding)
    found = standing_of(case, replace(finding, **change), one)  # type: ignore[arg-type]
    assert found == (said, "outgrown" if said else "holds")


def test_a_wrong_id_covers_nothing(case: Case, findings: tuple[Finding, ...]) -> None:
    """Somebody has copied the id of another line."""
    xp, camera = by_id(findings, XP), by_id(findings, CAMERA)
    mixed = replace(decision(camera), finding=XP)
    assert standing_of(case, xp, mixed) == (["decision.other-rule", "decision.other-subject"], "outgrown")


@pytest.mark.parametrize(
    ("until", "holds"),
    [(date(2026, 5, 11), False), (date(2026, 5, 12), True), (date(2026, 5, 13), True)],
)
def test_it_ends_by_the_packets_and_the_clocks_of_the_plant(
    case: Case, findings: tuple[Finding, ...], until: date, holds: bool
) -> None:
    """The day's last packet is of 2026-05-12, 17:46 in Japan."""
    finding = by_id(findings, XP)
    found = standing_of(case, finding, decision(finding, until))
    assert found == (([], "holds") if holds else (["decision.lapsed"], "lapsed"))


def later(ledger: Ledger, time: datetime) -> Ledger:
    """The ledger with a capture in which a packet came at a time."""
    ns = int(time.timestamp()) * 1_000_000_000
    return merge_all([ledger, replace(ledger_of(), sources=(Source("later.pcap", 1, 60, ns, ns, ()),))])


def test_a_capture_that_goes_on_makes_it_lapse(case: Case, findings: tuple[Finding, ...]) -> None:
    """Also where the finding itself was not seen again. In Japan the day ends at 15:00 UTC."""
    finding = by_id(findings, XP)
    one = decision(finding, date(2026, 6, 1))
    for hour, minute, said in ((14, 59, []), (15, 0, ["decision.lapsed"])):
        now = case_of(later(case.ledger, datetime(2026, 6, 1, hour, minute, tzinfo=UTC)), MODEL)
        assert standing_of(now, finding, one)[0] == said
    # Without a model nobody says where the plant is.
    now = case_of(later(case.ledger, datetime(2026, 6, 1, 23, 59, tzinfo=UTC)), None)
    assert standing_of(now, finding, one)[0] == []
    now = case_of(later(case.ledger, datetime(2026, 6, 2, tzinfo=UTC)), None)
    assert standing_of(now, finding, one)[0] == ["decision.lapsed"]


def test_a_decision_that_nothing_meets_is_named(case: Case, findings: tuple[Finding, ...]) -> None:
    gone = replace(decision(by_id(findings, XP)), finding="0" * 12)
    known = decided(case, findings, {gone.finding: gone})
    assert known.unmet == (gone,) and known.standings == {}
    assert known.states == {"holds": 0, "outgrown": 0, "lapsed": 0, "unmet": 1}
    assert known.uncovered(findings) == findings


def test_without_decisions_everything_is_told(case: Case, findings: tuple[Finding, ...]) -> None:
    assert decided(case, findings, NO_DECISIONS) is UNDECIDED
    assert UNDECIDED.uncovered(findings) == findings
    assert set(UNDECIDED.states.values()) == {0}


def test_what_a_permission_allows_and_what_stands_for_many_is_not_decided_about(
    case: Case, findings: tuple[Finding, ...]
) -> None:
    listed = next(one for one in findings if one.rule == "unlisted-traffic")
    assert undecidable(listed) and not undecidable(by_id(findings, XP))
    assert standing_of(case, listed, decision(listed)) == (["decision.unfit"], "outgrown")
    many = replace(by_id(findings, XP), key=(KEY, "medium", "packets", "a", "b", ""), alike=7000)
    said = undecidable(many)
    assert said is not None and "7000" in said
    assert standing_of(case, many, decision(many)) == (["decision.unfit"], "outgrown")


@pytest.mark.parametrize(
    ("link", "place", "key", "about"),
    [
        (Link("10.1.0.5", "10.2.0.1", "tcp", 80), Place("a", "b"), ("k",), ("10.1.0.5", "10.2.0.1")),
        (Link("10.1.0.5"), Place("a"), ("k",), ("10.1.0.5",)),
        (Link("", "10.2.0.1"), Place("a"), ("k",), ("10.2.0.1",)),
        (Link("a", "a"), Place(), (), ("a",)),
        (Link(), Place("a", "b"), ("k",), ("a", "b")),
        (Link(), Place("a", "a"), ("k",), ("a",)),
        (Link(), Place(), ("plant.pcap", ""), ("plant.pcap",)),
        (Link(), Place(), ("a\x1b[2J\udcff\n b",), ("a [2J b",)),
        (Link(), Place(), ("\n",), ("some-rule",)),
        (Link(), Place(), (), ("some-rule",)),
    ],
)
def test_a_finding_is_about_somebody(link: Link, place: Place, key: tuple[str, ...], about: object) -> None:
    finding = Finding("some-rule", key, "low", link, place, say("alike", count=1), (), 1, "packets", 1, 2, ())
    assert subject_of(finding) == about


def scan(client: Host, targets: int, tmp_path: Path) -> Finding:
    """What is told of a client that knocks at so many controllers, of which four answer."""
    random, packets = Random(1), list[Packet]()
    for number in range(1, targets + 1):
        answer = "open" if number <= 4 else "nothing"
        packets += knock(START_NS + number * SECOND_NS, (client, plc(number)), (40_000, 502), answer, random)
    (found,) = [one for one in captures.found("", packets, tmp_path) if one.rule == "address-scan"]
    return found


def test_a_scan_of_more_addresses_or_by_another_is_told(case: Case, tmp_path: Path) -> None:
    """A maintenance PC that looks for the same controllers each month."""
    known = scan(LAPTOP, 40, tmp_path)
    assert known.extent == 40
    for targets, said in ((40, []), (30, []), (41, ["decision.grown"])):
        assert standing_of(case, scan(LAPTOP, targets, tmp_path), decision(known))[0] == said
    other = scan(replace(LAPTOP, address="10.3.0.78"), 40, tmp_path)
    assert decided(case, [other], {id_of(known): decision(known)}).uncovered([other]) == (other,)


@pytest.mark.slow
def test_in_real_captures_what_only_repeats_itself_stays_covered(corpus: Path) -> None:
    """The same capture once more is no more than was decided about."""
    decidable = 0
    for name in captures_of(corpus):
        ledger = replay([str(corpus / name)]).ledger
        case = case_of(ledger, None)
        findings = found_in(case)
        mine = tuple(one for one in findings if not undecidable(one))
        decisions = taken(case, findings, *mine).decisions
        again = tuple(replace(source, name="again.pcap") for source in ledger.sources)
        twice = case_of(merge_all([ledger, replace(ledger, sources=again)]), None)
        known = decided(twice, found_in(twice), decisions)
        assert known.states == {"holds": len(mine), "outgrown": 0, "lapsed": 0, "unmet": 0}, name
        decidable += len(mine)
    assert decidable > 50
