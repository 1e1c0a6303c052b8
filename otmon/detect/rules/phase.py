"""How an operation of a test case went over time: until when, how often, and how long answers took.

    phases:
      - {until: "2026-01-05 12:00", every: 1, response: 0.005}
      - {until: "2026-01-05 14:00", every: 1, response: 0.050}

The first phase begins with the operation; each following one goes on where the one before it ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from otmon.ledger.course import NOTHING, SHORTEST_NS, Window, length, width
from otmon.ledger.facts import MINUTE_NS

MAX_REQUESTS: Final = 200_000
"""Requests of one operation: two days of one a second."""
EXPECTED: Final = (
    "a list of phases such as {until: 2026-01-05 10:00, every: 1, response: 0.005}, each later than the one "
    f"before it, of {MAX_REQUESTS} requests at most"
)


@dataclass(frozen=True, slots=True)
class Phase:
    """Requests at equal distances."""

    until_ns: int
    every_ns: int
    response_ns: int
    """How long each answer took."""


def read_phases(
    said: object, instant: Callable[[str], int | None], seconds: Callable[[str], int | None]
) -> tuple[Phase, ...] | None:
    """What a file lists, None for what does not fit; `instant` and `seconds` read texts to nanoseconds."""
    found: list[Phase] = []
    for one in said if isinstance(said, list) else ():
        if not isinstance(one, dict) or one.keys() != {"until", "every", "response"}:
            return None
        texts = [one["until"], one["every"], one["response"]]
        if not all(isinstance(text, str) for text in texts):
            return None
        until, every, response = instant(texts[0]), seconds(texts[1]), seconds(texts[2])
        if until is None or not every or response is None:
            return None
        found.append(Phase(until, every, response))
    if not found or any(after.until_ns <= before.until_ns for before, after in pairwise(found)):
        return None
    return tuple(found)


def requests(first_ns: int, phases: tuple[Phase, ...]) -> int:
    """How many requests the phases of an operation hold at most."""
    begins = first_ns, *(phase.until_ns for phase in phases)
    return sum(
        max(0, phase.until_ns - begin) // phase.every_ns + 1
        for begin, phase in zip(begins, phases, strict=False)
    )


def counted(first_ns: int, phases: tuple[Phase, ...]) -> dict[str, Any]:
    """What the requests come to, as members of an operation; `busiest` is a number only."""
    asked: list[tuple[int, int]] = []
    moment = first_ns
    for phase in phases:
        while moment <= phase.until_ns or not asked:
            asked.append((moment, phase.response_ns))
            moment += phase.every_ns
    last_ns = asked[-1][0]
    doubled = width(first_ns, last_ns)
    windows = [NOTHING] * length(first_ns, last_ns)
    minutes = Counter(moment // MINUTE_NS for moment, _ in asked)
    gaps = [0, *(after - before for (before, _), (after, _) in pairwise(asked))]
    for (moment, response_ns), gap_ns in zip(asked, gaps, strict=True):
        at = (moment // SHORTEST_NS >> doubled) - (first_ns // SHORTEST_NS >> doubled)
        one = windows[at]
        windows[at] = Window(
            one.times + 1, one.answered + 1, one.response_ns_sum + response_ns, max(one.gap_ns, gap_ns)
        )
    responses = [response_ns for _, response_ns in asked]
    return {
        "times": len(asked), "answered": len(asked), "gap_ns": max(gaps), "last_ns": last_ns,
        "response_ns_sum": sum(responses), "response_ns_min": min(responses),
        "response_ns_max": max(responses), "busiest": max(minutes.values()), "course": tuple(windows),
    }  # fmt: skip
