"""What people read of a score: who was how good, and for each which steps were found, what was a false alarm
and how good it was by technique.

On a pipe it is plain text of 120 columns. Names, notes and places come from files and are made visible first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from otmon.findings.wording import Language, text, visible
from otmon.score.claim import Claim
from otmon.score.score import Score, Share, StepScore, ranked
from otmon.score.truth import Truth

WIDTH: Final = 120
"""Columns where there is no terminal."""
FALSE_ALARMS_SHOWN: Final = 40
BY_SHOWN: Final = 4
"""Rules or notes that are named for one step; the JSON object has all."""

# Headings of columns.
RANKING: Final = ("place", "name", "recall", "precision", "false-alarms", "first", "median")
STEPS: Final = ("step", "found", "after", "techniques", "by")
TECHNIQUES: Final = ("technique", "recall", "precision")


def write_scores(stream: TextIO, truth: Truth, scores: Sequence[Score], language: Language) -> None:
    """Write everything; more than one score also as a ranking, the best first."""
    console = Console(file=stream, highlight=False, emoji=False, markup=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, emoji=False, markup=False, width=WIDTH)
    best_first = ranked(scores)
    with console.capture() as written:
        console.print(_about(truth, language), soft_wrap=True)
        if len(scores) > 1:
            console.print(_ranking(best_first, language))
        for one in best_first:
            _write(console, one, language)
    stream.writelines(f"{line.rstrip()}\n" for line in written.get().splitlines())


def _about(truth: Truth, language: Language) -> str:
    named = visible("/".join(filter(None, (truth.plant, truth.scenario)))) or "-"
    visible_steps = sum(step.visible for step in truth.steps)
    return text(
        "score.about", language, named=named, steps=len(truth.steps), visible=visible_steps,
        span=duration_text(truth.end_ns - truth.start_ns),
    )  # fmt: skip


def _ranking(scores: Sequence[Score], language: Language) -> Table:
    table = _table(RANKING, language)
    for place, one in enumerate(scores, 1):
        table.add_row(
            str(place),
            visible(one.name),
            share_text(one.recall),
            share_text(one.precision),
            str(len(one.false_alarms)),
            duration_text(one.after_ns),
            duration_text(one.median_after_ns),
        )
    return table


def _write(console: Console, one: Score, language: Language) -> None:
    head = text(
        "score.of", language, name=visible(one.name), recall=share_text(one.recall),
        precision=share_text(one.precision), first=duration_text(one.after_ns),
    )  # fmt: skip
    console.print(head, soft_wrap=True)
    if one.steps:
        table = _table(STEPS, language)
        for step in one.steps:
            after = duration_text(step.after_ns)
            techniques = ", ".join(step.step.techniques)
            found = text(f"score.{_outcome(step)}", language)
            table.add_row(visible(step.step.id), found, after, techniques, _by(step))
        console.print(table)
    if one.techniques:
        table = _table(TECHNIQUES, language)
        for technique in one.techniques:
            table.add_row(
                visible(technique.technique), share_text(technique.recall), share_text(technique.precision)
            )
        console.print(table)
    for line in _false_alarms(one, language):
        console.print(line, soft_wrap=True)
    console.print()


def _outcome(one: StepScore) -> str:
    if one.found:
        return "found"
    return "missed" if one.step.visible else "unseen"


def _by(one: StepScore) -> str:
    said = [visible(name) for name in one.said]
    return "; ".join([*said[:BY_SHOWN], *(("...",) if len(said) > BY_SHOWN else ())])


def _false_alarms(one: Score, language: Language) -> Iterator[str]:
    per_day = one.false_alarms_per_day
    told = "-" if per_day is None else f"{per_day:.1f}"
    yield text("score.false", language, count=len(one.false_alarms), per_day=told)
    for claim in one.false_alarms[:FALSE_ALARMS_SHOWN]:
        yield "  " + text(
            "score.false-alarm", language, said=visible(claim.said) or "-", hosts=_hosts(claim),
            place=visible(claim.place),
        )  # fmt: skip
    if len(one.false_alarms) > FALSE_ALARMS_SHOWN:
        yield "  " + text("table.more-lines", language, count=len(one.false_alarms) - FALSE_ALARMS_SHOWN)


def _hosts(claim: Claim) -> str:
    ends = [", ".join(map(visible, end)) for end in (claim.clients, claim.servers) if end]
    return " → ".join(ends) or "-"


def share_text(share: Share) -> str:
    """Such as `3/4 (75%)`; `-` where there is nothing to divide by."""
    return "-" if share.value is None else f"{share.part}/{share.whole} ({share.value:.0%})"


def duration_text(value_ns: int | None) -> str:
    """Such as `0.4 s`, `59.2 s`, `2:05`, `10:00:00`; `-` for none."""
    if value_ns is None:
        return "-"
    tenths = (value_ns + 50_000_000) // 100_000_000
    if tenths < 600:
        return f"{tenths / 10:.1f} s"
    minutes, seconds = divmod(tenths // 10, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _table(labels: Sequence[str], language: Language) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for label in labels:
        whole = label in ("place", "after", "first", "median", "found")
        table.add_column(text(f"score.{label}", language), overflow="fold", no_wrap=whole)
    return table
