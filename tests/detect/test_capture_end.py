"""Until when a capture went on, whatever a clock said for a moment."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from otmon.detect.capture_end import MOMENT_NS, went_on_until
from otmon.findings.judge import case_of
from otmon.lab.frames import Packet, arp
from otmon.ledger.facts import DAY_NS, Evidence, Source
from otmon.ledger.merge import collect
from tests.detect import captures
from tests.detect.captures import LAPTOP
from tests.detect.test_stopped_poll import RULE, S, steady, until
from tests.zones.facts import asset

YEAR_2099 = 4_070_908_800 * S


def end(times: list[int], *captured: tuple[int, int]) -> int:
    """Of hosts that were seen last at these times, in captures that went from one time to another."""
    facts = [replace(asset("", f"10.1.0.{n}"), first_ns=0, last_ns=at, evidence=Evidence(0, "a", n, 0))
             for n, at in enumerate(times, 1)]  # fmt: skip
    sources = [Source(f"{n}.pcap", 9, 9, first, last, ()) for n, (first, last) in enumerate(captured)]
    return went_on_until(case_of(collect(assets=facts, sources=sources), None))


def test_a_moment_far_ahead_is_none_of_a_capture() -> None:
    day, far = 20_000 * DAY_NS, YEAR_2099
    assert end([day, day + 9 * S, far], (day, far)) == day + 9 * S
    assert end([day, far, far + MOMENT_NS], (day, far + MOMENT_NS)) == day
    assert end([day, day + 9 * S, far, 2 * far], (day, 2 * far)) == day + 9 * S


@pytest.mark.parametrize(
    ("times", "captured"),
    [
        ([0, DAY_NS], [(0, DAY_NS)]),
        ([0, 9 * DAY_NS, 9 * DAY_NS + MOMENT_NS + 1], [(0, 9 * DAY_NS + MOMENT_NS + 1)]),
        # A capture that begins there, however short it is; and one of which no sender is known.
        ([0, 9 * DAY_NS], [(0, S), (9 * DAY_NS, 9 * DAY_NS)]),
        ([0], [(0, 9 * DAY_NS)]),
        ([], [(0, 9 * DAY_NS)]),
    ],
)
def test_a_pause_is_none(times: list[int], captured: list[tuple[int, int]]) -> None:
    for some in permutations(captured):
        assert end(times, *some) == max(last for _, last in captured)


def test_without_a_capture_there_is_no_end() -> None:
    assert end([]) == 0


def test_a_packet_of_the_year_2099_stops_no_poll(tmp_path: Path) -> None:
    wrong = [Packet(YEAR_2099, arp(1, LAPTOP, "10.1.0.9"), "wrong")]
    assert captures.found(RULE, [*steady(60), *wrong], tmp_path, captures.PLANT) == []
    assert len(captures.found(RULE, [*steady(60), *until(900 * S, True), *wrong], tmp_path, None)) == 1
