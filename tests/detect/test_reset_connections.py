"""Connections that keep being torn down, and a few that were."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.lab.frames import MILLISECOND_NS, SECOND_NS, Ending, Packet, Say, connection
from otmon.lab.modbus import READ_HOLDING, adu, read
from tests.detect import captures, plant
from tests.detect.captures import HMI, START_NS, WIRE, plc
from tests.detect.modbus_polls import healthy
from tests.detect.plant import keys, ledger_of
from tests.zones.facts import conversation

RULE = "reset-connections"
RESETS = shipped_rules()[RULE].number("resets")


def connections(number: int, ending: Ending, first_port: int = 50_000) -> list[Packet]:
    """Short Modbus connections, one a second."""
    request = read(READ_HOLDING, 0, 4)
    response = healthy(request)
    assert response is not None
    says = [
        Say("client", adu(1, 1, request), MILLISECOND_NS),
        Say("server", adu(1, 1, response), MILLISECOND_NS),
    ]
    packets: list[Packet] = []
    for n in range(number):
        start_ns, ports = START_NS + n * SECOND_NS, (first_port + n, 502)
        packets += connection(WIRE, start_ns, (HMI, plc(1)), ports, says, Random(n), "short", ending)
    return packets


def test_connections_that_keep_being_reset_are_found(tmp_path: Path) -> None:
    for model in (captures.PLANT, None):
        packets = [*connections(RESETS, "reset by server"), *connections(RESETS, "fin", 60_000)]
        (one,) = captures.found("", packets, tmp_path, model)
        assert (one.rule, one.severity) == (RULE, "medium" if model else "low")
        assert keys([one]) == ["connections-reset", "of-connections"]
        assert dict(one.what.params)["resets"] == RESETS
        assert dict(one.why[0].params)["flows"] == 2 * RESETS


def test_fewer_resets_or_many_more_connections_are_none(tmp_path: Path) -> None:
    assert captures.found("", connections(RESETS - 1, "reset by server"), tmp_path) == []
    packets = [*connections(RESETS, "reset by server"), *connections(RESETS + 1, "fin", 60_000)]
    assert captures.found("", packets, tmp_path) == []


@pytest.mark.parametrize("more", [{"answered": False}, {"protocol": "none"}], ids=str)
def test_refused_attempts_are_no_connections(more: dict[str, object]) -> None:
    given = {"flows": RESETS, "resets": RESETS} | more
    assert plant.found(RULE, conversation(plant.HMI, plant.PLC, **given)) == []  # type: ignore[arg-type]


def test_what_always_ends_so_is_usual() -> None:
    ledger = ledger_of(conversation(plant.HMI, plant.PLC, flows=90, resets=90))
    assert len([one for one in judge(ledger, None) if one.rule == RULE]) == 1
    assert [one for one in judge(ledger, None, ledger) if one.rule == RULE] == []
