"""Times as people and programs read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999: what a calendar holds. Captures can say later times."""


def utc_text(time_ns: int) -> str:
    """RFC 3339 in UTC with nine digits of a second; beyond the calendar the plain number."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    if not 0 <= seconds <= _LAST_SECOND:
        return f"{time_ns} ns"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def short_text(time_ns: int) -> str:
    """The same for a table: to the millisecond."""
    text = utc_text(time_ns)
    return f"{text[:10]} {text[11:23]}" if text.endswith("Z") else text
