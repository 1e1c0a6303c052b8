"""A device with a MAC address of its own choosing in a zone of the plant.

What it means, when it is wrong and how to respond: `rules/random-mac.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.assets.classify import Device
from otmon.assets.vendor import is_random
from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Place,
    Severity,
    first,
    graded,
    importance,
    say,
)
from otmon.detect.unauthorised_device import (
    acted,
    divided,
    ends_of,
    impersonates,
    many,
    off_hours,
    plain_zones,
    strangers,
    talks_of,
    what_it_is,
)

RULE: Final = "random-mac"


def random_mac(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    told = strangers(case)
    severities: dict[str, Severity] = {}
    zones: dict[str, list[tuple[Device, str]]] = {}
    for device in case.population.devices:
        seen = device.seen
        random = [mac for mac in seen.macs if is_random(mac)]
        here = [zone for zone in plain_zones(case, device) if importance(case, zone) != "low"]
        if not random or not here or seen.listed is not None:
            continue
        if seen.id in told or impersonates(case, device):
            continue
        severities.update((zone, graded(case, zone, "high")) for zone in here if zone not in severities)
        zone = min(here, key=lambda one: (SEVERITIES.index(severities[one]), one))
        zones.setdefault(zone, []).append((device, random[0]))
    talks = talks_of(case, (device for found in zones.values() for device, _ in found))
    for zone, found in sorted(zones.items()):
        apart, together = divided(found, lambda one: acted(case, ends_of(one[0]), talks[one[0].seen.id]))
        if together:
            yield many(case, RULE, "random-macs", zone, [device for device, _ in together])
        for device, mac in apart:
            yield _one(case, device, mac, zone, severities[zone])


def _one(case: Case, device: Device, mac: str, zone: str, severity: Severity) -> Finding:
    seen = device.seen
    name = seen.texts[0] if seen.texts else seen.id
    return Finding(
        rule=RULE,
        key=(mac,),
        severity=severity,
        link=Link(client=name, vlan=seen.vlans[0] if seen.vlans else ""),
        place=Place(from_zone=zone),
        what=say("random-mac", device=name, mac=mac, zone=zone),
        why=(*what_it_is(device), *off_hours(case, RULE, seen.first_ns)),
        count=seen.packets,
        unit="packets",
        first_ns=seen.first_ns,
        last_ns=seen.last_ns,
        evidence=first(seen.evidence),
    )
