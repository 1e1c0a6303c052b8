"""Values that a column of SQLite has no type for, as texts: sets of numbers, and lists as JSON.

A reader takes any text, and raises ValueError (of text nested too deeply RecursionError) for what was
not written here: a ledger file may come from anybody.
"""

from __future__ import annotations

import json
from typing import Any

from otmon.ledger.course import Window, length
from otmon.ledger.facts import RATES, UNKNOWN, Busiest, Change, Evidence, Extreme, Peak

SETS = {"hours": 42, "arp_asked": 64}
"""Columns that hold a set of numbers, and their hexadecimal digits."""


def as_text(name: str, value: Any) -> Any:
    """Extremes lie in one column, as JSON that SQL can read: for each its value, what was before, and
    its evidence; so do changes, peaks, courses and busiest minutes. Sets of numbers are more bits than an
    integer of SQLite has: they are hexadecimal."""
    if name == "busiest":
        return json.dumps([value.count, *value.evidence], separators=(",", ":"))
    if not isinstance(value, tuple):
        return value if name not in SETS else f"{value:0{SETS[name]}x}"
    if name == "changes":
        value = [(one.value, one.before, *one.since, *one.evidence) for one in value]
    elif name not in ("course", "peaks"):
        value = [(one.value, one.before, *one.evidence) for one in value]
    return json.dumps(value, separators=(",", ":"))


def extremes_of(text: str, counts: tuple[int, ...]) -> tuple[Extreme, ...]:
    """One of `counts` many. Raises ValueError for what `as_text` has not written."""
    rows = json.loads(text)
    if not isinstance(rows, list) or len(rows) not in counts:
        raise ValueError("the number of extremes")
    for row in rows:
        kinds = [type(value) for value in row] if isinstance(row, list) else []
        if kinds != [int, int, int, str, int, int] or not 0 <= row[0] < 1 << 32 > row[1] >= UNKNOWN:
            raise ValueError("an extreme")
    return tuple(Extreme(value, before, Evidence(*seen)) for value, before, *seen in rows)


def changes_of(text: str, counts: tuple[int, ...]) -> tuple[Change, ...]:
    """One of `counts` many. Raises ValueError for what `as_text` has not written."""
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
    """Raises ValueError for what `as_text` has not written."""
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
    """Raises ValueError for what `as_text` has not written."""
    row = json.loads(text)
    kinds = [type(value) for value in row] if isinstance(row, list) else []
    if kinds != [int, int, str, int, int] or row[0] < 0:
        raise ValueError("a busiest minute")
    return Busiest(row[0], Evidence(*row[1:]))


def course_of(text: str, first_ns: int, last_ns: int) -> tuple[Window, ...]:
    """Raises ValueError for what `as_text` has not written."""
    rows = json.loads(text)
    if not isinstance(rows, list) or (rows and not first_ns <= last_ns):
        raise ValueError("a course")
    for row in rows:
        if not isinstance(row, list) or [type(value) for value in row] != [int] * 4 or min(row) < 0:
            raise ValueError("a window")
    if rows and (len(rows) != length(first_ns, last_ns) or not (rows[0][0] and rows[-1][0])):
        raise ValueError("the length of a course")
    return tuple(Window(*row) for row in rows)
