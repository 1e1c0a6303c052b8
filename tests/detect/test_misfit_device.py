from __future__ import annotations

import pytest

from otmon.ledger.facts import AssetClaim
from tests.detect.plant import found, keys
from tests.zones.facts import EVIDENCE, asset, conversation, model

RULE = "misfit-device"
LAPTOP = "00:0b:5d:00:00:02"
PLANT = model("""
    version: 1
    assets:
    - {id: hmi, address: 10.2.0.2, role: hmi}
    - {id: panel, mac: '00:0b:5d:00:00:02', zone: floor, role: hmi}
    - {id: known, address: 10.2.0.4, mac: '00:80:f4:00:00:04', role: hmi}
    - {id: notebook, address: 10.2.0.5, role: [laptop, spare]}
    - {id: thing, address: 10.2.0.6, role: something}
    zones:
    - {id: cell, importance: high, members: 10.2.0.0/24}
    - {id: floor, importance: medium, members: 10.5.0.0/24}
""")


def calls_itself(name: str, address: str, mac: str = LAPTOP) -> AssetClaim:
    return AssetClaim(mac, address, "", "name", name, "dhcp", 1, 5, 5, EVIDENCE)


@pytest.mark.parametrize(
    ("address", "mac", "asset_id", "severity"),
    [("10.2.0.2", "00:0b:5d:00:00:09", "hmi", "high"), ("10.5.0.9", LAPTOP, "panel", "medium")],
)
def test_a_laptop_in_the_place_of_a_panel_is_told(
    address: str, mac: str, asset_id: str, severity: str
) -> None:
    claim = calls_itself("LAPTOP-QO1XB2", address, mac)
    (one,) = found(RULE, asset(mac, address), claim, plant=PLANT)
    assert (one.key, one.severity, one.link.client) == ((asset_id,), severity, address)
    assert keys([one]) == ["misfit", "in-inventory", "seen-with", "signal.claim", "probably"]
    assert one.evidence == (EVIDENCE,)


def test_what_it_would_be_taken_for_is_told_where_two_signals_say_so() -> None:
    told = asset("", "10.2.0.2"), calls_itself("LAPTOP-1", "10.2.0.2", "")
    talk = conversation("10.2.0.2", "224.0.0.252", 5355, "llmnr", transport="udp", answered=False)
    (one,) = found(RULE, *told, plant=PLANT)
    assert "probably" not in keys([one])
    (one,) = found(RULE, *told, talk, plant=PLANT)
    (what,) = [message for message in one.why if message.key == "probably"]
    assert "class.laptop" in str(what)


@pytest.mark.parametrize(
    ("name", "address", "mac"),
    [
        ("HMI-1", "10.2.0.2", LAPTOP),
        ("LAPTOP-1", "10.2.0.5", "00:0b:5d:00:00:05"),
        ("LAPTOP-1", "10.2.0.6", "00:0b:5d:00:00:06"),
        # No asset of the inventory; the address of one under another MAC address is told elsewhere.
        ("LAPTOP-1", "10.2.0.99", "00:0b:5d:00:00:99"),
        ("LAPTOP-1", "10.2.0.4", "00:0b:5d:00:00:99"),
    ],
)
def test_what_fits_or_is_not_listed_is_not(name: str, address: str, mac: str) -> None:
    assert found(RULE, asset(mac, address), calls_itself(name, address, mac), plant=PLANT) == []


def test_a_made_up_mac_address_beside_its_own_is_somebody_else_s() -> None:
    """Who says by ARP that he has its address is told as such (`disputed-address`)."""
    own, made_up = asset("00:80:f4:00:00:02", "10.2.0.2"), asset("f6:1d:92:c4:08:3b", "10.2.0.2", arp=1)
    assert found(RULE, own, made_up, plant=PLANT) == []
    (one,) = found(RULE, made_up, plant=PLANT)
    assert "signal.random-mac" in keys([one])
