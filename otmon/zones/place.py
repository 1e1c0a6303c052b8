"""Where an address is: an index over a model's members, and the zone that it gives.

Members are asked in this order, and the first that answers decides:

1. the switch port where its own frames came in, as the capture tells it, unless it was seen at ports of
   several zones; where the port is an interface of the capture, the frames of its MAC address;
2. prefixes and addresses, the longest first, whose VLAN is the fact's or is not given;
3. prefixes and addresses of other VLANs, if all of them are of one zone: behind a router, a frame
   carries the far end's address in the near end's VLAN;
4. the MAC address that the address was seen with, as far as `assets` tell it, or a relay of DHCP tells its
   switch port;
5. VLANs: whatever no prefix claims is where its frame was seen. An address of the Internet is not.

A MAC address of a conversation below IP is looked up among the MAC members, the address itself before its
vendor, then by its VLAN. Of equal claims of a zone and one within it the inner one's counts. Where two
other zones claim an address equally, the lower id decides, so that the order of zones in the files changes
nothing; `Found.also` names the others.

An IPv6 link-local address that no member claims is where the other addresses of its MAC address are, in a
conversation of two hosts (`locate_ends`): no router passes it on, so the frame is the host's own.

- Where the MAC address claims IPv4 addresses by ARP, these are its own: from others it may only forward.
- A MAC address whose own addresses are of several zones, of none, or more than a host has, says nothing:
  it may be a router's. So do MAC addresses of several zones that send from one link-local address, unless
  this is made of one of them (RFC 4291, appendix A), as then the others only pretend.
- One that claims such addresses by ARP and is no forwarding asset of the inventory is "unknown": a claim is
  soon forged, and must not put its sender where the other end is.
- What has no other address is where its MAC address is.

So is a public IPv6 address that no member claims, and that is the sender's own: it is made of its MAC
address, or this is an asset's of the inventory that forwards for nobody. Any other one only passed through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from otmon.identity.claim import INTERFACE
from otmon.ledger.facts import Asset, AssetClaim
from otmon.ledger.ledger import Ledger
from otmon.zones.address import (
    IPV4_BITS,
    IPV6_BITS,
    MAC_BITS,
    Address,
    Network,
    PrefixTable,
    host,
    is_group,
    parse_address,
    prefix_table,
    reach,
    read_address,
)
from otmon.zones.baseline import Baseline, baseline_of
from otmon.zones.data_connections import Announced, announced_in
from otmon.zones.files.nesting import outer_zones
from otmon.zones.model import INTERNET, UNKNOWN_ZONE, Boundary, Device, Line, Model, Zone
from otmon.zones.permission_table import Carriers, PermissionTable, permission_table
from otmon.zones.role import may_forward


@dataclass(frozen=True, slots=True)
class Found:
    """The zone of one end."""

    zone: str
    """"" where the address says nothing: `otmon.zones.address.Reach`, `link`."""
    line: str = ""
    """Of the member that decided, "file:line"; "" for the built-in zones."""
    also: tuple[str, ...] = ()
    """Other zones that claim it just as closely, sorted."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A member, as an address finds it."""

    zone: str
    vlan: str | None
    line: Line
    around: tuple[str, ...] = ()
    """The zones around its zone, whose equal claims it outdoes."""
    alone: Found = field(init=False, compare=False)
    """What an address is told when nobody else claims it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "alone", Found(self.zone, str(self.line)))


@dataclass(frozen=True, slots=True)
class Index:
    """A model made ready for decisions."""

    model: Model
    zones: dict[str, Zone]
    """By id, without the built-in ones."""
    boundaries: dict[tuple[str, str], Boundary]
    """By the ids of their zones, the lower one first."""
    networks: PrefixTable[Claim]
    """IP prefixes, and MAC addresses as prefixes of full length or of a vendor's."""
    seen: dict[tuple[Address, str], tuple[Claim, ...]]
    """MAC members by the (address, VLAN) that they were seen with."""
    ports: dict[tuple[Address, str], tuple[Claim, ...]]
    """Switch ports by the (address, VLAN) whose frames came in there."""
    plugs: dict[str, tuple[Claim, ...]]
    """Members that are a switch port, by it."""
    vlans: dict[str, tuple[Claim, ...]]
    """Members that are a VLAN and nothing else."""
    inside: dict[str, PermissionTable]
    """What may happen inside a zone, by its id."""
    across: dict[tuple[str, str], PermissionTable]
    """What may cross a boundary, by the ids of its zones, the lower one first."""
    carriers: Carriers
    """Of the addresses that were seen with a MAC address which a permission names, and of those that are
    `linked` or `public`."""
    around: dict[str, tuple[str, ...]]
    """The zones around each zone, the nearest first."""
    baseline: Baseline | None
    """What was seen in normal operation, None where nobody told."""
    located: dict[tuple[str, str], tuple[Address | None, Found]] = field(default_factory=dict, compare=False)
    """Addresses and their zones by (text, VLAN), kept as they are asked for."""
    linked: dict[tuple[Address, str], Found] = field(default_factory=dict, compare=False)
    """IPv6 link-local addresses by (address, VLAN), as far as other addresses tell where they are."""
    public: dict[Address, Found] = field(default_factory=dict, compare=False)
    """Public IPv6 addresses that are hosts' own, as far as other addresses tell where these are."""
    announced: Announced = field(default_factory=dict, compare=False)
    """Who waited for whose data, as others agreed on it."""
    strangers: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict, compare=False)
    """What is decided of an address that is in no zone, by the zones of both ends and then by the address: in
    a flood each comes in several facts."""


NOWHERE = Found("")
ADDRESSES_OF_A_HOST: Final = 8
"""A server with several services may have a handful of addresses; a router shows a network's worth."""
_OF_REACH: Final = {"internet": Found(INTERNET), "site": Found(UNKNOWN_ZONE), "link": NOWHERE}
REMEMBERED: Final = 1 << 13
"""Addresses whose zones are kept at hand, as many as a large plant has; the rest of a flood is looked up
again."""


def index(
    model: Model,
    assets: Iterable[Asset] = (),
    baseline: Ledger | None = None,
    claims: Iterable[AssetClaim] = (),
) -> Index:
    """Prepare a model. With the `assets` of a ledger, members given by MAC address place the IP
    addresses that those devices use, too, and permissions for a MAC address admit them; without them both
    are about conversations below IP only. Members given by switch port hold what `claims` say came in there,
    and nothing without them. `baseline` are the facts of normal operation, for zones with
    `inside: baseline`; without it nothing that goes on inside these is covered but what they list."""
    around = outer_zones(model.zones)
    assets = tuple(assets)
    carriers = _carriers(model, assets)
    claims = tuple(claims)
    told = tuple(one for one in claims if one.kind == "switch-port")
    members = _members(model, around)
    relayed: dict[tuple[Network, Claim], None] = {}
    ports: dict[tuple[Address, str], list[Claim]] = {}
    for one in _of_addresses(told, assets):
        # A port of its own decides before the session that it is in.
        session = one.value.rpartition("/")[0] if one.protocol == "erspan" else ""
        for claim in members.ports.get(one.value) or members.ports.get(session) or ():
            _plug(one, claim, ports, relayed)
    ready = Index(
        model,
        {zone.id: zone for zone in model.zones},
        {(min(b.between), max(b.between)): b for b in model.boundaries},
        prefix_table([*members.networks, *relayed]),
        _seen(prefix_table([*members.macs, *relayed]), assets),
        {key: tuple(found) for key, found in ports.items()},
        {port: tuple(found) for port, found in members.ports.items()},
        {vlan: tuple(found) for vlan, found in members.vlans.items()},
        {zone.id: permission_table(zone, carriers) for zone in model.zones},
        {(min(b.between), max(b.between)): permission_table(b, carriers) for b in model.boundaries},
        carriers,
        around,
        baseline_of(baseline) if baseline is not None and baseline_zones(model) else None,
        announced=announced_in(claims),
    )
    for (address, vlan), (place, own) in _linked(ready, assets).items():
        if reach(address) == "link":
            ready.linked[address, vlan] = place
        elif ready.public.setdefault(address, place).zone != place.zone:
            ready.public[address] = Found(UNKNOWN_ZONE)
        carriers[address] = tuple(sorted({*carriers.get(address, ()), *own}))
    return ready


class _Members(NamedTuple):
    """What the members of a model's zones are given by."""

    networks: list[tuple[Network, Claim]]
    """Of IP addresses, and of MAC addresses."""
    macs: list[tuple[Network, Claim]]
    """Of MAC addresses alone."""
    ports: dict[str, list[Claim]]
    """Switch ports."""
    vlans: dict[str, list[Claim]]


def _members(model: Model, around: Mapping[str, tuple[str, ...]]) -> _Members:
    found = _Members([], [], {}, {})
    for zone in model.zones:
        for member in zone.members:
            claim = Claim(zone.id, member.vlan, member.line, around[zone.id])
            if member.network is not None:
                found.networks.append((member.network, claim))
            if member.macs is not None:
                found.networks.append((member.macs, claim))
                if member.network is None:
                    found.macs.append((member.macs, claim))
            if member.port is not None:
                found.ports.setdefault(member.port, []).append(claim)
            elif member.network is None and member.macs is None:
                found.vlans.setdefault(member.vlan or "", []).append(claim)
    return found


def _of_addresses(told: Iterable[AssetClaim], assets: Iterable[Asset]) -> Iterator[AssetClaim]:
    """What is said of ports, for each address and VLAN; that of interfaces is about MAC addresses alone."""
    senders: dict[str, list[Asset]] | None = None
    for one in told:
        if one.protocol != INTERFACE:
            yield one
            continue
        if senders is None:
            senders = {}
            for asset in assets:
                senders.setdefault(asset.mac, []).append(asset)
        for asset in senders.get(one.mac, ()):
            yield replace(one, address=asset.address, vlan=asset.vlan)


def names_interfaces(model: Model) -> bool:
    """Whether a member is a port that is an interface of captures, so that these must tell them."""
    members = (member for zone in model.zones for member in zone.members)
    return any((member.port or "").startswith(f"{INTERFACE}:") for member in members)


def _plug(
    said: AssetClaim,
    claim: Claim,
    ports: dict[tuple[Address, str], list[Claim]],
    relayed: dict[tuple[Network, Claim], None],
) -> None:
    """A sender is at the port of a member. What a relay of DHCP says holds as much as a MAC address."""
    mac, address = parse_address(said.mac), parse_address(said.address)
    if said.protocol == "dhcp":
        if mac is not None and not is_group(mac):
            relayed[host(mac), claim] = None
        return
    for one in (mac, address):
        if one is not None and reach(one) != "internet" and not is_group(one):
            found = ports.setdefault((one, said.vlan), [])
            if claim not in found:
                found.append(claim)


def baseline_zones(model: Model) -> tuple[str, ...]:
    """The zones in which a baseline says what may happen, in the order of the model."""
    return tuple(zone.id for zone in model.zones if zone.inside == "baseline")


def _seen(macs: PrefixTable[Claim], assets: Iterable[Asset]) -> dict[tuple[Address, str], tuple[Claim, ...]]:
    """What MAC members say of addresses, the narrowest first. An Internet address only passed through its
    MAC address."""
    seen: dict[tuple[Address, str], tuple[Claim, ...]] = {}
    if not macs.by_bits:
        return seen
    for asset in assets:
        mac, address = parse_address(asset.mac), parse_address(asset.address)
        if mac is None or address is None or reach(address) == "internet" or is_group(address):
            continue
        for _, claims in macs.covering(mac):
            here = tuple(claim for claim in claims if claim.vlan in (None, asset.vlan))
            if here:
                key = (address, asset.vlan)
                seen[key] = seen.get(key, ()) + here
                break
    return seen


def _carriers(model: Model, assets: Iterable[Asset]) -> dict[Address, tuple[Address, ...]]:
    """The MAC addresses by which permissions name devices, for each address that these sent from. What the
    model gives an address as well has no others: a router's asset does not speak for all behind it."""
    lists = (*(zone.permissions for zone in model.zones), *(one.permissions for one in model.boundaries))
    named = {
        end.network
        for permissions in lists
        for permission in permissions
        for end in (*permission.clients, *permission.servers)
        if end.network is not None and end.network.bits == MAC_BITS
    }
    named -= {host(device.mac) for device in model.devices if device.mac is not None and device.networks}
    named -= {one.macs for zone in model.zones for one in zone.members if one.macs and one.network}
    found: dict[Address, set[Address]] = {}
    for asset in assets if named else ():
        mac, address = parse_address(asset.mac), parse_address(asset.address)
        if mac is None or address is None or host(mac) not in named:
            continue
        if reach(address) != "internet" and not is_group(address):
            found.setdefault(address, set()).add(mac)
    return {address: tuple(sorted(macs)) for address, macs in found.items()}


Home = tuple[Found, tuple[Address, ...]]
"""Where a device is, and its addresses there."""


def _linked(index: Index, assets: tuple[Asset, ...]) -> dict[tuple[Address, str], Home]:
    """Where IPv6 addresses are by the others of their devices, as this file's first lines say."""
    listed = {
        str(host(one.mac)): may_forward(one.roles) for one in index.model.devices if one.mac is not None
    }
    local: dict[tuple[Address, str], set[str]] = {}
    for asset in assets:
        address = _own(asset, listed) if asset.mac else None
        if address is not None:
            local.setdefault((address, asset.vlan), set()).add(asset.mac)
    own: dict[tuple[str, str], list[tuple[Address, bool]]] = {
        (mac, vlan): [] for (_, vlan), macs in local.items() for mac in macs
    }
    for asset in assets if own else ():
        some = own.get((asset.mac, asset.vlan))
        address = parse_address(asset.address) if some is not None else None
        if some is None or address is None or asset.mac in local.get((address, asset.vlan), ()):
            continue
        if reach(address) != "link":
            some.append((address, asset.arp > 0))
    homes: dict[tuple[str, str], Home | None] = {}
    for (mac, vlan), some in own.items():
        if some:
            homes[mac, vlan] = _home(index, some, vlan, listed.get(mac) is True)
        elif (place := locate(index, mac, vlan)).zone in index.zones:
            homes[mac, vlan] = place, ()
    found: dict[tuple[Address, str], Home] = {}
    for (address, vlan), macs in local.items():
        made_of = {mac for mac in macs if address.value & _INTERFACE == _interface(mac)}
        told = [homes[mac, vlan] for mac in sorted(made_of or macs) if (mac, vlan) in homes]
        zones = {home[0].zone if home is not None else "" for home in told}
        if len(zones) == 1 and "" not in zones and len(told) <= ADDRESSES_OF_A_HOST:
            known = [home for home in told if home is not None]
            every = known[0][1] if len(known) == 1 else tuple({one for _, some in known for one in some})
            found[address, vlan] = min(known, key=lambda home: home[0].line)[0], every
    return found


_LINK_LOCAL: Final = ("fe8", "fe9", "fea", "feb")
"""What the texts of fe80::/10 begin with (RFC 4291, section 2.5.6)."""
_INTERFACE: Final = (1 << 64) - 1


def _interface(mac: str) -> int:
    """The interface identifier that is made of a MAC address (RFC 4291, appendix A); -1 of none."""
    address = parse_address(mac)
    if address is None:
        return -1
    return (address.value >> 24 << 40 | 0xFFFE << 24 | address.value & 0xFFFFFF) ^ 1 << 57


def _own(asset: Asset, listed: dict[str, bool | None]) -> Address | None:
    """The address of a sender that is its own for certain and tells no place itself: an IPv6 link-local one,
    or a public one as this file's first lines say. `listed` are the MAC addresses of the inventory, with
    whether they may forward."""
    if asset.address.startswith(_LINK_LOCAL):
        return parse_address(asset.address)
    address = parse_address(asset.address) if ":" in asset.address else None
    if address is None or address.bits != IPV6_BITS or reach(address) != "internet":
        return None
    is_own = address.value & _INTERFACE == _interface(asset.mac) or listed.get(asset.mac) is False
    return address if is_own else None


def _home(index: Index, sent: list[tuple[Address, bool]], vlan: str, forwards: bool) -> Home | None:
    """Where a MAC address is that sent from addresses, claiming some by ARP; None where they do not tell.
    `forwards` is whether the inventory says that it may send for others."""
    claimed = [address for address, is_claimed in sent if is_claimed]
    unclear = None if forwards or not claimed else (Found(UNKNOWN_ZONE), ())
    own = [one for one, is_claimed in sent if is_claimed or one.bits == IPV6_BITS or not claimed]
    if sum(one.bits == IPV4_BITS for one in own) > ADDRESSES_OF_A_HOST:
        return unclear
    places = {one: locate_address(index, one, vlan) for one in own}
    telling = claimed or own
    zones = {places[one].zone for one in telling}
    if len(zones) > 1 or not zones <= index.zones.keys():
        return unclear
    # IPv6 hosts change their addresses from day to day: the first few are as good as all.
    there = sorted(one for one in own if places[one].zone in zones)[: 2 * ADDRESSES_OF_A_HOST]
    return places[min(telling)], tuple(there)


def locate(index: Index, address: str, vlan: str) -> Found:
    """The zone of an address that was seen in a VLAN. A text that is no address is in "unknown"."""
    return _located(index, address, vlan)[1]


def _located(index: Index, text: str, vlan: str) -> tuple[Address | None, Found]:
    known = index.located.get((text, vlan))
    if known is None:
        address = read_address(text)
        found = Found(UNKNOWN_ZONE) if address is None else locate_address(index, address, vlan)
        if len(index.located) >= REMEMBERED:
            index.located.clear()
        known = index.located[text, vlan] = address, found
    return known


def locate_address(index: Index, address: Address, vlan: str) -> Found:
    """`locate` for a parsed address."""
    elsewhere: tuple[Claim, ...] = ()
    if index.ports:
        plugged = innermost(index.ports.get((address, vlan), ()))
        if len({claim.zone for claim in plugged}) == 1:
            return _found(plugged, vlan)
    for _, claims in index.networks.covering(address):
        if len(claims) == 1 and claims[0].vlan is None:
            return claims[0].alone
        here = tuple(claim for claim in claims if claim.vlan in (None, vlan))
        if here:
            return _found(here, vlan)
        elsewhere = elsewhere or claims
    if elsewhere and address.bits != MAC_BITS and len({claim.zone for claim in elsewhere}) == 1:
        return _found(elsewhere, vlan)
    claims = index.seen.get((address, vlan), ())
    if claims:
        return _found(claims, vlan)
    far = reach(address)
    if far == "internet":
        return index.public.get(address, _OF_REACH[far])
    if vlan in index.vlans:
        return _found(index.vlans[vlan], vlan)
    return _OF_REACH[far]


def _found(claims: tuple[Claim, ...], vlan: str) -> Found:
    """One answer of several claims; one that names the VLAN is closer than one that does not, and an
    inner zone's than one of a zone around it."""
    if len(claims) == 1:
        return claims[0].alone
    closest = innermost(tuple(claim for claim in claims if claim.vlan == vlan) or claims)
    best = min(closest, key=lambda claim: (claim.zone, claim.line))
    also = sorted({claim.zone for claim in closest} - {best.zone})
    return Found(best.zone, str(best.line), tuple(also))


def innermost(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims less those of zones around the zone of another one."""
    outdone = {zone for claim in claims for zone in claim.around}
    return tuple(claim for claim in claims if claim.zone not in outdone)


def locate_ends(
    index: Index, client: str, server: str, vlan: str, transport: str
) -> tuple[tuple[Address | None, Found], tuple[Address | None, Found]]:
    """Address and zone of both ends of a conversation; no address for a text that is none.

    An end whose address says nothing about its place is where the other end is, if it can be on that
    link only: a group that somebody sends to, a MAC address, an IPv6 link-local address; and an IPv4
    one (169.254/16, 0.0.0.0) where both ends are such. A sender under an IPv4 link-local address that
    talks with a host of a zone is not taken for a host of that zone: no plant gives such addresses.

    Before that an IPv6 link-local address which talks with one host is where its device is
    (`Index.linked`). What hosts of a link say to find each other is no crossing, as with ARP: neighbour
    discovery and the rest of ICMPv6 (RFC 4861).
    """
    ends = (one, first), (other, second) = _located(index, client, vlan), _located(index, server, vlan)
    if one is None or other is None or (first is not NOWHERE and second is not NOWHERE):
        return ends
    if index.linked and transport != "icmpv6" and not (is_group(one) or is_group(other)):
        first = index.linked.get((one, vlan), first) if first is NOWHERE else first
        second = index.linked.get((other, vlan), second) if second is NOWHERE else second
    link_only = reach(one) == "link" and reach(other) == "link"
    if first is NOWHERE:
        follows = link_only or (one.bits != IPV4_BITS and not is_group(one))
        first = second if follows else Found(UNKNOWN_ZONE)
    if second is NOWHERE:
        follows = link_only or is_group(other) or other.bits != IPV4_BITS
        second = first if follows else Found(UNKNOWN_ZONE)
    return (one, first), (other, second)


def home_of(index: Index, device: Device) -> str:
    """The zone of an asset: the one that it names, else that of its first address; "" where it has none."""
    if device.zone or not (device.networks or device.mac):
        return device.zone
    first = device.networks[0] if device.networks else None
    address = (
        device.mac if first is None else Address(first.bits, first.prefix << (first.bits - first.length))
    )
    return "" if address is None else locate_address(index, address, "").zone
