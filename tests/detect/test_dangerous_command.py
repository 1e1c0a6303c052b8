from __future__ import annotations

import pytest

from otmon.detect.dangerous_command import DANGERS, GRAVEST, Danger
from otmon.detect.rules.load import shipped_rules
from otmon.protocols.cip import CIP_COMMANDS
from otmon.protocols.commands import (
    COLD_START,
    FINS_COMMANDS,
    S7_FUNCTIONS,
    S7_SERVICES,
    S7_USER_DATA,
    SLMP_COMMANDS,
)
from otmon.protocols.modbus import SUBFUNCTIONS
from otmon.protocols.pccc import PCCC_SERVICES
from otmon.protocols.stations import BACNET_COMMANDS, DNP3_COMMANDS, IEC104_COMMANDS
from tests.detect.plant import EWS, HMI, PC, PLC, at, found, keys
from tests.zones.facts import conversation, model, operation

RULE = "dangerous-command"
SPREAD = shipped_rules()[RULE].number("spread")
STOP, START, DOWNLOAD, UPLOAD = 0x41, 0x40, 0x31, 0x34

PLANT = model("""
    version: 1
    zones:
    - {id: control, importance: high, members: 10.1.0.0/24}
    - {id: plc, importance: high, members: 10.2.0.0/24}
    - {id: store, importance: low, members: 10.3.0.0/24}
    boundaries:
    - id: control-plc
      between: [control, plc]
      allow:
      - {id: listed, from: 10.1.0.5, to: plc, protocol: modbus, functions: umas-stop-plc}
      - {id: all-diagnostics, from: 10.1.0.6, to: plc, protocol: modbus, functions: diagnostics}
      - {id: by-class, from: 10.1.0.9, to: plc, protocol: modbus, access: [control, program]}
""")


def test_every_service_in_the_table_is_one_of_the_protocol() -> None:
    named = {service.name for service in SUBFUNCTIONS.values()}
    assert set(DANGERS["modbus"]) <= named
    names = {
        "s7comm": (S7_FUNCTIONS, S7_SERVICES, S7_USER_DATA, {0: COLD_START}),
        "bacnet": (BACNET_COMMANDS,),
        "dnp3": (DNP3_COMMANDS,),
        "ethernet_ip": (CIP_COMMANDS, dict(enumerate(PCCC_SERVICES))),
        "fins": (FINS_COMMANDS,),
        "iec104": (IEC104_COMMANDS,),
        "slmp": (SLMP_COMMANDS,),
    }
    for protocol, tables in names.items():
        assert set(DANGERS[protocol]) <= {one.name for table in tables for one in table.values()}
    assert {danger for dangers in DANGERS.values() for danger in dangers.values()} == set(GRAVEST)


@pytest.mark.parametrize(
    ("function", "subfunction", "danger"),
    [
        (8, 1, "restart"), (8, 4, "silence"), (8, 10, "clear"), (8, 20, "clear"), (90, 0x41, "stop"),
        (90, 0x40, "start"), (90, 0x30, "download"), (90, 0x31, "download"), (90, 0x32, "download"),
        (90, 0x29, "download"), (90, 0x33, "upload"), (90, 0x34, "upload"), (90, 0x35, "upload"),
    ],
)  # fmt: skip
def test_each_danger_is_found_without_a_model(function: int, subfunction: int, danger: Danger) -> None:
    (one,) = found(RULE, operation(PC, PLC, function, subfunction=subfunction, evidence=at(3)), plant=None)
    assert (one.what.key, one.severity) == (f"danger.{danger}", GRAVEST[danger])
    assert one.evidence == (at(3),)


@pytest.mark.parametrize(
    ("function", "subfunction"),
    [(8, 0), (8, 11), (90, 0x02), (90, 0x12), (90, 0x20), (3, -1), (6, -1), (8, -1)],
)
def test_what_looks_and_keeps_alive_is_no_danger(function: int, subfunction: int) -> None:
    assert found(RULE, operation(PC, PLC, function, subfunction=subfunction), plant=None) == []


def test_one_finding_for_a_client_a_server_and_a_kind_of_command() -> None:
    facts = [
        operation(PC, PLC, 90, subfunction=code, unit=unit, times=2, first_ns=unit, last_ns=unit + 9)
        for code in (0x30, 0x31, 0x32)
        for unit in (1, 2)
    ]
    (one,) = found(RULE, *facts, plant=None)
    assert (one.count, one.first_ns, one.last_ns) == (12, 1, 11)
    assert keys([one]) == ["danger.download", "asked-for", "units"]
    assert len(found(RULE, *facts, operation(PC, PLC, 90, subfunction=STOP), plant=None)) == 2


def test_what_a_permission_names_is_for_information() -> None:
    stop = operation(HMI, PLC, 90, subfunction=STOP)
    (one,) = found(RULE, conversation(HMI, PLC), stop, plant=PLANT)
    assert one.severity == "info"
    assert keys([one])[-1] == "reason.permission"


def test_a_function_with_subfunctions_names_none_of_them() -> None:
    (one,) = found(
        RULE, conversation("10.1.0.6", PLC), operation("10.1.0.6", PLC, 8, subfunction=4), plant=PLANT
    )
    assert one.severity == "medium"


@pytest.mark.parametrize(("status", "severity"), [(0, "medium"), (-1, "medium"), (1, "low")])
def test_an_access_class_and_a_refusal_each_take_a_step(status: int, severity: str) -> None:
    stop = operation(EWS, PLC, 90, subfunction=STOP, status=status)
    (one,) = found(RULE, conversation(EWS, PLC), stop, plant=PLANT)
    assert one.severity == severity
    assert ("refused" in keys([one])) == (status > 0)
    assert ("unanswered" in keys([one])) == (status == -1)


def test_the_gravest_of_several_decides() -> None:
    facts = [operation(PC, PLC, 90, subfunction=STOP, unit=unit, status=unit - 1) for unit in (2, 1, 3)]
    (one,) = found(RULE, *facts, plant=None)
    assert one.severity == "high"


def test_inside_a_zone_of_low_importance_it_weighs_less() -> None:
    inside = ("10.3.0.1", "10.3.0.9")
    (one,) = found(RULE, conversation(*inside), operation(*inside, 90, subfunction=STOP), plant=PLANT)
    assert (one.severity, one.place.to_zone) == ("low", "store")


def test_what_the_model_denies_is_told_by_other_rules() -> None:
    # The connection is allowed, the command is not; and neither is.
    for client in (HMI, PC):
        facts = conversation(client, PLC), operation(client, PLC, 90, subfunction=START)
        assert found(RULE, *facts, plant=PLANT) == []
        assert found("forbidden-operation", *facts, plant=PLANT) or found(
            "unlisted-traffic", *facts, plant=PLANT
        )


def test_a_client_that_does_it_to_very_many_servers_is_one_finding() -> None:
    facts = [operation(PC, f"10.2.0.{n}", 90, subfunction=STOP) for n in range(1, SPREAD + 2)]
    (one,) = found(RULE, *facts, plant=None)
    assert (one.count, one.link.server, one.key[:2]) == (SPREAD + 1, "", (PC, "many"))
    assert len(found(RULE, *facts[1:], plant=None)) == SPREAD
