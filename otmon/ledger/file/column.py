"""Values that a column of SQLite has no type for, as texts: sets of numbers, and lists as JSON.

A reader takes any text, and raises ValueError (of text nested too deeply RecursionError) for what was
not written here: a ledger file may come from anybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from otmon.ledger.course import Window, length
from otmon.ledger.facts import (
    NAME_BITS,
    RATES,
    RESPONSE_BOUNDS_NS,
    UNKNOWN,
    Busiest,
    Change,
    Evidence,
    Extreme,
    Peak,
)

SETS = {"hours": 42, "arp_asked": 64, "names": NAME_BITS // 4}
"""Columns that hold a set of numbers, and their hexadecimal digits."""


WRITTEN: Final = 1 << 13
"""Texts that are kept of what was written, which seldom changes while a sensor saves it again and again."""


def _set_as_text(digits: int) -> Callable[[int], str]:
    return lambda bits: f"{bits:0{digits}x}"


def _busiest_as_text(busiest: Busiest) -> str:
    return f"[{busiest.count},{_evidence(busiest.evidence)}]"


def _course_as_text(course: Iterable[Window]) -> str:
    windows = [f"[{times},{answered},{sum_ns},{gap_ns}]" for times, answered, sum_ns, gap_ns in course]
    return f"[{','.join(windows)}]"


def _counts_as_text(counts: Iterable[int]) -> str:
    return f"[{','.join(map(str, counts))}]"


def _peaks_as_text(peaks: Iterable[Peak]) -> str:
    return f"[{','.join(f'[{_quoted(one.kind)},{one.packets},{one.time_ns}]' for one in peaks)}]"


@lru_cache(maxsize=WRITTEN)
def _extremes_as_text(extremes: tuple[Extreme, ...]) -> str:
    rows = (f"[{one.value},{one.before},{_evidence(one.evidence)}]" for one in extremes)
    return f"[{','.join(rows)}]"


def _evidence(seen: Evidence) -> str:
    return f"{seen.time_ns},{_quoted(seen.source)},{seen.packet},{seen.offset}"


@lru_cache(maxsize=64)
def _quoted(text: str) -> str:
    return json.dumps(text)


@lru_cache(maxsize=WRITTEN)
def _changes_as_text(changes: tuple[Change, ...]) -> str:
    rows = (f"[{one.value},{one.before},{_evidence(one.since)},{_evidence(one.evidence)}]" for one in changes)
    return f"[{','.join(rows)}]"


AS_TEXT: Final[Mapping[str, Callable[[Any], str]]] = {
    **{name: _set_as_text(digits) for name, digits in SETS.items()},
    "busiest": _busiest_as_text,
    "course": _course_as_text,
    "response_counts": _counts_as_text,
    "peaks": _peaks_as_text,
    "extremes": _extremes_as_text,
    "steps": _extremes_as_text,
    "changes": _changes_as_text,
}
"""What writes each of these columns. Extremes lie in one column, as JSON that SQL can read: for each its
value, what was before, and its evidence; so do changes, peaks, courses and busiest minutes. Sets of numbers
are more bits than an integer of SQLite has: they are hexadecimal. A sensor writes a hundred thousand of them
each time that it saves, so they are put together as texts, which is five times as fast as `json.dumps`."""


def extremes_of(text: str, counts: tuple[int, ...]) -> tuple[Extreme, ...]:
    """One of `counts` many. Raises ValueError for what `AS_TEXT` has not written."""
    rows = json.loads(text)
    if not isinstance(rows, list) or len(rows) not in counts:
        raise ValueError("the number of extremes")
    for row in rows:
        kinds = [type(value) for value in row] if isinstance(row, list) else []
        if kinds != [int, int, int, str, int, int] or not 0 <= row[0] < 1 << 32 > row[1] >= UNKNOWN:
            raise ValueError("an extreme")
    return tuple(Extreme(value, before, Evidence(*seen)) for value, before, *seen in rows)


def changes_of(text: str, counts: tuple[int, ...]) -> tuple[Change, ...]:
    """One of `counts` many. Raises ValueError for what `AS_TEXT` has not written."""
    rows = json.loads(text)
    if not isinstance(rows, list) or len(rows) not in counts:
        raise ValueError("the number of changes")
    for row in rows:
        kinds = [type(value) for value in row] if isinstance(row, list) else []
        packet = [int, str, int, int]
        if kinds != [int, int, *packet, *packet] or not 0 <= row[0] < 1 << 32 > row[1] >= UNKNOWN:
            raise ValueError("a change")
    return tuple(Change(row[0], row[1], Evidence(*row[2:6]), Evidence(*row[6:])) for row in rows)


def peaks_of(text: str) -> tuple[Peak, ...]:
    """Raises ValueError for what `AS_TEXT` has not written."""
    rows = json.loads(text)
    if not isinstance(rows, list):
        raise ValueError("peaks")
    for row in rows:
        kinds = [type(value) for value in row] if isinstance(row, list) else []
        if kinds != [str, int, int] or row[0] not in RATES:
            raise ValueError("a peak")
    peaks = tuple(Peak(*row) for row in rows)
    if len({peak.kind for peak in peaks}) < len(peaks) or list(peaks) != sorted(peaks):
        raise ValueError("the order of peaks")
    return peaks


def busiest_of(text: str) -> Busiest:
    """Raises ValueError for what `AS_TEXT` has not written."""
    row = json.loads(text)
    kinds = [type(value) for value in row] if isinstance(row, list) else []
    if kinds != [int, int, str, int, int] or row[0] < 0:
        raise ValueError("a busiest minute")
    return Busiest(row[0], Evidence(*row[1:]))


def response_counts_of(text: str, answered: int) -> tuple[int, ...]:
    """Raises ValueError for what `AS_TEXT` has not written."""
    counts = json.loads(text)
    if not isinstance(counts, list) or len(counts) > len(RESPONSE_BOUNDS_NS):
        raise ValueError("the number of counts")
    if any(type(count) is not int or count < 0 for count in counts) or (counts and not counts[-1]):
        raise ValueError("a count")
    if sum(counts) > answered:
        raise ValueError("more than were answered")
    return tuple(counts)


def course_of(text: str, first_ns: int, last_ns: int) -> tuple[Window, ...]:
    """Raises ValueError for what `AS_TEXT` has not written."""
    rows = json.loads(text)
    if not isinstance(rows, list) or (rows and not first_ns <= last_ns):
        raise ValueError("a course")
    for row in rows:
        if not isinstance(row, list) or [type(value) for value in row] != [int] * 4 or min(row) < 0:
            raise ValueError("a window")
    if rows and (len(rows) != length(first_ns, last_ns) or not (rows[0][0] and rows[-1][0])):
        raise ValueError("the length of a course")
    return tuple(Window(*row) for row in rows)
