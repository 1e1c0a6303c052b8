from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.zones.address import (
    _LINK,
    INTERNET_WITHIN,
    MAC_BITS,
    NOT_INTERNET,
    REACH_CHANGES,
    Address,
    Network,
    Reach,
    host,
    is_group,
    parse_address,
    parse_network,
    parse_oui,
    prefix_table,
    reach,
    within,
)

addresses = (
    st.builds(Address, st.just(32), st.integers(0, 2**32 - 1))
    | st.builds(Address, st.just(128), st.integers(0, 2**128 - 1))
    | st.builds(Address, st.just(48), st.integers(0, 2**48 - 1))
)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Few prefixes of few lengths, so that they nest."""
    bits = draw(st.sampled_from([32, 48, 128]))
    length = draw(st.integers(0, 4) | st.just(bits))
    return Network(bits, length, draw(st.integers(0, 2 ** min(length, 3) - 1)) << max(length - 3, 0))


@given(addresses)
def test_a_text_is_parsed_to_the_address_that_it_shows(address: Address) -> None:
    text = str(host(address))
    assert parse_address(text) == address
    if address.bits != 48:
        assert ipaddress.ip_address(text) == (
            ipaddress.IPv4Address if address.bits == 32 else ipaddress.IPv6Address
        )(address.value)


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/32", "1", "fe80::1%eth0", "::1::", "00:11:22:33:44",
     "00:11:22:33:44-55", "0:11:22:33:44:55", "001122334455", " 10.0.0.1", "１0.0.0.1", "10.0.0.1\n"],
)  # fmt: skip
def test_texts_that_are_no_address(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.1.0.0/16", Network(32, 16, 0x0A01)),
        ("0.0.0.0/0", Network(32, 0, 0)),
        ("fd00::/8", Network(128, 8, 0xFD)),
        ("10.1.0.1/16", None),
        ("10.1.0.0", None),
        ("10.1.0.0/33", None),
        ("10.1.0.0/-1", None),
        ("10.1.0.0/255.255.0.0", None),
        ("10.1.0.0/", None),
        ("fe80::%eth0/64", None),
        ("10.1.0.0/16/16", None),
        ("10.1.0.0/²", None),
    ],
)
def test_networks(text: str, network: Network | None) -> None:
    assert parse_network(text) == network
    assert network is None or str(network) == text


@given(st.text(max_size=20) | st.from_regex(r"[0-9a-f.:%/-]{0,20}"))
def test_parsing_is_total(text: str) -> None:
    for found in (parse_address(text), parse_network(text)):
        assert found is None or found.bits in (32, 48, 128)


@given(st.lists(networks(), max_size=6), addresses, networks())
def test_a_table_finds_what_holds_the_address_longest_first(
    entries: list[Network], anywhere: Address, near: Network
) -> None:
    table = prefix_table((network, number) for number, network in enumerate(entries))
    for address in (anywhere, Address(near.bits, near.prefix << (near.bits - near.length))):
        found = table.covering(address)
        assert [length for length, _ in found] == sorted(
            {n.length for n in entries if address in n}, reverse=True
        )
        for length, items in found:
            assert list(items) == [i for i, n in enumerate(entries) if address in n and n.length == length]


@given(networks(), networks())
def test_within_is_what_both_ends_say(inner: Network, outer: Network) -> None:
    free = inner.bits - inner.length
    first = Address(inner.bits, inner.prefix << free)
    last = Address(inner.bits, ((inner.prefix + 1) << free) - 1)
    assert within(inner, outer) == (first in outer and last in outer)


@pytest.mark.parametrize(
    ("text", "far", "group"),
    [
        ("8.8.8.8", "internet", False),
        ("198.51.100.1", "internet", False),
        ("2606:4700::1", "internet", False),
        ("64:ff9b::808:808", "internet", False),
        ("10.255.0.1", "site", False),
        ("172.16.0.1", "site", False),
        ("172.32.0.1", "internet", False),
        ("192.168.255.255", "site", False),
        ("100.64.0.1", "site", False),
        ("127.0.0.1", "site", False),
        ("240.0.0.1", "site", False),
        ("::1", "site", False),
        ("fd12::1", "site", False),
        ("0.0.0.0", "link", False),
        ("169.254.7.7", "link", False),
        ("224.0.0.1", "link", True),
        ("239.255.255.255", "link", True),
        ("255.255.255.255", "link", True),
        ("fe80::1", "link", False),
        ("::", "link", False),
        ("ff02::1", "link", True),
        ("00:11:22:33:44:55", "link", False),
        ("01:80:c2:00:00:0e", "link", True),
        ("ff:ff:ff:ff:ff:ff", "link", True),
    ],
)
def test_how_far_an_address_reaches(text: str, far: Reach, group: bool) -> None:
    address = parse_address(text)
    assert address is not None
    assert (reach(address), is_group(address)) == (far, group)


@pytest.mark.parametrize("net", REACH_CHANGES, ids=str)
def test_the_reach_changes_at_the_edges_of_networks(net: Network) -> None:
    first, behind = (end << net.bits - net.length for end in (net.prefix, net.prefix + 1))
    for value in (first - 1, first, first + 1, behind - 1, behind):
        address = Address(net.bits, value)
        if 0 <= value < 1 << net.bits:
            internet = any(address in one for one in INTERNET_WITHIN) and all(
                address not in one for one in NOT_INTERNET
            )
            assert (reach(address) == "internet") == internet
            assert (reach(address) == "link") == any(address in one for one in _LINK)


@pytest.mark.parametrize(
    ("text", "length", "prefix", "shown"),
    [
        ("00:1b:1b", 24, 0x001B1B, "00:1b:1b"),
        ("00-1B-1B", 24, 0x001B1B, "00:1b:1b"),
        ("70:b3:d5:8", 28, 0x70B3D58, "70:b3:d5:8"),
        ("70:b3:d5:8f:a", 36, 0x70B3D58FA, "70:b3:d5:8f:a"),
        ("70:b3:d5:80:00:00/28", 28, 0x70B3D58, "70:b3:d5:8"),
        ("70-b3-d5-8f-a0-00/36", 36, 0x70B3D58FA, "70:b3:d5:8f:a"),
    ],
)
def test_the_vendors_part_of_a_mac_address(text: str, length: int, prefix: int, shown: str) -> None:
    vendor = parse_oui(text)
    assert vendor == Network(MAC_BITS, length, prefix)
    assert str(vendor) == shown and parse_oui(shown) == vendor


@pytest.mark.parametrize(
    "text",
    ["", "00", "00:1b", "00:1b-1b", "00:1b:1b:", "00:1b:1b:aa", "00:1b:1b:aa:bb:cc", "001b1b", "0:1b:1b",
     "00:1b:1g", "00:1b:1b/24", "00:1b:1b:00:00:01/24", "00:1b:1b:00:00:00/32", "00:1b:1b:00:00:00/024",
     "10.0.0.0/24", "٠٠:1b:1b"],
)  # fmt: skip
def test_what_is_no_vendor(text: str) -> None:
    assert parse_oui(text) is None


def test_any_network_of_mac_addresses_is_told_from_one_address() -> None:
    assert str(Network(MAC_BITS, 48, 0x001B1B000000)) == "00:1b:1b:00:00:00"
    assert str(Network(MAC_BITS, 25, 0x001B1B << 1)) == "00:1b:1b:00:00:00/25"
    assert str(Network(MAC_BITS, 0, 0)) == "00:00:00:00:00:00/0"
