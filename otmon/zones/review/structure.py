"""The structural checks of IEC 62443-3-2: what has to be in a zone of its own.

Sources: IEC 62443-3-2:2020, zone and conduit requirements ZCR 3.2 (business and control assets), 3.3
(safety related assets), 3.4 (devices that are connected for a time), 3.5 (wireless devices) and 3.6
(devices connected through external networks), in words of ours.

What kind a device is of is told by its role in the inventory (`otmon.zones.role`); a zone says by
`kind` what it holds besides. Only what somebody wrote is compared: a model without kinds and roles
passes every check, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from otmon.zones.address import Address, Network
from otmon.zones.model import INTERNET, Device, Kind, Model, Zone
from otmon.zones.place import Index, locate_address
from otmon.zones.role import role_of

REQUIREMENTS: Final[Mapping[Kind, str]] = {
    "business": "ZCR 3.2",
    "safety": "ZCR 3.3",
    "temporary": "ZCR 3.4",
    "wireless": "ZCR 3.5",
    "external": "ZCR 3.6",
}
"""What has to stand apart from everything else; business assets from control."""


@dataclass(frozen=True, slots=True, order=True)
class Mixed:
    """A zone that holds what has to be apart."""

    zone: str
    kind: Kind
    """What has to be apart."""
    others: tuple[Kind, ...]
    """What it is together with, sorted."""
    because: tuple[str, ...]
    """Ids of the assets that say so, sorted; none where the zone's own `kind` does."""


def mixed_zones(index: Index) -> tuple[Mixed, ...]:
    """Every zone that holds what has to be apart, sorted. A zone of controllers with a boundary to the
    Internet holds devices that are connected through an external network."""
    kinds: dict[str, dict[Kind, set[str]]] = {}
    for zone in index.model.zones:
        kinds[zone.id] = {kind: set() for kind in zone.kinds}
    for device, zone_id in placed_devices(index):
        for kind in sorted(kinds_of(device)):
            kinds.setdefault(zone_id, {}).setdefault(kind, set()).add(device.id)
    for zone in _with_internet(index.model):
        if "control" in kinds[zone.id]:
            kinds[zone.id].setdefault("external", set())
    found: list[Mixed] = []
    for zone_id, held in kinds.items():
        found += _mixed(zone_id, held)
    return tuple(sorted(found))


def placed_devices(index: Index) -> Iterator[tuple[Device, str]]:
    """The assets of the inventory with the zone that each is in; those in no zone are left out."""
    for device in index.model.devices:
        addresses = [_first(network) for network in device.networks] + ([device.mac] if device.mac else [])
        zones = {locate_address(index, address, "").zone for address in addresses}
        for zone in sorted(zones & index.zones.keys()):
            yield device, zone


def kinds_of(device: Device) -> set[Kind]:
    """What a device is, as far as its roles tell."""
    known = (role_of(name) for name in device.roles)
    return {role.kind for role in known if role is not None and role.kind is not None}


def unknown_roles(model: Model) -> dict[str, list[Device]]:
    """Roles of assets that otmon does not know, with the assets that have them, in the order of the model."""
    found: dict[str, list[Device]] = {}
    for device in model.devices:
        for name in device.roles:
            if role_of(name) is None:
                found.setdefault(name, []).append(device)
    return found


def _first(network: Network) -> Address:
    return Address(network.bits, network.prefix << (network.bits - network.length))


def _with_internet(model: Model) -> list[Zone]:
    joined = {end for border in model.boundaries if INTERNET in border.between for end in border.between}
    return [zone for zone in model.zones if zone.id in joined]


def _mixed(zone: str, held: Mapping[Kind, Iterable[str]]) -> Iterator[Mixed]:
    for kind in REQUIREMENTS:
        if kind not in held:
            continue
        others = sorted(other for other in held if other != kind)
        if kind == "business":
            # Of business assets only the control system must be free.
            others = [other for other in others if other in ("control", "safety")]
        if others:
            yield Mixed(zone, kind, tuple(others), tuple(sorted(held[kind])))
