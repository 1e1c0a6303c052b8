"""Where devices are, and for which zones there is an inventory."""

from __future__ import annotations

from time import process_time

import pytest

from otmon.assets.place import home_zones, inventoried, listed_addresses, listed_mac, zone_of, zones_of
from tests.assets.population import HMI, PHONE, PLC, ROUTER, here
from tests.zones.facts import asset


@pytest.mark.parametrize(
    ("senders", "zones"),
    [
        ((asset(PHONE, "10.1.0.9"), asset(PHONE, "0.0.0.0"), asset(PHONE, "fe80::1")), ("cell",)),
        ((asset(PHONE, "10.1.0.9", arp=1), asset(PHONE, "10.3.0.9", arp=1)), ("cell", "office")),
        ((asset(PHONE, "10.9.0.9"),), ("unknown",)),
        ((asset(PHONE, "fe80::1"),), ()),
        ((asset(PHONE, ""),), ()),
        ((asset(PHONE, "", "7"),), ("bus",)),
        ((asset(ROUTER, ""),), ("bus",)),
    ],
)
def test_a_device_is_where_its_addresses_are(senders: tuple[object, ...], zones: tuple[str, ...]) -> None:
    found, index = here(*senders)  # type: ignore[arg-type]
    (device,) = found.devices
    assert zones_of(index, device.seen) == zones
    assert {zone_of(index, one) for one in device.seen.addresses if one.address in device.seen.texts} >= set(
        zones if device.seen.texts and zones else ()
    )


def test_a_zone_is_inventoried_once_an_asset_of_the_inventory_is_in_it() -> None:
    assert inventoried(here()[1]) == {"cell": 2}


def test_what_the_inventory_says_of_a_device() -> None:
    found, index = here(asset(PLC, "10.3.0.1"), asset(HMI, "10.1.0.2"), asset(PHONE, "10.1.0.9"))
    plc, hmi, phone = (found.by_id[id].seen for id in ("plc-1", "hmi-1", PHONE))
    assert [home_zones(index, one) for one in (plc, hmi, phone)] == [{"cell"}, {"cell"}, set()]
    assert [listed_addresses(one) for one in (plc, hmi, phone)] == [{"10.1.0.1"}, {"10.1.0.2"}, set()]
    assert [listed_mac(one) for one in (plc, hmi, phone)] == [PLC, "", ""]


def test_a_device_of_very_many_addresses_is_placed_without_a_look_at_all_for_each() -> None:
    found, index = here(*(asset(PHONE, f"fe80::1:{one:x}") for one in range(8_000)))
    (device,) = found.devices
    begun = process_time()
    assert zones_of(index, device.seen) == ()
    # A tenth of a second; half a minute where each address looks through all of them.
    assert process_time() - begun < 8
