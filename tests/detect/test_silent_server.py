"""Devices that fell silent, and those that answered again."""

from __future__ import annotations

from pathlib import Path
from random import Random

from otmon.detect.rules.load import shipped_rules
from otmon.lab.frames import SECOND_NS, Packet
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.facts import Anomaly
from tests.detect import captures, plant
from tests.detect.captures import HMI, START_NS, knock, plc
from tests.detect.modbus_polls import healthy, poll
from tests.detect.plant import PC, PLC, at, keys
from tests.zones.facts import conversation, operation

RULE = "silent-server"
S = SECOND_NS
ATTEMPTS = shipped_rules()[RULE].number("attempts")
SILENCE_NS = S * shipped_rules()[RULE].number("silence_s")


def polled(answers: int, silent: int, again: int = 0) -> list[Packet]:
    """One request a second: some are answered, some are not, some are again."""
    turns = iter([True] * answers + [False] * silent + [True] * again)
    requests = [read(READ_HOLDING, 0, 4)] * (answers + silent + again)
    return poll(
        START_NS, (HMI, plc(1)), requests, lambda pdu: healthy(pdu) if next(turns) else None, wait_ns=S
    )


def test_a_controller_that_falls_silent_is_found(tmp_path: Path) -> None:
    for plant_model in (captures.PLANT, None):
        (one,) = captures.found("", polled(30, 30), tmp_path, plant_model)
        assert (one.rule, one.key) == (RULE, ("10.2.0.1", "tcp", "502"))
        assert one.severity == ("high" if plant_model else "medium")
        assert keys([one]) == ["silent", "no-answer-since", "still-asking"]
        assert 29 * S < one.first_ns - START_NS < 31 * S
        params = dict(one.why[0].params)
        assert (params["attempts"], params["seconds"]) == (one.count, (one.last_ns - one.first_ns) // S)
        assert 25 <= one.count <= 30


def test_a_controller_that_answers_again_is_none(tmp_path: Path) -> None:
    assert captures.found(RULE, polled(30, 30, 1), tmp_path) == []


def test_the_last_requests_of_a_capture_prove_nothing(tmp_path: Path) -> None:
    assert captures.found(RULE, polled(30, 2), tmp_path) == []
    assert captures.found(RULE, polled(60, 0), tmp_path) == []


def test_a_client_that_only_knocks_still_asks(tmp_path: Path) -> None:
    knocks = [
        packet
        for n in range(5)
        for packet in knock(
            START_NS + (40 + 5 * n) * S, (HMI, plc(1)), (51_000 + n, 502), "closed", Random(n)
        )
    ]
    (one,) = captures.found(RULE, [*polled(30, 0), *knocks], tmp_path)
    assert keys([one])[-1] == "refuses-connections"


def test_never_answered_few_short_or_lost_is_none() -> None:
    answers = operation(PC, PLC, 3, 0, 4, last_ns=10 * S)

    def silence(times: int, until: int) -> object:
        return operation(
            PC, PLC, 3, 0, 4, status=-1, times=times, first_ns=10 * S + 1, last_ns=until, evidence=at(9)
        )

    enough = silence(ATTEMPTS, 10 * S + SILENCE_NS)
    assert len(plant.found(RULE, answers, enough)) == 1  # type: ignore[arg-type]
    assert plant.found(RULE, enough) == []  # type: ignore[arg-type]
    assert plant.found(RULE, answers, silence(ATTEMPTS - 1, 10 * S + SILENCE_NS)) == []  # type: ignore[arg-type]
    assert plant.found(RULE, answers, silence(ATTEMPTS, 10 * S + SILENCE_NS - 1)) == []  # type: ignore[arg-type]
    # Of what began before the last answer, one is sure to be later.
    mixed = operation(PC, PLC, 3, 0, 4, status=-1, times=99, first_ns=1, last_ns=10 * S + SILENCE_NS)
    assert plant.found(RULE, answers, mixed) == []
    lost = Anomaly(
        PC, PLC, "tcp", 502, "modbus", "", False, "lost-bytes", "", -1, 1, 1, 1, 1, 1, at(1)
    )  # fmt: skip
    assert plant.found(RULE, answers, enough, lost) == []  # type: ignore[arg-type]


def test_another_client_that_is_answered_speaks_for_the_server() -> None:
    answers = operation(PC, PLC, 3, 0, 4, last_ns=100 * S)
    denied = operation(plant.EWS, PLC, 3, 0, 4, status=-1, times=50, first_ns=1, last_ns=99 * S)
    assert plant.found(RULE, answers, denied, conversation(PC, PLC)) == []
