"""Which senders are one device, and which only look like it."""

from __future__ import annotations

from random import Random

import pytest

from otmon.assets.grouping import MAX_FORWARDED, SeenDevice, SeenDevices, is_name, seen_devices
from otmon.ledger.facts import Asset
from otmon.ledger.merge import collect
from otmon.zones.model import Device
from tests.zones.facts import asset, conversation, model

A, B, ROUTER = "00:80:f4:00:00:01", "00:80:f4:00:00:02", "00:09:0f:00:00:fe"


def inventory(*entries: str) -> tuple[Device, ...]:
    assets = "".join(f"- {{{entry}}}\n" for entry in entries)
    return model(f"zones: [{{id: all, importance: low, members: 10.0.0.0/8}}]\nassets:\n{assets}").devices


def group(*senders: Asset, listed: tuple[Device, ...] = ()) -> SeenDevices:
    return seen_devices(collect(assets=senders), listed)


def told(found: SeenDevices) -> dict[str, tuple[str, ...]]:
    return {one.id: one.texts for one in found.devices}


def one(found: SeenDevices, id: str) -> SeenDevice:
    return next(device for device in found.devices if device.id == id)


def test_a_mac_address_with_a_few_addresses_is_one_device() -> None:
    found = group(
        asset(A, "10.1.0.5", packets=2, first_ns=5, last_ns=9), asset(A, "fe80::1", first_ns=3), asset(A, ""),
        asset(A, "fd00::5", "7"), asset(A, "2001:db8::5"), asset(A, "0.0.0.0"),
    )  # fmt: skip
    (device,) = found.devices
    assert device.id == A and device.macs == (A,) and not device.forwards
    assert device.texts == ("10.1.0.5", "2001:db8::5", "fd00::5", "fe80::1")
    assert device.vlans == ("", "7")
    assert (device.packets, device.first_ns, device.last_ns) == (7, 1, 9)
    assert found.owner("10.1.0.5", "") == found.owner(A, "") == A
    assert found.owner("10.1.0.6", "") == found.owner("no address", "") == found.owner("0.0.0.0", "") == ""


def test_a_router_is_not_the_devices_behind_it() -> None:
    found = group(
        asset(ROUTER, "10.1.0.254", arp=1), asset(ROUTER, "10.2.0.5"), asset(ROUTER, "10.3.0.5"),
        asset(ROUTER, "198.51.100.1"), asset(ROUTER, "fe80::254"), asset(A, "10.1.0.5"),
    )  # fmt: skip
    assert told(found) == {
        A: ("10.1.0.5",),
        ROUTER: ("10.1.0.254", "fe80::254"),
        "10.2.0.5": ("10.2.0.5",),
        "10.3.0.5": ("10.3.0.5",),
    }
    router, behind = one(found, ROUTER), one(found, "10.2.0.5")
    assert router.forwards == ("10.2.0.5", "10.3.0.5", "198.51.100.1") and router.forwarded == 3
    assert behind.macs == () and behind.routers == (ROUTER,)


def test_a_device_seen_on_both_sides_of_a_router_is_one() -> None:
    found = group(
        asset(ROUTER, "10.1.0.5"), asset(ROUTER, "10.2.0.5"), asset(A, "10.1.0.5"), asset(B, "10.2.0.5")
    )
    assert told(found) == {A: ("10.1.0.5",), B: ("10.2.0.5",), ROUTER: ()}


def test_who_sends_from_an_address_that_another_one_claims_does_not_have_it() -> None:
    found = group(asset(A, "10.1.0.5", arp=3), asset(B, "10.1.0.5"), asset(B, "10.1.0.6", arp=1))
    assert told(found) == {A: ("10.1.0.5",), B: ("10.1.0.6",)}
    assert one(found, B).forwards == ("10.1.0.5",)
    assert found.owner("10.1.0.5", "") == A


@pytest.mark.parametrize("claimed", [0, 1])
@pytest.mark.parametrize(("addresses", "devices"), [(8, 1), (9, 10)])
def test_one_mac_address_for_a_whole_network_is_no_giant_host(
    addresses: int, claimed: int, devices: int
) -> None:
    found = group(*(asset(ROUTER, f"10.2.0.{n + 1}", packets=2, arp=claimed) for n in range(addresses)))
    assert len(found.devices) == devices
    assert one(found, ROUTER).forwarded == (addresses if devices > 1 else 0)
    assert not any(at.claimed for device in found.devices if device.routers for at in device.addresses)


def test_who_answers_by_arp_for_others_does_not_have_their_addresses() -> None:
    """Proxy ARP between the halves of a network, seen on both sides: the router claims what hosts claim too,
    and what nobody has."""
    near, far = "00:09:0f:00:00:01", "00:09:0f:00:00:02"
    macs = [f"00:80:f4:00:01:{n:02x}" for n in range(18)]
    own = [asset(mac, f"10.2.0.{n + 1}", arp=1) for n, mac in enumerate(macs)]
    proxy = [asset(far if n < 9 else near, f"10.2.0.{n + 1}", packets=5, arp=2) for n in range(18)]
    empty = [asset(near, f"10.2.0.{n}", packets=2, arp=2) for n in range(100, 110)]
    found = group(*own, *proxy, *empty)
    assert told(found) == {mac: (f"10.2.0.{n + 1}",) for n, mac in enumerate(macs)} | {near: (), far: ()}
    assert (one(found, near).forwarded, one(found, far).forwarded) == (19, 9)
    assert found.owner("10.2.0.1", "") == macs[0] and found.owner("10.2.0.105", "") == ""
    # On one side alone, those beyond are devices behind it.
    found = group(*own[:9], *(sender for sender in (*proxy, *empty) if sender.mac == near))
    assert {device.id for device in found.devices if device.routers} == {f"10.2.0.{n}" for n in range(10, 19)}


def test_a_core_switch_has_an_address_of_its_own_in_each_network() -> None:
    found = group(*(asset(ROUTER, f"10.{n}.0.254", str(n), arp=1) for n in range(1, 21)))
    assert len(found.devices) == 1 and len(found.devices[0].texts) == 20


def test_the_inventory_knows_a_server_with_many_addresses() -> None:
    texts = [f"10.2.0.{n}" for n in range(1, 13)]
    for given in ("", f", mac: '{A}'"):
        listed = inventory(f"id: server, address: [{', '.join(texts)}]{given}")
        for claimed in (0, 1):
            found = group(*(asset(A, text, arp=claimed) for text in texts), listed=listed)
            assert told(found) == {"server": tuple(texts)} and not found.devices[0].forwarded


def test_a_host_may_have_many_addresses_of_ipv6_one_after_the_other() -> None:
    found = group(asset(A, "10.2.0.1"), *(asset(A, f"fd00::{n + 1:x}") for n in range(20)))
    assert len(found.devices) == 1 and len(found.devices[0].texts) == 21


def test_very_many_forwarded_addresses_are_counted_and_not_kept() -> None:
    found = group(*(asset(ROUTER, f"198.51.{n // 250}.{n % 250 + 1}") for n in range(600)))
    (router,) = found.devices
    assert router.forwarded == 600 and len(router.forwards) == MAX_FORWARDED


def test_the_same_address_in_two_vlans_may_be_two_devices() -> None:
    found = group(asset(A, "192.168.1.1", "10"), asset(B, "192.168.1.1", "20"))
    assert told(found) == {A: ("192.168.1.1",), B: ("192.168.1.1",)}
    assert (found.owner("192.168.1.1", "10"), found.owner("192.168.1.1", "20")) == (A, B)


def test_what_is_seen_below_ip_only_has_no_vlan_of_its_own() -> None:
    """Judging such facts ended with an error: a MAC address was looked for in the networks with VLANs."""
    found = group(asset(A, ""), asset(A, "10.1.0.1"), asset(B, "10.1.0.1", "10"))
    assert len(found.devices) == 2


def test_without_mac_addresses_the_address_is_the_device() -> None:
    assert told(group(asset("", "10.1.0.5"), asset("", "10.1.0.6"))) == {
        "10.1.0.5": ("10.1.0.5",),
        "10.1.0.6": ("10.1.0.6",),
    }


def test_groups_and_broken_addresses_are_nobody() -> None:
    assert not group(asset(A, "239.1.1.1"), asset("ff:ff:ff:ff:ff:ff", ""), asset("x", "y")).devices


def test_the_inventory_joins_interfaces() -> None:
    listed = inventory("id: server, address: [10.1.0.5, 10.1.0.6]")
    found = group(asset(A, "10.1.0.5"), asset(B, "10.1.0.6"), listed=listed)
    assert told(found) == {"server": ("10.1.0.5", "10.1.0.6")}
    assert found.devices[0].macs == (A, B) and found.devices[0].listed == listed[0]
    assert found.owner(B, "") == "server"


def test_the_inventory_parts_what_one_mac_address_carries() -> None:
    listed = inventory("id: one, address: 10.1.0.5", "id: other, address: 10.1.0.6")
    assert told(group(asset(A, "10.1.0.5"), asset(A, "10.1.0.6"), asset(A, "10.1.0.7"), listed=listed)) == {
        "one": ("10.1.0.5",),
        "other": ("10.1.0.6",),
        A: ("10.1.0.7",),
    }


def test_a_known_mac_address_is_its_asset_under_any_address() -> None:
    listed = inventory(f"id: laptop, address: 10.1.0.5, mac: '{A}'")
    assert told(group(asset(A, "10.9.0.1"), listed=listed)) == {"laptop": ("10.9.0.1",)}


def test_an_address_of_the_inventory_under_another_mac_address_is_another_device() -> None:
    listed = inventory(f"id: plc, address: 10.1.0.5, mac: '{A}'")
    assert told(group(asset(B, "10.1.0.5"), listed=listed)) == {B: ("10.1.0.5",)}
    # Behind a router the MAC address is the router's.
    found = group(asset(ROUTER, "10.1.0.5"), asset(ROUTER, "10.2.0.5"), listed=listed)
    assert told(found) == {"plc": ("10.1.0.5",), "10.2.0.5": ("10.2.0.5",), ROUTER: ()}
    assert one(found, "plc").routers == (ROUTER,) and one(found, "plc").macs == ()


def test_a_listed_router_keeps_its_addresses_and_no_others() -> None:
    listed = inventory(f"id: core, address: [10.1.0.254, 10.2.0.254], mac: '{ROUTER}'")
    senders = [asset(ROUTER, text) for text in ("10.1.0.254", "10.2.0.254", "10.3.0.5")]
    assert told(group(*senders, listed=listed)) == {
        "core": ("10.1.0.254", "10.2.0.254"),
        "10.3.0.5": ("10.3.0.5",),
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_facts_plays_no_part(seed: int) -> None:
    senders = [
        asset(mac, address, vlan, arp=arp)
        for mac in (A, B, ROUTER)
        for address, arp in (("10.1.0.5", 1), ("10.2.0.5", 0), ("198.51.100.1", 0), ("", 0))
        for vlan in ("", "7")
    ]
    shuffled = Random(seed).sample(senders, len(senders))
    assert group(*shuffled) == group(*senders)


def test_what_a_device_does_is_found_by_its_address() -> None:
    found = seen_devices(
        collect(assets=[asset(A, "10.1.0.5")], conversations=[conversation("10.2.0.1", "10.1.0.5")])
    )
    (host,) = (one for one in found.hosts.by_key.values() if found.of_host.get((one.address, one.scope)) == A)
    assert host.role == "controller"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("10.1.0.5", True),
        ("fe80::1", True),
        ("0.0.0.0", False),
        ("169.254.1.1", False),
        (A, False),
        ("", False),
    ],
)
def test_what_names_a_device(text: str, name: bool) -> None:
    assert is_name(text) == name


def test_what_else_the_mac_address_of_an_asset_sends_is_the_assets() -> None:
    listed = inventory("id: pc, address: 10.1.0.5")
    senders = [asset(A, text) for text in ("10.1.0.5", "fe80::5", "", "10.1.0.9")]
    assert told(group(*senders, listed=listed)) == {"pc": ("10.1.0.5", "10.1.0.9", "fe80::5")}
