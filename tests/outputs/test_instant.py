from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.outputs.instant import clock_name, read_moment, short_text, utc_text


@pytest.mark.parametrize(
    ("time_ns", "long", "short"),
    [
        (0, "1970-01-01T00:00:00.000000000Z", "1970-01-01 00:00:00.000"),
        (1_776_125_520_000_000_001, "2026-04-14T00:12:00.000000001Z", "2026-04-14 00:12:00.000"),
        (951_782_399_999_999_999, "2000-02-28T23:59:59.999999999Z", "2000-02-28 23:59:59.999"),
        (-1, "-1 ns", "-1 ns"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z", "2262-04-11 23:47:16.854"),
        (253_402_300_800 * 10**9, "253402300800000000000 ns", "253402300800000000000 ns"),
    ],
)
def test_an_instant_is_written_in_utc_to_the_nanosecond(time_ns: int, long: str, short: str) -> None:
    assert utc_text(time_ns) == long
    assert short_text(time_ns) == short


@pytest.mark.parametrize(
    ("time_ns", "zone", "shown", "clock"),
    [
        (1_776_125_520_000_000_001, "Asia/Tokyo", "2026-04-14 09:12:00.000", "Asia/Tokyo"),
        (1_776_125_520_123_456_789, "America/New_York", "2026-04-13 20:12:00.123", "America/New_York"),
        (1_776_125_520_000_000_000, "", "2026-04-14 00:12:00.000", "UTC"),
        (1_776_125_520_000_000_000, "Nowhere/City", "2026-04-14 00:12:00.000", "UTC"),
        (253_402_300_799 * 10**9, "Asia/Tokyo", "9999-12-31 23:59:59.000", "Asia/Tokyo"),
        (253_402_300_800 * 10**9, "Asia/Tokyo", "253402300800000000000 ns", "Asia/Tokyo"),
    ],
)
def test_people_read_the_clocks_of_their_plant(time_ns: int, zone: str, shown: str, clock: str) -> None:
    assert short_text(time_ns, zone) == shown
    assert clock_name(zone) == clock


@given(st.integers(0, 2**63 - 1))
def test_what_is_written_says_the_same_instant(time_ns: int) -> None:
    text = utc_text(time_ns)
    read = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    assert int(read.timestamp()) * 10**9 + int(text[20:29]) == time_ns


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-04-14T09:12", "2026-04-14T00:12:00.000000000Z"),
        ("2026-04-14 09:12:30", "2026-04-14T00:12:30.000000000Z"),
        ("2026-04-14", "2026-04-13T15:00:00.000000000Z"),
        ("2026-04-14T09:12Z", "2026-04-14T09:12:00.000000000Z"),
        ("3d", "2026-04-11T00:12:00.000000001Z"),
        ("90m", "2026-04-13T22:42:00.000000001Z"),
        ("0001-01-01", None),
        ("Friday", None),
        ("-3d", None),
        ("\uff13d", None),
        ("", None),
    ],
)
def test_a_moment_is_read_by_the_clocks_of_the_plant(text: str, read: str | None) -> None:
    found = read_moment(text, "Asia/Tokyo", 1_776_125_520_000_000_001)
    assert (None if found is None else utc_text(found)) == read
