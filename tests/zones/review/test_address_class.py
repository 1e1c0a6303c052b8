"""Classes of hosts against the place of single addresses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.address import parse_address
from otmon.zones.decide import index, locate
from otmon.zones.model import Model
from otmon.zones.review.address_class import ELSEWHERE, Shown, bits_of, class_of, lists, partition, shown
from tests.zones import plants
from tests.zones.facts import model


@given(plants.models(), st.sampled_from(plants.HOSTS), st.integers(0, 2**32 - 1))
def test_every_address_is_in_one_class_and_that_has_its_zone(plant: Model, named: str, value: int) -> None:
    hosts = partition([index(plant)])
    for address in (parse_address(named), parse_address(f"{value >> 24}.0.0.{value & 255}")):
        assert address is not None
        holding = [
            one
            for one in hosts.classes
            if one.bits == address.bits and any(low <= address.value <= high for low, high in one.spans)
        ]
        assert len(holding) == 1
        text = ".".join(str(address.value >> shift & 255) for shift in (24, 16, 8, 0))
        assert holding[0].places == (locate(index(plant), text, "").zone,)


@given(plants.models(), st.sampled_from(plants.HOSTS))
def test_an_end_holds_the_hosts_of_its_zone_in_its_network(plant: Model, named: str) -> None:
    hosts = partition([index(plant)])
    address = parse_address(named)
    assert address is not None
    zone = locate(index(plant), named, "").zone
    for _, permission in lists(plant):
        for end in (*permission.clients, *permission.servers):
            inside = end.zone == zone and (end.network is None or address in end.network)
            assert bool(hosts.of([end]) & class_of(hosts, address, zone)) == inside


VLANS = """
    version: 1
    zones:
    - {id: a, importance: low, members: [{prefix: 10.0.0.0/24, vlan: "10"}]}
    - {id: b, importance: low, members: [{prefix: 10.0.0.0/24, vlan: "20"}, {mac: "02:00:00:00:00:01"}]}
    - {id: c, importance: low, members: [{vlan: "30"}]}
    """


def test_an_address_is_in_a_class_for_each_vlan_and_device_that_places_it() -> None:
    hosts = partition([index(model(VLANS))])
    address, free = parse_address("10.0.0.1"), parse_address("10.7.0.1")
    assert address is not None and free is not None
    assert class_of(hosts, address, "a") & hosts.in_vlan("10")
    assert class_of(hosts, address, "b") & hosts.in_vlan("20")
    assert not class_of(hosts, address, "a") & hosts.in_vlan("20")
    assert class_of(hosts, free, "b") & hosts.in_vlan(ELSEWHERE), "behind the MAC address"
    assert class_of(hosts, free, "c") & hosts.in_vlan("30")
    assert not class_of(hosts, free, "c") & hosts.in_vlan("10")


def test_hosts_in_few_words() -> None:
    plant = model(
        """
        version: 1
        zones:
        - {id: a, importance: low, members: 10.0.0.0/24}
        - {id: b, importance: low, members: 10.1.0.0/24}
        boundaries:
        - {id: a-b, between: [a, b], allow: [
            {from: [10.0.0.0/28, 10.0.0.1, 10.0.0.99], to: b, protocol: any}]}
        """
    )
    hosts = partition([index(plant)])
    ((_, permission),) = lists(plant)
    whole = hosts.zones[0]["a"]
    some = hosts.of(permission.clients)
    assert shown(hosts, whole, "a") == Shown(())
    assert shown(hosts, some, "a") == Shown(("10.0.0.0/28", "10.0.0.99"))
    assert shown(hosts, hosts.of(permission.clients[1:2]), "a") == Shown(("10.0.0.1",))
    assert shown(hosts, whole & ~hosts.of(permission.clients[1:2]), "a") == Shown(("10.0.0.1",), but=True)
    assert hosts.of_width(32) & whole == whole and not hosts.of_width(48) & whole
    assert list(bits_of(0b1010)) == [1, 3]


def test_a_vendors_addresses_are_a_class_and_those_taken_out_another() -> None:
    plant = model("""
        zones:
        - {id: v, importance: low, members: {oui: "00:1b:1b"}}
        - {id: w, importance: low, members: {mac: "00:1b:1b:00:00:05"}}
    """)
    hosts = partition([index(plant)])
    for text, zone in (
        ("00:1b:1b:00:00:04", "v"), ("00:1b:1b:00:00:05", "w"), ("00:1b:1b:ff:ff:ff", "v"),
        ("00:1b:1c:00:00:00", ""),
        ("10.7.0.1", "v"), ("10.7.0.1", "w"), ("10.7.0.1", "unknown"),
    ):  # fmt: skip
        address = parse_address(text)
        assert address is not None
        assert class_of(hosts, address, zone), (text, zone)
    assert not class_of(hosts, parse_address("00:1b:1b:00:00:05"), "v")  # type: ignore[arg-type]
