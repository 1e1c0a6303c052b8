from __future__ import annotations

from dataclasses import replace

import pytest

from otmon.detect.multi_homed_asset import is_router
from otmon.detect.rules.load import shipped_rules
from otmon.findings.judge import case_of, judge
from otmon.ledger.facts import Asset
from otmon.zones.model import Model
from otmon.zones.role import ROUTERS
from tests.detect.plant import Fact, found, keys, ledger_of
from tests.zones.facts import asset, conversation, model

RULE = "multi-homed-asset"
MAC, OTHER, ROUTER = "02:00:00:00:00:50", "02:00:00:00:00:51", "02:00:00:00:00:fe"
LINE, OFFICE = "10.1.0.50", "10.2.0.50"


def plant(assets: str = "[]") -> Model:
    return model(f"""
        version: 1
        assets: {assets}
        zones:
        - {{id: line, importance: high, members: [10.1.0.0/24, {{prefix: 192.168.1.0/24, vlan: "10"}}]}}
        - {{id: office, importance: low, members: [10.2.0.0/24, {{prefix: 192.168.1.0/24, vlan: "20"}}]}}
        - {{id: third, importance: low, members: 10.3.0.0/24}}
    """)


FEET = asset(MAC, LINE), asset(MAC, OFFICE)
NEIGHBOURS = conversation(LINE, "10.1.0.9"), conversation("10.2.0.9", OFFICE)


def told(*facts: Fact, assets: str = "[]") -> list[str]:
    return [f"{one.severity} {' '.join(one.key)}" for one in found(RULE, *facts, plant=plant(assets))]


def test_one_mac_address_with_neighbours_in_two_zones_is_found() -> None:
    (one,) = found(RULE, *FEET, *NEIGHBOURS, plant=plant())
    assert (one.severity, one.key) == ("high", ("mac", MAC))
    assert (one.place.from_zone, one.place.to_zone) == ("line", "office")
    assert keys([one]) == ["many-homes", "homes"]
    assert dict(one.why[0].params)["items"] == f"line: {LINE}, office: {OFFICE}"


@pytest.mark.parametrize(
    ("neighbours", "count"),
    [
        (NEIGHBOURS, 1),
        (NEIGHBOURS[:1], 0),
        ((NEIGHBOURS[0], conversation(OFFICE, "10.1.0.9")), 0),
        ((NEIGHBOURS[0], conversation(OFFICE, "10.2.0.255", 137, "nbns", transport="udp")), 1),
        ((NEIGHBOURS[0], conversation(OFFICE, "255.255.255.255", 67, "dhcp", transport="udp")), 1),
        ((NEIGHBOURS[0], conversation("10.2.0.9", OFFICE, packets_to_client=0)), 0),
    ],
)
def test_an_address_without_neighbours_is_behind_a_router(neighbours: tuple[Fact, ...], count: int) -> None:
    assert len(told(*FEET, *neighbours)) == count


@pytest.mark.parametrize(
    "more",
    [
        (asset(OTHER, "10.1.0.9"), asset(MAC, "10.1.0.9")),
        (asset(MAC, "198.51.100.1"),),
        (asset(MAC, "10.3.0.1"),),
        tuple(asset(MAC, f"10.1.0.{n}") for n in range(100, 109)),
    ],
)
def test_what_carries_others_is_a_router(more: tuple[Asset, ...]) -> None:
    assert told(*FEET, *NEIGHBOURS, *more) == []


def test_one_address_in_two_vlans_stands_in_both() -> None:
    both = asset(MAC, "192.168.1.5", "10"), asset(MAC, "192.168.1.5", "20")
    talks = [conversation("192.168.1.5", "192.168.1.9", vlan=vlan) for vlan in ("10", "20")]
    assert told(*both, *talks) == [f"high mac {MAC}"]
    assert told(*both, talks[0]) == []


def test_two_addresses_of_one_zone_are_nothing() -> None:
    assert told(asset(MAC, LINE), asset(MAC, "10.1.0.51"), *NEIGHBOURS) == []


@pytest.mark.parametrize(("role", "findings"), [("firewall", []), ("engineering-station", ["low asset ews"])])
def test_an_asset_that_is_listed_on_both_sides_is_low_and_a_firewall_nothing(
    role: str, findings: list[str]
) -> None:
    listed = f"[{{id: ews, address: [{LINE}, {OFFICE}], role: {role}}}]"
    assert told(*FEET, *NEIGHBOURS, assets=listed) == findings
    two_cards = asset(MAC, LINE), asset(OTHER, OFFICE)
    assert told(*two_cards, *NEIGHBOURS, assets=listed) == findings
    assert told(*two_cards, *NEIGHBOURS) == []


@pytest.mark.parametrize(
    ("role", "findings"), [("router", []), ("UTM", []), ("L3_switch", []), ("hmi", [f"high mac {MAC}"])]
)
def test_an_asset_that_is_listed_on_one_side_is_found_unless_it_routes(
    role: str, findings: list[str]
) -> None:
    listed = f"[{{id: box, address: {LINE}, role: {role}}}]"
    assert told(*FEET, *NEIGHBOURS, assets=listed) == findings


def test_which_roles_route_is_a_parameter() -> None:
    rule = shipped_rules()[RULE]
    more = replace(rule.parameters["routers"], value=("hmi",))
    ours = {RULE: replace(rule, parameters={**rule.parameters, "routers": more})}
    facts = ledger_of(*FEET, *NEIGHBOURS)
    for role, findings in (("hmi", 0), ("router", 1)):
        listed = plant(f"[{{id: box, address: {LINE}, role: {role}}}]")
        assert len(judge(facts, listed, rules=ours)) == findings


def test_other_rules_know_these_roles_without_this_one() -> None:
    listed = plant("[{id: a, address: 10.1.0.1, role: router}, {id: b, address: 10.1.0.2, role: hmi}]")
    left_out = case_of(ledger_of(), None, rules={})
    assert [is_router(left_out, one) for one in listed.devices] == [True, False]


def test_the_roles_that_route_are_those_of_the_structure_of_zones() -> None:
    assert set(shipped_rules()[RULE].texts("routers")) == ROUTERS


def test_without_a_model_there_are_no_zones() -> None:
    assert found(RULE, *FEET, *NEIGHBOURS, plant=None) == []
