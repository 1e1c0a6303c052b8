from __future__ import annotations

import pytest

from otmon.detect.rules.load import shipped_rules
from tests.detect.plant import EWS, HMI, OTHER_PLC, PC, PLC, at, found, keys
from tests.zones.facts import conversation, model, operation

RULE = "new-master"
SPREAD = shipped_rules()[RULE].number("spread")
SPARE = "10.1.0.6"

PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: medium, members: 10.2.0.0/24}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow: [{id: all, from: control, to: plc, protocol: modbus}]
""")

BEFORE = (
    conversation(HMI, PLC), operation(HMI, PLC, 6, 20, 1), operation(HMI, PLC, 3, 0, 10),
    conversation(EWS, PLC), operation(EWS, PLC, 3, 0, 10),
)  # fmt: skip


def test_a_client_that_only_read_before_is_a_new_master() -> None:
    write = operation(EWS, PLC, 16, 20, 2, times=4, evidence=at(7))
    (one,) = found(RULE, *BEFORE, write, plant=None, baseline=BEFORE)
    assert (one.severity, one.count, one.evidence, one.key) == ("high", 4, (at(7),), (EWS, PLC, "modbus"))
    assert keys([one]) == ["master", "masters-before", "client-known", "asked-for"]
    assert dict(one.why[0].params)["items"] == HMI


def test_a_client_that_was_never_there_is_one_too() -> None:
    (one,) = found(RULE, operation(PC, PLC, 5, 0, 1), plant=None, baseline=BEFORE)
    assert one.why[1].key == "client-new"


@pytest.mark.parametrize(
    ("client", "server", "function"), [(HMI, PLC, 6), (HMI, PLC, 5), (PC, PLC, 3), (PC, OTHER_PLC, 6)]
)
def test_the_masters_readers_and_servers_that_nobody_commanded_are_none(
    client: str, server: str, function: int
) -> None:
    assert found(RULE, operation(client, server, function, 0, 1), plant=None, baseline=BEFORE) == []


def test_who_was_refused_before_has_never_commanded() -> None:
    tried = operation(SPARE, PLC, 6, 20, 1, status=2)
    (one,) = found(RULE, operation(SPARE, PLC, 6, 20, 1), plant=None, baseline=(*BEFORE, tried))
    assert one.severity == "high"


def test_without_a_baseline_nobody_is_new() -> None:
    assert found(RULE, *BEFORE, operation(EWS, PLC, 6, 20, 1), plant=None) == []


@pytest.mark.parametrize(("status", "severity"), [(0, "low"), (2, "info")])
def test_what_was_agreed_refused_or_matters_less_weighs_less(status: int, severity: str) -> None:
    facts = conversation(EWS, PLC), operation(EWS, PLC, 6, 20, 1, status=status)
    (one,) = found(RULE, *facts, plant=PLANT, baseline=BEFORE)
    assert (one.severity, keys([one])[-1]) == (severity, "reason.permission")
    assert ("refused" in keys([one])) == (status > 0)


def test_what_the_model_denies_is_told_by_other_rules() -> None:
    facts = conversation(PC, PLC), operation(PC, PLC, 6, 20, 1)
    assert found(RULE, *facts, plant=PLANT, baseline=BEFORE) == []
    assert found("unknown-address", *facts, plant=PLANT, baseline=BEFORE)


def test_a_client_that_commands_very_many_servers_is_one_finding() -> None:
    servers = [f"10.2.0.{n}" for n in range(1, SPREAD + 2)]
    before = [operation(HMI, server, 6, 20, 1) for server in servers]
    (one,) = found(
        RULE, *(operation(PC, server, 6, 20, 1) for server in servers), plant=None, baseline=before
    )
    assert (one.count, one.link.server, one.key) == (SPREAD + 1, "", (PC, "many", "modbus"))
    assert dict(one.why[0].params)["items"] == HMI
