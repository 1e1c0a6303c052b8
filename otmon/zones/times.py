"""When a permission holds: weekly hours, dated windows and an end, in the plant's time zone.

Facts tell the hours of the week in which they were seen, and their first and last instants. So a
permission is kept where both instants lie in its windows and each hour overlaps one. In a capture of
more than a week an hour of the week stands for several hours; one that may have been inside is
believed, as nobody can tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from otmon.ledger.facts import HOUR_NS, HOURS, MONDAY

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
JAPANESE_DAYS: Final = "月火水木金土日"
MINUTES: Final = 24 * 60
WEEKS: Final = 53
"""Of a fact that was seen for longer, an hour of the week is looked for in so many."""
_SECOND_NS: Final = 1_000_000_000

_DAY = rf"(?:{'|'.join(DAYS)}|[{JAPANESE_DAYS}])"
_CLOCK = r"([01]?[0-9]|2[0-4]):([0-5][0-9])"
_CHANGE: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?/ ?minute", re.ASCII)
_RATE: Final = re.compile(r"([0-9]{1,9}) ?/ ?minute", re.ASCII)
_WEEKLY = re.compile(rf"(?:({_DAY}(?:-{_DAY})?|daily|毎日)\s+)?{_CLOCK}\s*-\s*{_CLOCK}", re.IGNORECASE)
_INSTANT = r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)"
_DATED = re.compile(rf"{_INSTANT}\s+(?:to|から|-|/)\s+{_INSTANT}")


@dataclass(frozen=True, slots=True)
class Weekly:
    """The same hours on some days of the week; minutes from midnight, the end not included. Where the end
    lies before the beginning it is on the next day."""

    days: tuple[int, ...]
    """0 is Monday."""
    begin: int
    end: int
    text: str

    def holds(self, local: datetime) -> bool:
        """Whether a local time is in the hours."""
        minute = local.hour * 60 + local.minute
        day = local.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or (
            (day - 1) % 7 in self.days and minute < self.end
        )


@dataclass(frozen=True, slots=True)
class Dated:
    """One window, such as a maintenance; nanoseconds since 1970 UTC, the end not included."""

    begin_ns: int
    end_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is allowed; without windows always."""

    zone: str
    """Name of the time zone in the IANA database; also where only a last day is told in it."""
    weekly: tuple[Weekly, ...] = ()
    dated: tuple[Dated, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.weekly or self.dated)

    def __str__(self) -> str:
        return f"{', '.join(self.texts())} ({self.zone})"

    def texts(self) -> list[str]:
        """The windows as a file has them."""
        return [*(window.text for window in self.weekly), *(window.text for window in self.dated)]

    def holds(self, instant_ns: int) -> bool:
        """Whether an instant is inside."""
        if any(window.begin_ns <= instant_ns < window.end_ns for window in self.dated):
            return True
        local = local_time(instant_ns, self.zone)
        return any(window.holds(local) for window in self.weekly)

    def keeps(self, hours: int, first_ns: int, last_ns: int) -> bool:
        """Whether a fact that was seen in these hours of the week, from its first to its last instant, may
        have stayed inside. Instants that no calendar has are outside."""
        try:
            return (
                self.holds(first_ns)
                and self.holds(last_ns)
                and _kept(self, hours, first_ns // HOUR_NS, last_ns // HOUR_NS)
            )
        except (OverflowError, ValueError, OSError):
            return False


ALWAYS: Final = Schedule("")


def read_weekly(text: str) -> Weekly | None:
    """`mon-fri 08:00-18:00`, `土 22:00-02:00`, `daily 06:00-07:00`, `08:00-18:00`; None for anything else."""
    found = _WEEKLY.fullmatch(text.strip())
    if found is None:
        return None
    days, *clock = found.groups()
    hour, minute, last_hour, last_minute = map(int, clock)
    begin, end = hour * 60 + minute, last_hour * 60 + last_minute
    if begin >= MINUTES or end > MINUTES or begin == end:
        return None
    return Weekly(_days(days), begin, end, text.strip())


def _days(text: str | None) -> tuple[int, ...]:
    if text is None or text.casefold() in ("daily", "毎日"):
        return tuple(range(7))
    first, _, last = text.casefold().partition("-")
    low = _day(first)
    high = _day(last) if last else low
    return tuple(sorted((low + n) % 7 for n in range((high - low) % 7 + 1)))


def _day(text: str) -> int:
    return JAPANESE_DAYS.index(text) if text in JAPANESE_DAYS else DAYS.index(text)


def read_dated(text: str) -> tuple[datetime, datetime] | None:
    """`2026-04-18 22:00 to 2026-04-19 05:00` as local times, the first before the second; None for anything
    else."""
    found = _DATED.fullmatch(text.strip())
    if found is None:
        return None
    try:
        day, clock, last_day, last_clock = found.groups()
        begin = datetime.fromisoformat(f"{day}T{clock}")
        end = datetime.fromisoformat(f"{last_day}T{last_clock}")
    except ValueError:
        return None
    return (begin, end) if begin < end else None


def read_date(text: str) -> date | None:
    """`2026-12-31`; None for anything else."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        return None


@lru_cache(maxsize=64)
def read_zone(name: str) -> ZoneInfo | None:
    """A time zone of the IANA database by its name, or None."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", name, re.ASCII):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def instant_of(local: datetime, zone: str) -> int:
    """A local time as nanoseconds since 1970 UTC."""
    known = read_zone(zone)
    assert known is not None
    return int(local.replace(tzinfo=known).timestamp()) * _SECOND_NS


def today_in(zone: str, now_ns: int) -> date:
    """The day that an instant falls on in a time zone; in UTC where no zone is known."""
    return local_time(now_ns, zone if read_zone(zone) is not None else "UTC").date()


def shown_instant(instant_ns: int, zone: str) -> str:
    """An instant to the minute as a time zone's clocks show it, with the offset from UTC: `2026-04-15 00:00
    +09:00`; in UTC where no zone is known, and as nanoseconds where no calendar has it."""
    try:
        local = local_time(instant_ns, zone if read_zone(zone) is not None else "UTC")
    except (OverflowError, ValueError, OSError):
        return f"{instant_ns} ns"
    if local.tzname() == "UTC":
        return f"{local:%Y-%m-%d %H:%M} UTC"
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:]}"


def end_of(day: date, zone: str) -> int:
    """The first instant after a day."""
    return instant_of(datetime.combine(day + timedelta(days=1), time()), zone)


def local_time(instant_ns: int, zone: str) -> datetime:
    """An instant in a time zone; raises OverflowError or ValueError for one that no calendar has."""
    return datetime.fromtimestamp(instant_ns // _SECOND_NS, UTC).astimezone(read_zone(zone))


@lru_cache(maxsize=1 << 12)
def _kept(schedule: Schedule, hours: int, first: int, last: int) -> bool:
    """Whether each of the hours of the week, between two hours since 1970, may overlap a window."""
    for hour in range(HOURS):
        if hours >> hour & 1:
            # The first hour at or after `first` that is this one of the week.
            begin = first + (hour - (first + MONDAY)) % HOURS
            weeks = range(begin, min(last, begin + WEEKS * HOURS) + 1, HOURS)
            if not any(_overlaps(schedule, one) for one in weeks):
                return False
    return True


@lru_cache(maxsize=1 << 14)
def _overlaps(schedule: Schedule, hour: int) -> bool:
    """Whether some minute of an hour since 1970 is inside."""
    begin = hour * HOUR_NS
    if any(window.begin_ns < begin + HOUR_NS and begin < window.end_ns for window in schedule.dated):
        return True
    minutes = (local_time(begin + minute * 60 * _SECOND_NS, schedule.zone) for minute in range(60))
    return any(window.holds(local) for local in minutes for window in schedule.weekly)


def read_change(text: str) -> Decimal | None:
    """How far a minute, of a text such as "0.5/minute"; None for another one, and for none at all."""
    found = _CHANGE.fullmatch(text)
    return Decimal(found[1]) or None if found else None


def read_rate(text: str) -> int | None:
    """How many a minute, of a text such as "30/minute"; None for another one, and for none at all."""
    found = _RATE.fullmatch(text)
    return int(found[1]) or None if found else None
