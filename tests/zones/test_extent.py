"""The addresses of an end: they are those that the model places there."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from otmon.zones.address import IPV4_BITS, IPV6_BITS, Address, Network, parse_network, within
from otmon.zones.extent import collapsed, end_extent, intersection, less, zone_extent
from otmon.zones.model import INTERNET, Endpoint, Line, Member, Model, Name, Zone
from otmon.zones.place import index, locate_address
from tests.zones.facts import model

NAMES = ("a", "b", "c")


def net(text: str) -> Network:
    found = parse_network(text)
    assert found is not None
    return found


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Few bits differ, so that networks lie in each other."""
    length = draw(st.integers(22, 28))
    first = 0x0A000000 | draw(st.integers(0, 15)) << 6 if draw(st.booleans()) else 0x08080800
    return Network(IPV4_BITS, length, first >> (32 - length))


@st.composite
def models(draw: st.DrawFn) -> Model:
    zones = []
    for number, name in enumerate(NAMES):
        held = draw(st.lists(networks(), max_size=5))
        members = tuple(Member(n, None, None, Line("m", 10 * number + place)) for place, n in enumerate(held))
        zones.append(Zone(name, Line("m", 1), Name(name, name), "high", (), members, "everything", ()))
    return Model(tuple(zones), (), ("m",))


@given(models(), st.one_of(st.integers(0x0A000000, 0x0A0003FF), st.integers(0x08080800, 0x080808FF)))
def test_a_zone_has_the_addresses_that_are_placed_in_it(built: Model, value: int) -> None:
    ready = index(built)
    address = Address(IPV4_BITS, value)
    holding = [n for n in (*NAMES, INTERNET) if any(address in one for one in zone_extent(ready, n))]
    place = locate_address(ready, address, "").zone
    assert holding == ([place] if place in (*NAMES, INTERNET) else [])


@given(st.lists(networks(), max_size=8), st.lists(networks(), max_size=8), st.integers(0, 0x3FF))
def test_less_and_intersection_are_those_of_sets(a: list[Network], b: list[Network], low: int) -> None:
    address = Address(IPV4_BITS, 0x0A000000 | low)
    in_a, in_b = (any(address in one for one in side) for side in (a, b))
    assert any(address in one for one in less(a, b)) == (in_a and not in_b)
    assert any(address in one for one in intersection(a, b)) == (in_a and in_b)
    found = collapsed(a)
    assert list(found) == sorted(found, key=lambda n: n.prefix << (32 - n.length))
    assert not any(within(x, y) or within(y, x) for x, y in pairwise(found))


def test_the_internet_is_what_is_not_private_and_not_listed() -> None:
    ready = index(model("zones: [{id: a, importance: 大, members: [8.8.8.0/24, '2001:db8::/32']}]"))
    far = zone_extent(ready, INTERNET)
    for text, there in (
        ("8.8.9.1/32", True), ("8.8.8.1/32", False), ("10.1.1.1/32", False), ("100.64.1.1/32", False),
        ("224.0.0.5/32", False), ("2600::1/128", True), ("2001:db8::1/128", False), ("fd00::1/128", False),
        ("64:ff9b::1/128", True), ("fe80::1/128", False),
    ):  # fmt: skip
        assert any(within(net(text), one) for one in far) == there, text


def test_a_vlan_beside_a_network_does_not_limit_it() -> None:
    text = "zones: [{id: a, importance: 大, members: [{prefix: 10.0.0.0/24, vlan: 10}]},"
    text += "{id: b, importance: 大, members: [{prefix: 10.0.0.0/24, vlan: 20}, 10.0.0.64/26]}]"
    ready = index(model(text))
    assert zone_extent(ready, "a") == less([net("10.0.0.0/24")], [net("10.0.0.64/26")])
    assert zone_extent(ready, "b") == (net("10.0.0.0/24"),)


def test_an_end_is_its_network_as_far_as_it_is_in_the_zone() -> None:
    text = "zones: [{id: a, importance: 大, members: [10.0.0.0/16, 'fd00::/64']},"
    text += "{id: b, importance: 大, members: 10.0.5.0/24}, {id: c, importance: 大, members: {vlan: 3}}]"
    ready = index(model(text))
    assert end_extent(ready, Endpoint("a", net("10.0.4.0/23"))) == (net("10.0.4.0/24"),)
    assert end_extent(ready, Endpoint("a", net("10.0.5.7/32"))) == ()
    assert end_extent(ready, Endpoint("b", None)) == (net("10.0.5.0/24"),)
    assert end_extent(ready, Endpoint("a", Network(48, 48, 5))) == ()
    # Told by its VLAN, this zone has what the permission says, less what another zone lists.
    assert end_extent(ready, Endpoint("c", net("192.168.0.0/24"))) == (net("192.168.0.0/24"),)
    assert end_extent(ready, Endpoint("c", net("10.0.5.0/25"))) == ()
    assert {n.bits for n in zone_extent(ready, "a")} == {IPV4_BITS, IPV6_BITS}
