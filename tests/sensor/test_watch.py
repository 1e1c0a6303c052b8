from __future__ import annotations

import os
from pathlib import Path

import pytest

from otmon.detect.detector import Case
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.ledger.file.store import load
from otmon.ledger.ledger import EMPTY, Ledger
from otmon.ledger.merge import collect
from otmon.sensor import ledger_marks
from otmon.sensor.proof import ProofFolder
from otmon.sensor.schedule import Schedule
from otmon.sensor.watch import ENDING_S, Watch, judged_by
from otmon.zones.files.load import load_model
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
