"""What is legal in a model and still doubtful, and which assets it does not place.

A caution is no error: a closed boundary or a zone without members can be meant. Each points at a line
of the model, so that it can be mended or agreed on there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from otmon.ledger.facts import Asset
from otmon.zones.address import Address, Network, host
from otmon.zones.model import INTERNET, UNKNOWN_ZONE, Boundary, Line, Model, Permission, Zone
from otmon.zones.place import Claim, Index, index, locate

CAUTIONS: Final[dict[str, str]] = {
    "zone-without-members": "zone {zone} has no members, so nothing is ever in it",
    "zone-without-owner": "zone {zone} has no owner",
    "zone-without-boundary": "no boundary joins zone {zone} to anything, so nothing may leave or reach it",
    "zone-of-vlans": "zone {zone} is told by VLAN only: addresses of other networks that are routed into the "
    "VLAN and in no prefix of the model count as its own",
    "zone-of-macs": "zone {zone} is told by MAC address only: behind a router its addresses are not known",
    "member-in-two-zones": "{member} is in zone {zone} and in zone {other} ({other_line}); {decides} decides",
    "member-within-other-zone": "{member} of zone {zone} is taken out of {outer} of {other} ({other_line})",
    "boundary-without-device-owner": "boundary {boundary} does not say who owns its device",
    "boundary-without-settings-owner": "boundary {boundary} does not say who owns its settings",
    "boundary-closed": "boundary {boundary} allows nothing",
    "permission-without-limit": "permission {permission} allows every protocol on every port",
    "internet-into-high": "permission {permission} lets the Internet into zone {zone} of high importance",
}
"""Cautions as sentences in English."""


@dataclass(frozen=True, slots=True, order=True)
class Caution:
    line: Line
    key: str
    """Of `CAUTIONS`."""
    params: tuple[tuple[str, str], ...]
    """Sorted by name."""

    def __str__(self) -> str:
        return f"{self.line}: {CAUTIONS[self.key].format(**dict(self.params))}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What `otmon zones check` tells of a model that has no errors."""

    files: tuple[str, ...]
    zones: int
    members: int
    boundaries: int
    permissions: int
    cautions: tuple[Caution, ...]
    """In the order of their lines."""


@dataclass(frozen=True, slots=True)
class Contested:
    """An asset that several zones claim equally."""

    asset: Asset
    zones: tuple[str, ...]
    """Sorted; the first decides."""


def check(model: Model) -> Checked:
    """Count a model and look through it."""
    lists = [*(zone.permissions for zone in model.zones), *(b.permissions for b in model.boundaries)]
    return Checked(
        model.files,
        len(model.zones),
        sum(len(zone.members) for zone in model.zones),
        len(model.boundaries),
        sum(map(len, lists)),
        cautions(model),
    )


def cautions(model: Model) -> tuple[Caution, ...]:
    """Everything doubtful, in the order of the lines."""
    found: set[Caution] = set()
    ready = index(model)
    joined = {end for boundary in model.boundaries for end in boundary.between}
    for zone in model.zones:
        found.update(_of_zone(zone, joined))
        found.update(_of_members(zone, ready))
        found.update(_of_permissions(zone.permissions, ready))
    for boundary in model.boundaries:
        found.update(_of_boundary(boundary))
        found.update(_of_permissions(boundary.permissions, ready))
    return tuple(sorted(found))


def in_no_zone(index: Index, assets: Iterable[Asset]) -> tuple[Asset, ...]:
    """Assets of the plant's own networks that the model does not list. Internet addresses, and
    addresses that belong to no network (link-local ones), are none."""
    return tuple(a for a in assets if locate(index, a.address or a.mac, a.vlan).zone == UNKNOWN_ZONE)


def in_two_zones(index: Index, assets: Iterable[Asset]) -> tuple[Contested, ...]:
    """Assets that the model lists twice."""
    found = []
    for asset in assets:
        place = locate(index, asset.address or asset.mac, asset.vlan)
        if place.also:
            found.append(Contested(asset, (place.zone, *place.also)))
    return tuple(found)


def _caution(line: Line, key: str, **params: str) -> Caution:
    return Caution(line, key, tuple(sorted(params.items())))


def _of_zone(zone: Zone, joined: set[str]) -> Iterator[Caution]:
    if not zone.members:
        yield _caution(zone.line, "zone-without-members", zone=zone.id)
    if not zone.owners:
        yield _caution(zone.line, "zone-without-owner", zone=zone.id)
    if zone.id not in joined:
        yield _caution(zone.line, "zone-without-boundary", zone=zone.id)
    if zone.members and all(m.network is None for m in zone.members):
        told_by_vlan = any(m.mac is None for m in zone.members)
        yield _caution(zone.line, "zone-of-vlans" if told_by_vlan else "zone-of-macs", zone=zone.id)


def _of_members(zone: Zone, ready: Index) -> Iterator[Caution]:
    """Members that lie in other members. What only one VLAN can see is not compared with another."""
    for member in zone.members:
        own = Claim(zone.id, member.vlan, member.line)
        for network in (member.network, host(member.mac) if member.mac is not None else None):
            if network is not None:
                yield from _of_network(network, own, ready)
        if member.network is None and member.mac is None:
            for other in ready.vlans[member.vlan or ""]:
                if other.zone != zone.id and other.line < own.line:
                    yield _contested(f"VLAN {member.vlan or 'untagged'}", own, other)


def _of_network(network: Network, own: Claim, ready: Index) -> Iterator[Caution]:
    first = Address(network.bits, network.prefix << (network.bits - network.length))
    for length, claims in ready.networks.covering(first):
        if length > network.length:
            continue
        outer = Network(network.bits, length, network.prefix >> (network.length - length))
        for other in claims:
            if None not in (own.vlan, other.vlan) and own.vlan != other.vlan:
                continue
            if other.zone != own.zone and length == network.length and other.vlan == own.vlan:
                # Told once, at the later of the two lines.
                if other.line < own.line:
                    yield _contested(str(network), own, other)
            elif other.zone != own.zone and length < network.length:
                yield _caution(
                    own.line, "member-within-other-zone", member=str(network), zone=own.zone,
                    outer=str(outer), other=other.zone, other_line=str(other.line),
                )  # fmt: skip


def _contested(member: str, own: Claim, other: Claim) -> Caution:
    return _caution(
        own.line, "member-in-two-zones", member=member, zone=own.zone, other=other.zone,
        other_line=str(other.line), decides=min(own.zone, other.zone),
    )  # fmt: skip


def _of_boundary(boundary: Boundary) -> Iterator[Caution]:
    if not boundary.device_owner:
        yield _caution(boundary.line, "boundary-without-device-owner", boundary=boundary.id)
    if not boundary.settings_owner:
        yield _caution(boundary.line, "boundary-without-settings-owner", boundary=boundary.id)
    if not boundary.permissions:
        yield _caution(boundary.line, "boundary-closed", boundary=boundary.id)


def _of_permissions(permissions: Iterable[Permission], ready: Index) -> Iterator[Caution]:
    for permission in permissions:
        if not permission.protocols and not permission.ports and not permission.transports:
            yield _caution(permission.line, "permission-without-limit", permission=permission.id)
        servers = {end.zone for end in permission.servers}
        if any(end.zone == INTERNET for end in permission.clients):
            for zone in sorted(servers):
                if ready.zones[zone].importance == "high":
                    yield _caution(permission.line, "internet-into-high", permission=permission.id, zone=zone)
