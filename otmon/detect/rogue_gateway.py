"""An access point, a mobile router, a translator of addresses or a second router that nobody listed.

What it means, when it is wrong and how to respond: `rules/rogue-gateway.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    Severity,
    first,
    graded,
    importance,
    say,
)
from otmon.detect.unauthorised_device import (
    OPENINGS,
    impersonates,
    is_redundant,
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
    routers = _routers(case)
    for device in case.population.devices:
        here = [zone for zone in plain_zones(case, device) if importance(case, zone) != "low"]
        if not here or device.seen.id in told or impersonates(case, device):
            continue
        what = _what(device)
        beside = {
            zone: other for zone in here if (other := _usual(routers.get(zone, ()), device)) is not None
        }
        if what or beside:
            zones = here if what else sorted(beside)
            severities = {zone: graded(case, zone, "high" if what else "medium") for zone in zones}
            zone = min(zones, key=lambda one: (SEVERITIES.index(severities[one]), one))
            yield _finding(device, zone, severities[zone], what, beside.get(zone))


def _routers(case: Case) -> dict[str, tuple[Device, ...]]:
    """The devices that send for others, by zone; none of a zone in which routers share an address (VRRP,
    HSRP, GLBP), as these have twins."""
    found: dict[str, list[Device]] = {}
    shared: set[str] = set()
    for device in case.population.devices:
        if is_redundant(case, device):
            shared.update(plain_zones(case, device))
        elif device.seen.forwarded:
            for zone in plain_zones(case, device):
                found.setdefault(zone, []).append(device)
    return {zone: tuple(some) for zone, some in found.items() if zone not in shared}


def _usual(routers: Sequence[Device], device: Device) -> Device | None:
    """The router of a zone that is its usual one, where an unlisted device is another: a listed one, else the
    one that sends most."""
    if device not in routers or device.seen.listed is not None:
        return None
    usual = min(routers, key=lambda one: (one.seen.listed is None, -one.seen.packets, one.seen.id))
    return usual if usual is not device else None


def _what(device: Device) -> Literal["", "opens", "translates"]:
    """In what way it lets others in; "" where it is no way in, or the inventory says that it is one."""
    probable = device.probable
    listed = probable.sureness == "inventory"
    if any(one.key == "translates" for one in probable.signals):
        return "" if listed and set(GATEWAYS) & set(probable.classes) else "translates"
    # Of plain routers each zone has one, which is no news.
    return "opens" if not listed and lets_in(device) else ""


def _finding(device: Device, zone: str, severity: Severity, what: str, beside: Device | None) -> Finding:
    seen = device.seen
    name = _name(device)
    translates = [one.evidence for one in device.probable.signals if one.key == "translates"]
    why: list[Message] = []
    if seen.listed is not None:
        why.append(say("in-inventory", asset=seen.listed.id, line=str(seen.listed.line)))
    if seen.macs:
        why.append(say("seen-with", macs=", ".join(seen.macs)))
    return Finding(
        rule=RULE,
        key=(seen.id,),
        severity=severity,
        link=Link(client=name, vlan=seen.vlans[0] if seen.vlans else ""),
        place=Place(from_zone=zone),
        what=say("rogue-translator", device=name, zone=zone)
        if what == "translates"
        else say("rogue-gateway", device=name, zone=zone)
        if what or beside is None
        else say("rogue-router", device=name, zone=zone, router=_name(beside)),
        why=(*why, *what_it_is(device)),
        count=seen.packets,
        unit="packets",
        first_ns=seen.first_ns,
        last_ns=seen.last_ns,
        evidence=first(*translates) if translates else first(seen.evidence),
    )


def _name(device: Device) -> str:
    return device.seen.texts[0] if device.seen.texts else device.seen.id
