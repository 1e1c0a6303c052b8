"""An asset of the inventory in a wrong zone, or under an address that is not its own.

What it means, when it is wrong and how to respond: `rules/moved-device.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.assets.classify import Device
from otmon.assets.grouping import SeenAddress, is_name
from otmon.assets.place import NOWHERE, home_zones, listed_addresses, zone_of
from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Place,
    first,
    graded,
    is_site,
    say,
    say_some,
)
from otmon.detect.multi_homed_asset import RULE as MULTI_HOMED
from otmon.detect.multi_homed_asset import is_router, multi_homed_asset

RULE: Final = "moved-device"

SHOWN: Final = 6
"""Addresses that are named in one finding."""


def moved_device(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    other_rule = case.rules.get(MULTI_HOMED)
    # What is left to that rule is left only while it is in use.
    in_use = other_rule is not None and other_rule.runs
    told = {finding.key[1] for finding in multi_homed_asset(case)} if in_use else set()
    for device in case.population.devices:
        listed = device.seen.listed
        if listed is None or is_router(case, listed) or told & {listed.id, *device.seen.macs}:
            continue
        home, expected = home_zones(case.index, device.seen), listed_addresses(device.seen)
        placed = [
            (one, zone_of(case.index, one))
            for one in device.seen.addresses
            if is_name(one.address) and is_site(one.address) and one.address not in expected
        ]
        # An address in no zone is told as that.
        away = [(one, zone) for one, zone in placed if home and zone not in home | NOWHERE]
        other = [(one, zone) for one, zone in placed if expected and (zone in home or (not home and zone))]
        if away:
            yield _finding(case, device, home, away)
        elif other and all(zone not in NOWHERE for _, zone in other):
            yield _finding(case, device, home, other)


def _finding(
    case: Case, device: Device, home: frozenset[str], seen: list[tuple[SeenAddress, str]]
) -> Finding:
    listed = device.seen.listed
    assert listed is not None
    zones = sorted({zone for _, zone in seen})
    addresses = list(dict.fromkeys(one.address for one, _ in seen))
    wrong_zone = bool(home) and not home.issuperset(zones)
    what = (
        say("wrong-zone", asset=listed.id, zones=", ".join(zones), home=", ".join(sorted(home)))
        if wrong_zone
        else say("other-address", asset=listed.id, addresses=", ".join(addresses[:SHOWN]))
    )
    expected = sorted(listed_addresses(device.seen))
    why = [say("in-inventory", asset=listed.id, line=str(listed.line))]
    if expected:
        why.append(say_some("listed-addresses", expected, SHOWN))
    if device.seen.macs:
        why.append(say("seen-with", macs=", ".join(device.seen.macs[:SHOWN])))
    why.append(say_some("addresses", addresses, SHOWN))
    return Finding(
        rule=RULE,
        key=("zone" if wrong_zone else "address", listed.id),
        severity=min(
            (graded(case, zone, "high" if wrong_zone else "medium") for zone in zones), key=SEVERITIES.index
        ),
        link=Link(client=addresses[0], vlan=seen[0][0].vlan),
        place=Place(from_zone=zones[0]),
        what=what,
        why=tuple(why),
        count=sum(one.packets for one, _ in seen),
        unit="packets",
        first_ns=min(one.first_ns for one, _ in seen),
        last_ns=max(one.last_ns for one, _ in seen),
        evidence=first(*(one.evidence for one, _ in seen)),
        extent=len(seen),
    )
