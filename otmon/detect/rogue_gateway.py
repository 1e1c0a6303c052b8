"""An access point, a mobile router or a translator of addresses that nobody listed.

What it means, when it is wrong and how to respond: `rules/rogue-gateway.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from otmon.assets.classify import Device
from otmon.assets.makers import DeviceClass
from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Message,
    Place,
    first,
    graded,
    importance,
    say,
)
from otmon.detect.unauthorised_device import (
    OPENINGS,
    impersonates,
    lets_in,
    plain_zones,
    strangers,
    what_it_is,
)

RULE: Final = "rogue-gateway"
GATEWAYS: Final[tuple[DeviceClass, ...]] = (*OPENINGS, "router")
"""What the inventory may say of who translates addresses."""


def rogue_gateway(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    told = strangers(case)
    for device in case.population.devices:
        here = [zone for zone in plain_zones(case, device) if importance(case, zone) != "low"]
        if not here or device.seen.id in told or impersonates(case, device):
            continue
        what = _what(device)
        if what:
            severities = {zone: graded(case, zone, "high") for zone in here}
            zone = min(here, key=lambda one: (SEVERITIES.index(severities[one]), one))
            yield _finding(case, device, zone, what)


def _what(device: Device) -> Literal["", "opens", "translates"]:
    """In what way it lets others in; "" where it is no way in, or the inventory says that it is one."""
    probable = device.probable
    listed = probable.sureness == "inventory"
    if any(one.key == "translates" for one in probable.signals):
        return "" if listed and set(GATEWAYS) & set(probable.classes) else "translates"
    # Of routers each zone has one, which is no news.
    return "opens" if not listed and lets_in(device) else ""


def _finding(case: Case, device: Device, zone: str, what: str) -> Finding:
    seen = device.seen
    name = seen.texts[0] if seen.texts else seen.id
    translates = [one.evidence for one in device.probable.signals if one.key == "translates"]
    why: list[Message] = []
    if seen.listed is not None:
        why.append(say("in-inventory", asset=seen.listed.id, line=str(seen.listed.line)))
    if seen.macs:
        why.append(say("seen-with", macs=", ".join(seen.macs)))
    return Finding(
        rule=RULE,
        key=(seen.id,),
        severity=graded(case, zone, "high"),
        link=Link(client=name, vlan=seen.vlans[0] if seen.vlans else ""),
        place=Place(from_zone=zone),
        what=say("rogue-translator", device=name, zone=zone)
        if what == "translates"
        else say("rogue-gateway", device=name, zone=zone),
        why=(*why, *what_it_is(case, device)),
        count=seen.packets,
        unit="packets",
        first_ns=seen.first_ns,
        last_ns=seen.last_ns,
        evidence=first(*translates) if translates else first(seen.evidence),
    )
