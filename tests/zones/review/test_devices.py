"""A foot in two zones, told from a router."""

from __future__ import annotations

from otmon.zones.decide import index
from otmon.zones.place import Index
from otmon.zones.review.devices import ADDRESSES_OF_A_HOST, devices
from tests.zones.facts import asset, model

MAC, OTHER, ROUTER = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:ff"


def plant() -> Index:
    return index(
        model(
            """
            version: 1
            zones:
            - {id: a, importance: low, members: [10.1.0.0/24, {mac: "02:00:00:00:00:02"}]}
            - {id: b, importance: low, members: [10.2.0.0/24, {prefix: 10.9.0.0/24, vlan: "20"}]}
            - {id: c, importance: low, members: [10.3.0.0/24, {prefix: 10.9.0.0/24, vlan: "30"}]}
            """
        )
    )


def test_one_mac_address_with_addresses_of_two_zones_is_a_device_with_two_feet() -> None:
    seen = [asset(MAC, "10.1.0.5"), asset(MAC, "10.2.0.5"), asset(OTHER, "10.1.0.6")]
    (device,) = devices(plant(), seen).hosts[:1]
    assert [(foot.zone, foot.address, foot.evidence.packet) for foot in device.feet] == [
        ("a", "10.1.0.5", 1),
        ("b", "10.2.0.5", 1),
    ]


def test_one_address_in_two_vlans_stands_on_both_sides() -> None:
    seen = [asset(MAC, "10.9.0.5", "20"), asset(MAC, "10.9.0.5", "30")]
    (device,) = devices(plant(), seen).hosts
    assert device.zones() == ("b", "c")


def test_a_mac_address_that_a_zone_lists_is_a_foot_of_its_own() -> None:
    (device,) = devices(plant(), [asset(OTHER, "10.3.0.5")]).hosts
    assert device.zones() == ("a", "c")


def test_what_a_router_carries_is_not_its_own() -> None:
    hosts = [asset(MAC, "10.1.0.5"), asset("02:00:00:00:00:03", "10.2.0.5")]
    forwarded = [asset(ROUTER, "10.1.0.5"), asset(ROUTER, "10.2.0.5"), asset(ROUTER, "10.2.0.1")]
    found = devices(plant(), [*hosts, *forwarded])
    assert found.hosts == ()


def test_three_zones_the_internet_or_many_addresses_make_a_router() -> None:
    three = [asset(ROUTER, f"10.{zone}.0.1") for zone in (1, 2, 3)]
    internet = [asset(MAC, "10.1.0.1"), asset(MAC, "10.2.0.1"), asset(MAC, "198.51.100.1")]
    many = [asset(MAC, f"10.{1 + n % 2}.0.{n}") for n in range(1, ADDRESSES_OF_A_HOST + 2)]
    for seen in (three, internet, many):
        found = devices(plant(), seen)
        assert found.hosts == () and len(found.routers) == 1
    assert devices(plant(), many[:-1]).routers == ()


def test_nothing_is_said_of_groups_and_addresses_without_a_place() -> None:
    seen = [asset(MAC, "10.1.0.5"), asset(MAC, "0.0.0.0"), asset(MAC, "224.0.0.1"), asset(MAC, "fe80::1")]
    assert devices(plant(), seen).hosts == ()
