"""A device with a MAC address of its own choosing in a zone of the plant.

What it means, when it is wrong and how to respond: `rules/random-mac.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.assets.vendor import is_random
from otmon.detect.detector import SEVERITIES, Case, Finding, Link, Place, first, graded, importance, say
from otmon.detect.unauthorised_device import impersonates, off_hours, plain_zones, strangers, what_it_is

RULE: Final = "random-mac"


def random_mac(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    told = strangers(case)
    for device in case.population.devices:
        seen = device.seen
        random = [mac for mac in seen.macs if is_random(mac)]
        zones = [zone for zone in plain_zones(case, device) if importance(case, zone) != "low"]
        if not random or not zones or seen.listed is not None:
            continue
        if seen.id in told or impersonates(case, device):
            continue
        severities = {zone: graded(case, zone, "high") for zone in zones}
        zone = min(zones, key=lambda one: (SEVERITIES.index(severities[one]), one))
        name = seen.texts[0] if seen.texts else seen.id
        yield Finding(
            rule=RULE,
            key=(random[0],),
            severity=severities[zone],
            link=Link(client=name, vlan=seen.vlans[0] if seen.vlans else ""),
            place=Place(from_zone=zone),
            what=say("random-mac", device=name, mac=random[0], zone=zone),
            why=(*what_it_is(case, device), *off_hours(case, RULE, seen.first_ns)),
            count=seen.packets,
            unit="packets",
            first_ns=seen.first_ns,
            last_ns=seen.last_ns,
            evidence=first(seen.evidence),
        )
