from __future__ import annotations

import pytest

from otmon.detect.unauthorised_device import SPREAD
from tests.detect.plant import found, keys
from tests.zones.facts import asset, conversation, model

RULE = "random-mac"
PHONE = "f6:1d:92:c4:08:3b"
PLANT = model("""
    version: 1
    assets: [{id: tablet, mac: '9e:00:00:00:00:01', zone: yard}, {id: plc, address: 10.2.0.1}]
    zones:
    - {id: cell, importance: high, members: 10.2.0.0/24}
    - {id: office, importance: low, members: 10.3.0.0/24}
    - {id: floor, importance: medium, members: 10.5.0.0/24}
    - {id: hall, importance: high, members: 10.6.0.0/24}
    - {id: yard, importance: high, members: 10.4.0.0/24}
""")


@pytest.mark.parametrize(("address", "severity"), [("10.6.0.9", "high"), ("10.5.0.9", "medium")])
def test_a_phone_in_the_plant_is_told(address: str, severity: str) -> None:
    talks = [conversation(address, f"198.51.100.{n}", 443, "tls") for n in (1, 2)]
    (one,) = found(RULE, asset(PHONE, address), *talks, plant=PLANT)
    assert (one.key, one.severity, one.link.client) == ((PHONE,), severity, address)
    assert keys([one]) == ["random-mac", "probably", "signal.random-mac", "signal.uses-outside"]


@pytest.mark.parametrize(("devices", "findings"), [(SPREAD, SPREAD), (SPREAD + 1, 1)])
def test_very_many_are_one_finding(devices: int, findings: int) -> None:
    some = found(
        RULE, *(asset(f"f6:1d:92:00:00:{n:02x}", f"10.6.0.{n}") for n in range(1, devices + 1)), plant=PLANT
    )
    assert len(some) == findings
    assert (some[0].key == ("many", "hall")) == (devices > SPREAD)


@pytest.mark.parametrize(
    ("mac", "address"),
    [
        (PHONE, "10.3.0.9"),
        (PHONE, "10.9.0.9"),
        # A zone with an inventory: there it is a device that is not listed.
        (PHONE, "10.2.0.9"),
        (PHONE, "10.4.0.9"),
        ("9e:00:00:00:00:01", "10.4.0.9"),
        ("00:80:f4:00:00:01", "10.6.0.9"),
        ("02:42:ac:11:00:02", "10.6.0.9"),
    ],
)
def test_elsewhere_or_known_it_is_not(mac: str, address: str) -> None:
    assert found(RULE, asset(mac, address), plant=PLANT) == []
    assert found(RULE, asset(mac, address), plant=None) == []
