"""The truth: which event a packet is of, who is meant by a name, and what is no truth."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.score.truth import TruthError, read_truth
from tests.command import ROOT
from tests.score.made import NOON, SECOND, plant, written


def test_a_truth_knows_each_packet_and_each_host(tmp_path: Path) -> None:
    truth = written(tmp_path / "made.truth.json")
    assert [step.id for step in truth.steps] == ["scan", "write", "usb", "leak"]
    owners = [getattr(truth.event_of(n), "id", None) for n in (1, 600, 601, 700, 701, 1300, 3601, 3602)]
    assert owners == ["polling", "polling", "scan", "scan", "polling", "write", "polling", None]
    assert (
        truth.hosts_of("10.0.2.11")
        == truth.hosts_of("PLC")
        == truth.hosts_of(" 02:00:00:00:00:11 ")
        == {"plc"}
    )
    assert truth.hosts_of("10.0.0.1") == truth.hosts_of("") == set()
    assert (truth.start_ns, truth.end_ns) == (NOON, NOON + 3600 * SECOND)
    usb = truth.steps[2]
    assert not usb.visible and usb.unseen_because == "nothing is sent"


@pytest.mark.parametrize("path", sorted((ROOT / "pcaps").glob("*.truth.json")), ids=lambda path: path.name)
def test_the_shipped_truths_are_read_and_lose_no_packet(path: Path) -> None:
    truth = read_truth(str(path))
    assert truth.steps
    assert all(truth.event_of(number) is not None for number in range(1, truth.packets + 1))
    assert all(step.hosts for step in truth.steps)


def test_an_older_truth_does_not_tell_who_acts(tmp_path: Path) -> None:
    form = plant()
    for event in form["events"]:
        taking_part = [*event.pop("actors", []), *event.pop("targets", [])]
        event["hosts"] = taking_part or event.get("hosts", [])
    for name in ("start_ns", "end_ns", "plant", "scenario"):
        form.pop(name)
    truth = written(tmp_path / "made.truth.json", form)
    scan = truth.steps[0]
    assert scan.actors == scan.targets == {"attacker", "plc", "pump"}
    assert (truth.start_ns, truth.end_ns) == (NOON, NOON + 3600 * SECOND)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(form: Any) -> None:
        *way, last = (int(key) if key.isdigit() else key for key in path.split("."))
        for key in way:
            form = form[key]
        form[last] = value

    return change


WRONG = {
    "events[1].first_ns: input should be a valid integer": _set("events.1.first_ns", "noon"),
    "events[1].first_ns: input should be less than": _set("events.1.first_ns", 2**70),
    "events[1].incident: input should be a valid boolean": _set("events.1.incident", 1),
    "event 'scan' ends before it begins": _set("events.1.last_ns", NOON),
    "event 'scan' names 'nobody', which is none of the hosts": _set("events.1.actors", ["nobody"]),
    "event 'write' is there twice": _set("events.1.id", "write"),
    "packet 700 of a capture that has 699": _set("packets", 699),
    "event 'scan': packets 700 to 601 run backwards": _set("events.1.packets", [[700, 601]]),
    "packet 600 belongs to another range, too": _set("events.1.packets", [[600, 700]]),
    "events[1].packets[0][0]: input should be greater than": _set("events.1.packets", [[0, 700]]),
    "events[1].packets[0]": _set("events.1.packets", [[601]]),
    "events[1].techniques[0]: string should match pattern": _set("events.1.techniques", ["T846"]),
    "end_ns lies before start_ns": _set("end_ns", 5),
    "events: list should have at least 1 item": _set("events", []),
    "hosts: input should be a valid": _set("hosts", None),
}


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_is_told_with_its_member(told: str, tmp_path: Path) -> None:
    form = copy.deepcopy(plant())
    WRONG[told](form)
    with pytest.raises(TruthError) as caught:
        written(tmp_path / "made.truth.json", form)
    assert told in str(caught.value)
    assert all(line.startswith(str(tmp_path)) for line in str(caught.value).splitlines())


def test_a_step_without_hosts_is_one_that_nobody_sees(tmp_path: Path) -> None:
    form = plant()
    form["events"][1]["actors"] = form["events"][1]["targets"] = []
    with pytest.raises(TruthError, match="event 'scan' is a visible step of the attack and names no hosts"):
        written(tmp_path / "made.truth.json", form)
    form["events"][1]["visible"] = False
    form["scenario"] = None
    truth = written(tmp_path / "made.truth.json", form)
    assert truth.steps[0].hosts == set() and truth.scenario == ""


def test_more_errors_than_anybody_reads_are_cut(tmp_path: Path) -> None:
    form = plant()
    form["events"][0]["packets"] = [[n, n - 1] for n in range(2, 4000)]
    with pytest.raises(TruthError) as caught:
        written(tmp_path / "made.truth.json", form)
    assert len(str(caught.value).splitlines()) == 20


SHIPPED = (ROOT / "pcaps" / "water-works-day.truth.json").read_bytes()[:3000]


@given(st.binary(max_size=200) | st.integers(0, len(SHIPPED)).map(lambda n: SHIPPED[:n]))
@settings(max_examples=150)
def test_any_bytes_are_a_truth_or_an_error(folder: Path, data: bytes) -> None:
    path = folder / "hostile.truth.json"
    path.write_bytes(data)
    with pytest.raises(TruthError, match=r"hostile\.truth\.json: "):
        read_truth(str(path))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "null", '{"hosts":[],"events":[{}]}']
)
def test_deep_and_long_texts_are_errors(text: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.truth.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TruthError):
        read_truth(str(path))


def test_a_surrogate_in_a_name_is_read_or_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.truth.json"
    path.write_text(json.dumps(plant()).replace('"scan"', '"sc\\ud800an"'), encoding="utf-8")
    with pytest.raises(TruthError):
        read_truth(str(path))
