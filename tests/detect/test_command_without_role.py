from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.detect.command_without_role import LISTS
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import judge
from otmon.zones.model import Model
from otmon.zones.role import ROLES
from tests.detect.plant import at, found, keys, ledger_of
from tests.zones.facts import asset, conversation, model, operation

RULE = "command-without-role"
SPREAD = shipped_rules()[RULE].number("spread")
EWS, HMI, HISTORIAN, ODD, BARE, NOBODY, PLC = (f"10.1.0.{n}" for n in (1, 2, 3, 4, 5, 6, 9))
CAMERA_MAC = "02:00:00:00:00:0c"
CAMERA = "10.1.0.12"


def plant(zone: str = "", assets: str = "") -> Model:
    return model(f"""
        version: 1
        assets:
        - {{id: ews, address: {EWS}, role: engineering-station}}
        - {{id: hmi, address: {HMI}, role: hmi}}
        - {{id: historian, address: {HISTORIAN}, role: historian}}
        - {{id: odd, address: {ODD}, role: [historian, soothsayer]}}
        - {{id: bare, address: {BARE}}}
        - {{id: cam, mac: '{CAMERA_MAC}', role: camera}}
        {assets}
        zones:
        - {{id: line, importance: high, members: 10.1.0.0/24{zone}}}
    """)


def test_a_historian_that_writes_is_found() -> None:
    write = operation(HISTORIAN, PLC, 6, 21, 1, times=3, evidence=at(4))
    (one,) = found(RULE, conversation(HISTORIAN, PLC), write, plant=plant())
    assert (one.severity, one.count, one.evidence, one.key) == ("high", 3, (at(4),), (HISTORIAN, PLC))
    assert keys([one]) == ["commands", "its-role", "asked-for"]
    assert dict(one.why[0].params)["asset"] == "historian"


@pytest.mark.parametrize(
    ("client", "function", "subfunction", "count"),
    [
        (EWS, 90, 0x34, 0), (EWS, 6, -1, 0), (HMI, 6, -1, 0), (HMI, 8, 4, 0), (HMI, 90, 0x34, 1),
        (HMI, 43, 13, 1), (HISTORIAN, 3, -1, 0), (HISTORIAN, 43, 14, 0), (HISTORIAN, 8, 10, 1),
        (HISTORIAN, 15, -1, 1),
    ],
)  # fmt: skip
def test_each_role_is_there_for_its_own(client: str, function: int, subfunction: int, count: int) -> None:
    facts = conversation(client, PLC), operation(client, PLC, function, 0, 1, subfunction=subfunction)
    assert len(found(RULE, *facts, plant=plant())) == count


@pytest.mark.parametrize("client", [ODD, BARE])
def test_a_role_that_nobody_knows_or_gave_says_nothing(client: str) -> None:
    assert found(RULE, conversation(client, PLC), operation(client, PLC, 6, 0, 1), plant=plant()) == []


def test_who_is_not_in_the_inventory_is_found_a_step_lower() -> None:
    (one,) = found(RULE, conversation(NOBODY, PLC), operation(NOBODY, PLC, 6, 0, 1), plant=plant())
    assert (one.severity, one.why[0].key) == ("medium", "not-in-inventory")


def test_an_inventory_without_anybody_who_commands_says_nothing_of_others() -> None:
    silent = model("""
        version: 1
        assets: [{id: h, address: 10.1.0.3, role: historian}]
        zones: [{id: line, importance: high, members: 10.1.0.0/24}]
    """)
    assert found(RULE, conversation(NOBODY, PLC), operation(NOBODY, PLC, 6, 0, 1), plant=silent) == []
    assert len(found(RULE, operation(HISTORIAN, PLC, 6, 0, 1), plant=silent)) == 1


def test_a_device_that_is_known_by_its_mac_address_has_its_role() -> None:
    facts = conversation(CAMERA, PLC), operation(CAMERA, PLC, 6, 0, 1)
    (one,) = found(RULE, *facts, asset(CAMERA_MAC, CAMERA), plant=plant())
    assert (one.severity, one.why[0].key) == ("high", "its-role")
    # Behind a router its address is seen with another MAC address too.
    (one,) = found(RULE, *facts, asset(CAMERA_MAC, CAMERA), asset("02:00:00:00:00:ff", CAMERA), plant=plant())
    assert one.why[0].key == "not-in-inventory"


def test_what_a_device_refused_is_no_command() -> None:
    assert found(RULE, operation(HISTORIAN, PLC, 6, 0, 1, status=2), plant=plant()) == []


def test_a_permission_that_says_otherwise_takes_a_step() -> None:
    agreed = plant(", inside: listed, allow: [{id: a, protocol: modbus, access: write}]")
    said_less = plant(", inside: listed, allow: [{id: a, protocol: modbus}]")
    facts = conversation(HISTORIAN, PLC), operation(HISTORIAN, PLC, 6, 0, 1)
    assert [one.severity for one in found(RULE, *facts, plant=agreed)] == ["medium"]
    (one,) = found(RULE, *facts, plant=said_less)
    assert (one.severity, keys([one])[-1]) == ("high", "reason.permission")


@pytest.mark.parametrize(
    ("client", "permission", "count"),
    [
        (NOBODY, f"from: {NOBODY}, access: write", 0),
        (NOBODY, f"from: {NOBODY}, functions: write-single-register", 0),
        (NOBODY, f"from: {NOBODY}", 1),
        (NOBODY, "from: 10.1.0.0/25, access: write", 1),
        (HISTORIAN, f"from: {HISTORIAN}, access: write", 1),
    ],
)
def test_a_host_that_a_permission_names_for_this_is_known_without_the_inventory(
    client: str, permission: str, count: int
) -> None:
    listed = plant(f", inside: listed, allow: [{{id: a, protocol: modbus, {permission}}}]")
    facts = conversation(client, PLC), operation(client, PLC, 6, 0, 1)
    assert len(found(RULE, *facts, plant=listed)) == count


def test_what_the_model_denies_is_told_by_other_rules() -> None:
    denied = plant(", inside: listed, allow: [{id: a, protocol: modbus, access: read}]")
    facts = conversation(HISTORIAN, PLC), operation(HISTORIAN, PLC, 6, 0, 1)
    assert found(RULE, *facts, plant=denied) == []
    assert len(found("forbidden-operation", *facts, plant=denied)) == 1


def test_the_lists_name_roles_that_the_model_knows_each_once() -> None:
    listed = [role for name in LISTS for role in shipped_rules()[RULE].texts(name)]
    assert set(listed) <= {role.id for role in ROLES}
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("role", "count"), [("data-logger", 1), ("EWS", 0), ("hmi_pc", 0), ("soothsayer", 0)]
)
def test_a_role_is_known_by_its_other_names(role: str, count: int) -> None:
    listed = plant(assets=f"- {{id: other, address: {NOBODY}, role: {role}}}")
    facts = conversation(NOBODY, PLC), operation(NOBODY, PLC, 6, 0, 1)
    assert len(found(RULE, *facts, plant=listed)) == count


def test_without_a_model_there_are_no_roles() -> None:
    assert found(RULE, operation(HISTORIAN, PLC, 6, 0, 1), plant=None) == []


def test_a_role_of_several_lists_is_there_for_what_any_of_them_says() -> None:
    rule = shipped_rules()[RULE]
    more = replace(rule.parameters["writing"], value=("mes", "historian"))
    ours = {RULE: replace(rule, parameters={**rule.parameters, "writing": more})}
    for function, subfunction, count in ((6, -1, 0), (8, 10, 1)):
        facts = (
            conversation(HISTORIAN, PLC),
            operation(HISTORIAN, PLC, function, 0, 1, subfunction=subfunction),
        )
        assert len(judge(ledger_of(*facts), plant(), rules=ours)) == count


def test_a_client_that_commands_very_many_servers_is_one_finding() -> None:
    facts = [operation(HISTORIAN, f"10.1.0.{n}", 6, 0, 1) for n in range(20, 21 + SPREAD)]
    (one,) = found(RULE, *facts, plant=plant())
    assert (one.count, one.link.server, one.key) == (SPREAD + 1, "", (HISTORIAN, "many"))
