from __future__ import annotations

import pytest

from otmon.detect.rules.load import shipped_rules
from tests.detect.plant import HMI, PLC, STRANGER, WEB, at, found, keys
from tests.zones.facts import asset, conversation, model, operation

RULE = "new-device"
SPREAD = shipped_rules()[RULE].number("spread")
LAPTOP, OTHER = "10.1.0.77", "10.1.0.78"
MAC, LAPTOP_MAC, ROUTER = "02:00:00:00:00:01", "02:00:00:00:00:77", "02:00:00:00:00:fe"
BEFORE = (asset(MAC, HMI), asset("02:00:00:00:00:02", PLC), asset(ROUTER, "10.1.0.254"))


def test_an_address_that_was_never_seen_is_a_new_device() -> None:
    facts = asset(LAPTOP_MAC, LAPTOP), conversation(LAPTOP, PLC), operation(LAPTOP, PLC, 3, 0, 10)
    (one,) = found(RULE, *BEFORE, *facts, plant=None, baseline=BEFORE)
    assert (one.key, one.severity) == (("one", LAPTOP), "medium")
    assert keys([one]) == ["newcomer", "seen-with", "talks-with", "asked-for"]


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "low"),
        ((conversation(LAPTOP, PLC, answered=False),), "low"),
        ((conversation(LAPTOP, PLC, 80, "http"),), "low"),
        ((conversation(LAPTOP, PLC),), "medium"),
        ((conversation(LAPTOP, PLC), operation(LAPTOP, PLC, 6, 0, 1, evidence=at(5))), "high"),
        ((conversation(LAPTOP, PLC), operation(LAPTOP, PLC, 6, 0, 1, status=2)), "medium"),
    ],
)
def test_it_weighs_what_it_did(facts: tuple[object, ...], severity: str) -> None:
    (one,) = found(RULE, asset(LAPTOP_MAC, LAPTOP), *facts, plant=None, baseline=BEFORE)  # type: ignore[arg-type]
    assert one.severity == severity
    assert (at(5) in one.evidence) == (severity == "high")


def test_who_was_there_and_the_internet_are_not_new() -> None:
    seen = (*BEFORE, asset(ROUTER, WEB), asset(LAPTOP_MAC, HMI), asset(MAC, "fe80::1"), asset(MAC, ""))
    assert found(RULE, *seen, plant=None, baseline=BEFORE) == []
    assert found(RULE, asset(LAPTOP_MAC, LAPTOP), plant=None) == []


def test_another_address_of_a_known_mac_address_is_said_to_be_that() -> None:
    (one,) = found(RULE, asset(MAC, LAPTOP), plant=None, baseline=BEFORE)
    assert keys([one]) == ["newcomer", "seen-with", "mac-before"]
    assert dict(one.why[1].params) == {"items": HMI}


@pytest.mark.parametrize("seen", [asset(LAPTOP_MAC, ""), asset(LAPTOP_MAC, "fe80::77")])
def test_what_has_no_address_of_the_plant_goes_by_its_mac_address(seen: object) -> None:
    (one,) = found(RULE, seen, plant=None, baseline=BEFORE)  # type: ignore[arg-type]
    assert one.key == ("one", LAPTOP_MAC)
    # With one it is a device and not two.
    (one,) = found(RULE, seen, asset(LAPTOP_MAC, LAPTOP), plant=None, baseline=BEFORE)  # type: ignore[arg-type]
    assert one.key == ("one", LAPTOP)


def test_an_address_in_no_zone_is_told_as_that() -> None:
    facts = asset(LAPTOP_MAC, STRANGER), conversation(STRANGER, PLC)
    assert found(RULE, *facts, baseline=BEFORE) == []
    assert len(found("unknown-address", *facts, baseline=BEFORE)) == 1


def test_a_device_of_the_inventory_is_for_information() -> None:
    plant = model(f"""
        version: 1
        assets: [{{id: laptop-7, address: {LAPTOP}}}]
        zones: [{{id: control, importance: high, members: 10.1.0.0/24}}]
    """)
    write = operation(LAPTOP, HMI, 6, 0, 1)
    facts = asset(LAPTOP_MAC, LAPTOP), conversation(LAPTOP, HMI), write
    (one,) = found(RULE, *facts, plant=plant, baseline=BEFORE)
    assert (one.severity, one.place.from_zone) == ("info", "control")
    assert "in-inventory" in keys([one])


@pytest.mark.parametrize(("address", "severity"), [("10.1.0.77", "medium"), ("10.3.0.77", "low")])
def test_in_a_zone_of_high_importance_its_presence_is_enough(address: str, severity: str) -> None:
    (one,) = found(RULE, asset(LAPTOP_MAC, address), baseline=BEFORE)
    assert one.severity == severity


@pytest.mark.parametrize(("devices", "findings"), [(SPREAD, SPREAD), (SPREAD + 1, 1)])
def test_very_many_are_one_finding(devices: int, findings: int) -> None:
    facts = [asset(f"02:00:00:00:01:{n:02x}", f"10.1.0.{100 + n}", "") for n in range(devices)]
    told = found(RULE, *facts, plant=None, baseline=BEFORE)
    assert len(told) == findings
    assert (told[0].key == ("many", "")) == (devices > SPREAD)
    assert sum(one.count for one in told) == devices
