from __future__ import annotations

from typing import Any

import pytest

from tests.detect.plant import found, keys
from tests.detect.test_unauthorised_device import HMI, HMI_MAC, PLANT, PLC, PLC_MAC
from tests.zones.facts import asset, conversation, model

RULE = "address-taken-over"
LAPTOP = "3c:d9:2b:00:00:07"


def test_an_address_under_another_mac_address_is_told() -> None:
    (one,) = found(RULE, asset(LAPTOP, PLC), conversation(HMI, PLC), plant=PLANT)
    assert (one.key, one.severity, one.place.from_zone) == ((PLC, "plc"), "high", "cell")
    assert keys([one])[:2] == ["taken-over", "in-inventory"]
    (both,) = found(RULE, asset(LAPTOP, PLC), asset(PLC_MAC, "10.2.0.8"), plant=PLANT)
    assert dict(both.why[1].params) == {"addresses": "10.2.0.8", "asset": "plc"}


@pytest.mark.parametrize(
    "facts",
    [
        (asset(PLC_MAC, PLC), asset(LAPTOP, "10.2.0.7")),
        # The inventory has no MAC address for it.
        (asset(LAPTOP, HMI),),
        # Behind a router.
        (asset(LAPTOP, PLC), asset(LAPTOP, "10.7.0.1"), asset(HMI_MAC, HMI)),
        # Both claim it: that is a disputed address.
        (asset(LAPTOP, PLC, arp=1), asset(PLC_MAC, PLC, arp=1)),
        (asset("", PLC),),
    ],
)
def test_who_may_have_it_and_what_is_told_elsewhere(facts: tuple[Any, ...]) -> None:
    assert found(RULE, *facts, plant=PLANT) == []
    assert found(RULE, *facts, plant=None) == []


def test_who_claims_the_address_does_not_forward_for_its_owner() -> None:
    """A packet from elsewhere makes nobody a router of what it claims."""
    others = [asset(LAPTOP, "198.51.100.8"), *(asset(LAPTOP, f"10.7.0.{n}") for n in range(1, 12))]
    (one,) = found(RULE, asset(LAPTOP, PLC, arp=1), *others, conversation(HMI, PLC), plant=PLANT)
    assert one.key == (PLC, "plc")


def test_what_two_claim_is_a_disputed_address() -> None:
    facts = (asset(LAPTOP, PLC, arp=1), asset(PLC_MAC, PLC, arp=1))
    assert len(found("disputed-address", *facts, plant=PLANT)) == 1


@pytest.mark.parametrize("arp", [0, 1], ids=["sends for it", "answers for it by ARP"])
@pytest.mark.parametrize(("role", "count"), [("router", 0), ("firewall", 0), ("hmi", 1), ("", 1)])
def test_what_stands_between_zones_may_have_it(role: str, count: int, arp: int) -> None:
    plant = model(f"""
        version: 1
        assets:
        - {{id: plc, address: {PLC}, mac: '{PLC_MAC}'}}
        - {{id: between, mac: '{LAPTOP}', zone: cell{f", role: {role}" if role else ""}}}
        zones: [{{id: cell, importance: high, members: 10.2.0.0/24}}]
    """)
    assert len(found(RULE, asset(LAPTOP, PLC, arp=arp), plant=plant)) == count
