from __future__ import annotations

from typing import Any

import pytest

from otmon.ledger.facts import AssetClaim
from tests.detect.plant import found, keys
from tests.zones.facts import EVIDENCE, asset, conversation, model

RULE = "rogue-gateway"
CISCO, MOBILE, PC = "00:1b:0c:00:00:01", "00:1e:42:00:00:01", "00:0b:5d:00:00:01"
LINUX, WINDOWS = "64:mss*44,7:mss,sok,ts,nop,ws:df", "127:mss*44,8:mss,nop,ws,nop,nop,sok:df"
PLANT = model("""
    version: 1
    assets:
    - {id: plc, address: 10.2.0.1, role: plc}
    - {id: fw, address: 10.2.0.254, role: firewall}
    - {id: ap, address: 10.6.0.8, zone: yard, role: access-point}
    zones:
    - {id: cell, importance: high, members: 10.2.0.0/24}
    - {id: hall, importance: high, members: 10.6.0.0/24}
    - {id: floor, importance: medium, members: 10.5.0.0/24}
    - {id: office, importance: low, members: 10.3.0.0/24}
    - {id: yard, importance: high, members: 10.4.0.0/24}
""")


def says(mac: str, address: str, protocol: str, kind: str, value: str) -> AssetClaim:
    return AssetClaim(mac, address, "", kind, value, protocol, 1, 5, 5, EVIDENCE)  # type: ignore[arg-type]


def access_point(address: str) -> list[Any]:
    return [asset(CISCO, address), says(CISCO, address, "lldp", "capability", "bridge, wlan-access-point")]


def translator(address: str) -> list[Any]:
    return [asset(PC, address), *(says(PC, address, "tcp", "tcp-opening", one) for one in (LINUX, WINDOWS))]


@pytest.mark.parametrize(("address", "severity"), [("10.6.0.9", "high"), ("10.5.0.9", "medium")])
def test_an_access_point_that_nobody_listed_is_told(address: str, severity: str) -> None:
    (one,) = found(RULE, *access_point(address), plant=PLANT)
    assert (one.key, one.severity, one.link.client) == ((CISCO,), severity, address)
    assert keys([one]) == ["rogue-gateway", "seen-with", "probably", "signal.vendor", "signal.claim"]


def test_so_is_a_mobile_router_but_no_other_one() -> None:
    far = ["198.51.100.7", "203.0.113.9"]
    for mac, count in ((MOBILE, 1), ("00:09:0f:00:00:01", 0)):
        senders = [asset(mac, "10.6.0.9", arp=1), *(asset(mac, one) for one in far)]
        assert len(found(RULE, *senders, plant=PLANT)) == count


FIRST, SECOND = "00:09:0f:00:00:01", "00:09:0f:00:00:02"


def router(mac: str, address: str, packets: int = 10) -> list[Any]:
    """It sends for two addresses of the Internet."""
    far = ["198.51.100.7", "203.0.113.9"]
    return [asset(mac, address, arp=1, packets=packets), *(asset(mac, one, packets=1) for one in far)]


@pytest.mark.parametrize(("address", "other", "severity"), [
    ("10.6.0.9", "10.6.0.1", "medium"), ("10.5.0.9", "10.5.0.1", "low"),
])  # fmt: skip
def test_a_second_router_is_told_and_the_one_that_sends_most_is_not(
    address: str, other: str, severity: str
) -> None:
    (one,) = found(RULE, *router(FIRST, other, 90), *router(SECOND, address), plant=PLANT)
    assert (one.key, one.severity, one.link.client) == ((SECOND,), severity, address)
    assert keys([one])[0] == "rogue-router" and dict(one.what.params)["router"] == other


def test_a_router_that_is_listed_is_the_usual_one() -> None:
    plant = model("""
        version: 1
        assets: [{id: fw, address: 10.4.0.1, mac: "00:09:0f:00:00:01", zone: edge, role: firewall}]
        zones:
        - {id: hall, importance: high, members: [10.6.0.0/24, 10.4.0.1]}
        - {id: edge, importance: high, members: 10.4.0.0/24}
    """)
    facts = [*router(FIRST, "10.6.0.1", 2), *router(SECOND, "10.6.0.9", 90)]
    assert [one.key for one in found(RULE, *facts, plant=plant)] == [(SECOND,)]


def test_routers_of_different_zones_and_those_that_share_an_address_are_no_second_ones() -> None:
    here, there = router(FIRST, "10.6.0.1"), router(SECOND, "10.4.0.9")
    assert found(RULE, *here, *there, plant=PLANT) == []
    twins = [*here, *router(SECOND, "10.6.0.2"), asset("00:00:5e:00:01:07", "10.6.0.254", arp=1)]
    assert found(RULE, *twins, plant=PLANT) == []
    assert found(RULE, *router(FIRST, "10.3.0.1"), *router(SECOND, "10.3.0.2"), plant=PLANT) == []


@pytest.mark.parametrize(("address", "count"), [("10.6.0.9", 1), ("10.2.0.1", 1), ("10.2.0.254", 0)])
def test_who_translates_addresses_is_told_unless_it_is_there_for_that(address: str, count: int) -> None:
    told = found(RULE, *translator(address), plant=PLANT)
    assert len(told) == count
    assert all(keys([one])[0] == "rogue-translator" for one in told)


@pytest.mark.parametrize(
    "facts",
    [
        access_point("10.3.0.9"),
        access_point("10.9.0.9"),
        # In a zone with an inventory it is a device that is not listed.
        access_point("10.2.0.9"),
        access_point("10.6.0.8"),
        translator("10.3.0.9"),
        translator("10.2.0.9"),
        [asset(CISCO, "10.6.0.9")],
        [asset(CISCO, "10.6.0.9"), says(CISCO, "10.6.0.9", "lldp", "capability", "bridge")],
        [asset(PC, "10.6.0.9"), conversation("10.6.0.9", "10.2.0.1")],
    ],
)
def test_elsewhere_listed_or_something_else_it_is_not(facts: list[Any]) -> None:
    assert found(RULE, *facts, plant=PLANT) == []
    assert found(RULE, *facts, plant=None) == []
