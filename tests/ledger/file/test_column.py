from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.ledger.course import SHORTEST_NS, Window
from otmon.ledger.facts import Busiest, Evidence, Extreme, Peak
from otmon.ledger.file.column import AS_TEXT, SETS, busiest_of, course_of, extremes_of, peaks_of

SEEN = Evidence(7, "工場.pcap", 3, 24)
COURSE = (Window(2, 1, 5, 0), Window(0, 0, 0, 0), Window(1, 1, 9, 60))
LAST_NS = 2 * SHORTEST_NS
READERS: tuple[Callable[[str], Any], ...] = (
    busiest_of, peaks_of, lambda text: extremes_of(text, (0, 4)), lambda text: course_of(text, 0, LAST_NS)
)  # fmt: skip


def test_what_was_written_is_read() -> None:
    assert busiest_of(AS_TEXT["busiest"](Busiest(4, SEEN))) == Busiest(4, SEEN)
    assert course_of(AS_TEXT["course"](COURSE), 0, LAST_NS) == COURSE
    peaks = (Peak("ARP packets", 3, 1), Peak("broadcasts", 3, 1))
    assert peaks_of(AS_TEXT["peaks"](peaks)) == peaks
    extremes = (Extreme(1, -1, SEEN),) * 4
    assert extremes_of(AS_TEXT["extremes"](extremes), (4,)) == extremes
    assert int(AS_TEXT["hours"](1 << 167), 16) == 1 << 167
    assert len(AS_TEXT["arp_asked"](1)) == SETS["arp_asked"]
    steps = (Extreme(9, 3, SEEN), Extreme(1, -1, Evidence(8, 'a"\\b\udcff', 4, 2)))
    assert extremes_of(AS_TEXT["steps"](steps), (0, 2)) == steps
    assert AS_TEXT["steps"](()) == AS_TEXT["course"](()) == AS_TEXT["peaks"](()) == "[]"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[-1,7,"a",3,24]', '[1,7,"a",3]', '[true,7,"a",3,24]'])
def test_a_busiest_minute_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        busiest_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1,2,3]",
        "[[1,1,5,0]]",
        "[[1,1,5,0],[0,0,0,0],[0,0,0,0]]",
        "[[0,0,0,0],[0,0,0,0],[1,1,1,1]]",
        "[[1,1,5,0],[0,0,0,-1],[1,1,1,1]]",
        "[[1,1,5],[0,0,0,0],[1,1,1,1]]",
        "[[1,1,5,0],[0,0,0,0],[1,1,1,1],[1,1,1,1]]",
    ],
)
def test_a_course_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        course_of(text, 0, LAST_NS)


def test_a_course_that_ends_before_it_begins_is_an_error() -> None:
    with pytest.raises(ValueError, match="course"):
        course_of("[[1,1,5,0]]", 5, 4)


@given(st.text('[]{}",-0123456789ae', max_size=40))
def test_no_text_makes_a_reader_fail_otherwise(text: str) -> None:
    for read in READERS:
        with suppress(ValueError):
            read(text)
