"""`otmon lab score` as people run it: exit statuses, a table, JSON, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import DAY, MODEL, ROOT, otmon
from tests.score.made import finding, lines, plant, run

TRUTH = ROOT / "pcaps" / "factory-day.truth.json"


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("score") / "otmon.jsonl"
    otmon("replay", DAY, "--zones", MODEL, "--json", path)
    return path


@pytest.mark.parametrize("name", ["factory", "two-factories", "body-line", "water-works"])
def test_every_step_of_the_shipped_days_is_found_without_a_false_alarm(name: str, tmp_path: Path) -> None:
    path, capture = tmp_path / "otmon.jsonl", ROOT / "pcaps" / f"{name}-day.pcapng"
    otmon("replay", capture, "--zones", ROOT / "zones" / f"{name}.yaml", "--json", path)
    status, out, err = otmon(
        "lab", "score", "--truth", capture.with_suffix(".truth.json"), "--findings", path
    )
    assert (status, err) == (0, ""), out
    assert "Missed" not in out and "False alarms: 0" in out


def test_findings_and_answers_are_compared(findings: Path, tmp_path: Path) -> None:
    team = tmp_path / "team-a.csv"
    team.write_text("時刻,送信元,宛先\n2026-04-14 09:12,office-pc-77,plc-conveyor\n", encoding="cp932")
    given = ("--truth", TRUTH, "--findings", team, "--findings", findings, "--time-zone", "Asia/Tokyo")
    status, out, err = otmon("lab", "score", *given, "--json", "-")
    assert (status, err) == (1, "")
    told = json.loads(out)
    assert [(Path(one["name"]).name, one["recall"]["found"]) for one in told["scores"]] == [
        ("otmon.jsonl", 9),
        ("team-a.csv", 1),
    ]
    again = otmon("lab", "score", *given, "--json", tmp_path / "score.json", "--lang", "ja")
    assert again[0] == 1 and "順位" in again[1]
    assert (tmp_path / "score.json").read_text(encoding="utf-8") == out


def test_what_comes_up_without_the_attack_is_no_consequence(tmp_path: Path) -> None:
    truth = tmp_path / "made.truth.json"
    truth.write_text(json.dumps(plant()), encoding="utf-8")
    silent = finding("a", "stopped-poll", "10.0.1.10", "10.0.2.11", 1301)
    said = lines(tmp_path / "said.jsonl", run(), silent)
    given = ("lab", "score", "--truth", truth, "--findings", said)
    assert "False alarms: 0" in otmon(*given)[1]
    clean = lines(tmp_path / "clean.jsonl", run(), silent)
    assert "False alarms: 1" in otmon(*given, "--clean", clean)[1]


@pytest.mark.parametrize(
    ("truth", "text", "more", "told"),
    [
        (TRUTH, "{\n", (), "bad.txt:1: no JSON: "),
        (TRUTH, "time,from\n12:00,x\n", (), "bad.txt:2: time: '12:00' is no time"),
        (TRUTH, "time,from\n2026-04-14 09:12,x\n", (), "give --time-zone"),
        (TRUTH, "hello\n", (), "no row of headings"),
        (TRUTH, "", ("--time-zone", "Mars"), "--time-zone 'Mars', expected a time zone"),
        (MODEL, "", (), "factory.yaml: no JSON: "),
        (ROOT / "nowhere", "", (), "nowhere: No such file or directory"),
        (ROOT, "", (), "Is a directory"),
        (TRUTH, json.dumps(run(5)), (), "findings of 5 packets, and the truth is about 3,616"),
    ],
)
def test_every_broken_file_is_an_error_with_its_place(
    truth: Path, text: str, more: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text, encoding="utf-8")
    status, out, err = otmon("lab", "score", "--truth", truth, "--findings", path, *more)
    assert (status, out) == (2, ""), err
    assert told in err and "Traceback" not in err


def test_an_empty_file_of_findings_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    path.write_text("", encoding="utf-8")
    status, out, _ = otmon("lab", "score", "--truth", TRUTH, "--findings", path)
    assert status == 1 and "0/9 (0%)" in out


def test_an_empty_sheet_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "team-a.csv"
    path.write_text("\n", encoding="utf-8")
    given = ("lab", "score", "--truth", TRUTH, "--findings", path)
    assert otmon(*given)[0] == 2
    status, out, err = otmon(*given, "--lang", "ja")
    assert (status, out) == (2, "") and "見出しの行がない" in err and "otmon: 誤りが 1 件ある" in err
