"""Which model the sensor starts with; tests/sensor/test_service.py starts it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import typer

from otmon.cli.agreement import decisions_or_none, found_or_kept, keep_copy
from otmon.detect.rules.load import shipped_rules
from otmon.findings.decision import NO_DECISIONS
from otmon.sensor.agreement import copied_in
from tests.command import ROOT


@pytest.fixture(name="model")
def model_fixture(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "zones" / "water-works-devices.csv", tmp_path)
    return Path(shutil.copy(ROOT / "zones" / "water-works.yaml", tmp_path))


def test_without_errors_the_files_count(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "plant.db"
    found, is_copy = found_or_kept(str(model), None, ledger)
    assert found.model is not None and not is_copy and not copied_in(ledger).exists()
    keep_copy(ledger, found)
    assert found_or_kept(str(model), None, ledger) == (found, False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("rules", [False, True])
def test_with_errors_the_copy_does_and_both_are_told(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], rules: bool
) -> None:
    ledger = tmp_path / "plant.db"
    found, _ = found_or_kept(str(model), None, ledger)
    keep_copy(ledger, found)
    wrong = tmp_path / "own.yml"
    wrong.write_text("title: x\n", encoding="utf-8")
    if not rules:
        model.write_text("zoness: []\n", encoding="utf-8")
    assert found_or_kept(str(model), [str(wrong)] if rules else None, ledger) == (found, True)
    said = capsys.readouterr().err
    assert ("own.yml:" if rules else "water-works.yaml:1:1: ") in said
    assert "the sensor judges by a copy of those that it read at 20" in said


@pytest.mark.parametrize("named", [False, True])
def test_with_errors_and_no_copy_it_ends(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], named: bool
) -> None:
    model.write_text("zoness: []\n", encoding="utf-8")
    with pytest.raises(typer.Exit) as ended:
        found_or_kept(str(model), None, tmp_path / "plant.db" if named else None)
    assert ended.value.exit_code == 2
    said = capsys.readouterr().err
    assert "water-works.yaml:1:1: " in said and "the zone model or the rules have" in said


def test_a_copy_that_cannot_be_written_is_told_and_no_reason_to_end(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "gone" / "plant.db"
    keep_copy(ledger, found_or_kept(str(model), None, ledger)[0])
    said = capsys.readouterr().err
    assert ".plant.db.model: no copy of the zone model is kept: No such file" in said


def test_decisions_with_errors_cover_nothing_and_end_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, rules = tmp_path / "decisions.yaml", shipped_rules()
    assert decisions_or_none(None, rules) == (NO_DECISIONS, True)
    assert decisions_or_none(str(file), rules) == (NO_DECISIONS, False)
    file.write_text("decisions: [{rule: no-such-rule}]\n", encoding="utf-8")
    assert decisions_or_none(str(file), rules) == (NO_DECISIONS, False)
    said = capsys.readouterr().err
    assert "decisions.yaml: cannot be read" in said and "decisions.yaml:1:20: " in said
    assert said.count("none holds, and all findings are told, until they are mended") == 2
    file.write_text("decisions: []\n", encoding="utf-8")
    assert decisions_or_none(str(file), rules)[1]
