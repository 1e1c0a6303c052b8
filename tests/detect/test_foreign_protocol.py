from __future__ import annotations

import pytest

from tests.detect.plant import HMI, PLC, found, keys
from tests.zones.facts import conversation

RULE = "foreign-protocol"


@pytest.mark.parametrize(
    ("protocol", "severity", "what"), [("http", "low", "foreign"), ("unknown", "info", "foreign-unknown")]
)
def test_something_else_on_an_industrial_port_is_told(protocol: str, severity: str, what: str) -> None:
    for plant in ({}, {"plant": None}):
        (one,) = found(RULE, conversation(HMI, PLC, 502, protocol, expected="modbus"), **plant)
        assert (one.severity, keys([one])) == (severity, [what, "usual-port"])
    assert one.place.from_zone == ""


@pytest.mark.parametrize(
    "fact",
    [
        conversation(HMI, PLC, 502, "modbus"),
        conversation(HMI, PLC, 502, "none", expected="modbus"),
        conversation(HMI, PLC, 80, "modbus", expected="http"),
        conversation(HMI, PLC, 55_000, "unknown", expected="fl_net"),
        conversation(HMI, PLC, 9999, "http"),
        conversation(HMI, PLC, 502, "unknown", expected="modbus", role="port"),
    ],
)
def test_usual_silent_and_office_ports_and_random_ones_are_none(fact: object) -> None:
    assert found(RULE, fact) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fact", "count"),
    [
        (conversation(HMI, PLC, 502, "http", expected="modbus", role="port"), 1),
        (conversation(HMI, PLC, 502, "unknown", expected="modbus", role="port", transport="udp"), 1),
    ],
)
def test_without_a_beginning_what_was_recognised_still_counts(fact: object, count: int) -> None:
    assert len(found(RULE, fact)) == count  # type: ignore[arg-type]
