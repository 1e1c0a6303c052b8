"""The shipped captures are what their seeds make, and their truth holds."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from otmon.lab import body_line_day, factory_day, two_factories_day, water_works_day
from otmon.lab.day import Day, Site, capture_of, day_of, truth_of, undisturbed, write

PCAPS = Path(__file__).resolve().parent.parent.parent / "pcaps"
SITES = {
    "factory-day": factory_day.SITE,
    "two-factories-day": two_factories_day.SITE,
    "body-line-day": body_line_day.SITE,
    "water-works-day": water_works_day.SITE,
}
LARGEST_BYTES = 600_000


def truth_told(name: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((PCAPS / f"{name}.truth.json").read_text(encoding="utf-8"))
    return truth


@cache
def made(name: str) -> Day:
    return day_of(SITES[name], truth_told(name)["seed"])


def test_every_shipped_capture_is_one_of_them() -> None:
    assert {path.stem for path in PCAPS.glob("*.pcapng")} == set(SITES)


@pytest.mark.parametrize("name", SITES)
def test_the_shipped_capture_and_its_truth_are_made_from_the_seed(name: str, tmp_path: Path) -> None:
    capture = (PCAPS / f"{name}.pcapng").read_bytes()
    assert capture_of(made(name), SITES[name]) == capture
    assert len(capture) < LARGEST_BYTES
    assert truth_of(made(name), SITES[name], truth_told(name)["seed"], capture) == truth_told(name)
    write(SITES[name], truth_told(name)["seed"], tmp_path / f"{name}.pcapng")
    for file in (f"{name}.pcapng", f"{name}.truth.json"):
        assert (tmp_path / file).read_bytes() == (PCAPS / file).read_bytes()


@pytest.mark.parametrize("name", SITES)
def test_another_seed_is_another_day_with_the_same_events(name: str) -> None:
    other = day_of(SITES[name], truth_told(name)["seed"] + 1)
    assert capture_of(other, SITES[name]) != (PCAPS / f"{name}.pcapng").read_bytes()
    assert {packet.event for packet in other.packets} == {packet.event for packet in made(name).packets}


@pytest.mark.parametrize("name", SITES)
def test_packets_come_in_order_of_time_within_a_day(name: str) -> None:
    times = [packet.time_ns for packet in made(name).packets]
    assert times == sorted(times)
    midnight_ns = SITES[name].midnight_ns
    assert midnight_ns <= times[0] <= times[-1] < midnight_ns + 24 * 3600 * 10**9


@pytest.mark.parametrize("name", SITES)
def test_every_event_of_the_truth_has_its_packets_and_hosts(name: str) -> None:
    truth = truth_told(name)
    counted = Counter(packet.event for packet in made(name).packets)
    told = {event["id"]: event["packets"] for event in truth["events"]}
    for event, packets in told.items():
        assert counted[event] == sum(last - first + 1 for first, last in packets)
    assert set(counted) == set(told)
    hosts = {host["name"] for host in truth["hosts"]}
    assert all(set(event["hosts"]) <= hosts for event in truth["events"])


@pytest.mark.parametrize("name", SITES)
def test_a_day_without_incidents_is_the_routine_alone(name: str) -> None:
    site: Site = undisturbed(SITES[name])
    routine = {event.id for event in SITES[name].events if not event.incident}
    assert {packet.event for packet in day_of(site, 1).packets} == routine
