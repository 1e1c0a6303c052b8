"""What a device shows of itself: each signal with what it speaks for and what it excludes.

Signals of one source are not independent of each other: a device that answers DNS and NTP has shown one
thing, that it serves. The sources are

- `inventory`: the role that somebody gave it;
- `vendor`: who made its interface; `mac`: how its MAC address came about;
- `forwards`: it sends for others, under their addresses or its own;
- `serves`: what it answers to; `asks`: what it asks others for;
- `fieldbus`: what it says below IP; `announces`: what it sends to everybody;
- `says`: what it says of itself to who serves it, or to who asks.

A claim (`otmon.ledger.facts.AssetClaim`) counts for the source that its protocol is of; a name is what it
says, by whatever protocol.

Only answered conversations count, and none of a host that scans: an attempt shows nothing but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Final, Literal, TypeVar, get_args

from otmon.assets.fingerprints import shipped_fingerprints
from otmon.assets.grouping import SeenDevice, SeenDevices
from otmon.assets.makers import COMPUTER, DeviceClass, made_by
from otmon.assets.vendor import REDUNDANT_ROUTERS, vendor_of
from otmon.identity.claims.opening import hops_of
from otmon.ledger.facts import AssetClaim, Conversation, Evidence, Operation
from otmon.ledger.ledger import Ledger
from otmon.zones.address import parse_address, reach
from otmon.zones.learning.hosts import CHANGING, industrial_ids, to_group
from otmon.zones.role import role_of

Source = Literal["inventory", "vendor", "mac", "forwards", "serves", "asks", "fieldbus", "announces", "says"]

SERVER_PROTOCOLS: Final = frozenset({"kerberos", "ldap", "smtp", "imap", "pop3", "mqtt", "syslog"})
NETWORK_PROTOCOLS: Final = frozenset({"dns", "dhcp", "ntp"})
"""A router serves these as often as a server."""
DESKTOP_PROTOCOLS: Final = frozenset({"rdp", "smb", "nbss", "dce_rpc", "vnc"})
WINDOWS_NAMES: Final = frozenset({"nbns", "nbdgm", "llmnr"})
PRINTER_PORTS: Final = frozenset({515, 631, 9100})
"""LPD (RFC 1179), IPP (RFC 8010) and the raw port of network printers."""
SOURCES: Final[Mapping[str, Source]] = {
    **dict.fromkeys(("lldp", "cdp", "nbns", "nbdgm", "llmnr", "mdns", "ssdp"), "announces"),
    **dict.fromkeys(("modbus", "s7comm", "ethernet_ip", "bacnet", "fins", "slmp", "opc_ua"), "serves"),
    "profinet": "fieldbus",
}
"""Protocols of claims -> the source that these are of; all others are `says`."""
MANY_CLIENTS: Final = 3
"""A service that so many hosts use was set up for others."""
SEVERAL_SERVICES: Final = 2
"""Servers and protocols: what any device with a user or a task of its own asks for."""
_Key = TypeVar("_Key")
_ends: Final[Callable[[Conversation], tuple[str, str, str]]] = attrgetter("client", "server", "vlan")
_server: Final[Callable[[Conversation], str]] = attrgetter("server")

FIRST_HOPS: Final = frozenset({30, 32, 60, 64, 100, 128, 150, 200, 255})
"""Times to live that systems begin with: 64 (RFC 1700), 128 (Windows), 255, and those of small ones."""
MAX_HOPS: Final = 3
"""Routers between a host and the one that translates its address."""
LATER_HOPS: Final = frozenset(first - lost for first in (64, 128, 255) for lost in range(1, MAX_HOPS + 1))
"""What is left of the usual ones behind so many. Scanners choose others at random (nmap 37 to 59)."""
SHOWN: Final = 4
"""Protocols named in a signal."""

_OFFICE: Final[tuple[DeviceClass, ...]] = ("phone", "camera", "printer", "smart-speaker")
_NOT_A_HOST: Final[tuple[DeviceClass, ...]] = (
    "phone", "camera", "printer", "iot-device", "smart-speaker", "controller"
)  # fmt: skip
_FIXED: Final[tuple[DeviceClass, ...]] = (
    "controller",
    "hmi",
    "historian",
    "router",
    "switch",
    "camera",
    "printer",
)

ROLE_CLASSES: Final[Mapping[str, DeviceClass]] = {
    "plc": "controller", "rtu": "controller", "dcs": "controller", "safety-plc": "controller",
    "remote-io": "controller", "drive": "controller", "robot": "controller", "cnc": "controller",
    "scada": "hmi", "office-pc": "pc", "maintenance-pc": "pc", "tablet": "phone",
    "firewall": "router", "gateway": "router", "vpn-gateway": "router", "remote-gateway": "router",
    "modem": "mobile-router", "file-server": "server", "mail-server": "server", "erp": "server",
    "mes": "server", "domain-controller": "server", "time-server": "server", "jump-host": "server",
}  # fmt: skip
"""Roles (`otmon.zones.role`) that are called otherwise here; those of the same name are themselves."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that a device shows."""

    key: str
    """Of its text: "signal." and this."""
    params: tuple[tuple[str, str], ...]
    source: Source
    supports: tuple[DeviceClass, ...]
    excludes: tuple[DeviceClass, ...]
    evidence: Evidence


@dataclass(slots=True)
class _Doings:
    """What one device said and was asked, each with its first packet."""

    industrial: dict[str, Evidence] = field(default_factory=dict)
    asked_industrial: dict[str, Evidence] = field(default_factory=dict)
    served: dict[str, Evidence] = field(default_factory=dict)
    clients: dict[str, set[str]] = field(default_factory=dict)
    printed: Evidence | None = None
    used: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    below_ip: dict[str, Evidence] = field(default_factory=dict)
    announced: dict[str, Evidence] = field(default_factory=dict)
    outside: Evidence | None = None
    changed: Evidence | None = None
    programmed: Evidence | None = None


def signals(
    ledger: Ledger, found: SeenDevices, said: Mapping[str, tuple[AssetClaim, ...]] | None = None
) -> dict[str, tuple[Signal, ...]]:
    """The signals of each device by its id, in a fixed order; `said` has the claims of each."""
    traffic = _Traffic(ledger, found)
    roles: dict[str, set[str]] = {}
    for key, host in found.hosts.by_key.items():
        if key in found.of_host:
            roles.setdefault(found.of_host[key], set()).add(host.role)
    return {
        device.id: (
            *_signals(
                device,
                traffic.doings(device.id),
                roles.get(device.id, set()),
                not found.hosts.gateways.isdisjoint(device.macs),
            ),
            *_translates(device, (said or {}).get(device.id, ()), found),
            *_said((said or {}).get(device.id, ())),
        )
        for device in found.devices
    }


def _translates(device: SeenDevice, claims: Iterable[AssetClaim], found: SeenDevices) -> Iterator[Signal]:
    """Whether connections of others come from behind its address (NAT): theirs have lost from the time to
    live that systems begin with, its own have not. What comes by way of a router has lost, but all of it."""
    opened: dict[tuple[str, str, str], dict[int, Evidence]] = {}
    for claim in claims if not device.forwarded else ():
        hops = hops_of(claim.value) if claim.kind == "tcp-opening" else -1
        routed = claim.mac in found.hosts.gateways or claim.mac in device.routers
        if hops >= 0 and claim.mac and not routed:
            sender = opened.setdefault((claim.mac, claim.address, claim.vlan), {})
            sender[hops] = min(sender.get(hops, claim.evidence), claim.evidence)
    for sender in opened.values():
        behind = [hops for hops in sender if hops in LATER_HOPS]
        whole = [hops for hops in sender if hops in FIRST_HOPS]
        if behind and whole:
            shown = ", ".join(map(str, sorted(behind + whole)))
            evidence = min(sender[hops] for hops in behind)
            yield _signal("translates", "forwards", evidence, ("router",), (), hops=shown)
            return


def _said(claims: Iterable[AssetClaim]) -> Iterator[Signal]:
    """A signal of each fingerprint, by the first claim that it fits."""
    told = set()
    for claim in claims:
        for one in shipped_fingerprints().of(claim):
            if one.id not in told and (one.classes or one.excludes):
                told.add(one.id)
                # A name is one thing, by however many protocols it is told.
                source = "says" if claim.kind == "name" else SOURCES.get(claim.protocol, "says")
                yield _signal(
                    "claim", source, claim.evidence, one.classes, one.excludes,
                    fingerprint=one.id, protocol=claim.protocol, value=claim.value,
                )  # fmt: skip


class _Traffic:
    """The facts of each device that tell what it does. Doings are made of them for one device after the
    other: those of all hosts of a flood at once would take several times the memory of their facts."""

    def __init__(self, ledger: Ledger, found: SeenDevices) -> None:
        self._industrial = industrial_ids()
        self._asked: dict[str, list[Conversation]] = {}
        self._answered: dict[str, list[Conversation]] = {}
        self._changed: dict[str, list[Operation]] = {}
        owner = cache(found.owner)
        scanners = found.hosts.scanners
        # Facts of the same two ends follow one another: whose addresses these are is looked up once.
        for (client, server, vlan), talks in groupby(ledger.conversations, _ends):
            if client not in scanners:
                every = list(talks)
                self._asked.setdefault(owner(client, vlan), []).extend(every)
                self._answered.setdefault(owner(server, vlan), []).extend(every)
        for one in ledger.operations:
            if one.access in CHANGING and not one.refused and one.client not in scanners:
                self._changed.setdefault(owner(one.client, one.vlan), []).append(one)

    def doings(self, id: str) -> _Doings:
        """What the device with that id did."""
        does = _Doings()
        _count_asked(self._asked.get(id, ()), does, self._industrial)
        _count_answered(self._answered.get(id, ()), does, self._industrial)
        for operation in self._changed.get(id, ()):
            does.changed = _earlier(does.changed, operation.evidence)
            if operation.access in ("program", "configure"):
                does.programmed = _earlier(does.programmed, operation.evidence)
        return does


def _count_asked(talks: Iterable[Conversation], client: _Doings, industrial: frozenset[str]) -> None:
    """What a device said to others."""
    # Conversations with one server follow one another.
    for server, some in groupby(talks, _server):
        group, outside = to_group(server), _is_outside(server)
        for talk in some:
            protocol, evidence = talk.protocol, talk.evidence
            known = protocol in industrial
            if talk.transport == "ethernet":
                _note(client.below_ip if known else client.announced, protocol, evidence)
            elif group:
                _note(client.announced, protocol, evidence)
            elif not talk.answered or talk.transport not in ("tcp", "udp"):
                continue
            elif known:
                _note(client.asked_industrial, protocol, evidence)
            else:
                _note(client.used, (server, protocol), evidence)
                if outside:
                    client.outside = _earlier(client.outside, evidence)


def _count_answered(talks: Iterable[Conversation], server: _Doings, industrial: frozenset[str]) -> None:
    """What a device answered to others."""
    by_protocol: dict[tuple[str, str], list[Conversation]] = {}
    for talk in talks:
        if talk.answered:
            by_protocol.setdefault((talk.transport, talk.protocol), []).append(talk)
    for (transport, protocol), some in by_protocol.items():
        known = protocol in industrial
        if transport == "ethernet":
            if known:
                _note(server.below_ip, protocol, min([talk.evidence for talk in some]))
            continue
        served = [talk for talk in some if not to_group(talk.server)] if transport in ("tcp", "udp") else []
        if not served:
            continue
        evidence = min([talk.evidence for talk in served])
        _note(server.industrial if known else server.served, protocol, evidence)
        server.clients.setdefault(protocol, set()).update([talk.client for talk in served])
        if transport == "tcp" and protocol in ("unknown", "none", "http"):
            for talk in served:
                if talk.port in PRINTER_PORTS:
                    server.printed = _earlier(server.printed, talk.evidence)


@lru_cache(maxsize=1 << 13)
def _is_outside(text: str) -> bool:
    address = parse_address(text)
    return address is not None and reach(address) == "internet"


def _note(seen: dict[_Key, Evidence], key: _Key, evidence: Evidence) -> None:
    known = seen.get(key)
    if known is None or evidence < known:
        seen[key] = evidence


def _earlier(known: Evidence | None, evidence: Evidence) -> Evidence:
    return evidence if known is None or evidence < known else known


def _signals(device: SeenDevice, does: _Doings, roles: set[str], routes: bool) -> Iterator[Signal]:
    if device.listed is not None:
        yield from _listed(device, device.listed.roles)
    yield from _interfaces(device)
    if device.forwarded:
        many = {"addresses": ", ".join(device.forwards[:SHOWN]), "count": str(device.forwarded)}
        yield _signal("forwards", "forwards", device.evidence, ("router",), _OFFICE, **many)
    elif routes:
        shown = ", ".join(device.texts[:SHOWN])
        yield _signal(
            "several-networks", "forwards", device.evidence, ("router",), ("phone",), addresses=shown
        )
    yield from _services(does, roles)
    yield from _requests(does, roles)
    if does.below_ip:
        yield _signal(
            "fieldbus", "fieldbus", min(does.below_ip.values()), ("controller",), _OFFICE,
            protocols=_named(does.below_ip),
        )  # fmt: skip
    names = {one: seen for one, seen in does.announced.items() if one in WINDOWS_NAMES}
    if names:
        told = _named(names)
        yield _signal("windows-names", "announces", min(names.values()), COMPUTER, ("phone",), protocols=told)
    links = {one: seen for one, seen in does.announced.items() if one in ("lldp", "mrp", "ptp")}
    if links:
        supports: tuple[DeviceClass, ...] = ("switch", "router", "controller")
        yield _signal("link-names", "announces", min(links.values()), supports, (), protocols=_named(links))


def _listed(device: SeenDevice, given: Iterable[str]) -> Iterator[Signal]:
    for role in given:
        known = role_of(role)
        names = {role, *((known.id, ROLE_CLASSES.get(known.id)) if known is not None else ())}
        classes = tuple(one for one in get_args(DeviceClass) if one in names)
        if classes:
            yield _signal("role", "inventory", device.evidence, classes[:1], (), role=role)


def _interfaces(device: SeenDevice) -> Iterator[Signal]:
    told = set()
    vendors = {mac: vendor_of(mac) for mac in device.macs}
    # Beside a maker's address, one that was made up is of somebody else who says that he is this device.
    has_maker = any(one is not None and one.kind != "local" for one in vendors.values())
    for mac, vendor in vendors.items():
        if vendor is None or vendor in told or (has_maker and vendor.kind == "local"):
            continue
        told.add(vendor)
        if vendor.kind == "local":
            yield _signal("random-mac", "mac", device.evidence, ("phone",), _FIXED, mac=mac)
        elif vendor.kind == "virtual":
            redundant = vendor.name in REDUNDANT_ROUTERS
            supports: tuple[DeviceClass, ...] = ("router",) if redundant else COMPUTER
            yield _signal("virtual-mac", "mac", device.evidence, supports, ("phone",), software=vendor.name)
        elif made_by(vendor.name):
            yield _signal("vendor", "vendor", device.evidence, made_by(vendor.name), (), vendor=vendor.name)


def _services(does: _Doings, roles: set[str]) -> Iterator[Signal]:
    if does.industrial:
        evidence = min(does.industrial.values())
        told = {"protocols": _named(does.industrial)}
        if "controller" in roles or not does.asked_industrial:
            yield _signal("serves-industrial", "serves", evidence, ("controller",), _OFFICE, **told)
        else:
            yield _signal("serves-and-asks", "serves", evidence, ("hmi", "historian"), _OFFICE, **told)
    if does.printed is not None:
        yield _signal("serves-printing", "serves", does.printed, ("printer",), ("phone", "controller"))
    kinds: tuple[tuple[str, frozenset[str], tuple[DeviceClass, ...], tuple[DeviceClass, ...]], ...] = (
        ("serves-video", frozenset({"rtsp"}), ("camera",), ("printer", "phone", "controller")),
        ("serves-network", NETWORK_PROTOCOLS, ("server", "router"), ("phone", "camera", "printer")),
        ("serves-many", SERVER_PROTOCOLS, ("server",), _NOT_A_HOST),
        ("serves-desktop", DESKTOP_PROTOCOLS, COMPUTER, ("phone", "camera")),
    )
    for key, protocols, supports, excludes in kinds:
        seen = {one: evidence for one, evidence in does.served.items() if one in protocols}
        if seen:
            yield _signal(key, "serves", min(seen.values()), supports, excludes, protocols=_named(seen))
    rest = {
        one: evidence for one, evidence in does.served.items()
        if one in ("http", "tls", "unknown") and len(does.clients[one]) >= MANY_CLIENTS
    }  # fmt: skip
    if rest:
        yield _signal(
            "serves-many", "serves", min(rest.values()), ("server",), ("phone",), protocols=_named(rest)
        )
    web = {one: evidence for one, evidence in does.served.items() if one in ("http", "tls")}
    if web and does.asked_industrial and not does.industrial:
        told = {"protocols": _named(web)}
        yield _signal("serves-what-it-asks", "serves", min(web.values()), ("historian",), _OFFICE, **told)


def _requests(does: _Doings, roles: set[str]) -> Iterator[Signal]:
    told = {"protocols": _named(does.asked_industrial)}
    if does.programmed is not None:
        yield _signal("programs", "asks", does.programmed, ("engineering-station",), _OFFICE)
    elif does.asked_industrial and "controller" in roles:
        yield _signal(
            "asks-peers", "asks", min(does.asked_industrial.values()), ("controller",), _OFFICE, **told
        )
    elif does.changed is not None and does.asked_industrial:
        yield _signal("commands", "asks", does.changed, ("hmi", "engineering-station"), _OFFICE, **told)
    elif does.asked_industrial:
        supports: tuple[DeviceClass, ...] = ("hmi", "historian", "engineering-station")
        yield _signal(
            "asks-industrial", "asks", min(does.asked_industrial.values()), supports, _OFFICE, **told
        )
    elif not does.served and not does.industrial and len(does.used) >= SEVERAL_SERVICES:
        supports = ("phone", "iot-device", "pc")
        told = {"protocols": _named(protocol for _, protocol in does.used)}
        if does.outside is not None:
            yield _signal("uses-outside", "asks", does.outside, supports, (), **told)
        else:
            yield _signal("uses-services", "asks", min(does.used.values()), supports, (), **told)


def _signal(
    key: str,
    source: Source,
    evidence: Evidence,
    supports: tuple[DeviceClass, ...],
    excludes: tuple[DeviceClass, ...],
    **params: str,
) -> Signal:
    return Signal(key, _shared(tuple(sorted(params.items()))), source, supports, excludes, evidence)


@lru_cache(maxsize=1 << 10)
def _shared(params: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """One value for all that are equal: most devices of a flood show the same."""
    return params


def _named(protocols: Iterable[str]) -> str:
    names = sorted(set(protocols) - {"none"})
    return ", ".join(names[:SHOWN]) + (f" (+{len(names) - SHOWN})" if len(names) > SHOWN else "")
