"""What is legal in a model and still doubtful, and which assets it does not place.

A caution is no error: a closed boundary or a zone without members can be meant. Each points at a line
of the model, so that it can be mended or agreed on there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Final, get_args

from otmon.ledger.facts import Asset
from otmon.ledger.ledger import Ledger
from otmon.zones.address import Address, Network, host, within
from otmon.zones.files.nesting import written_id
from otmon.zones.model import (
    IMPORTANCES,
    INTERNET,
    UNKNOWN_ZONE,
    Boundary,
    Importance,
    Kind,
    Line,
    Model,
    Permission,
    Zone,
)
from otmon.zones.place import Claim, Index, baseline_zones, index, innermost, locate, locate_ends
from otmon.zones.review.covering import overlaps
from otmon.zones.review.notation import ANY
from otmon.zones.review.structure import REQUIREMENTS, mixed_zones, placed_devices, unknown_roles
from otmon.zones.review.usage import unseen_zones, usage
from otmon.zones.review.works import plant_doubts
from otmon.zones.role import BY_NAME
from otmon.zones.unread import let_pass, unread

CAUTIONS: Final[dict[str, str]] = {
    "zone-without-members": "zone {zone} has no members, so nothing is ever in it",
    "zone-without-owner": "zone {zone} has no owner",
    "zone-without-boundary": "no boundary joins zone {zone} to anything, so nothing may leave or reach it",
    "zone-of-vlans": "zone {zone} is told by VLAN only: addresses of other networks that are routed into the "
    "VLAN and in no prefix of the model count as its own",
    "zone-of-macs": "zone {zone} is told by MAC address only: behind a router its addresses are not known",
    "zone-of-ports": "zone {zone} is told by switch port only: without ports in the capture it has no hosts",
    "seen-at-ports-of-two-zones": "{addresses} came in at a switch port of zone {zone} and at one of "
    "zone {other} ({other_line}): no port decides where it is",
    "member-in-two-zones": "{member} is in zone {zone} and in zone {other} ({other_line}); {decides} decides",
    "member-within-other-zone": "{member} of zone {zone} is taken out of {outer} of {other} ({other_line})",
    "member-outside-outer-zone": "{member} of zone {zone} is in no network of zone {outer}, which it is "
    "within ({outer_line})",
    "boundary-without-device-owner": "boundary {boundary} does not say who owns its device",
    "boundary-without-settings-owner": "boundary {boundary} does not say who owns its settings",
    "boundary-closed": "boundary {boundary} allows nothing",
    "permission-without-limit": "permission {permission} allows every protocol on every port",
    "access-not-read": "permission {permission} limits access or functions, and of {protocols} otmon does "
    "not read what is asked for: all of it passes",
    "reads-not-read": "permission {permission} does not allow reading, and of {protocols} otmon reads only "
    "what changes something: what reads values passes",
    "internet-into-high": "permission {permission} lets the Internet into zone {zone} of high importance",
    "mixed-zone": "zone {zone} holds {kind} assets together with {others}: IEC 62443-3-2 {requirement} wants "
    "them apart{because}",
    "importance-gap": "boundary {boundary} joins {low} ({low_importance}) and {high} (high importance) with "
    "nothing between them",
    "permission-shadowed": "all that permission {permission} allows is allowed by {other} ({other_line})",
    "permission-voided": "permission {permission} limits {what}, and {other} ({other_line}) allows part of "
    "the same traffic without that",
    "permissions-not-compared": "{count} permissions are in one list from here on: not all of them were "
    "compared with each other",
    "permission-expires": "permission {permission} {when} on {expires}",
    "exception-long": "exception {permission} holds until {expires}, more than a year: what lasts is agreed "
    "as a permission",
    "asset-in-no-zone": "asset {asset} is in no zone",
    "role-unknown": "role {role} of {assets} is none that otmon knows, so no check tells which kind of "
    "device that is",
    "works-differ": "zone {zone} does works of differing importance: {works}; in METI's guideline "
    "the works of a zone are of equal importance",
    "importance-unlike-works": "zone {zone} is of {importance} importance, and the most important of its "
    "works, {work}, of {work_importance}",
    "work-in-no-zone": "work {work} is done in no zone",
    "protected-in-no-zone": "protected {protected} is in no zone: none holds its assets or does its works",
    "protected-below": "protected {protected} of {importance} importance is in zone {zone} of "
    "{zone_importance} importance ({zone_line})",
    "target-level": "zone {zone} of {importance} importance has the security level {level}, and zone {other} "
    "of {other_importance} importance {other_level}",
    "zone-without-baseline": "zone {zone} allows inside what a baseline holds: without `--baseline` only "
    "what it lists is judged there",
    "baseline-empty": "the baseline holds nothing inside zone {zone}, so only what it lists is allowed there",
    "permission-unused": "permission {permission} was used by nothing in the ledger",
    "permission-wider": "permission {permission} is for more hosts than used it: {side} {hosts}",
    "permission-broader": "permission {permission} allows more than was used (allowed → used): {items}",
    "zone-unseen": "nothing of zone {zone} was seen in the ledger",
}
"""Cautions as sentences in English; `otmon.outputs.zone_check` words them in both languages. What is not a
name or a number in a parameter is one of `WORDS`, or several with commas."""
WORDS: Final = (
    *get_args(Importance), *get_args(Kind), "low importance", "outside", "ran out", "runs out", "from", "to",
    "the values that are written", "its hours", "its last day", "how often it is used",
)  # fmt: skip

_RESTRICTS: Final = {
    "limits": "the values that are written",
    "schedule": "its hours",
    "expires": "its last day",
    "rate": "how often it is used",
}
"""Fields of a permission that restrict beyond what is asked of whom, in words."""
ASSETS_NAMED: Final = 4
"""Assets that are named for one role that nobody knows."""
SOON: Final = timedelta(days=30)
"""Before a permission runs out by so much it is time to renew it."""
LONG: Final = timedelta(days=366)
"""More than any exception is meant to last: by then people should have agreed on it, or ended it."""


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


def check(
    model: Model, today: date | None = None, ledger: Ledger | None = None, baseline: Ledger | None = None
) -> Checked:
    """Count a model and look through it. With `today` permissions that have run out, or will do so within
    `SOON`, are told; with a ledger what nobody used; with a baseline the zones of which it holds nothing."""
    return Checked(
        model.files,
        len(model.zones),
        sum(len(zone.members) for zone in model.zones),
        sum(not border.inherited for border in model.boundaries),
        sum(map(len, _lists(model))),
        cautions(model, today, ledger, baseline),
    )


def cautions(
    model: Model, today: date | None = None, ledger: Ledger | None = None, baseline: Ledger | None = None
) -> tuple[Caution, ...]:
    """Everything doubtful, in the order of the lines."""
    found: set[Caution] = set()
    ready = index(model)
    joined = {end for boundary in model.boundaries for end in boundary.between}
    for zone in model.zones:
        found.update(_of_zone(zone, joined))
        found.update(_of_members(zone, ready))
        found.update(_of_permissions(zone.permissions, ready))
    for boundary in model.boundaries:
        if not boundary.inherited:
            found.update(_of_boundary(boundary))
        found.update(_of_permissions(boundary.permissions, ready))
        found.update(_of_importance(boundary, ready))
    for permissions in _lists(model):
        found.update(_shadowed(permissions))
        if today is not None:
            found.update(_expiring(permissions, today))
    found.update(_of_structure(ready))
    found.update(_caution(line, key, **params) for line, key, params in plant_doubts(ready))
    if ledger is not None:
        seen = index(model, ledger.assets, claims=ledger.claims)
        found.update(_of_usage(seen, ledger))
        found.update(_of_ports(seen))
    found.update(_of_baseline(model, baseline))
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


def _lists(model: Model) -> list[tuple[Permission, ...]]:
    """The permissions that are written, list by list."""
    written = (border for border in model.boundaries if not border.inherited)
    return [*(zone.permissions for zone in model.zones), *(border.permissions for border in written)]


def _of_structure(ready: Index) -> Iterator[Caution]:
    for mixed in mixed_zones(ready):
        because = f" ({', '.join(mixed.because)})" if mixed.because else ""
        yield _caution(
            ready.zones[mixed.zone].line, "mixed-zone", zone=mixed.zone, kind=mixed.kind,
            others=", ".join(mixed.others), requirement=REQUIREMENTS[mixed.kind], because=because,
        )  # fmt: skip
    placed = {device.id for device, _ in placed_devices(ready)}
    for device in ready.model.devices:
        if device.id not in placed:
            yield _caution(device.line, "asset-in-no-zone", asset=device.id)
    for role, devices in unknown_roles(ready.model).items():
        close = get_close_matches(role, BY_NAME, n=1, cutoff=0.7)
        named = ", ".join(device.id for device in devices[:ASSETS_NAMED])
        more = len(devices) - ASSETS_NAMED
        yield _caution(
            devices[0].line, "role-unknown", role=role + (f" ({close[0]}?)" if close else ""),
            assets=named + (f" (+{more})" if more > 0 else ""),
        )  # fmt: skip
    levelled = [zone for zone in ready.model.zones if zone.target_level]
    for zone in levelled:
        for other in levelled:
            weights = IMPORTANCES.index(zone.importance), IMPORTANCES.index(other.importance)
            if weights[0] > weights[1] and zone.target_level < other.target_level:
                yield _caution(
                    zone.line, "target-level", zone=zone.id, importance=zone.importance,
                    level=str(zone.target_level), other=other.id, other_importance=other.importance,
                    other_level=str(other.target_level),
                )  # fmt: skip


def _of_importance(boundary: Boundary, ready: Index) -> Iterator[Caution]:
    """The most important zones side by side with the least important ones, or with the Internet."""
    if not boundary.permissions:
        return
    for low, high in (boundary.between, boundary.between[::-1]):
        lower = f"{ready.zones[low].importance} importance" if low in ready.zones else "outside"
        if (
            lower in ("low importance", "outside")
            and high in ready.zones
            and ready.zones[high].importance == "high"
        ):
            yield _caution(
                boundary.line,
                "importance-gap",
                boundary=boundary.id,
                low=low,
                low_importance=lower,
                high=high,
            )


def _shadowed(permissions: tuple[Permission, ...]) -> Iterator[Caution]:
    """Permissions that another one of the list makes idle, or voids what they restrict."""
    found = overlaps(permissions)
    for permission, other in found.shadowed:
        yield _caution(
            permission.line, "permission-shadowed", permission=permission.called(), other=other.called(),
            other_line=str(other.line),
        )  # fmt: skip
    for permission, name, other in found.voided:
        yield _caution(
            permission.line, "permission-voided", permission=permission.called(),
            what=_RESTRICTS.get(name, name), other=other.called(), other_line=str(other.line),
        )  # fmt: skip
    if not found.whole:
        yield _caution(permissions[0].line, "permissions-not-compared", count=str(len(permissions)))


def _expiring(permissions: tuple[Permission, ...], today: date) -> Iterator[Caution]:
    for permission in permissions:
        if permission.expires:
            last = date.fromisoformat(permission.expires)
            if last < today + SOON:
                when = "ran out" if last < today else "runs out"
                yield _caution(
                    permission.line, "permission-expires", permission=permission.called(), when=when,
                    expires=permission.expires,
                )  # fmt: skip
            elif permission.exception and last > today + LONG:
                yield _caution(
                    permission.line, "exception-long", permission=permission.called(),
                    expires=permission.expires,
                )  # fmt: skip


def _of_usage(ready: Index, ledger: Ledger) -> Iterator[Caution]:
    for used in usage(ready, ledger):
        permission = used.permission
        if used.unused:
            yield _caution(permission.line, "permission-unused", permission=permission.called())
        for side in used.wider:
            hosts = ", ".join(used.clients if side == "from" else used.servers)
            yield _caution(
                permission.line, "permission-wider", permission=permission.called(), side=side, hosts=hosts
            )
        if used.excess:
            items = "; ".join(f"{one.what} {one.allowed} → {one.used}" for one in used.excess)
            yield _caution(permission.line, "permission-broader", permission=permission.called(), items=items)
    for zone in unseen_zones(ready, ledger):
        yield _caution(ready.zones[zone].line, "zone-unseen", zone=zone)


def _of_baseline(model: Model, baseline: Ledger | None) -> Iterator[Caution]:
    wanting = baseline_zones(model)
    held: set[str] = set()
    if baseline is not None and wanting:
        ready = index(model, baseline.assets, claims=baseline.claims)
        for fact in baseline.conversations:
            (_, client), (_, server) = locate_ends(ready, fact.client, fact.server, fact.vlan, fact.transport)
            held |= {client.zone} if client.zone == server.zone else set()
    key = "zone-without-baseline" if baseline is None else "baseline-empty"
    for zone in model.zones:
        if zone.id in wanting and zone.id not in held:
            yield _caution(zone.line, key, zone=zone.id)


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
        told_by_vlan = any(m.macs is None and m.port is None for m in zone.members)
        told_by_port = all(m.port is not None for m in zone.members)
        key = "zone-of-vlans" if told_by_vlan else "zone-of-ports" if told_by_port else "zone-of-macs"
        yield _caution(zone.line, key, zone=zone.id)


def _of_members(zone: Zone, ready: Index) -> Iterator[Caution]:
    """Members that lie in other members. What only one VLAN can see is not compared with another."""
    for member in zone.members:
        own = Claim(zone.id, member.vlan, member.line, ready.around[zone.id])
        if zone.within and member.network is not None and not _in_outer(member.network, own, ready):
            yield _caution(
                own.line, "member-outside-outer-zone", member=str(member.network), zone=zone.id,
                outer=zone.within, outer_line=str(ready.zones[zone.within].line),
            )  # fmt: skip
        if member.port is not None:
            for other in ready.plugs[member.port]:
                if other.zone != zone.id and other.line < own.line and not _nested(own, other):
                    yield _contested(member.port, own, other)
        for network in (member.network, member.macs):
            if network is not None:
                yield from _of_network(network, own, ready)
        if member.network is None and member.macs is None and member.port is None:
            for other in ready.vlans[member.vlan or ""]:
                if other.zone != zone.id and other.line < own.line and not _nested(own, other):
                    yield _contested(f"VLAN {member.vlan or 'untagged'}", own, other)


def _of_ports(ready: Index) -> Iterator[Caution]:
    """Addresses whose frames came in at ports of two zones: somebody forges them, or a port is that of a
    router or another switch, or is mirrored in both directions."""
    found: dict[tuple[Claim, Claim], list[Address]] = {}
    for (address, _), claims in ready.ports.items():
        apart = {one.zone: one for one in sorted(innermost(claims), key=lambda one: one.line)}
        if len(apart) > 1:
            first, second = sorted(apart.values(), key=lambda one: one.line)[:2]
            found.setdefault((second, first), []).append(address)
    for (claim, other), addresses in found.items():
        told = str(host(min(addresses))) + (f" (+{len(addresses) - 1})" if len(addresses) > 1 else "")
        yield _caution(
            claim.line, "seen-at-ports-of-two-zones", addresses=told, zone=claim.zone, other=other.zone,
            other_line=str(other.line),
        )  # fmt: skip


def _of_network(network: Network, own: Claim, ready: Index) -> Iterator[Caution]:
    first = Address(network.bits, network.prefix << (network.bits - network.length))
    for length, claims in ready.networks.covering(first):
        if length > network.length:
            continue
        outer = Network(network.bits, length, network.prefix >> (network.length - length))
        for other in claims:
            if None not in (own.vlan, other.vlan) and own.vlan != other.vlan:
                continue
            if _nested(own, other):
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


def _nested(one: Claim, other: Claim) -> bool:
    return one.zone in other.around or other.zone in one.around


def _in_outer(network: Network, own: Claim, ready: Index) -> bool:
    """Whether a zone around lists the network, or tells its hosts by something else than networks."""
    outer = [member for id in own.around for member in ready.zones[id].members]
    return any(member.network is None or within(network, member.network) for member in outer) or not outer


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


def _of_permissions(permissions: Sequence[Permission], ready: Index) -> Iterator[Caution]:
    for permission in permissions:
        written = written_id(permission.id) == permission.id
        if written and not (permission.protocols or permission.ports or permission.transports):
            yield _caution(permission.line, "permission-without-limit", permission=permission.called())
        for key, what in (("access-not-read", "all"), ("reads-not-read", "reads")):
            some = [
                one
                for one in permission.protocols or (ANY,)
                if unread(permission, one) == what and not let_pass(permissions, permission, one)
            ]
            if some:
                yield _caution(
                    permission.line, key, permission=permission.called(), protocols=", ".join(some)
                )
        servers = {end.zone for end in permission.servers}
        if any(end.zone == INTERNET for end in permission.clients):
            for zone in sorted(servers):
                if ready.zones[zone].importance == "high":
                    yield _caution(
                        permission.line, "internet-into-high", permission=permission.called(), zone=zone
                    )
