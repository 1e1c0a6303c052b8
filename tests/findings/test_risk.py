"""The risk of findings: the table, how each level follows from what was seen, and what comes first."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from otmon.detect.finding import Finding
from otmon.findings.judge import by_risk, judge
from otmon.findings.risk import LEVELS, Talks, table
from otmon.protocols.registry import PROTOCOLS
from otmon.zones.model import Model
from otmon.zones.role import ROLES
from tests.detect.plant import HMI, OTHER_PLC, PC, PLANT, PLC, PRINTER, STRANGER, WEB, ledger_of
from tests.zones.facts import conversation, model, operation

OWNED = """
    version: 1
    zones:
    - {{id: office, importance: low, members: 10.3.0.0/24}}
    - {{id: plc, importance: high, members: 10.2.0.0/24, inside: listed{more}}}
    boundaries:
    - {{id: office-plc, between: [office, plc], device_owner: IT, settings_owner: production}}
    assets:
    - {{id: printer, address: 10.3.0.9, role: printer}}
    - {{id: spare, address: 10.3.0.8, role: [spare, PAC]}}
    - {{id: panel, address: 10.3.0.7, role: hmi}}
"""


def plant(more: str = "") -> Model:
    return model(OWNED.format(more=more))


def levels(*facts: Any, plant: Model | None = PLANT, rule: str = "unlisted-traffic") -> tuple[int, int, int]:
    (one,) = (finding for finding in judge(ledger_of(*facts), plant) if finding.rule == rule)
    assert one.risk.value == table().values[one.risk.threat, one.risk.vulnerability, one.risk.importance]
    return one.risk.threat, one.risk.vulnerability, one.risk.importance


def test_every_cell_of_the_table_has_a_value_and_the_guides_example_is_there() -> None:
    values = table().values
    assert set(values) == set(product(LEVELS, repeat=3))
    assert set(values.values()) == set("ABCDE")
    assert values[2, 2, 3] == "B"
    assert "IPA" in table().source


def test_a_higher_level_never_gives_a_lower_risk() -> None:
    values = table().values
    for cell in values:
        for place in range(3):
            higher = tuple(level + (number == place) for number, level in enumerate(cell))
            if higher in values:
                assert values[higher] <= values[cell]


def test_the_table_names_protocols_and_levels_that_exist() -> None:
    known = {one.id for one in PROTOCOLS}
    assert table().authenticated <= known
    assert {*table().roles.values(), table().importance} <= set(LEVELS)
    assert set(table().roles) <= {role.id for role in ROLES}


@pytest.mark.parametrize(
    ("facts", "threat"),
    [
        ([conversation(PC, PLC)], 2),
        ([conversation(PC, PLC, answered=False)], 1),
        ([conversation(PC, PLC), operation(PC, PLC, 6, 1, 1)], 3),
        ([conversation(PC, PLC), operation(PC, PLC, 6, 1, 1, status=2)], 2),
        ([conversation(PC, PLC), operation(PC, PLC, 3, 1, 1)], 2),
        (
            [
                conversation(PC, PLC),
                conversation(PC, OTHER_PLC, protocol="http"),
                operation(PC, PLC, 3, 1, 1),
            ],
            2,
        ),
    ],
)
def test_the_threat_follows_what_was_asked_and_answered(facts: list[Any], threat: int) -> None:
    found = judge(ledger_of(*facts), PLANT)
    about = [one for one in found if one.rule == "unlisted-traffic" and one.link.server == PLC]
    assert [one.risk.threat for one in about] == [threat]


def test_whoever_comes_from_outside_is_a_threat() -> None:
    assert levels(conversation(WEB, PLC, 22, "ssh"), rule="internet-contact")[0] == 3
    assert levels(conversation(STRANGER, PLC), rule="unknown-address")[0] == 3
    assert levels(conversation(STRANGER, PLC, answered=False), rule="unknown-address")[0] == 2


def test_a_forbidden_reading_is_no_writing_though_both_were_seen() -> None:
    facts = [conversation(HMI, PLC), operation(HMI, PLC, 3, 500, 1), operation(HMI, PLC, 6, 1, 1)]
    found = [one for one in judge(ledger_of(*facts), PLANT) if one.rule == "forbidden-operation"]
    assert {one.key[-1]: one.risk.threat for one in found} == {"read": 2, "write": 3}


def test_what_protects_lowers_the_vulnerability() -> None:
    tried = conversation(PC, PLC, answered=False)
    assert levels(tried)[1] == 3
    assert levels(tried, plant=plant())[1] == 2
    assert levels(tried, plant=plant(", sl_t: 3"))[1] == 1
    assert levels(tried, plant=plant(", sl_t: 2"))[1] == 2
    assert levels(conversation(PC, PLC, 22, "ssh", answered=False), plant=plant())[1] == 1


def test_a_boundary_that_let_through_what_it_denies_protects_nothing() -> None:
    assert levels(conversation(PC, PLC), plant=plant())[1] == 3
    assert levels(conversation(PC, PLC, 22, "ssh"), plant=plant())[1] == 2


def test_the_importance_is_that_of_what_is_hit() -> None:
    assert levels(conversation(PC, PLC), plant=plant())[2] == 3
    assert levels(conversation(PLC, PC), plant=plant())[2] == 1
    # A device may matter more than its zone.
    assert levels(conversation(PLC, "10.3.0.8"), plant=plant())[2] == 3
    assert levels(conversation(PLC, "10.3.0.7"), plant=plant())[2] == 2
    assert levels(conversation(PLC, WEB, 80, "http"), plant=plant(), rule="internet-contact")[2] == 3
    assert levels(conversation(HMI, WEB, 502), plant=None, rule="internet-contact")[2] == 2


def test_a_write_to_what_matters_comes_before_a_ping_to_a_printer() -> None:
    facts = [
        conversation(PLC, PRINTER, 0, "icmp", transport="icmp"),
        conversation(PC, PLC),
        operation(PC, PLC, 6, 1, 1),
    ]
    findings = judge(ledger_of(*facts), plant())
    first, last = by_risk(findings)
    assert (first.link.server, first.risk.value) == (PLC, "A")
    assert (last.link.server, last.risk.value) == (PRINTER, "C")


def test_findings_of_one_severity_are_in_the_order_of_risk() -> None:
    facts = [conversation(PC, PLC), conversation(STRANGER, PLC), conversation(PC, HMI, 22, "ssh")]
    findings: tuple[Finding, ...] = judge(ledger_of(*facts), PLANT)
    assert [one.severity for one in findings] == ["high"] * 3
    assert [one.risk.value for one in findings] == sorted(one.risk.value for one in findings)
    assert by_risk(reversed(findings))[0].risk.value == "A"
    assert len({one.risk.value for one in findings}) > 1


def test_talks_know_each_conversation_and_both_of_its_ends_and_nothing_else() -> None:
    facts = [conversation(PC, PLC), conversation(PC, PLC, 22, "ssh"), operation(HMI, PLC, 6, 1, 1)]
    talks = Talks(facts)
    # Asked twice, as what is looked up is kept.
    for _ in range(2):
        assert all((one.client, one.server, "tcp", one.port, one.protocol) in talks for one in facts)
        assert {PC, PLC, HMI} == {end for end in (PC, PLC, HMI, OTHER_PLC, "") if end in talks}
        assert (PC, PLC, "tcp", 22, "modbus") not in talks
        assert (PLC, PC, "tcp", 22, "ssh") not in talks
