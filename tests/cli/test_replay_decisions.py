"""Decisions from the draft on: written, completed, given to `replay` and `check`, lapsed, and of no use."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from otmon.cli.replay import check
from otmon.zones.files.workbook import read_sheets
from tests.command import ROOT, one_line, otmon

FACTORIES = ROOT / "pcaps" / "two-factories-day.pcapng"
PLANT = ROOT / "zones" / "two-factories.yaml"
WORKS = ROOT / "pcaps" / "water-works-day.pcapng"
SAID = {"reason": "撤去は3月", "by": "製造部", "decided": "2026-04-20", "until": "2027-03-31"}
"""Before and long after the days of the captures, in May 2026."""


def completed(draft: str, **said: str) -> str:
    lines = (line.partition("    # ")[0] for line in draft.splitlines())
    keyed = (f"{line} {(SAID | said).get(line.strip().removesuffix(':'), '')}".rstrip() for line in lines)
    return "\n".join(keyed) + "\n"


def lines_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module", name="ledger")
def ledger_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plant") / "plant.db"
    assert otmon("replay", FACTORIES, "--zones", PLANT, "--ledger", path)[0] == 1
    return path


def found(ledger: Path, rule: str) -> list[str]:
    lines = lines_of(otmon("check", "--ledger", ledger, "--zones", PLANT, "--json", "-")[1])
    return [str(line["id"]) for line in lines if line.get("rule") == rule]


def test_where_all_that_was_found_was_decided_about_nothing_was_found(tmp_path: Path) -> None:
    ledger, file = tmp_path / "works.db", tmp_path / "decisions.yaml"
    status, out, _ = otmon("replay", WORKS, "--ledger", ledger, "--json", "-")
    names = [line["id"] for line in lines_of(out) if line["type"] == "finding"]
    assert status == 1
    drafts = [word for name in names for word in ("--draft", name)]
    status, draft, err = otmon("check", "--ledger", ledger, *drafts)
    assert (status, err) == (0, "")
    file.write_text(completed(draft), encoding="utf-8")
    of_both = [
        otmon("replay", WORKS, "--decisions", file, "--json", "-"),
        otmon("check", "--ledger", ledger, "--decisions", file, "--json", "-"),
    ]
    assert of_both[0] == of_both[1] and of_both[0][0] == 0 and of_both[0][2] == ""
    lines = [line for line in lines_of(of_both[0][1]) if line["type"] == "finding"]
    assert [line["id"] for line in lines] == names
    assert {(line["decision"]["state"], line["decision"]["by"]) for line in lines} == {("holds", "製造部")}
    status, out, err = otmon("check", "--ledger", ledger, "--decisions", file, "--lang", "ja")
    assert (status, err) == (0, "") and "受容済みのものを除き、検知なし" in out
    assert all(name in out for name in names)
    # What is damaged is so whatever was decided.
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(WORKS.read_bytes()[:-30])
    assert otmon("replay", cut, "--decisions", file)[0] == 3


def test_metrics_of_a_replay_know_decisions_and_rules_of_a_team(ledger: Path, tmp_path: Path) -> None:
    file, rules = tmp_path / "decisions.yaml", tmp_path / "everything.yml"
    (name,) = found(ledger, "unsupported-system")
    file.write_text(completed(otmon("check", "--ledger", ledger, "--zones", PLANT, "--draft", name)[1]))
    rules.write_text(
        "title: All\nid: 8d2b4e0c-7f6a-4c1e-9a55-0d7c3b1f2e61\nname: everything\nstatus: stable\n"
        "description: All.\nlevel: low\nlogsource: {product: otmon, category: conversation}\n"
        "detection: {selection: {transport: tcp}, condition: selection}\n"
    )
    metrics = tmp_path / "day.om"
    words = ("--zones", PLANT, "--decisions", file, "--rules", rules, "--metrics", metrics)
    assert otmon("replay", FACTORIES, *words)[::2] == (1, "")
    text = metrics.read_text(encoding="utf-8")
    assert 'otmon_decisions{instance="replay",job="otmon",state="holds"} 1.0' in text
    assert 'rule="everything"' in text


def test_the_decision_of_the_page_covers_the_label_pc(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    (example,) = re.findall("^```yaml\n(.+?)^```$", page, re.M | re.S)
    file = tmp_path / "decisions.yaml"
    file.write_text(example, encoding="utf-8")
    status, out, err = otmon("replay", FACTORIES, "--zones", PLANT, "--decisions", file, "--json", "-")
    assert (status, err) == (1, "")
    assert [line["names"][0]["en"] for line in lines_of(out) if "decision" in line] == ["Factory A label PC"]
    assert lines_of(out)[-1]["decided"]["decisions"] == {"holds": 1, "outgrown": 0, "lapsed": 0, "unmet": 0}


def test_what_lapsed_or_meets_nothing_is_told(ledger: Path, tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    (xp,), (camera, other) = found(ledger, "unsupported-system"), found(ledger, "default-credentials")
    words = ("check", "--ledger", ledger, "--zones", PLANT)
    drafts = [otmon(*words, "--draft", name)[1] for name in (xp, camera, other)]
    entries = [text.removeprefix("decisions:\n") for text in drafts]
    gone = completed(entries[2]).replace(other, "0" * 12)
    file.write_text(
        "decisions:\n" + completed(entries[0]) + completed(entries[1], until="2026-05-11") + gone,
        encoding="utf-8",
    )
    status, out, err = otmon(*words, "--decisions", file, "--json", tmp_path / "found.jsonl")
    assert status == 1
    assert one_line(err).startswith(f"otmon: {file}:28: no finding meets this decision (default-credentials")
    plain = " ".join(out.split())
    assert "decided about 1 (below)" in plain and "decided until 2026-05-11: lapsed" in plain
    assert plain.index("Decided about: 1") < plain.index(xp)
    *_, summary = lines_of((tmp_path / "found.jsonl").read_text(encoding="utf-8"))
    assert summary["decided"]["decisions"] == {"holds": 1, "outgrown": 0, "lapsed": 1, "unmet": 1}
    assert [one["finding"] for one in summary["decided"]["unmet"]] == ["0" * 12]
    # A capture of a day is not all that the plant does, and what goes on longer is not of another time.
    assert otmon("replay", FACTORIES, "--zones", PLANT, "--decisions", file)[2] == ""
    since = otmon(*words, "--decisions", file, "--since", "2026-05-12T17:40", "--json", "-")
    assert lines_of(since[1])[-1]["decided"]["decisions"] == summary["decided"]["decisions"]


def test_drafts_are_made_of_several_findings_in_a_persons_language(ledger: Path) -> None:
    names = [*found(ledger, "default-credentials"), *found(ledger, "unsupported-system")]
    words = ("check", "--ledger", ledger, "--zones", PLANT)
    asked = [word for name in (*names, names[0]) for word in ("--draft", name)]
    status, out, err = otmon(*words, *asked, "--lang", "ja")
    assert (status, err) == (0, "")
    assert [line.split()[-1] for line in out.splitlines() if "finding: " in line] == names
    assert out.startswith("decisions:\n") and "Windows XP と名乗っている" in out and "判断した部門・人" in out


def test_what_cannot_be_decided_about_is_one_clear_line(ledger: Path, tmp_path: Path) -> None:
    words = ("check", "--ledger", ledger, "--zones", PLANT)
    (name, *_) = found(ledger, "unlisted-traffic")
    status, out, err = otmon(*words, "--draft", name)
    assert (status, out) == (2, "")
    assert "what unlisted-traffic tells is agreed in the zone model, expected a permission" in one_line(err)
    (xp,) = found(ledger, "unsupported-system")
    status, out, err = otmon(*words, "--draft", xp[:-1] + "x")
    assert (status, out) == (2, "") and f"expected {xp}" in one_line(err)
    file = tmp_path / "decisions.yaml"
    file.write_text(otmon(*words, "--draft", xp)[1], encoding="utf-8")
    for command in ((*words,), ("replay", FACTORIES, "--zones", PLANT)):
        status, out, err = otmon(*command, "--decisions", file)
        assert (status, out) == (2, "")
        *lines, last = err.splitlines()
        assert [line.partition(" is empty")[0] for line in lines] == [
            f"{file}:{line}:5: {key}" for line, key in zip((10, 11, 12, 13), SAID, strict=True)
        ]
        assert last == f"otmon: {file}: the decisions have 4 error(s)"
    status, _, err = otmon(*words, "--decisions", tmp_path / "absent.yaml")
    assert status == 2 and "absent.yaml: cannot be read (No such file or directory)" in err


def test_a_sheet_has_a_row_for_each_finding_with_its_decision(ledger: Path, tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    words = ("check", "--ledger", ledger, "--zones", PLANT, "--lang", "ja")
    (name,) = found(ledger, "unsupported-system")
    file.write_text(completed(otmon(*words, "--draft", name)[1]), encoding="utf-8")
    sheets = [tmp_path / "一覧.xlsx", tmp_path / "一覧.CSV"]
    for sheet in sheets:
        status, out, err = otmon(*words, "--decisions", file, "--sheet", sheet)
        assert (status, err) == (1, "") and out
        assert sheet.stat().st_mode & 0o777 == 0o600
    of_replay = tmp_path / "replay.xlsx"
    otmon("replay", FACTORIES, "--zones", PLANT, "--lang", "ja", "--decisions", file, "--sheet", of_replay)
    assert of_replay.read_bytes() == sheets[0].read_bytes()
    lines = lines_of(otmon(*words, "--json", "-")[1])
    ids = [line["id"] for line in lines if line["type"] == "finding"]
    for sheet in sheets:
        ((_, *rows),) = [list(one.rows.values()) for one in read_sheets(sheet.read_bytes())]
        assert [row[0] for row in rows] == ids
        assert [row[17:21] for row in rows if row[0] == name] == [
            ("受容済み", "撤去は3月", "製造部", "2027-03-31")
        ]
    status, out, err = otmon(*words, "--sheet", "findings.txt")
    assert (status, out) == (2, "") and "--sheet findings.txt は使えない" in one_line(err)
    status, _, err = otmon(*words, "--sheet", "/proc/absent/x.xlsx")
    assert status == 2 and "/proc/absent/x.xlsx" in one_line(err)


def test_a_sheet_says_how_many_it_has_no_place_for(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("otmon.outputs.finding_sheet.MAX_ROWS", 3)
    sheet = tmp_path / "few.csv"
    with pytest.raises(typer.Exit):
        check(ledger=[str(ledger)], zones=str(PLANT), json=str(tmp_path / "all.jsonl"), sheet=str(sheet))
    (one,) = read_sheets(sheet.read_bytes())
    assert len(one.rows) == 4
    assert "few.csv: 13 findings found no place in it; --json has all" in capsys.readouterr().err
