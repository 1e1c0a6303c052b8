"""The page about other seeds: what it tells, and what it fails for."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.lab_score import MISSES, PLANTS, SCENARIOS, Miss, explained
from tests.lab_seeds import PAGE, Row, kept, page, wrong

ALARM = "port-scan 10.0.0.1 10.0.0.2"
ROWS = [
    Row("drift", 3, 2, 3, ()),
    Row("drift", 2, 3, 3, (ALARM,)),
    Row("scan", 2, 1, 1, ()),
    Row("scan", 3, 0, 1, ()),
    Row("mill (clean day)", 2, 0, 0, ()),
    Row("mill (clean day)", 3, 0, 0, (ALARM,)),
]


def test_the_page_tells_each_capture_over_its_seeds() -> None:
    text = page(ROWS)
    for told in (
        "seeds 2, 3,",
        "| drift | 2 of 2 | 3/3, 2/3 | 1 |",
        "| scan | 1 of 2 | 1/1, 0/1 | 0 |",
        "| mill | 2 | 1 | 0.5 |",
    ):
        assert told in text
    assert "| scan | 2 of 2 | 1/1 with each seed | 0 |" in page([ROWS[2], Row("scan", 3, 1, 1, ())])


def test_false_alarms_and_what_is_missed_beyond_explanation_are_wrong() -> None:
    known = [Miss("drift", "missed", "a"), Miss("scan", "late", "b")]
    assert wrong(ROWS, known) == [
        f"drift, seed 2: false alarm: {ALARM}",
        f"mill (clean day), seed 3: false alarm: {ALARM}",
        "scan, seed 3: 0 of 1 visible steps found",
    ]
    assert "drift, seed 3: 2 of 3 visible steps found" in wrong(ROWS, known[1:])


def test_results_of_a_run_that_was_stopped_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    assert kept(path) == []
    path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in ROWS), encoding="utf-8")
    assert kept(path) == ROWS


def test_the_committed_page_has_every_scenario_and_plant_and_nothing_unexplained() -> None:
    text = PAGE.read_text(encoding="utf-8")
    attacks, _, days = text.partition("## Clean working days")
    missed = [one.capture for one in explained(MISSES) if one.kind == "missed"]
    cells = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in attacks.splitlines()}
    for path in SCENARIOS.glob("*.yaml"):
        steps = cells[path.stem][2].removesuffix(" with each seed").split(", ")
        for found, visible in (step.split("/") for step in steps):
            assert int(found) >= int(visible) - missed.count(path.stem), path.stem
    assert all(f"| {path.stem} |" in days for path in PLANTS.glob("*.yaml"))
    assert all(
        line.endswith("| 0 | 0.0 |") for line in days.splitlines() if line[:3] not in ("", "| -", "| p")
    )
