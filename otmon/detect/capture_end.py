"""Until when a capture went on: a clock that was wrong for a moment makes it no longer."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from otmon.detect.detector import Case
from otmon.detect.once_per_case import once_per_case
from otmon.ledger.facts import DAY_NS

MOMENT_NS: Final = 60_000_000_000
"""What was seen for a shorter time, and more than a day behind all else, tells of no capture that went on: a
card that was not set, a sensor whose time was corrected, a record of a file that is damaged."""


@once_per_case
def went_on_until(case: Case) -> int:
    """When the last packet came, in nanoseconds since 1970, 0 without a capture. Packets of a moment, in no
    capture that begins there, do not count while who sent them is all that was seen so late."""
    begins = sorted({one.first_ns for one in case.ledger.sources})
    last_ns = max((one.last_ns for one in case.ledger.sources), default=0)
    times = sorted({one.last_ns for one in case.ledger.assets} | {*begins})
    ends = [place for place, (before, after) in enumerate(pairwise(times), 1) if after - before > DAY_NS]
    for place in ends[::-1]:
        of_moment = last_ns - times[place] <= MOMENT_NS
        if not of_moment or begins[-1] >= times[place]:
            break
        last_ns = times[place - 1]
    return last_ns
