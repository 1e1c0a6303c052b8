"""Which addresses an end of a permission stands for, as the fewest networks: what a firewall can be told.

Guaranteed: the networks of one answer are sorted, whole and do not overlap. As in `otmon.zones.place` the
longest prefix decides, so what another zone lists inside a zone's network is taken out of it. What a
packet's addresses do not show is not used: members by MAC address or VLAN alone add nothing, and a VLAN
beside a network does not limit it (`Index` tells which members those are).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from otmon.zones.address import INTERNET_WITHIN, IPV4_BITS, MAC_BITS, NOT_INTERNET, Network, within
from otmon.zones.model import INTERNET, Endpoint
from otmon.zones.place import Claim, Index, innermost

Networks = tuple[Network, ...]


def zone_extent(index: Index, zone: str) -> Networks:
    """All addresses of a zone of the model, or of "internet"."""
    listed = _listed(index)
    if zone == INTERNET:
        return less(INTERNET_WITHIN, [*NOT_INTERNET, *listed])
    own = [network for network, claims in listed.items() if _holds(zone, claims)]
    return collapsed(
        piece
        for network in own
        for piece in less([network], [n for n in listed if n not in own and n.length > network.length])
    )


def end_extent(index: Index, end: Endpoint) -> Networks:
    """The addresses of one end of a permission; none for a MAC address."""
    if end.network is None:
        return zone_extent(index, end.zone)
    if end.network.bits == MAC_BITS:
        return ()
    inside = intersection(zone_extent(index, end.zone), [end.network])
    zone = index.zones.get(end.zone)
    if inside or zone is None or all(member.network is not None for member in zone.members):
        return inside
    # A zone told by MAC address or VLAN has what addresses the permission says.
    return less([end.network], [n for n, claims in _listed(index).items() if not _holds(end.zone, claims)])


def collapsed(networks: Iterable[Network]) -> Networks:
    """The same addresses in the fewest networks, sorted: IPv4 first."""
    held: dict[int, list[Network]] = {}
    for network in networks:
        held.setdefault(network.bits, []).append(network)
    found: list[Network] = []
    for bits in sorted(held):
        spans: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]
        if bits == IPV4_BITS:
            spans = ipaddress.collapse_addresses(
                ipaddress.IPv4Network((n.prefix << (bits - n.length), n.length)) for n in held[bits]
            )
        else:
            spans = ipaddress.collapse_addresses(
                ipaddress.IPv6Network((n.prefix << (bits - n.length), n.length)) for n in held[bits]
            )
        found += [
            Network(bits, span.prefixlen, int(span.network_address) >> (bits - span.prefixlen))
            for span in spans
        ]
    return tuple(found)


def intersection(first: Iterable[Network], second: Iterable[Network]) -> Networks:
    """What is in both."""
    others = list(second)
    both = [a if within(a, b) else b for a in first for b in others if within(a, b) or within(b, a)]
    return collapsed(both)


def less(networks: Iterable[Network], holes: Iterable[Network]) -> Networks:
    """`networks` without everything that is in `holes`."""
    all_holes = list(holes)
    return collapsed(piece for network in networks for piece in _pierced(network, all_holes))


def _pierced(network: Network, holes: list[Network]) -> list[Network]:
    if any(within(network, hole) for hole in holes):
        return []
    inner = [hole for hole in holes if within(hole, network)]
    if not inner:
        return [network]
    halves = (Network(network.bits, network.length + 1, network.prefix * 2 + half) for half in (0, 1))
    return [piece for half in halves for piece in _pierced(half, inner)]


def _listed(index: Index) -> dict[Network, tuple[Claim, ...]]:
    """Every IP network that a zone lists, and the claims on it."""
    return {
        Network(bits, length, prefix): claims
        for bits, lengths in index.networks.by_bits.items()
        if bits != MAC_BITS
        for length, prefixes in lengths
        for prefix, claims in prefixes.items()
    }


def _holds(zone: str, claims: tuple[Claim, ...]) -> bool:
    """Whether addresses of a network with these claims are in the zone, in some VLAN at least."""
    for vlan in dict.fromkeys([None, *(claim.vlan for claim in claims)]):
        here = [claim for claim in claims if claim.vlan == vlan]
        here = here or [claim for claim in claims if claim.vlan is None]
        here = list(innermost(tuple(here)))
        if here and min(here, key=lambda claim: (claim.zone, claim.line)).zone == zone:
            return True
    return False
