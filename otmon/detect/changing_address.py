"""IPv6 addresses that a host makes anew from day to day (RFC 8981): it is told once, and not each day."""

from __future__ import annotations

from typing import Final

from otmon.detect.detector import Case
from otmon.detect.once_per_case import once_per_case
from otmon.ledger.facts import Asset
from otmon.zones.address import IPV6_BITS, parse_address, reach

_HOST_BITS: Final = 64
"""Of an address that a host makes (RFC 4291, 2.5.4; RFC 8981, 3.3)."""
_Place = tuple[str, str, int]
"""MAC address, VLAN and network."""


@once_per_case
def first_addresses(case: Case) -> dict[str, str]:
    """IPv6 addresses that one MAC address alone sent from and that are its own, each with the one of them in
    its network that was seen first: none that a router passed on."""
    found: dict[_Place, list[Asset]] = {}
    for one in case.ledger.assets:
        place = _place(one)
        if place is not None and len(case.macs[one.address]) == 1:
            found.setdefault(place, []).append(one)
    grouped = case.population.grouped if any(len(some) > 1 for some in found.values()) else None
    firsts: dict[str, str] = {}
    for (mac, vlan, _), some in found.items():
        if grouped is None or len(some) == 1:
            continue
        device = grouped.of_mac.get(mac)
        own = [one for one in some if device is not None and grouped.owner(one.address, vlan) == device]
        first = min(own, key=lambda one: (one.first_ns, one.address), default=None)
        firsts.update((one.address, first.address) for one in own if first is not None)
    return firsts


@once_per_case
def known_networks(case: Case) -> frozenset[_Place]:
    """Who had IPv6 addresses in which networks in the baseline."""
    assets = case.baseline.assets if case.baseline is not None else ()
    return frozenset(place for one in assets if (place := _place(one)) is not None)


def had_addresses(case: Case, assets: list[Asset]) -> bool:
    """Whether all of these are new IPv6 addresses of hosts that had others of the same network in the
    baseline."""
    places = [_place(one) for one in assets]
    return bool(places) and all(one is not None and one in known_networks(case) for one in places)


def _place(one: Asset) -> _Place | None:
    address = parse_address(one.address)
    if address is None or address.bits != IPV6_BITS or not one.mac or reach(address) == "link":
        return None
    return one.mac, one.vlan, address.value >> _HOST_BITS
