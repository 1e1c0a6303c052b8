"""The table: what a person reads of one score and of several, in both languages, on a pipe."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from otmon.findings.wording import Language
from otmon.score.findings import read_findings
from otmon.score.score import Score, Share, score
from otmon.score.table import FALSE_ALARMS_SHOWN, WIDTH, duration_text, share_text, write_scores
from otmon.score.truth import Truth
from tests.score.made import SECOND, finding, lines, run, written


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    return written(tmp_path / "made.truth.json")


def said(truth: Truth, path: Path, *packets: int, rule: str = "modbus-scan") -> Score:
    objects = [finding(f"id {n}", f"{rule} {n}", "10.0.9.66", "", n) for n in packets]
    return score(truth, read_findings(lines(path, run(), *objects)))


def shown(truth: Truth, scores: list[Score], language: Language) -> list[str]:
    stream = io.StringIO()
    write_scores(stream, truth, scores, language)
    return stream.getvalue().splitlines()


def test_one_score(truth: Truth, tmp_path: Path) -> None:
    told = shown(truth, [said(truth, tmp_path / "otmon.jsonl", 5, 605, 606)], "en")
    text = "\n".join(told)
    assert "made/by-hand; steps of the attack: 4, visible to a passive sensor: 3; capture: 1:00:00" in told[0]
    assert "steps found 1/3 (33%), right 2/3 (67%), first told after 4.0 s" in text
    cells = {
        line.split()[0]: line.split()[1:] for line in told if line.startswith((" scan", " write", " usb"))
    }
    assert cells["scan"][:3] == ["Found", "4.0", "s"]
    assert cells["write"][:2] == ["Missed", "-"]
    assert cells["usb"][:2] == ["Not", "visible"]
    assert "False alarms: 1, in 24 hours: 24.0" in text
    assert "modbus-scan 5: 10.0.9.66" in text
    assert "Place" not in text
    assert all(len(line) <= WIDTH for line in told if str(tmp_path) not in line)


def test_several_are_ranked(truth: Truth, tmp_path: Path) -> None:
    scores = [said(truth, tmp_path / "b.jsonl", 605), said(truth, tmp_path / "a.jsonl", 605, 1201)]
    told = shown(truth, scores, "ja")
    places = [line.split()[:2] for line in told if line.split()[:1] in (["1"], ["2"])]
    assert [place for place, _ in places] == ["1", "2"]
    text = "\n".join(told)
    assert text.index("a.jsonl") < text.index("b.jsonl")
    for word in ("順位", "見逃し", "誤検知", "攻撃のステップ 4 件"):
        assert word in text


def test_a_hostile_name_steers_no_terminal(truth: Truth, tmp_path: Path) -> None:
    told = shown(truth, [said(truth, tmp_path / "otmon.jsonl", 5, rule="\x1b[2J[red]")], "en")
    assert any("\\x1b[2J[red] 5" in line for line in told)
    assert not any("\x1b" in line for line in told)


def test_false_alarms_beyond_a_bound_are_counted(truth: Truth, tmp_path: Path) -> None:
    told = shown(truth, [said(truth, tmp_path / "otmon.jsonl", *range(1, FALSE_ALARMS_SHOWN + 8))], "en")
    assert sum("modbus-scan" in line for line in told) == FALSE_ALARMS_SHOWN
    assert any("7" in line and "more" in line for line in told)


def test_durations_and_shares() -> None:
    told = {None: "-", 0: "0.0 s", 59_940_000_000: "59.9 s", 59_960_000_000: "1:00", 125 * SECOND: "2:05"}
    assert {value: duration_text(value) for value in told} == told
    assert duration_text(36_000 * SECOND) == "10:00:00"
    assert share_text(Share(3, 4)) == "3/4 (75%)" and share_text(Share(0, 0)) == "-"
