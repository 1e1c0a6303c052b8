"""A device that was not there in the baseline.

What it means, when it is wrong and how to respond: `rules/new-device.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from otmon.detect.changing_address import first_addresses, had_addresses
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Place,
    Severity,
    changes,
    first,
    graded,
    importance,
    registered,
    say,
    say_some,
)
from otmon.detect.rules.field import was_answered
from otmon.detect.unauthorised_device import acted, at_ports, divided, strangers
from otmon.detect.values import values_written
from otmon.ledger.facts import Asset, Conversation, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import locate
from otmon.zones.model import UNKNOWN_ZONE

RULE: Final = "new-device"


def new_device(case: Case) -> Iterator[Finding]:
    if case.baseline is None:
        return
    # More of one zone are another network, or forged senders.
    spread = case.rules[RULE].number("spread")
    talks: dict[str, list[Conversation]] = {}
    for talk in case.ledger.conversations:
        for end in {talk.client, talk.server}:
            talks.setdefault(end, []).append(talk)
    zones: dict[str, dict[str, list[Asset]]] = {}
    told = strangers(case)
    firsts = first_addresses(case)
    hosts: dict[str, list[Asset]] = {}
    for name, assets in case.newcomers.items():
        hosts.setdefault(firsts.get(name, name), []).extend(assets)
    for name, assets in hosts.items():
        if told and case.population.grouped.owner(name, assets[0].vlan) in told:
            continue
        zone = locate(case.index, name, assets[0].vlan).zone if case.index is not None else ""
        if zone != UNKNOWN_ZONE:
            zones.setdefault(zone, {})[name] = assets
            if len(assets) > 1:
                several = {end: None for one in assets for end in (name, one.address) if end}
                talks[name] = list(dict.fromkeys(talk for end in several for talk in talks.get(end, ())))
    for zone, found in zones.items():
        ends = {name: {name, *(one.address for one in assets)} for name, assets in found.items()}
        apart, together = divided(found, partial(_acted, case, ends, talks), spread)
        if together:
            yield _many(case, zone, {name: found[name] for name in together})
        for name in apart:
            yield _one(case, zone, name, found[name], talks.get(name, []))


def _acted(case: Case, ends: dict[str, set[str]], talks: dict[str, list[Conversation]], name: str) -> bool:
    return acted(case, ends[name], talks.get(name, []))


def _one(case: Case, zone: str, name: str, assets: list[Asset], talks: list[Conversation]) -> Finding:
    ends = {name, *(one.address for one in assets)}
    asked = [
        one for talk in talks if talk.client in ends for one in case.asked.get(conversation_key(talk), [])
    ]
    return Finding(
        rule=RULE,
        key=("one", name),
        severity=_severity(case, zone, name, assets, talks, asked),
        link=Link(client=name, vlan=assets[0].vlan),
        place=Place(from_zone=zone),
        what=say("newcomer", address=name),
        why=tuple(_why(case, name, assets, talks, asked)),
        count=sum(one.packets for one in assets),
        unit="packets",
        first_ns=min(one.first_ns for one in assets),
        last_ns=max(one.last_ns for one in assets),
        evidence=first(*(one.evidence for one in assets), *(one.evidence for one in asked if changes([one]))),
        extent=max(len(talks), 1),
    )


def _severity(
    case: Case,
    zone: str,
    name: str,
    assets: list[Asset],
    talks: list[Conversation],
    asked: list[Operation],
) -> Severity:
    if registered(case, name):
        return "info"
    if changes(asked):
        return graded(case, zone, "high")
    industrial = {one.id for one in case.protocols.values() if one.kind == "industrial"}
    if any(talk.protocol in industrial and was_answered(talk) for talk in talks):
        return graded(case, zone, "medium")
    if had_addresses(case, assets):
        return "info"
    return "medium" if importance(case, zone) == "high" else "low"


def _why(
    case: Case, name: str, assets: list[Asset], talks: list[Conversation], asked: list[Operation]
) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    addresses = sorted({one.address for one in assets} - {"", name})
    if addresses:
        yield say_some("addresses", [name, *addresses], shown)
    macs = sorted({one.mac for one in assets} - {"", name})
    if macs:
        yield say("seen-with", macs=", ".join(macs[:shown]))
    yield from at_ports(case, (name, *macs))
    if case.baseline is not None:
        known = {
            one.address
            for one in case.baseline.assets
            if one.mac in macs and case.is_own(one.address, one.vlan)
        }
        if known:
            yield say_some("mac-before", sorted(known), shown)
    for device in registered(case, name)[:shown]:
        yield say("in-inventory", asset=device.id, line=str(device.line))
    peers = sorted({end for talk in talks for end in (talk.client, talk.server)} - {name, *addresses})
    if peers:
        yield say_some("talks-with", peers, shown)
    if asked:
        yield say_some("asked-for", sorted({one.service for one in asked}), shown)
        yield from values_written(case, asked)


def _many(case: Case, zone: str, found: dict[str, list[Asset]]) -> Finding:
    assets = [one for some in found.values() for one in some]
    return Finding(
        rule=RULE,
        key=("many", zone),
        severity=graded(case, zone, "medium"),
        link=Link(),
        place=Place(from_zone=zone),
        what=say("newcomers-of-zone", count=len(found), zone=zone)
        if zone
        else say("newcomers", count=len(found)),
        why=(say_some("addresses", list(found), case.rules[RULE].number("shown")), say("did-nothing")),
        count=sum(one.packets for one in assets),
        unit="packets",
        first_ns=min(one.first_ns for one in assets),
        last_ns=max(one.last_ns for one in assets),
        evidence=first(*(one.evidence for one in assets)),
        extent=len(assets),
    )
