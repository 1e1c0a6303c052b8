"""Requests that a server which is there leaves without answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.lab.frames import MILLISECOND_NS, Packet
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.facts import OPEN_AT_END, UNANSWERED, Anomaly
from tests.detect import captures, plant
from tests.detect.captures import HMI, START_NS, plc
from tests.detect.modbus_polls import healthy, poll
from tests.detect.plant import PC, PLC, at, keys, ledger_of
from tests.zones.facts import conversation, operation

RULE = "unanswered-requests"
LEAST = shipped_rules()[RULE].number("unanswered")
SHARE = shipped_rules()[RULE].number("share")


def polled(answers: list[bool]) -> list[Packet]:
    turns = iter(answers)
    requests = [read(READ_HOLDING, 0, 4)] * len(answers)
    answer = lambda pdu: healthy(pdu) if next(turns) else None  # noqa: E731
    return poll(START_NS, (HMI, plc(1)), requests, answer, wait_ns=300 * MILLISECOND_NS)


def test_every_second_request_and_every_request(tmp_path: Path) -> None:
    for answers in ([False, True] * 100, [False] * 100):
        for model in (captures.PLANT, None):
            (one,) = captures.found("", polled(answers), tmp_path, model)
            assert (one.rule, one.severity) == (RULE, "medium")
            assert one.key == ("10.1.0.5", "10.2.0.1", "tcp", "502")
            assert 95 <= one.count <= 100
            assert keys([one]) == ["leaves-unanswered", "unanswered-of", "silent-units", "asked-for"]


def test_a_few_and_one_in_many_are_none(tmp_path: Path) -> None:
    assert captures.found(RULE, polled([False, True] * (LEAST - 1)), tmp_path) == []
    assert captures.found(RULE, polled([False, *[True] * SHARE] * (LEAST + 5)), tmp_path) == []
    assert len(captures.found(RULE, polled([False, *[True] * (SHARE - 1)] * (LEAST + 5)), tmp_path)) == 1


def test_a_server_that_fell_silent_is_told_as_that(tmp_path: Path) -> None:
    findings = captures.found("", polled([True] * 100 + [False] * 100), tmp_path)
    assert [one.rule for one in findings] == ["silent-server"]


def test_a_capture_of_one_direction_tells_nothing(tmp_path: Path) -> None:
    to_server = [one for one in polled([True] * 100) if one.data[26:30] == bytes((10, 1, 0, 5))]
    assert captures.found(RULE, to_server, tmp_path) == []


@pytest.mark.parametrize("status", [UNANSWERED, 10, 11])
def test_a_unit_behind_a_gateway_is_told_with_its_number(status: int) -> None:
    facts = [
        operation(PC, PLC, 3, 0, 4, unit=1, times=900),
        operation(PC, PLC, 3, 0, 4, unit=7, status=status, times=LEAST),
    ]
    (one,) = plant.found(RULE, conversation(PC, PLC), *facts)
    said = {message.key: dict(message.params) for message in one.why}
    assert said["silent-units"]["items"] == "7"
    assert ("gateway-says" in said) == (status > 0)
    assert said["unanswered-of"] == {"times": LEAST, "asked": LEAST}
    talk, asked, silent = conversation(PC, PLC), *facts
    assert plant.found(RULE, talk, asked, replace(silent, status=OPEN_AT_END)) == []
    assert plant.found(RULE, talk, asked, replace(silent, times=LEAST - 1)) == []
    assert plant.found(RULE, replace(talk, packets_to_client=0), asked, silent) == []
    ledger = ledger_of(talk, asked, silent)
    assert [one for one in judge(ledger, None, ledger) if one.rule == RULE] == []


def test_broadcasts_and_lost_bytes_are_none() -> None:
    talk = conversation(PC, PLC)
    for function, found in ((6, 0), (3, 1)):
        asked = operation(PC, PLC, function, 0, 1, unit=0, status=UNANSWERED, times=LEAST)
        assert len(plant.found(RULE, talk, asked)) == found
    asked = operation(PC, PLC, 3, 0, 1, status=UNANSWERED, times=LEAST)
    lost = Anomaly(
        PC, PLC, "tcp", 502, "modbus", "", False, "lost-bytes", "", -1, 1, 1, 1, 1, 1, at(1)
    )  # fmt: skip
    assert len(plant.found(RULE, talk, asked)) == 1
    assert plant.found(RULE, talk, asked, lost) == []
