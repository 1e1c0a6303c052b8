"""How good what was said is: steps found, time to find them, false alarms, precision and recall."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Any, Final

from otmon.score.claim import Claim, Claims
from otmon.score.match import Hit, hits
from otmon.score.truth import Event, Truth

DAY_NS: Final = 86_400_000_000_000
FORMAT: Final = 1
"""Of the JSON object; goes up when a member changes its meaning or goes away."""


@dataclass(frozen=True, slots=True)
class StepScore:
    step: Event
    hits: tuple[Hit, ...]
    """The earliest first."""

    @property
    def found(self) -> bool:
        return bool(self.hits)

    @property
    def after_ns(self) -> int | None:
        """From the step's first packet to the first that told of it; what came early is told at once."""
        return max(0, self.hits[0].time_ns - self.step.first_ns) if self.hits else None

    @property
    def said(self) -> tuple[str, ...]:
        """The rules, or notes, that found it, the earliest first."""
        return tuple(dict.fromkeys(hit.claim.said for hit in self.hits if hit.claim.said))


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, both counted."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """From 0 to 1; None where there is nothing to divide by."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class TechniqueScore:
    technique: str
    recall: Share
    """Of the visible steps that use it, those that were found, by whatever claim."""
    precision: Share
    """Of the claims that name it, those that found a step which uses it."""


@dataclass(frozen=True, slots=True)
class Score:
    name: str
    is_sensor: bool
    steps: tuple[StepScore, ...]
    """All of them, in the order of their beginning."""
    techniques: tuple[TechniqueScore, ...]
    claims: int
    false_alarms: tuple[Claim, ...]
    """The earliest first."""
    span_ns: int
    """Of the capture."""

    @property
    def recall(self) -> Share:
        """The share of steps that were found, of those that a passive sensor can see."""
        visible = [one for one in self.steps if one.step.visible]
        return Share(sum(one.found for one in visible), len(visible))

    @property
    def precision(self) -> Share:
        """The share of claims that found a step."""
        return Share(self.claims - len(self.false_alarms), self.claims)

    @property
    def f1(self) -> Fraction:
        """The harmonic mean of precision and recall; 0 where nothing is right."""
        recall, precision = self.recall, self.precision
        if not recall.part or not precision.part:
            return Fraction(0)
        of_steps, of_claims = Fraction(recall.part, recall.whole), Fraction(precision.part, precision.whole)
        return 2 * of_steps * of_claims / (of_steps + of_claims)

    @property
    def after_ns(self) -> int | None:
        """From the first packet of the first visible step to the first that told of any visible step."""
        visible = [one for one in self.steps if one.step.visible]
        told = [one.hits[0].time_ns for one in visible if one.hits]
        return max(0, min(told) - visible[0].step.first_ns) if told else None

    @property
    def median_after_ns(self) -> int | None:
        """The median time to find a step, of those that were found."""
        after = [one.after_ns for one in self.steps if one.after_ns is not None]
        return int(median(after)) if after else None

    @property
    def false_alarms_per_day(self) -> float | None:
        """False alarms in 24 hours; None for a capture of no length."""
        return len(self.false_alarms) * DAY_NS / self.span_ns if self.span_ns else None

    @property
    def is_perfect(self) -> bool:
        """Every visible step was found, and nothing said that is wrong."""
        return self.recall.part == self.recall.whole and not self.false_alarms


def score(truth: Truth, said: Claims, clean: Collection[str] = ()) -> Score:
    """What was said, held against the truth: `otmon.score.match` has the rules. Raises ClaimError where it is
    about another capture."""
    found = hits(truth, said, clean)
    right = {hit.claim.id for hit in found}
    by_step: dict[str, list[Hit]] = {step.id: [] for step in truth.steps}
    for hit in found:
        by_step[hit.step].append(hit)
    steps = tuple(StepScore(step, _ordered(by_step[step.id])) for step in truth.steps)
    wrong = (claim for claim in said.claims if claim.id not in right)
    return Score(
        name=said.name,
        is_sensor=said.is_sensor,
        steps=steps,
        techniques=_techniques(steps, said.claims),
        claims=len(said.claims),
        false_alarms=tuple(sorted(wrong, key=lambda one: (one.first_ns, one.said, one.id))),
        span_ns=truth.end_ns - truth.start_ns,
    )


def ranked(scores: Iterable[Score]) -> list[Score]:
    """The best first: by the harmonic mean of precision and recall, then by the median time to find a step,
    then by name."""

    def place(one: Score) -> tuple[Fraction, bool, int, str]:
        after = one.median_after_ns
        return -one.f1, after is None, after or 0, one.name

    return sorted(scores, key=place)


def _ordered(found: Sequence[Hit]) -> tuple[Hit, ...]:
    return tuple(sorted(found, key=lambda hit: (hit.time_ns, hit.claim.said, hit.claim.id)))


def _techniques(steps: Sequence[StepScore], claims: Sequence[Claim]) -> tuple[TechniqueScore, ...]:
    found: dict[str, set[str]] = {}
    for one in steps:
        for hit in one.hits:
            found.setdefault(hit.claim.id, set()).update(one.step.techniques)
    names = {name for one in steps if one.step.visible for name in one.step.techniques}
    if not any(one.step.techniques for one in steps):
        # A truth that tells none makes nobody wrong who names one.
        return ()
    names |= {name for claim in claims for name in claim.techniques}
    scores = []
    for name in sorted(names):
        using = [one for one in steps if one.step.visible and name in one.step.techniques]
        naming = [claim for claim in claims if name in claim.techniques]
        right = sum(name in found.get(claim.id, ()) for claim in naming)
        recall = Share(sum(one.found for one in using), len(using))
        scores.append(TechniqueScore(name, recall, Share(right, len(naming))))
    return tuple(scores)


def object_of(truth: Truth, scores: Sequence[Score]) -> dict[str, Any]:
    """Everything as one JSON object; times in seconds, shares from 0 to 1, null where there is none."""
    return {
        "format": FORMAT,
        "plant": truth.plant,
        "scenario": truth.scenario,
        "packets": truth.packets,
        "seconds": _seconds(truth.end_ns - truth.start_ns),
        "scores": [_object(one) for one in ranked(scores)],
    }


def _object(one: Score) -> dict[str, Any]:
    return {
        "name": one.name,
        "sensor": one.is_sensor,
        "recall": _share(one.recall, "found", "steps"),
        "precision": _share(one.precision, "right", "claims"),
        "f1": float(one.f1),
        "seconds_to_first": _seconds(one.after_ns),
        "median_seconds": _seconds(one.median_after_ns),
        "false_alarms_per_day": one.false_alarms_per_day,
        "steps": [
            {
                "id": step.step.id,
                "first_ns": step.step.first_ns,
                "techniques": list(step.step.techniques),
                "visible": step.step.visible,
                "unseen_because": step.step.unseen_because,
                "slow_because": step.step.slow_because,
                "found": step.found,
                "seconds": _seconds(step.after_ns),
                "by": [
                    {
                        "id": hit.claim.id,
                        "said": hit.claim.said,
                        "how": hit.how,
                        "seconds": _seconds(max(0, hit.time_ns - step.step.first_ns)),
                        "place": hit.claim.place,
                    }
                    for hit in step.hits
                ],
            }
            for step in one.steps
        ],
        "techniques": [
            {
                "id": technique.technique,
                "recall": _share(technique.recall, "found", "steps"),
                "precision": _share(technique.precision, "right", "claims"),
            }
            for technique in one.techniques
        ],
        "false_alarms": [
            {
                "id": claim.id,
                "said": claim.said,
                "time_ns": claim.first_ns,
                "from": list(claim.clients),
                "to": list(claim.servers),
                "place": claim.place,
            }
            for claim in one.false_alarms
        ],
    }


def _share(share: Share, part: str, whole: str) -> dict[str, Any]:
    return {part: share.part, whole: share.whole, "value": share.value}


def _seconds(value_ns: int | None) -> float | None:
    return None if value_ns is None else value_ns / 1_000_000_000
