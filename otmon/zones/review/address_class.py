"""Hosts in classes: addresses that no line of a model tells apart.

Permissions name networks and zones, and members take addresses out of each other's networks. So the
address space is cut at every edge that a model (or two of them, to compare) mentions; the addresses
between two edges share their fate, and one of them is located for all (`otmon.zones.place`). Classes
of the same zone that the same networks of permissions hold are one class. A set of hosts is then a
set of classes: an integer with a bit for each, on which "do these overlap?" is one operation.

A class is placed once for each way to see it: in every VLAN that makes a difference, and with every
MAC address that places an address which no prefix claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from operator import or_
from typing import Final

from otmon.zones.address import (
    IPV4_BITS,
    IPV6_BITS,
    MAC_BITS,
    REACH_CHANGES,
    Address,
    Network,
    PrefixTable,
    host,
    is_group,
    prefix_table,
    reach,
)
from otmon.zones.files.nesting import outer_zones
from otmon.zones.model import Boundary, Endpoint, Model, Permission, Zone
from otmon.zones.place import Index, locate_address

ELSEWHERE: Final = "*"
"""Stands for every VLAN that no member names; no fact has such a text."""

Hosts = int
"""A set of classes: bit n is class n of its `Partition`."""


@dataclass(frozen=True, slots=True)
class HostClass:
    """Addresses of which a model says the same throughout."""

    bits: int
    spans: tuple[tuple[int, int], ...]
    """First and last values, ascending."""
    places: tuple[str, ...]
    """The zone in each of the models."""
    vlan: str
    """The VLAN that they are seen in; `ELSEWHERE` for all that change nothing."""
    apart: tuple[str, ...]
    """The VLANs that make a difference to them, sorted."""


@dataclass(frozen=True, slots=True)
class Partition:
    """All classes, and which of them each zone holds."""

    classes: tuple[HostClass, ...]
    zones: tuple[dict[str, Hosts], ...]
    """For each model: zone -> its hosts."""
    networks: dict[Network, Hosts]
    """Each network that a permission names -> the hosts in it, of all zones."""

    def of(self, ends: Iterable[Endpoint], model: int = 0) -> Hosts:
        """The hosts at one side of a permission of that model."""
        return reduce(or_, (self._at(end, model) for end in ends), 0)

    def _at(self, end: Endpoint, model: int) -> Hosts:
        zone = self.zones[model].get(end.zone, 0)
        return zone if end.network is None else zone & self.networks.get(end.network, 0)

    def in_vlan(self, vlan: str) -> Hosts:
        """The classes as they are in one VLAN, or in `ELSEWHERE`."""
        return sum(
            1 << number
            for number, one in enumerate(self.classes)
            if one.vlan == vlan or (one.vlan == ELSEWHERE and vlan not in one.apart)
        )

    def of_width(self, bits: int) -> Hosts:
        """The classes of addresses of that width."""
        return sum(1 << number for number, one in enumerate(self.classes) if one.bits == bits)


def lists(model: Model) -> Iterator[tuple[Zone | Boundary, Permission]]:
    """Every permission with the zone or boundary that it belongs to, in the order of the files."""
    owners: tuple[Zone | Boundary, ...] = (*model.boundaries, *model.zones)
    for owner in owners:
        for permission in owner.permissions:
            yield owner, permission


def partition(indexes: Sequence[Index], more: Iterable[Address] = ()) -> Partition:
    """The classes of one model or of several; the addresses `more` are classes of their own."""
    ends = {
        end.network
        for index in indexes
        for _, permission in lists(index.model)
        for end in (*permission.clients, *permission.servers)
        if end.network is not None
    }
    ends |= {host(address) for address in more}
    merged: dict[_Fate, list[tuple[int, int]]] = {}
    table = prefix_table((network, network) for network in sorted(ends))
    behind = _behind(indexes)
    for bits, low, high in _pieces(indexes, ends):
        address = Address(bits, low)
        around = tuple(network for _, found in table.covering(address) for network in found)
        for vlan, apart, places in _placed(indexes, address, behind):
            merged.setdefault((bits, around, places, vlan, apart), []).append((low, high))
    classes = []
    zones: tuple[dict[str, Hosts], ...] = tuple({} for _ in indexes)
    networks: dict[Network, Hosts] = dict.fromkeys(sorted(ends), 0)
    for number, ((bits, around, places, vlan, apart), spans) in enumerate(merged.items()):
        classes.append(HostClass(bits, _joined(spans), places, vlan, apart))
        for network in around:
            networks[network] |= 1 << number
        for hosts, zone in zip(zones, places, strict=True):
            if zone:
                hosts[zone] = hosts.get(zone, 0) | 1 << number
    return Partition(tuple(classes), zones, networks)


_Fate = tuple[int, tuple[Network, ...], tuple[str, ...], str, tuple[str, ...]]
"""What addresses of one class share: width, networks around them, places, VLAN, VLANs apart."""


def _pieces(indexes: Sequence[Index], ends: Iterable[Network]) -> Iterator[tuple[int, int, int]]:
    """(bits, first, last) of the addresses between two edges, all of them."""
    edges: dict[int, set[int]] = {bits: {0, 1 << bits} for bits in (IPV4_BITS, MAC_BITS, IPV6_BITS)}
    networks = {*ends, *REACH_CHANGES}
    for index in indexes:
        networks.update(host(address) for address, _ in index.seen)
        for zone in index.model.zones:
            for member in zone.members:
                networks.update([member.network] if member.network is not None else [])
                networks.update([member.macs] if member.macs is not None else [])
    for network in networks:
        shift = network.bits - network.length
        edges[network.bits] |= {network.prefix << shift, (network.prefix + 1) << shift}
    for bits, found in edges.items():
        for low, after in pairwise(sorted(found)):
            yield bits, low, after - 1


def _behind(indexes: Sequence[Index]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """What members given by MAC address alone say of the IP addresses of their devices: for each model
    (zone, VLAN or `ELSEWHERE`), ("", ...) where it does not know the device."""
    said: list[PrefixTable[tuple[str, str]]] = []
    firsts: set[Address] = set()
    for index in indexes:
        around = outer_zones(index.model.zones)
        listed = [
            (member.macs, (zone.id, member.vlan or ELSEWHERE))
            for zone in sorted(index.model.zones, key=lambda zone: (-len(around[zone.id]), zone.id))
            for member in zone.members
            if member.macs is not None and member.network is None
        ]
        said.append(prefix_table(listed))
        for network, _ in listed:
            # Where a vendor's addresses begin, and where they go on behind one that is listed.
            shift = network.bits - network.length
            edges = (network.prefix << shift, (network.prefix + 1) << shift)
            firsts.update(Address(network.bits, edge) for edge in edges if edge < 1 << network.bits)
    unknown = ("", ELSEWHERE)
    fates = {
        tuple(found[0][1][0] if (found := one.covering(mac)) else unknown for one in said) for mac in firsts
    }
    return tuple(sorted(fate for fate in fates if any(zone for zone, _ in fate)))


def _placed(
    indexes: Sequence[Index], address: Address, behind: tuple[tuple[tuple[str, str], ...], ...]
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Every (VLAN, VLANs that matter, zones) that an address can have, without repetition."""
    vlans: set[str] = set().union(*(_vlans(index, address) for index in indexes))
    apart = tuple(sorted(vlans))
    for vlan in (ELSEWHERE, *apart):
        places = tuple(locate_address(index, address, vlan).zone for index in indexes)
        yield vlan, apart, places
        if address.bits != MAC_BITS and reach(address) == "site" and not is_group(address):
            claimed = [bool(index.networks.covering(address)) for index in indexes]
            others = {
                tuple(
                    place if held or not zone or only not in (ELSEWHERE, vlan) else zone
                    for place, held, (zone, only) in zip(places, claimed, one, strict=True)
                )
                for one in behind
            }
            for other in sorted(others - {places}):
                yield vlan, apart, other


def _vlans(index: Index, address: Address) -> set[str]:
    """The VLANs in which the model may place an address otherwise than elsewhere."""
    claims = [claim for _, found in index.networks.covering(address) for claim in found]
    vlans = {claim.vlan for claim in claims if claim.vlan is not None}
    if all(claim.vlan is not None for claim in claims):
        vlans.update(index.vlans)
        vlans.update(vlan for seen, vlan in index.seen if seen == address)
    return vlans


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    result: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if result and result[-1][1] + 1 == low:
            result[-1] = (result[-1][0], high)
        else:
            result.append((low, high))
    return tuple(result)


def class_of(partition: Partition, address: Address, zone: str, model: int = 0) -> Hosts:
    """The classes that hold an address where it is in that zone."""
    return sum(
        1 << number
        for number, one in enumerate(partition.classes)
        if one.bits == address.bits
        and one.places[model] == zone
        and any(low <= address.value <= high for low, high in one.spans)
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """A set of hosts of one zone in few words."""

    hosts: tuple[str, ...]
    """Networks of the permissions, widest first, and ranges for what is left; empty for any host."""
    but: bool = False
    """Any host but these."""


def shown(partition: Partition, hosts: Hosts, zone: str, model: int = 0) -> Shown:
    """A set of hosts of one zone in the fewest words."""
    widths = {partition.classes[number].bits for number in bits_of(hosts)}
    whole = partition.zones[model].get(zone, 0)
    whole &= reduce(or_, (partition.of_width(bits) for bits in sorted(widths)), 0)
    (networks, ranges), (others, rest) = (_texts(partition, one, whole) for one in (hosts, whole & ~hosts))
    some, but = (*networks, *ranges), (*others, *rest)
    # What the model names is said as it is, unless it takes ranges to say all of it.
    return Shown(but, bool(but)) if ranges and len(but) < len(some) else Shown(some if hosts != whole else ())


def bits_of(hosts: Hosts) -> Iterator[int]:
    """The numbers of the classes in a set, ascending."""
    while hosts:
        lowest = hosts & -hosts
        yield lowest.bit_length() - 1
        hosts ^= lowest


def _texts(partition: Partition, hosts: Hosts, whole: Hosts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Networks that lie in the set, widest first, and ranges for what is left."""
    found: list[Network] = []
    left = hosts
    for network in sorted(partition.networks, key=lambda one: (one.length - one.bits, one)):
        held = partition.networks[network] & whole
        if held & left and not held & ~hosts:
            found.append(network)
            left &= ~held
    spans = {
        (partition.classes[number].bits, span)
        for number in bits_of(left)
        for span in partition.classes[number].spans
    }
    return tuple(map(str, sorted(found))), tuple(_span(bits, *span) for bits, span in sorted(spans))


def _span(bits: int, low: int, high: int) -> str:
    if low == high:
        return str(host(Address(bits, low)))
    length = bits - (high - low).bit_length()
    if low == high & ~((1 << bits - length) - 1) and high - low + 1 == 1 << bits - length:
        return str(Network(bits, length, low >> bits - length))
    if bits == MAC_BITS:
        return f"{host(Address(bits, low))}-{host(Address(bits, high))}"
    kind = IPv4Address if bits == IPV4_BITS else IPv6Address
    return f"{kind(low)}-{kind(high)}"
