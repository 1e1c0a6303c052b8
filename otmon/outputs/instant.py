"""Times as people and programs read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from otmon.zones.times import read_zone

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


def clock_name(zone: str) -> str:
    """What `short_text` goes by."""
    return zone if read_zone(zone) is not None else "UTC"
