"""The page about otmon in its training range: every miss is explained, and no explanation outlives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.score.findings import read_findings
from otmon.score.score import score
from tests.lab_score import MISSES, PAGE, PLANTS, SCENARIOS, Miss, Result, explained, misses_of, page, wrong
from tests.score.made import finding, lines, plant, run, written


def result(folder: Path, *packets: int, is_day: bool = False, told: str = "") -> Result:
    form = plant()
    if is_day:
        form["events"] = form["events"][:1]
    truth = written(folder / "made.truth.json", form)
    # What rests on routine is told at once.
    more = {n: {"told": told} if told and n > 600 else {} for n in packets}
    said = [finding(f"id {n}", "modbus-scan", "10.0.9.66", "10.0.2.12", n, **more[n]) for n in packets]
    scored = score(truth, read_findings(lines(folder / "f.jsonl", run(), *said)))
    return Result("by-hand (clean day)" if is_day else "by-hand", "made", is_day, 3601, scored)


def test_what_was_missed_wants_an_explanation(tmp_path: Path) -> None:
    one = result(tmp_path, 605, 5, told="2026-04-14T03:11:00.000000001Z")
    assert list(misses_of(one)) == [
        Miss("by-hand", "missed", "write"),
        Miss("by-hand", "missed", "leak"),
        Miss("by-hand", "late", "scan"),
        Miss("by-hand", "false-alarm", "modbus-scan 10.0.9.66 10.0.2.12"),
    ]
    assert list(misses_of(result(tmp_path, 605, 1201, 1801, told="2026-04-14T03:11:00.000000000Z"))) == []
    assert [one.kind for one in misses_of(result(tmp_path, 5, is_day=True))] == ["false-alarm"]


def test_an_unexplained_miss_and_an_outdated_explanation_are_wrong(tmp_path: Path) -> None:
    found = [result(tmp_path, 605, 1201)]
    leak, scan = Miss("by-hand", "missed", "leak"), Miss("by-hand", "missed", "scan")
    assert wrong(found, {leak: "it is encrypted"}) == []
    assert wrong(found, {}) == ["not explained: by-hand: missed leak"]
    assert wrong(found, {leak: "so", scan: "so"}) == ["not so any more: by-hand: missed scan"]


def test_the_page_tells_all_of_it(tmp_path: Path) -> None:
    leak = Miss("by-hand", "missed", "leak")
    day, attack = result(tmp_path, 5, is_day=True), result(tmp_path, 605, 1201)
    text = page([attack, day], {leak: "It is encrypted."})
    for told in (
        "1 scenarios: the attack is found in 1, within a minute in 1; visible steps found: 2/3 (67%), "
        "by packets of the step itself: 2/3 (67%), the others by a finding that goes on or a consequence; "
        "false alarms: 0 in 1.0 hours.",
        "| by-hand | made | 2/3 (67%) | 4.0 s | 2.0 s | 0 |",
        "| made | 1:00:00 | 3,601 | 1 | 24.0 |",
        "| T0846 | 1/1 (100%) |",
        "| T0882 | 0/1 (0%) |",
        "- **by-hand**, missed: leak. It is encrypted.",
        "- **by-hand (clean day)**, false alarm: modbus-scan 10.0.9.66 10.0.2.12. (not explained)",
        "- **by-hand**, usb: nothing is sent",
        "| by-hand | scan | 4.0 s | modbus-scan |",
        "| by-hand | leak | - | missed |",
    ):
        assert told in text
    assert "T0847" not in text


@pytest.mark.parametrize("entry", ["{capture: a, lost: b, why: c}", "{capture: a, missed: b, why: ' '}"])
def test_an_explanation_says_what_and_why(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "misses.yml"
    path.write_text(f"misses:\n  - {entry}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected missed, late or false-alarm"):
        explained(path)


def test_the_committed_page_and_explanations_agree() -> None:
    """Each explanation stands on the page, which `make lab-score` wrote, and nothing there is unexplained."""
    text = PAGE.read_text(encoding="utf-8")
    assert "(not explained)" not in text
    told = text.partition("## Missed")[2].partition("## ")[0]
    lines_told = [line for line in told.splitlines() if line.startswith("- ")]
    for miss, why in explained(MISSES).items():
        kind = miss.kind.replace("-", " ")
        assert f"- **{miss.capture}**, {kind}: {miss.what}. {why}" in lines_told
    assert len(lines_told) == len(explained(MISSES))


def test_the_page_has_every_scenario_and_every_plant() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for path in SCENARIOS.glob("*.yaml"):
        assert f"| {path.stem} |" in text, f"`make lab-score` has not run {path.stem}"
    days = text.partition("## Clean working days")[2].partition("## ")[0]
    for path in PLANTS.glob("*.yaml"):
        assert f"| {path.stem} |" in days
