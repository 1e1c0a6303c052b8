"""Times as people and programs read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from otmon.zones.times import read_zone

_BACK: Final = re.compile(r"([0-9]{1,5})([dhm])", re.ASCII)
_UNITS: Final = {"d": 86_400, "h": 3_600, "m": 60}
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999: what a calendar holds. Captures can say later times."""


def utc_text(time_ns: int) -> str:
    """RFC 3339 in UTC with nine digits of a second; beyond the calendar the plain number."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    if not 0 <= seconds <= _LAST_SECOND:
        return f"{time_ns} ns"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def short_text(time_ns: int, zone: str = "") -> str:
    """The same for a table: to the millisecond, as the clocks of a time zone show it, where it is known."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    if not 0 <= seconds <= _LAST_SECOND:
        return f"{time_ns} ns"
    try:
        local = datetime.fromtimestamp(seconds, read_zone(zone) or UTC)
    except (OverflowError, ValueError):
        # At the calendar's end an offset leads out of it.
        local = datetime.fromtimestamp(seconds, UTC)
    return f"{local:%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d}"


def read_moment(text: str, zone: str, last_ns: int) -> int | None:
    """Nanoseconds since 1970 UTC: a day, a time by the clocks of a zone or with an offset of its own, or so
    many days, hours or minutes before `last_ns`; None for anything else."""
    if back := _BACK.fullmatch(text):
        return last_ns - int(back[1]) * _UNITS[back[2]] * 1_000_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=read_zone(zone) or UTC)
    try:
        seconds = int(moment.timestamp())
    except (OverflowError, ValueError):
        return None
    return seconds * 1_000_000_000 if seconds >= 0 else None


def clock_name(zone: str) -> str:
    """The name of the clock that `short_text` shows."""
    return zone if read_zone(zone) is not None else "UTC"
