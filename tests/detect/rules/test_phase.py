from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from otmon.detect.rules.phase import MAX_REQUESTS, Phase, counted, read_phases, requests
from otmon.ledger.course import SHORTEST_NS, length

SECOND_NS = 1_000_000_000


def instant(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


@pytest.mark.parametrize(
    "said",
    [
        "x",
        [],
        ["x"],
        [{"until": "9", "every": "1"}],
        [{"until": "9", "every": "1", "response": "1", "more": "1"}],
        [{"until": "soon", "every": "1", "response": "1"}],
        [{"until": "9", "every": "0", "response": "1"}],
        [{"until": "9", "every": "1", "response": ["1"]}],
        [{"until": "9", "every": "1", "response": "1"}, {"until": "9", "every": "1", "response": "1"}],
    ],
)
def test_what_is_no_list_of_phases_is_told(said: Any) -> None:
    assert read_phases(said, instant, instant) is None


def test_phases_become_what_their_requests_come_to() -> None:
    said = [{"until": "9", "every": "3", "response": "1"}, {"until": "30", "every": "10", "response": "2"}]
    phases = read_phases(said, instant, instant)
    assert phases == (Phase(9, 3, 1), Phase(30, 10, 2))
    found = counted(0, phases)
    # At 0, 3, 6 and 9, then at 12 and 22.
    assert (found["times"], found["last_ns"], found["gap_ns"]) == (6, 22, 10)
    assert (found["response_ns_sum"], found["response_ns_min"], found["response_ns_max"]) == (8, 1, 2)
    assert requests(0, phases) >= found["times"]


def test_the_course_counts_every_request_and_the_busiest_minute() -> None:
    begin = int(datetime(2026, 1, 5, 9, tzinfo=UTC).timestamp()) * SECOND_NS
    phases = (Phase(begin + 600 * SECOND_NS, SECOND_NS, 5), Phase(begin + 660 * SECOND_NS, SECOND_NS // 2, 5))
    found = counted(begin, phases)
    assert len(found["course"]) == length(begin, found["last_ns"])
    assert sum(window.times for window in found["course"]) == found["times"] == 601 + 119
    assert found["busiest"] == 119
    assert max(window.gap_ns for window in found["course"]) == SECOND_NS
    assert found["course"][0].times * SECOND_NS > SHORTEST_NS


def test_endless_phases_are_counted_before_they_are_made() -> None:
    assert requests(0, (Phase(10**18, 1, 1),)) > MAX_REQUESTS
