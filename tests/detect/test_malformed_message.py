from __future__ import annotations

from typing import Any

import pytest

from otmon.detect.malformed_message import LATE, LOSS
from otmon.detect.rules.load import shipped_rules
from otmon.ledger.facts import Anomaly
from otmon.protocols.modbus import REASONS
from tests.detect.plant import HMI, PLC, at, found, keys
from tests.zones.facts import conversation

RULE = "malformed-message"
REASONS_SHOWN = shipped_rules()[RULE].number("reasons_shown")


def anomaly(reason: str, from_client: bool = True, **more: Any) -> Anomaly:
    given: dict[str, Any] = {
        "client": HMI, "server": PLC, "transport": "tcp", "port": 502, "protocol": "modbus", "vlan": "",
        "from_client": from_client, "reason": reason, "field": "x", "function": 3, "value": 7, "needed": 5,
        "times": 1, "first_ns": 1, "last_ns": 2, "evidence": at(1),
    }  # fmt: skip
    return Anomaly(**(given | more))


def test_all_reasons_of_one_sender_are_one_finding_most_frequent_first() -> None:
    facts = [
        anomaly("length", times=2, evidence=at(5), last_ns=9),
        anomaly("quantity", times=8, evidence=at(3)),
        anomaly("crc", False, evidence=at(1)),
    ]
    client, server = found(RULE, conversation(HMI, PLC), *facts)
    assert (client.severity, client.count, client.unit, client.last_ns) == ("medium", 10, "messages", 9)
    assert keys([client]) == ["malformed", "anomaly.quantity", "anomaly.length"]
    assert client.evidence == (at(3), at(5))
    assert dict(client.what.params)["sender"] == HMI
    assert (server.severity, dict(server.what.params)["sender"]) == ("low", PLC)
    assert client.place.boundary == "control-plc"


@pytest.mark.parametrize("reason", sorted(LATE))
def test_what_a_slow_gateway_gives_too_is_low(reason: str) -> None:
    assert [one.severity for one in found(RULE, anomaly(reason, False))] == ["low"]


@pytest.mark.parametrize("reason", sorted(LOSS))
def test_what_the_capture_lost_is_nobodys_fault(reason: str) -> None:
    assert found(RULE, anomaly(reason)) == []


def test_it_needs_no_model_and_unknown_numbers_are_dashes() -> None:
    (one,) = found(RULE, anomaly("crc", function=-1, needed=-1), plant=None)
    assert {name: value for name, value in one.why[0].params if name in ("function", "needed")} == {
        "function": "-", "needed": "-",
    }  # fmt: skip
    assert one.place.from_zone == ""


def test_more_reasons_than_fit_are_counted() -> None:
    names = [name for name, _ in REASONS if name and name not in LOSS]
    (one,) = found(RULE, *(anomaly(name) for name in names))
    assert keys([one])[-1] == "anomaly-more"
    assert dict(one.why[-1].params)["reasons"] == len(names) - REASONS_SHOWN
