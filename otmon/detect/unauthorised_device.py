"""A device that the inventory of its zone does not list.

What it means, when it is wrong and how to respond: `rules/unauthorised-device.yml`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, TypeVar

from otmon.assets.classify import Device
from otmon.assets.makers import DeviceClass
from otmon.assets.place import NOWHERE, inventoried, zones_of
from otmon.assets.vendor import is_shared, vendor_of
from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Message,
    Place,
    Severity,
    changes,
    first,
    graded,
    say,
    say_some,
)
from otmon.detect.multi_homed_asset import is_router
from otmon.detect.once_per_case import once_per_case
from otmon.detect.rules.field import was_answered
from otmon.ledger.facts import HOUR_NS, Conversation
from otmon.ledger.ledger import conversation_key
from otmon.zones.address import parse_address
from otmon.zones.model import INTERNET
from otmon.zones.model import Device as Listed
from otmon.zones.place import locate
from otmon.zones.times import local_time

RULE: Final = "unauthorised-device"

SPREAD: Final = 16
"""Unlisted devices of one zone that are told one by one although they did nothing: of more the inventory is
not complete, or somebody makes them up."""
_Item = TypeVar("_Item")

SHOWN: Final = 6
"""Addresses and peers that are named in one finding."""
OPENINGS: Final[tuple[DeviceClass, ...]] = ("access-point", "mobile-router")
"""What lets others in by radio."""


def unauthorised_device(case: Case) -> Iterator[Finding]:
    zones: dict[str, list[Device]] = {}
    for device, zone in strangers(case).values():
        zones.setdefault(zone, []).append(device)
    talks = talks_of(case, (device for some in zones.values() for device in some))
    for zone, found in sorted(zones.items()):
        apart, together = divided(
            found, lambda device: lets_in(device) or acted(case, ends_of(device), talks[device.seen.id])
        )
        if together:
            yield many(case, RULE, "unlisted-devices", zone, together)
        for device in apart:
            yield _one(case, zone, device, talks[device.seen.id])


def strangers(case: Case) -> dict[str, tuple[Device, str]]:
    """The devices that stand in a zone with an inventory and are not listed, by id, each with the most
    important of these zones. Who uses the address of an asset is left out (`address_taken_over`), and so is
    what a listed router and its twin share (VRRP, HSRP, GLBP)."""
    if case.index is None:
        return {}
    covered = inventoried(case.index)
    unlisted = [one for one in case.population.devices if one.seen.listed is None] if covered else []
    zones: dict[str, Iterable[str]] = {one.seen.id: zones_of(case.index, one.seen) for one in unlisted}
    zones |= _reached(case, [one for one in unlisted if not zones[one.seen.id]])
    found = {}
    for device in unlisted:
        here = [zone for zone in zones[device.seen.id] if zone in covered]
        if here and not is_redundant(case, device) and not impersonates(case, device):
            order = {zone: SEVERITIES.index(graded(case, zone, "critical")) for zone in here}
            found[device.seen.id] = device, min(here, key=lambda zone: (order[zone], zone))
    return found


def _reached(case: Case, devices: Iterable[Device]) -> dict[str, Iterable[str]]:
    """The zones in which devices talk that are in none by their addresses: those have link-local addresses
    alone, or none. What hosts say to find each other (ICMPv6) is no talk."""
    macs = {mac: one.seen.id for one in devices for mac in one.seen.macs}
    ends = {(each.address, each.vlan): one.seen.id for one in devices for each in one.seen.addresses}
    found: dict[str, set[str]] = {}
    for fact, verdict in case.conversations if ends else ():
        for end, zone in ((fact.client, verdict.from_zone), (fact.server, verdict.to_zone)):
            id = ends.get((end, fact.vlan)) or macs.get(end)
            if id is not None and zone not in NOWHERE and fact.transport != "icmpv6":
                found.setdefault(id, set()).add(zone)
    return {id: sorted(zones) for id, zones in found.items()}


def impersonates(case: Case, device: Device) -> dict[str, Listed]:
    """The addresses of a device that are those of another asset of the inventory, with that asset."""
    found: dict[str, Listed] = {}
    own = device.seen.listed.id if device.seen.listed is not None else ""
    for text in device.seen.texts if not device.seen.routers else ():
        address = parse_address(text)
        for _, known in case.inventory.covering(address) if address is not None else ():
            found.update((text, listed) for listed in known if listed.id != own)
    return found


def what_it_is(device: Device) -> Iterator[Message]:
    """What a device probably is, how sure that is, and every signal for and against it."""
    probable = device.probable
    classes = tuple(say(f"class.{one}") for one in probable.classes)
    sureness = (say(f"sureness.{probable.sureness}"),)
    if classes and probable.sureness != "contradicted":
        yield say("probably", what=classes, sureness=sureness)
    elif classes:
        yield say("would-be", what=classes)
    for signal in probable.signals:
        yield say(f"signal.{signal.key}", **dict(signal.params))
    if not any(one.source in ("vendor", "mac") for one in probable.signals):
        made = sorted(
            {one.name for mac in device.seen.macs if (one := vendor_of(mac)) is not None and one.name}
        )
        if made:
            yield say("signal.vendor", vendor=", ".join(made[:SHOWN]))


def at_ports(case: Case, names: Iterable[str]) -> Iterator[Message]:
    """The switch ports of a host under any of its addresses and MAC addresses, where somebody told them."""
    ports = sorted(set().union(*(case.plugged.get(name, set()) for name in names if name)))
    if ports:
        yield say_some("at-ports", ports, SHOWN)


def off_hours(case: Case, rule: str, first_ns: int) -> Iterator[Message]:
    """That a device was first seen outside working hours; nothing where the capture may just begin there."""
    begins, ends, offset = (case.rules[rule].number(name) for name in ("begins", "ends", "offset"))
    seen_from = min((source.first_ns for source in case.ledger.sources if source.packets), default=first_ns)
    if first_ns - seen_from < HOUR_NS:
        return
    try:
        clock = local_time(first_ns if case.timezone else first_ns + offset * HOUR_NS, case.timezone or "UTC")
    except (OverflowError, ValueError):
        # A capture that lies about its times.
        return
    if not begins <= clock.hour < ends:
        yield say("off-hours", time=f"{clock:%H:%M}", begins=begins, ends=ends)


def is_redundant(case: Case, device: Device) -> bool:
    """Whether it is what routers share (VRRP, HSRP, GLBP), as far as the inventory has routers. Who asks
    others for something is a host under such a MAC address."""
    if not any(map(is_shared, device.seen.macs)):
        return False
    known = case.index.model.devices if case.index is not None else ()
    has_routers = any(is_router(case, one) for one in known)
    return has_routers and _asking(case).isdisjoint(device.seen.texts)


@once_per_case
def _asking(case: Case) -> set[str]:
    """Who was answered as a client, or changed something."""
    found = {one.client for one in case.ledger.conversations if was_answered(one)}
    return found | {one.client for one in case.ledger.operations if changes([one])}


def talks_of(case: Case, devices: Iterable[Device]) -> dict[str, list[Conversation]]:
    """The conversations of devices, by their ids."""
    found: dict[str, list[Conversation]] = {device.seen.id: [] for device in devices}
    for talk in case.ledger.conversations if found else ():
        owners = {case.population.grouped.owner(end, talk.vlan) for end in (talk.client, talk.server)}
        for id in owners & found.keys():
            found[id].append(talk)
    return found


def ends_of(device: Device) -> set[str]:
    """The addresses and MAC addresses of a device."""
    return {*device.seen.texts, *device.seen.macs}


def acted(case: Case, ends: Collection[str], talks: Iterable[Conversation]) -> bool:
    """Whether a device with these addresses was answered, or answered, or changed something: whoever makes
    senders up to hide among them gets no answers."""
    return any(
        was_answered(talk) or (talk.client in ends and changes(case.asked.get(conversation_key(talk), ())))
        for talk in talks
    )


def divided(
    found: Iterable[_Item], acts: Callable[[_Item], bool], spread: int = SPREAD
) -> tuple[list[_Item], list[_Item]]:
    """Of devices of one zone those that are told one by one, and those that are told as one: the ones that
    did nothing, where they are more than `spread`."""
    apart: list[_Item] = []
    idle: list[_Item] = []
    every = list(found)
    for one in every:
        (apart if acts(one) else idle).append(one)
    return (apart, idle) if len(idle) > spread else (every, [])


def _one(case: Case, zone: str, device: Device, talks: list[Conversation]) -> Finding:
    assert case.index is not None
    seen = device.seen
    name = seen.texts[0] if seen.texts else seen.id
    ends = ends_of(device)
    asked = [
        one for talk in talks if talk.client in ends for one in case.asked.get(conversation_key(talk), [])
    ]
    peers = sorted({end for talk in talks for end in (talk.client, talk.server)} - ends)
    why = [*what_it_is(device)]
    if seen.macs:
        why.insert(0, say("seen-with", macs=", ".join(seen.macs[:SHOWN])))
    why += at_ports(case, sorted(ends))
    why += off_hours(case, RULE, seen.first_ns)
    if peers:
        why.append(say_some("talks-with", peers, SHOWN))
    zones = {
        end: locate(case.index, end, talk.vlan).zone for talk in talks for end in (talk.client, talk.server)
    }
    outside = [peer for peer in peers if zones[peer] == INTERNET]
    if outside:
        why.append(say_some("reaches-outside", outside, SHOWN))
    if asked:
        why.append(say_some("asked-for", sorted({one.service for one in asked}), SHOWN))
    gravest: Severity = "medium"
    if changes(asked):
        gravest = "critical"
    elif outside or lets_in(device) or any(map(was_answered, talks)):
        gravest = "high"
    return Finding(
        rule=RULE,
        key=("one", seen.id),
        severity=graded(case, zone, gravest),
        link=Link(client=name, vlan=seen.vlans[0] if seen.vlans else ""),
        place=Place(from_zone=zone),
        what=say("unlisted-device", device=name, zone=zone),
        why=tuple(why),
        count=seen.packets,
        unit="packets",
        first_ns=seen.first_ns,
        last_ns=seen.last_ns,
        evidence=first(seen.evidence, *(one.evidence for one in asked if changes([one]))),
    )


def many(case: Case, rule: str, what: str, zone: str, found: list[Device]) -> Finding:
    """One finding for devices of a zone that did nothing and are too many to be told one by one."""
    names = [one.seen.texts[0] if one.seen.texts else one.seen.id for one in found]
    return Finding(
        rule=rule,
        key=("many", zone),
        severity=graded(case, zone, "high"),
        link=Link(),
        place=Place(from_zone=zone),
        what=say(what, count=len(found), zone=zone),
        why=(say_some("addresses", names, SHOWN), say("did-nothing")),
        count=sum(one.seen.packets for one in found),
        unit="packets",
        first_ns=min(one.seen.first_ns for one in found),
        last_ns=max(one.seen.last_ns for one in found),
        evidence=first(*(one.seen.evidence for one in found)),
        extent=len(found),
    )


def lets_in(device: Device) -> bool:
    """Whether others get into its network by a device: by radio, or under its own address (NAT)."""
    probable = device.probable
    opens = probable.sureness in ("sure", "likely") and set(OPENINGS) & set(probable.classes)
    return bool(opens) or any(one.key == "translates" for one in probable.signals)


def plain_zones(case: Case, device: Device) -> tuple[str, ...]:
    """The zones that somebody drew and that a device is in."""
    if case.index is None:
        return ()
    return tuple(zone for zone in zones_of(case.index, device.seen) if zone not in NOWHERE)
