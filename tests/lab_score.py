"""How good otmon is in its own training range: every scenario recorded, replayed and scored.

``python -m tests.lab_score`` (``make lab-score``) records every scenario and a clean day of every plant with
seed 1, replays them with the plant's zone model as a sensor would judge them, scores them against the truth
and writes docs/lab-score.md. ``--check`` writes nothing and fails where the page says something else. Both
fail where something was missed that `scenarios/misses.yml` does not explain, or where it explains what is not
so.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from otmon.cli import app
from otmon.score.findings import read_findings
from otmon.score.match import ids
from otmon.score.score import DAY_NS, Score, Share, StepScore, score
from otmon.score.table import duration_text, share_text
from otmon.score.truth import Event, read_truth
from tests.docs import table

ROOT = Path(__file__).resolve().parent.parent
SCENARIOS, PLANTS = ROOT / "scenarios", ROOT / "plants"
PAGE = ROOT / "docs" / "lab-score.md"
MISSES = SCENARIOS / "misses.yml"
FOLDER = ROOT / "build" / "lab-score"
SEED = "1"
JUDGED_S, CLEAN_S = 10, 60
"""Seconds of simulated time between two judgements, with an attack and without."""
FLOOD = 20_000
"""Packets of the attack. Each judgement of so many facts takes long, so that there is one each minute, as
without an attack."""
SOON_NS = 60_000_000_000
"""Within which the first visible step is to be told."""


@dataclass(frozen=True, slots=True)
class Result:
    """One capture: a scenario, or a clean day of a plant."""

    name: str
    plant: str
    is_day: bool
    packets: int
    score: Score


@dataclass(frozen=True, slots=True, order=True)
class Miss:
    """What otmon did not do as it should, in one capture."""

    capture: str
    kind: str
    """missed: a visible step was not found; late: the first one was told later than within a minute;
    false-alarm: what was told is none of the attack."""
    what: str
    """The step, or rule and hosts of the false alarm."""


def misses_of(result: Result) -> Iterator[Miss]:
    """Everything that wants an explanation."""
    for one in result.score.steps:
        if one.step.visible and not one.found:
            yield Miss(result.name, "missed", one.step.id)
    begins, after_ns = first_visible(result), result.score.after_ns
    if begins is not None and after_ns is not None and after_ns > SOON_NS and not begins.slow_because:
        yield Miss(result.name, "late", begins.id)
    for claim in result.score.false_alarms:
        ends = " ".join((*claim.clients, *claim.servers))
        yield Miss(result.name, "false-alarm", f"{claim.said} {ends}".strip())


def first_visible(result: Result) -> Event | None:
    """The step that is to be told within a minute, unless it says why nobody can."""
    return next((one.step for one in result.score.steps if one.step.visible), None)


def explained(path: Path) -> dict[Miss, str]:
    """What `scenarios/misses.yml` explains: a list of capture, what kind it is, and why."""
    found: dict[Miss, str] = {}
    for entry in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["misses"]:
        capture, why = entry.pop("capture"), entry.pop("why")
        ((kind, what),) = entry.items()
        one = Miss(capture, kind, what)
        if kind not in ("missed", "late", "false-alarm") or not why.strip() or one in found:
            raise ValueError(f"{path}: {entry}: expected missed, late or false-alarm, once, and why")
        found[one] = " ".join(why.split())
    return found


def wrong(results: Iterable[Result], known: dict[Miss, str]) -> list[str]:
    """What is not explained, and what is explained and is not so."""
    there = {miss for result in results for miss in misses_of(result)}
    return [
        *(f"not explained: {one.capture}: {one.kind} {one.what}" for one in sorted(there - known.keys())),
        *(f"not so any more: {one.capture}: {one.kind} {one.what}" for one in sorted(known.keys() - there)),
    ]


def page(results: Sequence[Result], known: dict[Miss, str]) -> str:
    """docs/lab-score.md."""
    scenarios = [one for one in results if not one.is_day]
    days = [one for one in results if one.is_day]
    parts = [
        "<!-- written by `make lab-score`: edit the program, not this page -->",
        "# otmon in its own training range",
        INTRODUCTION,
        "## Scenarios",
        _summary(scenarios),
        table(
            ("scenario", "plant", "visible steps found", "first told after", "median", "false alarms"),
            [_row(one) for one in scenarios],
        ),
        "Times are simulated, from a step's first packet to the judgement that told of it: there is one each "
        f"{JUDGED_S} seconds, each {CLEAN_S} in a flood.",
        "演習場の各シナリオの発見率、最初の検知までの時間、誤検知の数。",
        "## Clean working days",
        table(
            ("plant", "length", "packets", "false alarms", "in 24 hours"),
            [_day(one) for one in days],
        ),
        "## Techniques",
        "Steps of all scenarios by technique of ATT&CK for ICS: those that a passive sensor can see, and how "
        "many of them were found, by whatever rule.",
        table(("technique", "visible steps found"), _techniques(scenarios)),
        "## Missed",
        *_missed(results, known),
        "## What no passive sensor sees",
        *_unseen(scenarios),
        "## What shows only over time",
        *_slow(scenarios),
        "## Steps, and the rules that found them",
        table(("scenario", "step", "after", "rules"), [*_steps(scenarios)]),
    ]
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """Every scenario of the training range (`scenarios/`) is recorded with seed 1, replayed with
the zone model that comes with its plant, and scored against the truth. Scenarios are written from what
protocols and processes are, not from what rules look for. What counts as found and as a false alarm is said
in [the score](score.md). `make lab-score` writes this page, and fails where a miss is not explained below."""


def _summary(scenarios: Sequence[Result]) -> str:
    found = Share(
        sum(one.score.recall.part for one in scenarios), sum(one.score.recall.whole for one in scenarios)
    )
    seen = [one for one in scenarios if one.score.recall.part]
    slow = [one for one in scenarios if (begins := first_visible(one)) and begins.slow_because]
    soon = sum((one.score.after_ns or 0) <= SOON_NS for one in seen if one not in slow)
    within = f"within a minute in {soon}"
    within += f" of the {len(scenarios) - len(slow)} that show within one" if slow else ""
    false = sum(len(one.score.false_alarms) for one in scenarios)
    hours = sum(one.score.span_ns for one in scenarios) * 24 / DAY_NS
    visible = [step for one in scenarios for step in one.score.steps if step.step.visible]
    own = sum(any(hit.how == "evidence" for hit in step.hits) for step in visible)
    return (
        f"{len(scenarios)} scenarios: the attack is found in {len(seen)}, {within}; "
        f"visible steps found: {share_text(found)}, by packets of the step itself: "
        f"{share_text(Share(own, len(visible)))}, the others by a finding that goes on or a consequence; "
        f"false alarms: {false} in {hours:.1f} hours."
    )


def _row(one: Result) -> tuple[str, ...]:
    return (
        one.name,
        one.plant,
        share_text(one.score.recall),
        duration_text(one.score.after_ns),
        duration_text(one.score.median_after_ns),
        str(len(one.score.false_alarms)),
    )


def _day(one: Result) -> tuple[str, ...]:
    per_day = one.score.false_alarms_per_day
    told = "-" if per_day is None else f"{per_day:.1f}"
    length = duration_text(one.score.span_ns)
    return one.plant, length, f"{one.packets:,}", str(len(one.score.false_alarms)), told


def _techniques(scenarios: Sequence[Result]) -> list[tuple[str, str]]:
    found: dict[str, list[bool]] = {}
    for one in scenarios:
        for step in one.score.steps:
            for name in step.step.techniques if step.step.visible else ():
                found.setdefault(name, []).append(step.found)
    return [(name, share_text(Share(sum(of_one), len(of_one)))) for name, of_one in sorted(found.items())]


def _missed(results: Sequence[Result], known: dict[Miss, str]) -> Iterator[str]:
    lines = [
        f"- **{one.capture}**, {one.kind.replace('-', ' ')}: {one.what}. {known.get(one, '(not explained)')}"
        for result in results
        for one in misses_of(result)
    ]
    yield "\n".join(dict.fromkeys(lines)) or "Nothing."


def _unseen(scenarios: Sequence[Result]) -> Iterator[str]:
    steps = [(one, step.step) for one in scenarios for step in one.score.steps if not step.step.visible]
    lines = [f"- **{one.name}**, {step.id}: {step.unseen_because}" for one, step in steps]
    yield "\n".join(lines) or "Nothing."


def _slow(scenarios: Sequence[Result]) -> Iterator[str]:
    steps = [(one, step) for one in scenarios for step in one.score.steps if step.step.slow_because]
    lines = [
        f"- **{one.name}**, {step.step.id}, told after {duration_text(step.after_ns)}. "
        f"Why not sooner: {step.step.slow_because}"
        for one, step in steps
    ]
    yield "\n".join(lines) or "Nothing."


def _steps(scenarios: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for one in scenarios:
        for step in one.score.steps:
            yield one.name, step.step.id, duration_text(step.after_ns), _rules(step)


def _rules(step: StepScore) -> str:
    shown = {"going-on": " (goes on)", "consequence": " (consequence)"}
    told = dict.fromkeys(f"{hit.claim.said}{shown.get(hit.how, '')}" for hit in step.hits)
    return ", ".join(told) or ("missed" if step.step.visible else "not visible")


def run(arguments: Sequence[str | Path], allowed: tuple[int, ...]) -> None:
    """The command as a user runs it, in this process: it starts once for all captures."""
    with redirect_stdout(io.StringIO()):
        status = app([*map(str, arguments)], standalone_mode=False) or 0
    if status not in allowed:
        raise RuntimeError(f"otmon {' '.join(map(str, arguments))}: exit status {status}")


def replayed(capture: Path, model: Path, judged_s: int) -> Path:
    findings = capture.with_suffix(".jsonl")
    options = ("--zones", model, "--json", findings, "--told", str(judged_s))
    run(("replay", capture, *options), (0, 1))
    return findings


def scenario_result(path: Path) -> Result:
    """Record, replay with and without the attack, score."""
    form = read(path)
    model = ROOT / "zones" / read(PLANTS / f"{form['plant']}.yaml")["model"]
    capture, clean = FOLDER / f"{path.stem}.pcapng", FOLDER / f"{path.stem}-clean.pcapng"
    for output, options in ((capture, ()), (clean, ("--clean",))):
        run(("lab", "record", path.stem, "--seed", SEED, "--output", output, *options), (0,))
    truth = read_truth(str(capture.with_suffix(".truth.json")))
    routine = read_truth(str(clean.with_suffix(".truth.json"))).packets
    judged_s = JUDGED_S if truth.packets < routine + FLOOD else CLEAN_S
    said = read_findings(str(replayed(capture, model, judged_s)))
    before = ids([read_findings(str(replayed(clean, model, CLEAN_S)))])
    for one in (capture, clean):
        one.unlink()
    return Result(path.stem, form["plant"], False, truth.packets, score(truth, said, before))


def day_result(path: Path) -> Result:
    """Record a clean day, replay it, score."""
    form = read(path)
    capture = FOLDER / f"{path.stem}-day.pcapng"
    run(("lab", "record", "--plant", path.stem, "--day", "--seed", SEED, "--output", capture), (0,))
    truth = read_truth(str(capture.with_suffix(".truth.json")))
    said = read_findings(str(replayed(capture, ROOT / "zones" / form["model"], CLEAN_S)))
    capture.unlink()
    return Result(f"{path.stem} (clean day)", path.stem, True, truth.packets, score(truth, said))


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def results(names: Sequence[str] = ()) -> list[Result]:
    """All of them, or those that are named, in the order of their names: scenarios, then days."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    scenarios = [path for path in sorted(SCENARIOS.glob("*.yaml")) if not names or path.stem in names]
    plants = [path for path in sorted(PLANTS.glob("*.yaml")) if not names or f"{path.stem}-day" in names]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        days = [pool.submit(day_result, path) for path in plants]
        played = [pool.submit(scenario_result, path) for path in scenarios]
        return [future.result() for future in (*played, *days)]


def main() -> int:
    """Exit status: 0 everything explained (and, with --check, on the page), 1 not."""
    parser = argparse.ArgumentParser(description="Score otmon in every scenario of the training range.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page differs")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="these; nothing is written")
    arguments = parser.parse_args()
    known = explained(MISSES)
    found = results(arguments.only)
    text = page(found, known)
    if arguments.only:
        print(text)
        return 0
    problems = wrong(found, known)
    if not arguments.check:
        PAGE.write_text(text, encoding="utf-8")
    elif text != PAGE.read_text(encoding="utf-8"):
        problems.append(f"{PAGE.name} says something else: make lab-score writes it anew")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
