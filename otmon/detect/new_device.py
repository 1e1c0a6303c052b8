"""A device that was not there in the baseline.

What it finds
    Each address of the plant's networks, or MAC address of what uses no IP, that sent something and
    sent nothing in the baseline: where it is, with whom it talks, what it asked for. More than
    `SPREAD` of them in one zone are one finding.

Why it matters
    A laptop, a telephone, an access point or a small computer behind a cabinet begins with a
    packet from an address that nobody has seen. In a factory that happens a few times a year, so each
    time is worth a look.

What it looks like
    10.30.1.77 was never seen; it asks two controllers for their registers.

When it is wrong
    When the baseline was too short, or holds other networks than the capture. An address that was
    given anew (DHCP) is told with the address that its MAC address had before: the same device, or
    something new behind the same router. A device that is in the model's inventory is for
    information. An address in no zone of the model is told as such, and not here.

References
    ATT&CK for ICS T0864, T0848; IEC 62443-3-3 SR 1.2, SR 6.2, SR 7.8; METI's guideline, item 2-6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Place,
    Rule,
    Severity,
    attack,
    changes,
    first,
    graded,
    guideline_check,
    importance,
    is_site,
    registered,
    requirement,
    say,
    say_some,
    values_written,
)
from otmon.ledger.facts import Asset, Conversation, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import locate
from otmon.zones.model import UNKNOWN_ZONE

RULE = Rule(
    "new-device",
    (
        *attack("T0864", "Transient Cyber Asset"),
        *attack("T0848", "Rogue Master"),
        requirement("SR 1.2", "Software process and device identification"),
        requirement("SR 6.2", "Continuous monitoring"),
        requirement("SR 7.8", "Control system component inventory"),
        guideline_check("2-6", "接続機器の台帳とシステム構成図"),
    ),
)

SPREAD: Final = 16
"""New devices of one zone that are told one by one: more are another network, or forged senders."""
SHOWN: Final = 6
"""Addresses and services that are named in one finding."""


def new_device(case: Case) -> Iterator[Finding]:
    if case.baseline is None:
        return
    talks: dict[str, list[Conversation]] = {}
    for talk in case.ledger.conversations:
        for end in {talk.client, talk.server}:
            talks.setdefault(end, []).append(talk)
    zones: dict[str, dict[str, list[Asset]]] = {}
    for name, assets in case.newcomers.items():
        zone = locate(case.index, name, assets[0].vlan).zone if case.index is not None else ""
        if zone != UNKNOWN_ZONE:
            zones.setdefault(zone, {})[name] = assets
    for zone, found in zones.items():
        if len(found) > SPREAD:
            yield _many(case, zone, found)
        else:
            for name, assets in found.items():
                yield _one(case, zone, name, assets, talks.get(name, []))


def _one(case: Case, zone: str, name: str, assets: list[Asset], talks: list[Conversation]) -> Finding:
    asked = [
        one for talk in talks if talk.client == name for one in case.asked.get(conversation_key(talk), [])
    ]
    return Finding(
        rule=RULE.id,
        key=("one", name),
        severity=_severity(case, zone, name, talks, asked),
        link=Link(client=name, vlan=assets[0].vlan),
        place=Place(from_zone=zone),
        what=say("newcomer", address=name),
        why=tuple(_why(case, name, assets, talks, asked)),
        count=sum(one.packets for one in assets),
        unit="packets",
        first_ns=min(one.first_ns for one in assets),
        last_ns=max(one.last_ns for one in assets),
        evidence=first(*(one.evidence for one in assets), *(one.evidence for one in asked if changes([one]))),
        references=RULE.references,
    )


def _severity(
    case: Case, zone: str, name: str, talks: list[Conversation], asked: list[Operation]
) -> Severity:
    if registered(case, name):
        return "info"
    if changes(asked):
        return graded(case, zone, "high")
    industrial = {one.id for one in case.protocols.values() if one.kind == "industrial"}
    if any(talk.protocol in industrial and talk.answered for talk in talks):
        return graded(case, zone, "medium")
    return "medium" if importance(case, zone) == "high" else "low"


def _why(
    case: Case, name: str, assets: list[Asset], talks: list[Conversation], asked: list[Operation]
) -> Iterator[Message]:
    macs = sorted({one.mac for one in assets} - {"", name})
    if macs:
        yield say("seen-with", macs=", ".join(macs[:SHOWN]))
    if case.baseline is not None:
        known = {one.address for one in case.baseline.assets if one.mac in macs and is_site(one.address)}
        if known:
            yield say_some("mac-before", sorted(known), SHOWN)
    for device in registered(case, name)[:SHOWN]:
        yield say("in-inventory", asset=device.id, line=str(device.line))
    peers = sorted({end for talk in talks for end in (talk.client, talk.server)} - {name})
    if peers:
        yield say_some("talks-with", peers, SHOWN)
    if asked:
        yield say_some("asked-for", sorted({one.service for one in asked}), SHOWN)
        yield from values_written(case, sorted({conversation_key(one) for one in asked}))


def _many(case: Case, zone: str, found: dict[str, list[Asset]]) -> Finding:
    assets = [one for some in found.values() for one in some]
    return Finding(
        rule=RULE.id,
        key=("many", zone),
        severity=graded(case, zone, "medium"),
        link=Link(),
        place=Place(from_zone=zone),
        what=say("newcomers", count=len(found), zone=zone or "-"),
        why=(say_some("addresses", list(found), SHOWN),),
        count=sum(one.packets for one in assets),
        unit="packets",
        first_ns=min(one.first_ns for one in assets),
        last_ns=max(one.last_ns for one in assets),
        evidence=first(*(one.evidence for one in assets)),
        references=RULE.references,
    )
