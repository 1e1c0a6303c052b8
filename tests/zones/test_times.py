"""Hours, windows and ends, in the plant's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.facts import HOUR_NS, HOURS, MONDAY
from otmon.zones.times import (
    Dated,
    Schedule,
    Weekly,
    end_of,
    instant_of,
    local_time,
    read_date,
    read_dated,
    read_rate,
    read_weekly,
    read_zone,
    shown_instant,
    today_in,
)

TOKYO = "Asia/Tokyo"


def at(text: str, zone: str = TOKYO) -> int:
    return instant_of(datetime.fromisoformat(text), zone)


def schedule(*texts: str, zone: str = TOKYO) -> Schedule:
    weekly = [window for text in texts if (window := read_weekly(text)) is not None]
    assert len(weekly) == len(texts)
    return Schedule(zone, tuple(weekly))


def hours_of(first_ns: int, last_ns: int) -> int:
    """Every hour from the first instant to the last."""
    return sum(1 << (hour + MONDAY) % HOURS for hour in range(first_ns // HOUR_NS, last_ns // HOUR_NS + 1))


@pytest.mark.parametrize(
    ("text", "days", "begin", "end"),
    [
        ("mon-fri 08:00-18:00", (0, 1, 2, 3, 4), 480, 1080),
        ("月-金 8:00 - 18:00", (0, 1, 2, 3, 4), 480, 1080),
        ("SAT 22:00-24:00", (5,), 1320, 1440),
        ("fri-mon 00:00-06:30", (0, 4, 5, 6), 0, 390),
        ("daily 22:00-05:00", tuple(range(7)), 1320, 300),
        ("毎日 06:00-07:00", tuple(range(7)), 360, 420),
        ("06:00-07:00", tuple(range(7)), 360, 420),
    ],
)
def test_weekly_hours(text: str, days: tuple[int, ...], begin: int, end: int) -> None:
    assert read_weekly(text) == Weekly(days, begin, end, text)


@pytest.mark.parametrize(
    "text",
    ["", "mon", "mon 8-18", "mon 25:00-26:00", "mon 08:00-08:00", "mon 08:60-09:00", "moon 08:00-09:00",
     "24:00-25:00", "mon-fri 08:00-18:00 x", "mon fri 08:00-09:00"],
)  # fmt: skip
def test_what_is_no_weekly_hours(text: str) -> None:
    assert read_weekly(text) is None


def test_windows_and_days() -> None:
    assert read_dated("2026-04-18 22:00 to 2026-04-19 05:00") == (
        datetime(2026, 4, 18, 22), datetime(2026, 4, 19, 5),
    )  # fmt: skip
    for text in ("2026-04-19 05:00 to 2026-04-18 22:00", "2026-02-30 00:00 to 2026-03-01 00:00", "x", ""):
        assert read_dated(text) is None
    assert read_date("2026-12-31") == date(2026, 12, 31)
    assert read_date("2026-13-01") is read_date("31.12.2026") is None


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_weekly(text), read_dated(text), read_date(text), read_zone(text)


def test_a_time_zone_is_one_of_the_database() -> None:
    assert read_zone(TOKYO) is not None
    assert read_zone("Asia/Tokio") is read_zone("../etc/passwd") is read_zone("/etc/localtime") is None


def test_hours_are_those_of_the_plant() -> None:
    office = schedule("mon-fri 08:00-18:00")
    assert office.holds(at("2026-04-14T08:00")) and office.holds(at("2026-04-14T17:59"))
    assert not office.holds(at("2026-04-14T18:00")) and not office.holds(at("2026-04-12T09:00"))
    night = schedule("fri 22:00-05:00")
    assert night.holds(at("2026-04-17T23:00")) and night.holds(at("2026-04-18T04:59"))
    assert not night.holds(at("2026-04-17T04:00")) and not night.holds(at("2026-04-18T22:30"))


def test_summer_time_moves_the_hours() -> None:
    morning = schedule("daily 08:00-09:00", zone="Europe/Berlin")
    assert morning.holds(int(datetime(2026, 1, 15, 7, 30, tzinfo=UTC).timestamp()) * 10**9)
    assert morning.holds(int(datetime(2026, 7, 15, 6, 30, tzinfo=UTC).timestamp()) * 10**9)
    assert not morning.holds(int(datetime(2026, 7, 15, 7, 30, tzinfo=UTC).timestamp()) * 10**9)


@pytest.mark.parametrize(
    ("first", "last", "kept"),
    [
        ("2026-04-14T08:10", "2026-04-14T17:50", True),
        ("2026-04-14T07:50", "2026-04-14T17:50", False),
        ("2026-04-14T08:10", "2026-04-14T18:10", False),
        # Through the night, although both ends are inside.
        ("2026-04-14T08:10", "2026-04-15T17:50", False),
    ],
)
def test_a_fact_keeps_the_hours_when_all_its_hours_do(first: str, last: str, kept: bool) -> None:
    begin, end = at(first), at(last)
    assert schedule("mon-fri 08:00-18:00").keeps(hours_of(begin, end), begin, end) == kept


def test_two_days_within_their_hours_keep_them() -> None:
    begin, end = at("2026-04-14T08:10"), at("2026-04-15T17:50")
    hours = hours_of(begin, at("2026-04-14T17:00")) | hours_of(at("2026-04-15T09:00"), end)
    assert schedule("mon-fri 08:00-18:00").keeps(hours, begin, end)


def test_a_window_with_dates_holds_once() -> None:
    window = Dated(at("2026-04-18T22:00"), at("2026-04-19T05:00"), "maintenance")
    maintenance = Schedule(TOKYO, (), (window,))
    begin, end = at("2026-04-18T22:05"), at("2026-04-19T04:50")
    assert maintenance.keeps(hours_of(begin, end), begin, end)
    week = 7 * 24 * HOUR_NS
    assert not maintenance.keeps(hours_of(begin, end), begin + week, end + week)


@pytest.mark.parametrize("instant", [-(1 << 62), 1 << 62])
def test_instants_that_no_calendar_has_are_outside(instant: int) -> None:
    assert not schedule("daily 00:00-24:00").keeps(1, instant, instant)


def test_the_end_is_behind_the_last_day() -> None:
    end = end_of(date(2026, 3, 31), TOKYO)
    assert local_time(end, TOKYO).isoformat() == "2026-04-01T00:00:00+09:00"
    assert local_time(end - 1, TOKYO).day == 31


@given(st.integers(0, 6), st.integers(0, 23), st.integers(1, 23))
def test_weekly_hours_hold_as_long_as_they_say(day: int, begin: int, length: int) -> None:
    window = Weekly((day,), begin * 60, (begin + length) % 24 * 60 or 24 * 60, "")
    monday = datetime(2026, 4, 13)
    held = [window.holds(monday + timedelta(hours=hour)) for hour in range(HOURS)]
    assert sum(held) == length


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30/minute", 30),
        ("1 / minute", 1),
        ("999999999/minute", 999_999_999),
        ("0/minute", None),
        ("30", None),
        ("30/hour", None),
        ("-1/minute", None),
        ("1.5/minute", None),
        ("9999999999/minute", None),
        ("٣/minute", None),
        ("", None),
    ],
)
def test_rates(text: str, rate: int | None) -> None:
    assert read_rate(text) == rate


def test_an_instant_is_shown_as_the_plants_clocks_have_it() -> None:
    noon = instant_of(datetime(2026, 4, 15, 0, 0), "Asia/Tokyo")
    assert shown_instant(noon, "Asia/Tokyo") == "2026-04-15 00:00 +09:00"
    assert shown_instant(noon, "America/St_Johns") == "2026-04-14 12:30 -02:30"
    assert {shown_instant(noon, zone) for zone in ("", "UTC")} == {"2026-04-14 15:00 UTC"}
    assert shown_instant(1 << 80, "Asia/Tokyo") == f"{1 << 80} ns"


def test_the_day_is_that_of_the_plant() -> None:
    late = instant_of(datetime(2026, 4, 14, 20, 0), "UTC")
    assert str(today_in("Asia/Tokyo", late)) == "2026-04-15"
    assert str(today_in("", late)) == "2026-04-14"
