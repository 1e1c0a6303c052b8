"""Whether what otmon finds in its training range hangs on the seed.

``python -m tests.lab_seeds`` (``make lab-seeds``) records every scenario and a clean day of every plant with
other seeds than the one of `tests.lab_score`, replays and scores them likewise, and writes docs/lab-seeds.md.
It fails where a seed has a false alarm, or more steps missed than `scenarios/misses.yml` explains. Each
result is kept in build/lab-seeds/results.jsonl as it comes: ``--resume`` goes on behind them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from otmon.score.findings import read_findings
from otmon.score.match import ids
from otmon.score.score import Score, score
from otmon.score.truth import read_truth
from tests.docs import table
from tests.lab_score import CLEAN_S, MISSES, PLANTS, ROOT, SCENARIOS, Miss, explained, read, replayed, run

PAGE = ROOT / "docs" / "lab-seeds.md"
FOLDER = ROOT / "build" / "lab-seeds"
RESULTS = FOLDER / "results.jsonl"
SEEDS = (2, 3, 4, 5, 6)
DAY_S = 600
"""Seconds of simulated time between two judgements of a clean day."""


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """What came of one capture."""

    capture: str
    """A scenario's id, or the plant with "(clean day)"."""
    seed: int
    found: int
    """Visible steps that were found."""
    visible: int
    false_alarms: tuple[str, ...]
    """Rule and hosts."""


def row(capture: str, seed: int, of: Score) -> Row:
    """What a score says in a row."""
    told = (f"{one.said} {' '.join((*one.clients, *one.servers))}".strip() for one in of.false_alarms)
    return Row(capture, seed, of.recall.part, of.recall.whole, tuple(sorted(told)))


def scenario_row(path: Path, seed: int) -> Row:
    """Record, replay, score. Without the attack only where a finding counts as its consequence."""
    plant = read(PLANTS / f"{read(path)['plant']}.yaml")
    model = ROOT / "zones" / plant["model"]

    def told(kind: str, *options: str) -> tuple[Path, Path]:
        capture = FOLDER / f"{path.stem}-{seed}{kind}.pcapng"
        run(("lab", "record", path.stem, "--seed", str(seed), "--output", capture, *options), (0,))
        findings = replayed(capture, model, CLEAN_S)
        capture.unlink()
        return capture.with_suffix(".truth.json"), findings

    truth_file, findings = told("")
    truth, said = read_truth(str(truth_file)), read_findings(str(findings))
    found = score(truth, said)
    if any(hit.how == "consequence" for step in found.steps for hit in step.hits):
        found = score(truth, said, ids([read_findings(str(told("-clean", "--clean")[1]))]))
    return row(path.stem, seed, found)


def day_row(path: Path, seed: int) -> Row:
    """Record a clean day, replay it, score."""
    capture = FOLDER / f"{path.stem}-{seed}-day.pcapng"
    run(("lab", "record", "--plant", path.stem, "--day", "--seed", str(seed), "--output", capture), (0,))
    findings = replayed(capture, ROOT / "zones" / read(path)["model"], DAY_S)
    capture.unlink()
    truth = read_truth(str(capture.with_suffix(".truth.json")))
    return row(f"{path.stem} (clean day)", seed, score(truth, read_findings(str(findings))))


def wrong(rows: Iterable[Row], known: Iterable[Miss]) -> list[str]:
    """False alarms, and captures in which more is missed than is explained."""
    missed: dict[str, int] = {}
    for one in known:
        missed[one.capture] = missed.get(one.capture, 0) + (one.kind == "missed")
    return [*_wrong(sorted(rows), missed)]


def _wrong(rows: Iterable[Row], missed: dict[str, int]) -> Iterator[str]:
    for one in rows:
        for alarm in one.false_alarms:
            yield f"{one.capture}, seed {one.seed}: false alarm: {alarm}"
        if one.found < one.visible - missed.get(one.capture, 0):
            yield f"{one.capture}, seed {one.seed}: {one.found} of {one.visible} visible steps found"


def page(rows: Sequence[Row]) -> str:
    """docs/lab-seeds.md."""
    by_capture: dict[str, list[Row]] = {}
    for one in sorted(rows):
        by_capture.setdefault(one.capture, []).append(one)
    days = {name: of for name, of in by_capture.items() if name.endswith(" (clean day)")}
    attacks = {name: of for name, of in by_capture.items() if name not in days}
    seeds = ", ".join(str(seed) for seed in sorted({one.seed for one in rows}))
    parts = [
        "<!-- written by `make lab-seeds`: edit the program, not this page -->",
        "# The training range with other seeds",
        f"Every scenario and a clean working day of every plant, recorded with seeds {seeds}, replayed and "
        f"scored as in [the score with seed 1](lab-score.md), but judged each {CLEAN_S} seconds of simulated "
        f"time, and clean days each {DAY_S}. `make lab-seeds` writes this page, and fails where there is a "
        "false alarm, or more is missed than the page with seed 1 explains.",
        "演習場の各シナリオと平常日を別の種(シード)で記録した場合の発見数と誤検知の数。",
        "## Scenarios",
        table(
            ("scenario", "attack found", "visible steps found", "false alarms"),
            [(name, *_attack(of)) for name, of in attacks.items()],
        ),
        "## Clean working days",
        table(
            ("plant", "days", "false alarms", "in a day"),
            [(name.removesuffix(" (clean day)"), *_days(of)) for name, of in days.items()],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _attack(rows: Sequence[Row]) -> tuple[str, str, str]:
    found = sum(one.found > 0 for one in rows)
    steps = [f"{one.found}/{one.visible}" for one in rows]
    shown = f"{steps[0]} with each seed" if len(set(steps)) == 1 else ", ".join(steps)
    return f"{found} of {len(rows)}", shown, str(sum(len(one.false_alarms) for one in rows))


def _days(rows: Sequence[Row]) -> tuple[str, str, str]:
    alarms = sum(len(one.false_alarms) for one in rows)
    return str(len(rows)), str(alarms), f"{alarms / len(rows):.1f}"


def kept(path: Path) -> list[Row]:
    """The results of a run that was not finished."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    forms = map(json.loads, lines)
    return [Row(**form | {"false_alarms": tuple(form["false_alarms"])}) for form in forms]


def rows_of(seeds: Sequence[int], resume: bool) -> list[Row]:
    """All results, those of a run before among them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not resume:
        RESULTS.unlink(missing_ok=True)
    found = [one for one in kept(RESULTS) if one.seed in seeds]
    there = {(one.capture, one.seed) for one in found}
    plants, scenarios = sorted(PLANTS.glob("*.yaml")), sorted(SCENARIOS.glob("*.yaml"))
    with ProcessPoolExecutor(os.cpu_count()) as pool, RESULTS.open("a", encoding="utf-8") as file:
        futures = [
            pool.submit(play, path, seed)
            for seed in seeds
            for play, paths, kind in ((day_row, plants, " (clean day)"), (scenario_row, scenarios, ""))
            for path in paths
            if (f"{path.stem}{kind}", seed) not in there
        ]
        for future in futures:
            found.append(future.result())
            print(json.dumps(asdict(found[-1])), file=file, flush=True)
    return found


def main() -> int:
    """Exit status: 0 all as with seed 1, 1 not."""
    parser = argparse.ArgumentParser(description="Score otmon in the training range with other seeds.")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, metavar="SEED")
    parser.add_argument("--resume", action="store_true", help="keep the results of a run that was stopped")
    arguments = parser.parse_args()
    rows = rows_of(arguments.seeds, arguments.resume)
    PAGE.write_text(page(rows), encoding="utf-8")
    problems = wrong(rows, explained(MISSES))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
