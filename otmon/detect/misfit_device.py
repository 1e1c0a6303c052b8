"""An asset of the inventory that shows itself as something else.

What it means, when it is wrong and how to respond: `rules/misfit-device.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.assets.classify import Device, classify
from otmon.detect.detector import SEVERITIES, Case, Finding, Link, Place, first, graded, lowered, say
from otmon.detect.unauthorised_device import plain_zones

RULE: Final = "misfit-device"
GRAVEST: Final = "high"
SHOWN: Final = 6
"""Signals that are told in one finding."""


def misfit_device(case: Case) -> Iterator[Finding]:
    for device in case.population.devices:
        if device.seen.listed is not None and device.probable.against:
            yield _finding(case, device)


def _finding(case: Case, device: Device) -> Finding:
    seen, against = device.seen, device.probable.against
    assert seen.listed is not None
    zones = {zone: graded(case, zone, GRAVEST) for zone in plain_zones(case, device)}
    zone = min(zones, key=lambda one: (SEVERITIES.index(zones[one]), one), default="")
    # What it would be taken for by anybody who does not know the inventory.
    without = classify(one for one in device.probable.signals if one.source != "inventory")
    why = [say("in-inventory", asset=seen.listed.id, line=str(seen.listed.line))]
    if seen.macs:
        why.append(say("seen-with", macs=", ".join(seen.macs[:SHOWN])))
    why += [say(f"signal.{one.key}", **dict(one.params)) for one in against[:SHOWN]]
    if without.classes and without.sureness != "contradicted":
        classes = tuple(say(f"class.{one}") for one in without.classes)
        why.append(say("probably", what=classes, sureness=(say(f"sureness.{without.sureness}"),)))
    return Finding(
        rule=RULE,
        key=(seen.listed.id,),
        severity=zones[zone] if zone else lowered(GRAVEST),
        link=Link(client=seen.texts[0] if seen.texts else seen.id, vlan=seen.vlans[0] if seen.vlans else ""),
        place=Place(from_zone=zone),
        what=say("misfit", asset=seen.listed.id, roles=", ".join(seen.listed.roles)),
        why=tuple(why),
        count=seen.packets,
        unit="packets",
        first_ns=seen.first_ns,
        last_ns=seen.last_ns,
        evidence=first(*(one.evidence for one in against)),
    )
