"""The demo's capture is what its seed makes, and its truth holds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from otmon.lab.factory_day import Day, capture_of, factory_day, quiet_day, truth_of

DAY = Path(__file__).resolve().parent.parent.parent / "pcaps" / "factory-day.pcapng"
TRUTH = json.loads(DAY.with_suffix(".truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def day() -> Day:
    return factory_day(TRUTH["seed"])


def test_the_shipped_capture_and_its_truth_are_made_from_the_seed(day: Day) -> None:
    capture = capture_of(day)
    assert capture == DAY.read_bytes()
    assert truth_of(day, TRUTH["seed"], capture) == TRUTH


def test_another_seed_is_another_day_with_the_same_events(day: Day) -> None:
    other = factory_day(TRUTH["seed"] + 1)
    assert capture_of(other) != DAY.read_bytes()
    assert {packet.event for packet in other.packets} == {packet.event for packet in day.packets}


def test_packets_come_in_order_of_time_within_a_day(day: Day) -> None:
    times = [packet.time_ns for packet in day.packets]
    assert times == sorted(times)
    assert times[-1] - times[0] < 24 * 3600 * 10**9


def test_every_event_of_the_truth_has_its_packets(day: Day) -> None:
    counted = Counter(packet.event for packet in day.packets)
    told = {event["id"]: event["packets"] for event in TRUTH["events"]}
    for name, packets in told.items():
        assert counted[name] == sum(last - first + 1 for first, last in packets)
    assert set(counted) == set(told)


def test_the_quiet_day_has_the_routine_and_no_incident(day: Day) -> None:
    quiet = quiet_day(TRUTH["seed"])
    incidents = {event["id"] for event in TRUTH["events"] if event["incident"]}
    counted = Counter(packet.event for packet in day.packets)
    assert Counter(packet.event for packet in quiet.packets) == {
        event: number for event, number in counted.items() if event not in incidents
    }
    assert {one.function for one in quiet.transactions} == {1, 3, 4, 6, 43}
