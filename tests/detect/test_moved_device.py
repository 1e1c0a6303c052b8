from __future__ import annotations

from typing import Any

import pytest

from tests.detect.plant import found, keys
from tests.zones.facts import asset, conversation, model

RULE = "moved-device"
PLC, LAPTOP, CORE = "00:80:f4:00:00:01", "00:14:22:00:00:07", "00:09:0f:00:00:01"
PLANT = model(f"""
    version: 1
    assets:
    - {{id: plc, address: 10.2.0.1, mac: '{PLC}'}}
    - {{id: laptop, mac: '{LAPTOP}', zone: office}}
    - {{id: core, address: 10.2.0.254, mac: '{CORE}', role: router}}
    zones:
    - {{id: cell, importance: high, members: 10.2.0.0/24}}
    - {{id: office, importance: low, members: 10.3.0.0/24}}
    - {{id: yard, importance: medium, members: 10.4.0.0/24}}
""")


@pytest.mark.parametrize(
    ("sender", "key", "severity", "zone"),
    [
        (asset(PLC, "10.3.0.1"), ("zone", "plc"), "low", "office"),
        (asset(PLC, "10.4.0.1"), ("zone", "plc"), "medium", "yard"),
        (asset(LAPTOP, "10.2.0.9"), ("zone", "laptop"), "high", "cell"),
        (asset(PLC, "10.2.0.9"), ("address", "plc"), "medium", "cell"),
    ],
)
def test_an_asset_elsewhere_is_told(sender: Any, key: tuple[str, str], severity: str, zone: str) -> None:
    (one,) = found(RULE, sender, plant=PLANT)
    assert (one.key, one.severity, one.place.from_zone) == (key, severity, zone)
    what = "wrong-zone" if key[0] == "zone" else "other-address"
    assert keys([one])[:2] == [what, "in-inventory"] and keys([one])[-1] == "addresses"


@pytest.mark.parametrize(
    "senders",
    [
        (asset(PLC, "10.2.0.1"), asset(PLC, ""), asset(PLC, "fe80::1"), asset(PLC, "0.0.0.0")),
        # Only its MAC address and zone are listed, so that it may have any address there.
        (asset(LAPTOP, "10.3.0.9"), asset(LAPTOP, "10.3.0.10")),
        (asset(LAPTOP, "10.9.0.9"),),
        (asset(CORE, "10.3.0.254", arp=1), asset(CORE, "10.2.0.254", arp=1)),
        (asset("00:14:22:00:00:08", "10.3.0.9"),),
    ],
)
def test_an_asset_in_its_place_is_not(senders: tuple[Any, ...]) -> None:
    assert found(RULE, *senders, plant=PLANT) == []
    assert found(RULE, *senders, plant=None) == []


def test_a_foot_in_each_of_two_zones_is_told_once() -> None:
    facts = (
        asset(PLC, "10.2.0.1", arp=1), asset(PLC, "10.3.0.1", arp=1), conversation("10.2.0.1", "10.2.0.5"),
        conversation("10.3.0.1", "10.3.0.5"),
    )  # fmt: skip
    assert len(found("multi-homed-asset", *facts, plant=PLANT)) == 1
    assert found(RULE, *facts, plant=PLANT) == []
