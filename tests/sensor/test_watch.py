from __future__ import annotations

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from otmon.detect.detector import Case
from otmon.detect.finding import Finding
from otmon.detect.rules.load import shipped_rules
from otmon.engine import replay
from otmon.findings.judge import id_of, judge
from otmon.ledger.facts import HOUR_NS
from otmon.ledger.file.store import load
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.ledger.merge import collect
from otmon.sensor import ledger_marks
from otmon.sensor.proof import ProofFolder
from otmon.sensor.schedule import Schedule
from otmon.sensor.watch import ENDING_S, Watch, judged_by
from otmon.zones.files.load import load_model
from tests.findings.taken import decision
from tests.sensor.running import ROOT
from tests.zones.facts import conversation

MODEL = load_model(str(ROOT / "zones" / "water-works.yaml"))


@pytest.fixture(scope="module", name="day")
def day_fixture() -> Ledger:
    return replay([str(ROOT / "pcaps" / "water-works-day.pcapng")]).ledger


def test_facts_are_judged_by_the_model_and_the_baseline(day: Ledger) -> None:
    case = judged_by(MODEL, day)(day)
    assert case.index is not None and case.index.model == MODEL
    assert (case.ledger, case.baseline) == (day, day)
    assert judged_by(None, None)(day).index is None


def test_what_an_earlier_run_found_is_known_and_saved_again(day: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "plant.db"
    watch = Watch([], judged_by(MODEL, None), before=day, ledger_path=path)
    assert watch.findings == judge(day, MODEL) != ()
    assert watch.step() == [] and watch.finish() == []
    assert (watch.status.judgements, watch.status.told, watch.status.told_s) == (2, (), ())
    assert watch.status.saves == 2 and load(path) == day


def test_findings_by_another_model_are_told_once_with_their_time(day: Ledger) -> None:
    watch = Watch([], judged_by(None, None), before=day)
    known = set(watch.findings)
    watch.step()
    watch.keep_model()
    assert not watch.status.model_loaded
    watch.use(judged_by(MODEL, None))
    assert watch.status.model_loaded
    told = watch.step()
    assert {one.finding for one in told} == set(judge(day, MODEL)) - known != set()
    status = watch.status
    assert sum(amount for _, amount in status.told) == len(told)
    assert {severity for severity, _ in status.told_s} == {one.finding.severity for one in told}
    assert {time_s for _, time_s in status.told_s} == {status.judged_s}
    assert watch.finish() == [] and watch.status.told == status.told


PLANT = load_model(str(ROOT / "zones" / "two-factories.yaml"))


@pytest.fixture(scope="module", name="factories")
def factories_fixture() -> Ledger:
    """With a Windows XP that stays until spring."""
    return replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger


@pytest.fixture(name="xp")
def xp_fixture(factories: Ledger) -> Finding:
    return next(one for one in judge(factories, PLANT) if one.rule == "unsupported-system")


def test_a_finding_that_a_decision_covers_is_noted_and_no_alert(factories: Ledger, xp: Finding) -> None:
    watch = Watch([], judged_by(None, None, {}), before=factories)
    watch.step()
    assert not watch.finds_something
    watch.use(judged_by(PLANT, None), decisions={id_of(xp): decision(xp)})
    told = watch.step()
    assert {one.finding for one in told} == set(judge(factories, PLANT))
    assert [one.finding for one in told if one.standing is not None] == [xp]
    counts = dict(watch.status.told)
    assert sum(counts.values()) == len(told) - 1 and all(rule != xp.rule for rule, _ in counts)
    assert watch.finds_something and watch.finish() == []
    # Were it the only one, all would be well.
    only = judged_by(PLANT, None, {xp.rule: shipped_rules()[xp.rule]})
    watch = Watch([], only, before=factories, told={}, decisions={id_of(xp): decision(xp)})
    (one,) = watch.step()
    assert one.standing is not None and one.standing.holds and not watch.finds_something
    assert (watch.status.told, watch.status.told_s) == ((), ())


def test_a_decision_that_is_over_or_withdrawn_lets_its_finding_be_told(
    factories: Ledger, xp: Finding, tmp_path: Path
) -> None:
    """The last day is the capture's; the next packet comes after it."""
    path = tmp_path / "plant.db"
    only = judged_by(PLANT, None, {xp.rule: shipped_rules()[xp.rule]})
    decisions = {id_of(xp): decision(xp, date(2026, 5, 12))}
    watch = Watch([], only, before=factories, told={}, ledger_path=path, decisions=decisions)
    (one,) = watch.step()
    assert one.standing is not None and one.standing.holds
    watch.finish()
    known = ledger_marks.told(path)
    again = Watch([], only, before=load(path), told=known, ledger_path=path, decisions=decisions)
    assert again.step() == [] and not again.finds_something
    (source,) = factories.sources
    end_ns = source.last_ns + 7 * HOUR_NS
    assert again._judged(replace(factories, sources=(replace(source, last_ns=end_ns - HOUR_NS),))) == []
    (lapsed,) = again._judged(replace(factories, sources=(replace(source, last_ns=end_ns),)))
    assert lapsed.standing is not None and lapsed.standing.state == "lapsed" and lapsed.is_new
    assert again.finds_something and dict(again.status.told) == {}
    again.step()
    assert sum(dict(again._counts).values()) == 1
    withdrawn = Watch([], only, before=factories, told=known)
    (told,) = withdrawn.step()
    assert told.standing is None and withdrawn.finds_something


def test_a_ledger_that_cannot_be_saved_is_counted(day: Ledger, tmp_path: Path) -> None:
    watch = Watch([], judged_by(None, None), before=day, ledger_path=tmp_path / "missing" / "plant.db")
    watch.step()
    assert (watch.status.saves, watch.status.failed_saves) == (0, 1)
    assert watch.trouble is not None and "plant.db" in watch.trouble
    (tmp_path / "missing").mkdir()
    watch.finish()
    assert (watch.status.saves, watch.status.failed_saves, watch.trouble) == (1, 1, None)


def test_findings_beyond_those_that_can_wait_for_a_proof_are_counted(
    day: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otmon.sensor.proof.WAITING", 1)
    watch = Watch([], judged_by(None, None), before=day, proofs=ProofFolder(tmp_path))
    watch.step()
    watch.use(judged_by(MODEL, None))
    told = watch.step()
    assert len(told) > 1 and watch.status.unproven == len(told) - 1
    assert watch.finish() == [] and watch.status.unproven == len(told) - 1


def test_nothing_is_judged_or_written_where_nothing_was_heard(day: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "plant.db"
    watch = Watch([], judged_by(MODEL, None), before=day, ledger_path=path)
    watch.step()
    os.utime(path, (1, 1))
    judged_s = watch.status.judged_s
    for _ in range(100):
        # Everything is due.
        watch._schedule = Schedule()
        watch.step()
    assert watch.status.judged_s > judged_s
    # The file's time says that it still holds everything.
    assert (watch.status.judgements, watch.status.saves) == (1, 1) and path.stat().st_mtime > 1
    path.unlink()
    watch._schedule = Schedule()
    watch.step()
    assert watch.status.saves == 2 and load(path) == day


def test_an_end_does_not_wait_for_a_judgement_and_the_next_start_tells(day: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "plant.db"

    def endless(ledger: Ledger) -> Case:
        watch.interrupt()
        raise AssertionError("a judgement that was interrupted went on")

    watch = Watch([], judged_by(None, None), before=day, ledger_path=path)
    assert watch.step() == [] and len(watch.findings) == watch.known_before and watch.finds_something
    watch.use(endless)
    assert watch.step() == [] and watch.status.judgements == 1
    path.unlink()
    assert watch.finish() == []
    assert watch.unjudged and watch.status.judgements == 1
    # All facts are there, and what was told before.
    assert load(path) == day
    assert ledger_marks.told(path) == watch._news.known != {}
    again = Watch(
        [], judged_by(MODEL, None), before=load(path), ledger_path=path, told=ledger_marks.told(path)
    )
    told = again.step()
    assert {one.finding for one in told} == set(judge(day, MODEL)) - set(judge(day, None)) != set()
    assert again.known_before == len(again.findings)
    assert again.step() == [] and again.finish() == [] and not again.unjudged


def test_a_save_that_is_broken_off_leaves_the_file_and_what_was_told(
    day: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "plant.db"
    watch = Watch([], judged_by(None, None), before=day, ledger_path=path)
    watch.use(judged_by(MODEL, None))
    monkeypatch.setattr("otmon.sensor.watch.save", lambda ledger, place, notes: watch.interrupt())
    assert watch.step() == [] and watch.status.saves == 0 and not path.exists()
    monkeypatch.undo()
    assert watch.finish() and load(path) == day and ENDING_S < 5


def test_a_quiet_hour_does_not_say_that_a_mirror_is_mended() -> None:
    def seen(to_client: int) -> Ledger:
        ways = {"packets_to_server": 20, "packets_to_client": to_client}
        return collect(
            conversations=[conversation("10.1.0.5", "10.2.0.1", port, **ways) for port in range(1, 20)]
        )

    watch = Watch([], judged_by(None, None))
    for ledger, told in ((EMPTY, False), (seen(0), True), (EMPTY, True), (seen(20), False), (EMPTY, False)):
        watch._judged(ledger)
        assert (watch.one_way is not None) == told
