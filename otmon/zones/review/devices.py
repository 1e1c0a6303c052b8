"""Devices that the traffic shows in several places: one MAC address with addresses of several zones.

Such a device is a way around every boundary between those zones, if it is a host. A router shows the
same picture, because its MAC address carries the addresses of everybody behind it. They are told
apart by how far the addresses reach: what carries Internet addresses, or addresses of
`ZONES_OF_A_ROUTER` zones or more, or more than `ADDRESSES_OF_A_HOST`, is taken for a router. An
address that several MAC addresses carry belongs to the one that carries the fewest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from otmon.ledger.facts import Asset, Evidence
from otmon.zones.address import Address, is_group, parse_address, reach
from otmon.zones.place import ADDRESSES_OF_A_HOST, Index, locate_address

ZONES_OF_A_ROUTER: Final = 3
"""A machine with a foot in two zones is common, one with a foot in three is built to route."""


@dataclass(frozen=True, slots=True, order=True)
class Foot:
    """One place of a device."""

    zone: str
    address: str
    """An IP address, or the MAC address where a zone lists that."""
    vlan: str
    evidence: Evidence


@dataclass(frozen=True, slots=True, order=True)
class Device:
    mac: str
    feet: tuple[Foot, ...]
    """Sorted."""

    def zones(self) -> tuple[str, ...]:
        """The zones in which it stands, sorted."""
        return tuple(sorted({foot.zone for foot in self.feet}))


@dataclass(frozen=True, slots=True)
class Devices:
    hosts: tuple[Device, ...]
    """Devices with several places that no router explains, by MAC address."""
    routers: tuple[Device, ...]
    """Devices in several zones that are taken for routers, by MAC address."""


def devices(index: Index, assets: Iterable[Asset]) -> Devices:
    """What stands in several places, host or router."""
    of_mac: dict[str, list[tuple[Address, Asset]]] = {}
    carriers: dict[tuple[str, str], set[str]] = {}
    for asset in assets:
        address = parse_address(asset.address or asset.mac)
        if asset.mac and address is not None and not is_group(address):
            of_mac.setdefault(asset.mac, []).append((address, asset))
            carriers.setdefault((asset.address, asset.vlan), set()).add(asset.mac)
    size = {mac: len(carried) for mac, carried in of_mac.items()}
    hosts, routers = [], []
    for mac, carried in sorted(of_mac.items()):
        own = [
            (address, asset)
            for address, asset in carried
            if size[mac] == min(size[other] for other in carriers[asset.address, asset.vlan])
        ]
        device = Device(mac, _feet(index, mac, own))
        routes = any(reach(address) == "internet" for address, _ in carried)
        addresses = {asset.address for _, asset in carried if asset.address}
        if routes or len(device.zones()) >= ZONES_OF_A_ROUTER or len(addresses) > ADDRESSES_OF_A_HOST:
            whole = Device(mac, _feet(index, mac, carried))
            routers += [whole] if len(whole.zones()) > 1 else []
        elif len(device.feet) > 1:
            hosts.append(device)
    return Devices(tuple(hosts), tuple(routers))


def _feet(index: Index, mac: str, carried: list[tuple[Address, Asset]]) -> tuple[Foot, ...]:
    """The places of a device's addresses, and of its MAC address where a zone lists it."""
    feet: dict[tuple[str, str, str], Evidence] = {}
    for address, asset in carried:
        own = parse_address(mac)
        listed = own is not None and bool(index.networks.covering(own))
        for one, text in [(address, asset.address or mac)] + ([(own, mac)] if listed and own else []):
            zone = locate_address(index, one, asset.vlan).zone
            known = feet.get((zone, text, asset.vlan))
            if zone and (known is None or asset.evidence < known):
                feet[zone, text, asset.vlan] = asset.evidence
    return tuple(sorted(Foot(*key, evidence) for key, evidence in feet.items()))
