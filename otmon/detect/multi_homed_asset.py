"""A device that stands in several zones at once.

What it means, when it is wrong and how to respond: `rules/multi-homed-asset.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Message,
    Place,
    first,
    graded,
    registered,
    say,
    say_some,
)
from otmon.detect.once_per_case import once_per_case
from otmon.detect.rules.load import shipped_rules
from otmon.ledger.facts import Asset
from otmon.zones.address import MAC_BITS, parse_address
from otmon.zones.decide import locate
from otmon.zones.learning.hosts import PREFIX, to_group
from otmon.zones.model import INTERNET, UNKNOWN_ZONE, Device
from otmon.zones.review.devices import devices
from otmon.zones.role import one_name

RULE: Final = "multi-homed-asset"

Home = tuple[str, str]
"""An address and the VLAN in which it has neighbours."""
Foot = tuple[str, str, str]
"""A zone, and an address in it with its VLAN."""


def multi_homed_asset(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    homes = _homes(case)
    told: set[str] = set()
    listed = _listed(case)
    for device in case.index.model.devices:
        if len(device.networks) > 1 and not is_router(case, device):
            seen = listed.get(device.id, [])
            feet = _feet(case, [one for one in seen if (one.address, one.vlan) in homes])
            if _zones(feet):
                told |= {one.mac for one in seen}
                yield _finding(case, ("asset", device.id), feet, seen, device)
    of_mac: dict[str, list[Asset]] = {}
    for one in case.ledger.assets:
        of_mac.setdefault(one.mac, []).append(one)
    for host in devices(case.index, case.ledger.assets).hosts:
        seen = of_mac[host.mac]
        known = [one for foot in host.feet for one in registered(case, foot.address)]
        if host.mac in told or any(is_router(case, one) for one in known):
            continue
        # Whoever carries another machine's address is on its way to somewhere else.
        if any(len(case.macs[one.address or one.mac]) > 1 for one in seen):
            continue
        feet = {(one.zone, one.address, one.vlan) for one in host.feet if (one.address, one.vlan) in homes}
        if _zones(feet):
            yield _finding(case, ("mac", host.mac), feet, seen, None)


def is_router(case: Case, device: Device) -> bool:
    """Whether an asset has a role of those that are there to stand between zones, by whatever name. It sends
    for others, and may answer for them by ARP (RFC 1027, 2.1)."""
    return any(one_name(role) in _routers(case) for role in device.roles)


@once_per_case
def _routers(case: Case) -> frozenset[str]:
    """Whether this rule is in use or not."""
    return frozenset(map(one_name, (case.rules.get(RULE) or shipped_rules()[RULE]).texts("routers")))


@once_per_case
def _homes(case: Case) -> set[Home]:
    """The addresses that have neighbours: a router's far side has none."""
    found: set[Home] = set()
    for fact, verdict in case.conversations:
        if verdict.from_zone != verdict.to_zone:
            continue
        if to_group(fact.server):
            found.add((fact.client, fact.vlan))
        elif _are_neighbours(fact.client, fact.server):
            found.add((fact.client, fact.vlan))
            if fact.packets_to_client:
                found.add((fact.server, fact.vlan))
    return found


def _are_neighbours(one: str, other: str) -> bool:
    """Two addresses of one network, as far as traffic tells; two MAC addresses always."""
    first_address, second_address = parse_address(one), parse_address(other)
    if first_address is None or second_address is None or first_address.bits != second_address.bits:
        return False
    bits = first_address.bits
    if bits == MAC_BITS:
        return True
    return first_address.value >> (bits - PREFIX[bits]) == second_address.value >> (bits - PREFIX[bits])


def _listed(case: Case) -> dict[str, list[Asset]]:
    """What was seen of each asset of the inventory under one of its addresses."""
    found: dict[str, list[Asset]] = {}
    for asset in case.ledger.assets:
        address = parse_address(asset.address)
        for _, known in case.inventory.covering(address) if address is not None else ():
            for device in known:
                found.setdefault(device.id, []).append(asset)
    return found


def _feet(case: Case, assets: list[Asset]) -> set[Foot]:
    assert case.index is not None
    return {(locate(case.index, one.address, one.vlan).zone, one.address, one.vlan) for one in assets}


def _zones(feet: set[Foot]) -> list[str]:
    """The zones of the model's that a device stands in, sorted; none where it is one."""
    zones = sorted({zone for zone, _, _ in feet} - {"", INTERNET, UNKNOWN_ZONE})
    return zones if len(zones) > 1 else []


def _finding(
    case: Case, key: tuple[str, str], feet: set[Foot], seen: list[Asset], device: Device | None
) -> Finding:
    zones = _zones(feet)
    there = [
        one for one in seen if any((one.address or one.mac) == address for _, address, _ in feet)
    ] or seen
    shown = case.rules[RULE].number("shown")
    return Finding(
        rule=RULE,
        key=key,
        severity="low"
        if device is not None
        else min((graded(case, zone, "high") for zone in zones), key=SEVERITIES.index),
        link=Link(client=min(address for _, address, _ in feet)),
        place=Place(from_zone=zones[0], to_zone=zones[1]) if len(zones) == 2 else Place(),
        what=say("many-homes", name=key[1], zones=", ".join(zones[:shown])),
        why=tuple(_why(case, feet, device)),
        count=sum(one.packets for one in seen),
        unit="packets",
        first_ns=min(one.first_ns for one in seen),
        last_ns=max(one.last_ns for one in seen),
        evidence=first(*(one.evidence for one in there)),
        extent=len(there),
    )


def _why(case: Case, feet: set[Foot], device: Device | None) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    places = [
        f"{zone}: {address}" + (f" (VLAN {vlan})" if vlan else "") for zone, address, vlan in sorted(feet)
    ]
    yield say_some("homes", places, shown)
    named = (
        {one for _, address, _ in feet for one in registered(case, address)} if device is None else {device}
    )
    for one in sorted(named, key=lambda device: device.id)[:shown]:
        yield say("in-inventory", asset=one.id, line=str(one.line))
