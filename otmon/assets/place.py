"""Where devices are in the zone model, and for which zones there is an inventory."""

from __future__ import annotations

from otmon.assets.grouping import SeenAddress, SeenDevice, is_name
from otmon.zones.address import Address, host
from otmon.zones.model import INTERNET, UNKNOWN_ZONE, Device
from otmon.zones.place import Index, locate, locate_address

NOWHERE = frozenset({"", INTERNET, UNKNOWN_ZONE})
"""What is no zone that anybody drew."""


def zones_of(index: Index, seen: SeenDevice) -> tuple[str, ...]:
    """The zones that a device's addresses are in, sorted; "unknown" where no zone lists one. What has no
    network address of its own is where those are for which it answers by ARP, else goes by its MAC addresses,
    as far as zones list them or their VLAN."""
    found = {zone_of(index, one) for one in seen.addresses if is_name(one.address)}
    found = found or {zone_of(index, one) for one in seen.answers}
    if not found:
        found = {locate(index, one.mac, one.vlan).zone for one in seen.addresses if one.mac}
        # A MAC address that no zone lists says nothing of a place.
        found -= {UNKNOWN_ZONE}
    return tuple(sorted(found - {""}))


def zone_of(index: Index, one: SeenAddress) -> str:
    """The zone of one address of a device; "" for a link-local one."""
    return locate(index, one.address, one.vlan).zone


def inventoried(index: Index) -> dict[str, int]:
    """The zones that hold assets of the inventory, and how many: somebody has listed what is in them."""
    counts: dict[str, int] = {}
    for device in index.model.devices:
        zones = {device.zone} if device.zone else set()
        if not zones:
            ends = _ends(device) or ([device.mac] if device.mac is not None else [])
            zones = {locate_address(index, one, "").zone for one in ends}
        for zone in zones - NOWHERE:
            counts[zone] = counts.get(zone, 0) + 1
    return counts


def home_zones(index: Index, seen: SeenDevice) -> frozenset[str]:
    """The zones in which the inventory says an asset is: its `zone`, else those of its addresses there."""
    listed = seen.listed
    if listed is None:
        return frozenset()
    if listed.zone:
        return frozenset({listed.zone})
    vlans = seen.vlans or ("",)
    return (
        frozenset(locate_address(index, end, vlan).zone for end in _ends(listed) for vlan in vlans) - NOWHERE
    )


def _ends(listed: Device) -> list[Address]:
    return [Address(net.bits, net.prefix) for net in listed.networks if net.length == net.bits]


def listed_addresses(seen: SeenDevice) -> frozenset[str]:
    """What the inventory gives as the device's addresses; empty where it gives none."""
    return frozenset(map(str, seen.listed.networks)) if seen.listed is not None else frozenset()


def listed_mac(seen: SeenDevice) -> str:
    """What the inventory gives as the device's MAC address; "" where it gives none."""
    known = seen.listed.mac if seen.listed is not None else None
    return "" if known is None else str(host(known))
