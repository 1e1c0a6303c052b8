from __future__ import annotations

from dataclasses import replace
from time import process_time
from typing import Any

import pytest

from otmon.ledger.facts import AssetClaim
from otmon.zones.address import parse_address
from otmon.zones.place import NOWHERE, Found, index, locate, locate_address, locate_ends
from tests.zones.facts import EVIDENCE, asset, model

PLANT = model("""
    zones:
    - {id: plant, importance: medium, members: 10.0.0.0/8}
    - id: line
      importance: high
      members:
      - 10.30.0.0/16
      - fd00:30::/32
      - {address: 10.30.2.9, mac: "00:00:00:00:02:09"}
      - {prefix: 192.168.1.0/24, vlan: 30}
      - 203.0.113.0/24
    - id: cell
      importance: high
      members: [10.30.2.0/24, {prefix: 192.168.1.0/24, vlan: 31}, {vlan: 40}, {vlan: untagged}]
    - {id: robots, importance: high, members: ["00:00:00:00:00:07", {mac: "00:00:00:00:00:08", vlan: 50}]}
    - {id: sea, importance: low, members: {prefix: 172.16.0.0/16, vlan: 60}}
""")
READY = index(PLANT)


@pytest.mark.parametrize(
    ("address", "vlan", "zone", "line"),
    [
        ("10.1.1.1", "1", "plant", 2),
        ("10.30.1.1", "1", "line", 6),
        ("10.30.2.1", "1", "cell", 13),
        ("10.30.2.9", "1", "line", 8),
        ("fd00:30:1::5", "1", "line", 7),
        ("fd00:31::5", "1", "unknown", 0),
        ("203.0.113.5", "1", "line", 10),
        ("198.51.100.5", "1", "internet", 0),
        ("2001:db8::5", "1", "internet", 0),
        ("192.168.1.5", "30", "line", 9),
        ("192.168.1.5", "31", "cell", 13),
        ("192.168.1.5", "32", "unknown", 0),
        ("172.16.1.1", "60", "sea", 15),
        ("172.16.1.1", "61", "sea", 15),
        ("172.17.1.1", "40", "cell", 13),
        ("172.17.1.1", "", "cell", 13),
        ("198.51.100.5", "40", "internet", 0),
        ("224.0.0.1", "40", "cell", 13),
        ("224.0.0.1", "1", "", 0),
        ("fe80::1", "1", "", 0),
        ("00:00:00:00:00:07", "1", "robots", 14),
        ("00-00-00-00-00-07", "1", "robots", 14),
        ("00:00:00:00:00:08", "1", "", 0),
        ("00:00:00:00:00:08", "50", "robots", 14),
        ("00:00:00:00:02:09", "1", "line", 8),
        ("00:00:00:00:09:09", "40", "cell", 13),
        ("", "40", "unknown", 0),
        ("10.1.1", "1", "unknown", 0),
    ],
)
def test_where_an_address_is(address: str, vlan: str, zone: str, line: int) -> None:
    assert locate(READY, address, vlan) == Found(zone, f"m.yaml:{line}" if line else "")


def test_a_mac_member_places_the_addresses_that_it_was_seen_with() -> None:
    mac, other = "00:00:00:00:00:07", "00:00:00:00:00:99"
    seen = [asset(mac, "172.20.0.7", "5"), asset(mac, "10.1.1.1", "5"), asset(mac, "198.51.100.9", "5"),
            asset(mac, "224.0.0.1", "5"), asset(mac, "", "5"), asset(other, "172.20.0.99", "5")]  # fmt: skip
    ready = index(PLANT, seen)
    assert ready == index(PLANT, reversed(seen))
    assert locate(READY, "172.20.0.7", "5").zone == "unknown"
    assert locate(ready, "172.20.0.7", "5") == Found("robots", "m.yaml:14")
    assert locate(ready, "172.20.0.7", "6").zone == "unknown"
    assert locate(ready, "10.1.1.1", "5").zone == "plant"
    assert locate(ready, "198.51.100.9", "5").zone == "internet"
    assert locate(ready, "224.0.0.1", "5") is NOWHERE
    assert locate(ready, "172.20.0.99", "5").zone == "unknown"


def test_two_zones_that_claim_an_address_equally() -> None:
    text = """
        zones:
        - {{id: {}, importance: low, members: [10.1.0.0/16, {{vlan: 7}}]}}
        - {{id: {}, importance: low, members: [10.1.0.0/16, {{prefix: 10.1.0.0/16, vlan: 8}}, {{vlan: 7}}]}}
    """
    for names in (("a", "b"), ("b", "a")):
        ready = index(model(text.format(*names)))
        assert locate(ready, "10.1.0.1", "") == Found("a", f"m.yaml:{2 + names.index('a')}", ("b",))
        assert locate(ready, "172.16.0.1", "7").also == ("b",)
        closer = locate(ready, "10.1.0.1", "8")
        assert (closer.zone, closer.also) == (names[1], ())


@pytest.mark.parametrize(
    ("client", "server", "zones"),
    [
        ("10.30.1.1", "224.0.0.251", ("line", "line")),
        ("224.0.0.251", "10.30.1.1", ("unknown", "line")),
        ("10.30.1.1", "10.30.255.255", ("line", "line")),
        ("0.0.0.0", "255.255.255.255", ("", "")),
        ("0.0.0.0", "10.30.1.1", ("unknown", "line")),
        ("169.254.1.1", "10.30.1.1", ("unknown", "line")),
        ("10.30.1.1", "169.254.1.1", ("line", "unknown")),
        ("169.254.1.1", "224.0.0.251", ("", "")),
        ("fe80::1", "fd00:30::5", ("line", "line")),
        ("fd00:30::5", "fe80::1", ("line", "line")),
        ("fe80::1", "ff02::1", ("", "")),
        ("172.31.0.1", "255.255.255.255", ("unknown", "unknown")),
        ("00:00:00:00:00:07", "00:00:00:00:77:77", ("robots", "robots")),
        ("00:00:00:00:77:77", "00:00:00:00:00:07", ("robots", "robots")),
        ("00:00:00:00:00:07", "00:00:00:00:02:09", ("robots", "line")),
        ("00:00:00:00:77:77", "ff:ff:ff:ff:ff:ff", ("", "")),
        ("", "10.30.1.1", ("unknown", "line")),
    ],
)
def test_an_end_that_never_leaves_its_link_is_where_the_other_end_is(
    client: str, server: str, zones: tuple[str, str]
) -> None:
    (one, first), (other, second) = locate_ends(READY, client, server, "1", "udp")
    assert (one, other) == (parse_address(client), parse_address(server))
    assert (first.zone, second.zone) == zones


def test_a_parsed_address_is_found_as_its_text_is() -> None:
    address = parse_address("10.30.2.1")
    assert address is not None
    assert locate_address(READY, address, "1") == locate(READY, "10.30.2.1", "1")


VENDORS = """
    zones:
    - {id: drives, importance: low, members: [{oui: "00:1b:1b"}, {oui: "70:b3:d5", vlan: 5}]}
    - {id: cameras, importance: low, members: [{oui: "00:1b:1b:a"}, 10.1.0.0/24]}
    - {id: one, importance: low, members: '00:1b:1b:a0:00:01'}
    """


@pytest.mark.parametrize(
    ("mac", "vlan", "zone"),
    [
        ("00:1b:1b:00:00:01", "", "drives"),
        ("00:1b:1b:af:ff:ff", "", "cameras"),
        ("00:1b:1b:a0:00:01", "", "one"),
        ("00:1b:1c:00:00:01", "", ""),
        ("70:b3:d5:00:00:01", "5", "drives"),
        ("70:b3:d5:00:00:01", "6", ""),
    ],
)
def test_a_vendors_devices_are_placed_the_narrowest_first(mac: str, vlan: str, zone: str) -> None:
    """Below IP, and the IP addresses that they were seen with."""
    plant = model(VENDORS)
    assert locate(index(plant), mac, vlan).zone == zone
    seen = index(plant, [asset(mac, "172.20.0.7", vlan), asset(mac, "10.1.0.9", vlan)])
    assert locate(seen, "172.20.0.7", vlan).zone == (zone or "unknown")
    assert locate(seen, "10.1.0.9", vlan).zone == "cameras"


def told(value: str, address: str, mac: str = "02:00:00:00:00:01", vlan: str = "", **more: Any) -> AssetClaim:
    given: dict[str, Any] = {
        "kind": "switch-port", "protocol": "dhcp" if value.startswith("dhcp") else "erspan", "times": 1,
        "first_ns": 1, "last_ns": 2, "evidence": EVIDENCE,
    }  # fmt: skip
    return AssetClaim(mac=mac, address=address, vlan=vlan, value=value, **(given | more))


PORTS = model("""
    zones:
    - {id: office, importance: low, members: [10.1.0.0/16, {switch_port: "erspan:10.0.0.2/3"}]}
    - {id: cell, importance: high, members: [10.2.0.0/16, {switch_port: "erspan:10.0.0.2/3/12"}]}
    - {id: guests, importance: low, members: [{switch_port: "dhcp:sw1/Gi1/7"}, {vlan: "9"}]}
""")


@pytest.mark.parametrize(
    ("claims", "zone"),
    [
        ([], "cell"),
        # Whatever its address says, it is where it is plugged in.
        ([("erspan:10.0.0.2/3/7", "10.2.0.5")], "office"),
        # A port of its own decides before its session.
        ([("erspan:10.0.0.2/3/12", "10.2.0.5")], "cell"),
        ([("erspan:10.0.0.2/3/120", "10.2.0.5")], "office"),
        ([("erspan:10.0.0.2/4/12", "10.2.0.5")], "cell"),
        ([("erspan:10.0.0.3/3/7", "10.2.0.5")], "cell"),
        # At ports of two zones: no port decides.
        ([("erspan:10.0.0.2/3/7", "10.2.0.5"), ("erspan:10.0.0.2/3/12", "10.2.0.5")], "cell"),
        # What a relay says comes after prefixes.
        ([("dhcp:sw1/Gi1/7", "10.2.0.5")], "cell"),
    ],
)
def test_a_switch_port_that_the_capture_tells_decides_first(claims: list[tuple[str, str]], zone: str) -> None:
    ready = index(PORTS, [asset("02:00:00:00:00:01", "10.2.0.5")], claims=[told(*one) for one in claims])
    assert locate(ready, "10.2.0.5", "").zone == zone
    assert locate(ready, "10.2.0.6", "").zone == "cell"


def test_a_switch_port_is_about_one_vlan_and_no_address_of_the_internet() -> None:
    said = [
        told("erspan:10.0.0.2/3/12", "10.1.0.5", vlan="7"), told("erspan:10.0.0.2/3/12", "198.51.100.1"),
        told("erspan:10.0.0.2/3/12", "224.0.0.1"), told("erspan:10.0.0.2/3/12", ""),
        told("erspan:10.0.0.2/3/12", "10.1.0.8", kind="name"),
    ]  # fmt: skip
    ready = index(PORTS, claims=said)
    assert [locate(ready, "10.1.0.5", vlan).zone for vlan in ("7", "8")] == ["cell", "office"]
    assert locate(ready, "10.1.0.8", "").zone == "office"
    assert locate(ready, "198.51.100.1", "").zone == "internet"
    assert locate(ready, "02:00:00:00:00:01", "7").zone == "cell"


def test_the_port_of_a_relay_places_as_a_mac_address_does() -> None:
    mac = "02:00:00:00:00:05"
    seen = [asset(mac, "10.9.0.5", "9"), asset(mac, "", "9")]
    said = [told("dhcp:sw1/Gi1/7", "10.9.0.5", mac), told("dhcp:sw1/Gi1/8", "10.9.0.5", "02:00:00:00:00:06")]
    ready = index(PORTS, seen, claims=said)
    assert locate(ready, "10.9.0.5", "9").zone == "guests"
    assert locate(ready, mac, "4").zone == "guests"
    assert locate(index(PORTS, seen), mac, "4").zone == ""


def test_what_is_remembered_of_a_flood_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otmon.zones.place.REMEMBERED", 3)
    ready = index(PLANT)
    for _ in range(2):
        for number in range(8):
            zone = "cell" if number % 2 else "unknown"
            assert locate(ready, f"{'10.30.2' if number % 2 else '11.0.0.x'}.{number}", "").zone == zone
            assert len(ready.located) <= 3


OFFICE, CELL, FORGER, ROUTER = (f"00:00:00:00:01:{number:02x}" for number in range(1, 5))
SEEN = [
    asset(OFFICE, "10.40.0.3", "1", arp=2), asset(OFFICE, "fe80::3", "1"), asset(OFFICE, "10.30.2.77", "1"),
    asset(OFFICE, "198.51.100.7", "1"), asset(OFFICE, "fe80::3", "2"),
    asset(CELL, "10.30.2.1", "1"), asset(CELL, "fd00:30::1", "1"), asset(CELL, "fe80::200:ff:fe00:102", "1"),
    asset(FORGER, "10.40.0.9", "1"), asset(FORGER, "fe80::9", "1"),
    asset(FORGER, "fe80::200:ff:fe00:102", "1"),
    asset(ROUTER, "10.40.0.254", "1"), asset(ROUTER, "10.30.2.5", "1"), asset(ROUTER, "fe80::254", "1"),
    asset("00:00:00:00:01:05", "fe80::5", "1"),
    asset("00:00:00:00:01:06", "fe80::6", "1"), asset("00:00:00:00:01:06", "fe80::3", "1"),
    *(asset("00:00:00:00:01:07", f"10.40.0.{number}", "1", arp=1) for number in range(20, 29)),
    asset("00:00:00:00:01:07", "fe80::7", "1"),
    asset("00:00:00:00:01:08", "fe80::8", "1"), asset("00:00:00:00:01:08", "172.31.0.8", "1"),
]  # fmt: skip
LINKS = model("""
    zones:
    - {id: office, importance: low, members: 10.40.0.0/16}
    - {id: cell, importance: high, members: [10.30.2.0/24, 10.30.3.0/24]}
    - {id: line, importance: high, members: [fd00:30::/32, "00:00:00:00:00:07"]}
""")


@pytest.mark.parametrize(
    ("client", "server", "transport", "zones"),
    [
        ("fe80::3", "fe80::9", "tcp", ("office", "office")),
        ("fe80::3", "fe80::9", "icmpv6", ("", "")),
        ("fe80::3", "ff02::fb", "udp", ("", "")),
        ("::", "fe80::3", "udp", ("office", "office")),
        ("fe80::3", "fd00:30::1", "tcp", ("office", "line")),
        ("fe80::3", "fd00:30::1", "icmpv6", ("line", "line")),
        # Its other addresses are of two zones, as a router's are.
        ("fe80::3", "fe80::200:ff:fe00:102", "tcp", ("office", "office")),
        ("fe80::254", "fe80::9", "tcp", ("office", "office")),
        ("fe80::254", "fe80::5", "tcp", ("", "")),
        # Nobody knows anything of the one end, or it is in no zone, or there are too many.
        ("fe80::5", "fe80::3", "tcp", ("office", "office")),
        ("fe80::7", "fe80::5", "tcp", ("", "")),
        ("fe80::8", "fe80::5", "tcp", ("", "")),
        ("fe80::3", "00:00:00:00:00:07", "ethernet", ("office", "line")),
    ],
)
def test_a_link_local_address_is_where_its_device_is(
    client: str, server: str, transport: str, zones: tuple[str, str]
) -> None:
    for seen in (SEEN, SEEN[::-1]):
        (_, first), (_, second) = locate_ends(index(LINKS, seen), client, server, "1", transport)
        assert (first.zone, second.zone) == zones


def test_a_forged_frame_hides_no_link_local_address_that_is_made_of_a_mac_address() -> None:
    own = [one for one in SEEN if one.address != "fd00:30::1"]
    for seen in (own, own[::-1]):
        ready = index(LINKS, seen)
        address = parse_address("fe80::200:ff:fe00:102")
        assert address is not None
        assert ready.linked[address, "1"] == Found("cell", "m.yaml:3")
        assert ready.carriers[address] == (parse_address("10.30.2.1"),)
    # Under an address that tells no MAC address nobody knows whose it is.
    other = [asset(OFFICE, "fe80::44", "1"), asset(CELL, "fe80::44", "1"), *own]
    assert (parse_address("fe80::44"), "1") not in index(LINKS, other).linked
    # The same address on another link is another one.
    assert (parse_address("fe80::3"), "2") not in index(LINKS, own).linked


def test_a_flood_of_link_local_senders_is_no_step_that_grows_with_its_square() -> None:
    number = 8_000
    blocks = "fe80:", "fd00:30:"
    flood = [asset(OFFICE, f"{block}:{one:x}", "1") for one in range(number) for block in blocks]
    many = [asset(f"02:00:00:00:{one >> 8:02x}:{one & 255:02x}", "fe80::f:44", "1") for one in range(number)]
    places = [replace(one, address=f"10.40.{place >> 8}.{place & 255}") for place, one in enumerate(many)]
    begun = process_time()
    ready = index(LINKS, [*flood, *many, *places])
    # Less than a second; minutes where each of a sender's addresses has its place found by all others.
    assert process_time() - begun < 20
    assert len(ready.linked) == number
    assert max(map(len, ready.carriers.values())) <= 16
