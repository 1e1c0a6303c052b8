"""The days on which a sensor listened, and the times that packets had on each of them.

How long ago something was seen is counted in days of listening, by a clock that nobody sets. The times of
packets are those of a clock that can be set, or be wrong: they only say on which of these days a fact was
seen last. So a day on which the clock was ahead makes nothing old, what was seen before a clock was set
right is as old as it is, and weeks in which the sensor was off do not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from otmon.ledger.aging import Span, joined_spans, spans_of, times_of, within_spans
from otmon.ledger.ledger import Ledger

DAY_S: Final = 86_400.0
SPANS: Final = 16
"""Of one day at most: a clock is set now and then."""
DAYS: Final = 1 << 17
"""Of a diary that is read: more were not written here."""


@dataclass(frozen=True, slots=True)
class _Day:
    listened_s: float
    spans: tuple[Span, ...]


class Diary:
    """One day behind the other; the last one goes on."""

    def __init__(self, text: str = "", facts: Ledger | None = None) -> None:
        """As `text` has it (`Diary.text`). What it does not tell of `facts` was seen today: so are all facts
        where there is no text, or one that is damaged."""
        self._days = _read(text)
        self._heard_s: float | None = None
        if facts is not None:
            times = times_of(facts)
            untold = times[~within_spans(times, self.spans(len(self._days)))]
            if len(untold):
                self._days.append(_Day(0.0, joined_spans(spans_of(untold), SPANS)))

    def note(self, spans: Iterable[Span], now_s: float) -> bool:
        """Packets of these times came until `now_s`, seconds of a clock that nobody sets; whether a day of
        listening ended by that."""
        told = tuple(spans)
        if not told:
            return False
        passed = now_s - self._heard_s if self._heard_s is not None else 0.0
        self._heard_s = now_s
        today = self._days.pop() if self._days else _Day(0.0, ())
        today = _Day(today.listened_s + passed, joined_spans((*today.spans, *told), SPANS))
        self._days.append(today)
        if today.listened_s < DAY_S:
            return False
        self._days.append(_Day(0.0, ()))
        return True

    def keep(self, days: int) -> None:
        """Forget all days but so many whole ones, and today."""
        del self._days[: -days - 1]

    def spans(self, days: int) -> tuple[Span, ...]:
        """The times that packets had in the last so many whole days, and today."""
        return joined_spans(span for day in self._days[-days - 1 :] for span in day.spans)

    def text(self) -> str:
        """All days as text, for the next start."""
        return json.dumps([[round(day.listened_s, 3), *day.spans] for day in self._days])


def _read(text: str) -> list[_Day]:
    try:
        days = [_Day(float(listened_s), _spans(spans)) for listened_s, *spans in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        return []
    return days[-DAYS:]


def _spans(values: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
    spans = [(first, last) for first, last in values]
    if not all(type(time_ns) is int for span in spans for time_ns in span):
        raise ValueError("a time that is none")
    return joined_spans(spans, SPANS)
