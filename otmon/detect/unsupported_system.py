"""A device whose operating system gets no more updates.

What it means, when it is wrong and how to respond: `rules/unsupported-system.yml`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Final

from otmon.assets.fingerprints import shipped_fingerprints
from otmon.detect.detector import SEVERITIES, Case, Finding, Link, Place, first, graded, lowered, say
from otmon.detect.unauthorised_device import plain_zones

RULE: Final = "unsupported-system"
GRAVEST: Final = "high"
SHOWN: Final = 4
"""Claims that are told in one finding."""
_DAY_NS: Final = 24 * 3_600_000_000_000
_EPOCH: Final = datetime.date(1970, 1, 1)


def unsupported_system(case: Case) -> Iterator[Finding]:
    for device in case.population.devices:
        told = shipped_fingerprints().system_of(device.claims)
        if told is None:
            continue
        system, claims = told
        seen = device.seen
        # Judged by the time of the packets: an old capture is of a time when it was supported.
        if seen.last_ns < ((system.ends - _EPOCH).days + 1) * _DAY_NS:
            continue
        zones = {zone: graded(case, zone, GRAVEST) for zone in plain_zones(case, device)}
        zone = min(zones, key=lambda one: (SEVERITIES.index(zones[one]), one), default="")
        name = seen.texts[0] if seen.texts else seen.id
        shown = dict.fromkeys((one.protocol, one.value) for one in claims)
        yield Finding(
            rule=RULE,
            key=(seen.id, system.id),
            severity=zones[zone] if zone else lowered(GRAVEST),
            link=Link(client=name, vlan=seen.vlans[0] if seen.vlans else ""),
            place=Place(from_zone=zone),
            what=say("unsupported-system", device=name, system=system.name, ends=system.ends.isoformat()),
            why=(
                *(say("called", names=", ".join(device.names)) for _ in device.names[:1]),
                *(say("said", protocol=protocol, value=value) for protocol, value in list(shown)[:SHOWN]),
            ),
            count=sum(one.times for one in claims),
            unit="messages",
            first_ns=min(one.first_ns for one in claims),
            last_ns=max(one.last_ns for one in claims),
            evidence=first(*(one.evidence for one in claims)),
        )
