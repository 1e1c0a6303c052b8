"""Permissions as firewall rules: addresses, transports and ports, and in words what a firewall cannot check.

A rule is as wide as its permission at the level of addresses, transports and ports, and never wider than
that without saying so. What only the content shows (protocol, access class, function, unit, element, and
whatever else a permission says that is not known here) is named in `Rule.unchecked`; otmon goes on
checking it.

A permission that names no port is resolved by its protocols: their usual ports (`otmon.protocols`), else
`UnknownPort` - a rule for every port would let in what nobody agreed on. One that names neither a
protocol nor a port means every port and says so itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Final, Literal

from otmon.protocols.registry import IDS, PROTOCOLS
from otmon.sentence import Sentence, placed, sentence
from otmon.zones.address import MAC_BITS, Network
from otmon.zones.extent import Networks, collapsed, end_extent, zone_extent
from otmon.zones.model import Boundary, Endpoint, Member, Permission, Ranges, Zone, merged, shown
from otmon.zones.place import Index

WITH_PORTS: Final = ("tcp", "udp", "sctp")
EVERY_PORT: Final[Ranges] = ((1, 65535),)
_NAMED_OTHERWISE: Final = frozenset({"ip-1", "ip-6", "ip-17", "ip-58", "ip-132"})
"""No fact says these: it says icmp, tcp, udp, icmpv6, sctp. A firewall would take them for those."""
_ADDRESSED: Final = frozenset(
    {"id", "line", "clients", "servers", "protocols", "transports", "ports", "reason"}
    | {"approver", "exception", "expires_ns", "name"}
)
"""Fields of a permission that a rule expresses, or that only name it."""
_OF_ZONE: Final = frozenset(
    {"id", "line", "name", "importance", "owners", "members", "inside", "permissions"}
    | {"kinds", "level", "target_level", "site", "production_line", "works", "within", "flat"}
)
_OF_BOUNDARY: Final = frozenset(
    {"id", "line", "name", "between", "device", "device_owner", "settings_owner", "permissions"}
    | {"inherited"}
)
"""Fields of zones and boundaries that rules follow, or that change nothing for them."""
_WORDS: Final = {
    "access": "access classes", "approver": "approvers", "expires": "last days", "objects": "registers",
    "schedule": "hours",
}  # fmt: skip


UNSAID: Final = {
    "expired": " ran out on {day}, so there is no rule for it",
    "below-ip": " is below IP, where a firewall between networks sees nothing; otmon does",
    "no-ports": " names ports of a transport that has none, so there is no rule for it",
    "every-port": " opens every port, as none is known for its protocol",
    "no-address": " has no address on one of its sides, so there is no rule for it",
    "usual-ports": " names no port: the rule has the usual ones of its protocols, {ports}",
    "unchecked": ": the firewall cannot check {what}; otmon does",
    "mac": " names {address}, and a rule by address cannot; otmon does",
    "end": " tells its end by {what}, which a rule by address cannot; otmon does",
    "member": ": member {member} has no address, so no rule reaches it; otmon places it",
    "member-vlan": ": member {member} is meant in one VLAN only, which a rule by address cannot check; "
    "otmon does",
    "unfollowed": ": the rules do not follow its {what}; otmon does",
    "baseline": ": what its baseline holds is in no rule; otmon judges it",
    "family": " has no addresses of one family on both sides, so there is no rule for it",
    "wordless": ": this format has no words for {transport}, so there is no rule for it",
    "stateless": ": this format knows no connections, so answers over {over} are let through unasked",
}
"""What rules do not say of a permission, zone or boundary, in English; `what` is a list of words."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What rules do not say."""

    line: str
    """"file:line"."""
    kind: Literal["permission", "zone", "boundary"]
    id: str
    key: str
    """Of `UNSAID`."""
    params: tuple[tuple[str, str | tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        said = {
            name: value if isinstance(value, str) else _joined(list(value)) for name, value in self.params
        }
        return f"{self.line}: {self.kind} {self.id}{UNSAID[self.key].format(**said)}"


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """One transport and the server's ports in it."""

    transport: str
    """As in facts; "" is every transport."""
    ports: Ranges
    """Empty is every port."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one permission lets through a firewall."""

    kind: Literal["permission", "zone"]
    """A permission, or that hosts of one zone may do anything with each other."""
    id: str
    """Of the permission or zone."""
    line: str
    """"file:line"."""
    reason: str
    from_zone: str
    to_zone: str
    clients: Networks
    servers: Networks
    services: tuple[Service, ...]
    """Sorted; not empty."""
    unchecked: tuple[str, ...] = ()
    """What the permission demands and a firewall cannot check, in English."""


@dataclass(frozen=True, slots=True)
class UnknownPort:
    """A permission that a firewall could follow only by opening every port."""

    permission: str
    line: str
    protocols: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.whole)

    @property
    def whole(self) -> Sentence:
        """What stands in the way, with the place of the permission."""
        what = sentence(
            "permission {id}: no usual port is known for {names}, so name its port",
            id=self.permission, names=self.protocols,
        )  # fmt: skip
        return placed(self.line, what)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules in the order of the model, what they leave out, and what stands in the way."""

    rules: tuple[Rule, ...]
    told: tuple[Unsaid, ...]
    """What the rules do not say; everything once."""
    refused: tuple[UnknownPort, ...]
    """Not in `rules`."""


def boundary_rules(
    index: Index, boundaries: Iterable[Boundary], any_port: bool, today: date | None = None
) -> Rulebook:
    """The permissions of these boundaries. `any_port`: where no port is known, open all of them. What has
    run out before `today` has no rule."""
    chosen = list(boundaries)
    permissions = [permission for border in chosen for permission in border.permissions]
    drawn = [_Drawn(index, permission, any_port, today) for permission in permissions]
    ends = dict.fromkeys(end for border in chosen for end in border.between)
    told = [*_unaddressed(index, ends), *(one for border in chosen for one in _unknown(border, _OF_BOUNDARY))]
    return _rulebook([], drawn, told)


def model_rules(index: Index, any_port: bool, today: date | None = None) -> Rulebook:
    """The permissions of all boundaries and zones, and what hosts of one zone may do with each other: for
    a device that joins everything."""
    inside: list[Rule] = []
    drawn, told = [], _unaddressed(index, index.zones)
    for zone in index.model.zones:
        if zone.inside == "everything":
            inside += _inside(index, zone)
        elif zone.inside == "baseline":
            told.append(Unsaid(str(zone.line), "zone", zone.id, "baseline"))
        drawn += [_Drawn(index, permission, any_port, today) for permission in zone.permissions]
    for border in index.model.boundaries:
        drawn += [_Drawn(index, permission, any_port, today) for permission in border.permissions]
    told += [one for border in index.model.boundaries for one in _unknown(border, _OF_BOUNDARY)]
    return _rulebook(inside, drawn, told)


def _inside(index: Index, zone: Zone) -> Iterator[Rule]:
    extent = zone_extent(index, zone.id)
    if len(extent) > 1 or any(network.length < network.bits for network in extent):
        what = "inside the zone everything may happen"
        yield Rule(
            "zone", zone.id, str(zone.line), what, zone.id, zone.id, extent, extent, (Service("", ()),)
        )


def _rulebook(inside: list[Rule], drawn: list[_Drawn], told: list[Unsaid]) -> Rulebook:
    told += [sentence for one in drawn for sentence in one.told]
    return Rulebook(
        (*inside, *(one.rule for one in drawn if one.rule is not None)),
        tuple(dict.fromkeys(told)),
        tuple(one.refused for one in drawn if one.refused is not None),
    )


def _unaddressed(index: Index, zones: Iterable[str]) -> list[Unsaid]:
    """What rules by address cannot say of the members of these zones."""
    told = []
    for zone in (index.zones[id] for id in zones if id in index.zones):
        told += _unknown(zone, _OF_ZONE)
        for member in zone.members:
            key = "member" if member.network is None else "member-vlan"
            if member.network is None or member.vlan is not None:
                called = _member(member) if member.network is None else str(member.network)
                told.append(Unsaid(str(member.line), "zone", zone.id, key, (("member", called),)))
    return told


def _unknown(thing: Zone | Boundary, known: frozenset[str]) -> list[Unsaid]:
    """What a zone or boundary says beyond what rules are made of."""
    kind: Literal["zone", "boundary"] = "zone" if isinstance(thing, Zone) else "boundary"
    return [
        Unsaid(str(thing.line), kind, thing.id, "unfollowed", (("what", (worded(field.name),)),))
        for field in fields(thing)
        if field.name not in known and getattr(thing, field.name)
    ]


def _member(member: Member) -> str:
    if member.mac is not None:
        return ":".join(f"{byte:02x}" for byte in member.mac.value.to_bytes(6, "big"))
    if member.oui is not None:
        return f"vendor {member.oui}"
    if member.port is not None:
        return f"switch port {member.port}"
    return f"VLAN {member.vlan}" if member.vlan else "untagged"


class _Drawn:
    """One permission as a rule, or why there is none."""

    def __init__(self, index: Index, permission: Permission, any_port: bool, today: date | None) -> None:
        self.rule: Rule | None = None
        self.told: list[Unsaid] = []
        self.refused: UnknownPort | None = None
        self._permission = permission
        if today is not None and permission.expires and date.fromisoformat(permission.expires) < today:
            self._say("expired", day=permission.expires)
            return
        unseen = [
            worded(field.name)
            for field in fields(permission)
            if field.name not in _ADDRESSED and getattr(permission, field.name)
        ]
        clients, servers = (self._ends(index, ends) for ends in (permission.clients, permission.servers))
        services, by_content = _services(permission)
        if not services and _below_ip(permission):
            self._say("below-ip")
            return
        if not services and permission.ports:
            self._say("no-ports")
            return
        if not services and not any_port:
            self.refused = UnknownPort(permission.id, str(permission.line), permission.protocols)
            return
        if not services:
            self._say("every-port")
            wide = [t for t in permission.transports if t in WITH_PORTS] or ["tcp", "udp"]
            services = tuple(Service(transport, ()) for transport in sorted(wide))
        if not clients or not servers:
            self._say("no-address")
            return
        if permission.protocols and not permission.ports and any(service.ports for service in services):
            said = ", ".join(f"{s.transport} {shown(s.ports)}" for s in services if s.ports)
            self._say("usual-ports", ports=said)
        unchecked = [*(["protocol"] if by_content else []), *unseen]
        if unchecked:
            self._say("unchecked", what=tuple(unchecked))
        self.rule = Rule(
            "permission", permission.id, str(permission.line), permission.reason,
            permission.clients[0].zone, permission.servers[0].zone, clients, servers, services,
            tuple(unchecked),
        )  # fmt: skip

    def _say(self, key: str, **params: str | tuple[str, ...]) -> None:
        permission = self._permission
        said = Unsaid(str(permission.line), "permission", permission.id, key, tuple(params.items()))
        self.told.append(said)

    def _ends(self, index: Index, ends: tuple[Endpoint, ...]) -> Networks:
        found: list[Network] = []
        for end in ends:
            if end.network is not None and end.network.bits == MAC_BITS:
                self._say("mac", address=str(end.network))
            elif unknown := _beyond(end):
                self._say("end", what=unknown)
            else:
                found += end_extent(index, end)
        return collapsed(found)


def beyond(end: Endpoint) -> str:
    """What an end says beside its zone and network: a rule without it would be wider than agreed."""
    return _joined(list(_beyond(end)))


def _beyond(end: Endpoint) -> tuple[str, ...]:
    said = [f.name for f in fields(end) if f.name not in ("zone", "network") and getattr(end, f.name)]
    return tuple(worded(name) for name in said)


def worded(field: str) -> str:
    """A field of a permission or an end, as people call it."""
    return _WORDS.get(field, field.replace("_", " "))


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _below_ip(permission: Permission) -> bool:
    if permission.transports:
        return permission.transports == ("ethernet",)
    known = [p for p in PROTOCOLS if p.id in permission.protocols]
    framed = [p for p in known if p.ethertypes or p.llc]
    only_ethernet = [p for p in framed if not (p.tcp_ports or p.udp_ports or p.signatures)]
    return bool(known) and len(only_ethernet) == len(permission.protocols)


def _services(permission: Permission) -> tuple[tuple[Service, ...], bool]:
    """Transports and ports that the permission stands for, and whether they say less than its protocols.
    Nothing where only every port would do, or where IP is not used."""
    over_ip = tuple(t for t in permission.transports if t != "ethernet" and t not in _NAMED_OTHERWISE)
    if permission.transports and not over_ip:
        return (), False
    ports = _sensible(permission.ports)
    if not permission.protocols:
        if not permission.ports:
            return tuple(Service(t, ()) for t in sorted(over_ip)) or (Service("", ()),), False
        named = [t for t in over_ip if t in WITH_PORTS] or ([] if over_ip else ["tcp", "udp"])
        return tuple(Service(transport, ports) for transport in sorted(named)), False
    portless = tuple(Service(t, ()) for t in over_ip if t not in WITH_PORTS and not permission.ports)
    if permission.ports:
        named = [t for t in over_ip if t in WITH_PORTS]
        named = named or ([] if over_ip else _spoken_over(permission.protocols))
        found = [Service(transport, ports) for transport in named]
        return tuple(sorted((*found, *portless))), True
    usual = _usual(permission.protocols, over_ip)
    return (() if usual is None else tuple(sorted((*usual, *portless)))), True


def _sensible(ports: Ranges) -> Ranges:
    """Without port 0, which nobody can use; nothing where that is every port."""
    real = tuple((max(low, 1), high) for low, high in ports if high)
    return () if real == EVERY_PORT else real


def _spoken_over(protocols: tuple[str, ...]) -> list[str]:
    """Transports in which these protocols are recognised; TCP and UDP for one that nobody recognises."""
    known = {p.id: p for p in PROTOCOLS}
    found: set[str] = set()
    for name in protocols:
        protocol = known.get(name)
        here: set[str] = set()
        if protocol is not None:
            here |= {signature.transport for signature in protocol.signatures}
            here |= ({"tcp"} if protocol.tcp_ports else set()) | ({"udp"} if protocol.udp_ports else set())
        found |= here or {"tcp", "udp"}
    return sorted(found)


def _usual(protocols: tuple[str, ...], over_ip: tuple[str, ...]) -> list[Service] | None:
    """Usual ports of all these protocols by transport; None where one of them has none."""
    known = {p.id: p for p in PROTOCOLS}
    found: dict[str, list[tuple[int, int]]] = {}
    for name in protocols:
        protocol = known.get(name) if name in IDS else None
        here = {"tcp": protocol.tcp_ports, "udp": protocol.udp_ports} if protocol is not None else {}
        here = {t: ports for t, ports in here.items() if ports and (not over_ip or t in over_ip)}
        if not here and (not over_ip or set(over_ip) & set(WITH_PORTS)):
            return None
        for transport, ports in here.items():
            found.setdefault(transport, []).extend((port, port) for port in ports)
    return [Service(transport, merged(ranges)) for transport, ranges in found.items()]
