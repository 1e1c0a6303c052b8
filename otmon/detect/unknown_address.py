"""An address that is in no zone of the model.

What it means, when it is wrong and how to respond: `rules/unknown-address.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from otmon.assets.classify import Device
from otmon.assets.vendor import is_random
from otmon.detect.changing_address import first_addresses
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Place,
    Severity,
    changes,
    first,
    importance,
    say,
    say_some,
)
from otmon.detect.port_scan import scanned
from otmon.detect.rules.field import was_answered
from otmon.detect.unauthorised_device import at_ports, many, plain_zones, strangers, what_it_is
from otmon.detect.values import asked_for
from otmon.ledger.facts import Asset, Conversation, Evidence, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.address import parse_address, reach
from otmon.zones.decide import Verdict
from otmon.zones.model import UNKNOWN_ZONE
from otmon.zones.review.check import in_no_zone

RULE: Final = "unknown-address"

Talk = list[tuple[Conversation, Verdict]]


def unknown_address(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    talks: dict[str, Talk] = {}
    probes = scanned(case)
    for fact, verdict in case.conversations:
        if UNKNOWN_ZONE not in (verdict.from_zone, verdict.to_zone):
            continue
        for address, zone in ((fact.client, verdict.from_zone), (fact.server, verdict.to_zone)):
            # An address that a scan looked for need not be there.
            if zone == UNKNOWN_ZONE and (address == fact.client or conversation_key(fact) not in probes):
                talks.setdefault(address, []).append((fact, verdict))
    seen: dict[str, list[Asset]] = {}
    for asset in in_no_zone(case.index, case.ledger.assets):
        if asset.address:
            seen.setdefault(asset.address, []).append(asset)
    # One who makes addresses up gets no answers under them.
    silent: dict[str, list[str]] = {}
    for address, assets in sorted(seen.items()):
        macs = {asset.mac for asset in assets}
        if len(macs) == 1 and not any(was_answered(fact) for fact, _ in talks.get(address, ())):
            silent.setdefault(min(macs), []).append(address)
    spread = case.rules[RULE].number("spread")
    made_up = {mac: found for mac, found in sorted(silent.items()) if mac and len(found) > spread}
    for mac, found in made_up.items():
        every = {
            conversation_key(fact): (fact, verdict) for one in found for fact, verdict in talks.get(one, ())
        }
        talk = list(every.values())
        yield _many(case, mac, found, talk, [asset for one in found for asset in seen[one]])
    pooled = {address for found in made_up.values() for address in found}
    firsts = first_addresses(case)
    hosts: dict[str, list[str]] = {}
    for address in sorted((talks.keys() | seen.keys()) - pooled):
        first_one = firsts.get(address, address)
        hosts.setdefault(first_one if first_one in seen else address, []).append(address)
    for address, own in sorted(hosts.items()):
        talk = [one for each in own for one in talks.get(each, ())]
        yield _finding(case, address, own, talk, [one for each in own for one in seen.get(each, ())])
    newcomers = list(_without_address(case))
    if len(newcomers) > spread:
        yield replace(many(case, RULE, "addressless-many", "", newcomers), severity="medium")
    else:
        yield from (_addressless(case, device) for device in newcomers)


def _without_address(case: Case) -> Iterator[Device]:
    """Devices that chose their MAC address, as phones do, and got no address of a network: where addresses
    are given by hand they ask for one in vain, and use what they make up for their link."""
    told = strangers(case)
    for device in case.population.devices:
        seen = device.seen
        if (
            seen.listed is None
            and not seen.routers
            and seen.id not in told
            and any(map(is_random, seen.macs))
            and any(one.address for one in seen.addresses)
            and all(_is_made_up(one) for one in seen.texts)
            and not plain_zones(case, device)
        ):
            yield device


def _is_made_up(text: str) -> bool:
    """Whether a device made the address for its link (RFC 3927, RFC 4862)."""
    address = parse_address(text)
    return address is not None and reach(address) == "link"


def _addressless(case: Case, device: Device) -> Finding:
    seen = device.seen
    names = sorted({one.address for one in seen.addresses} - {"", "0.0.0.0", "::"})
    mac = seen.macs[0]
    why = [say("no-address", address=mac)]
    if names:
        why.append(say_some("addresses", names, case.rules[RULE].number("shown")))
    return Finding(
        rule=RULE,
        key=("addressless", mac),
        severity="low",
        link=Link(client=mac, vlan=seen.vlans[0] if seen.vlans else ""),
        place=Place(from_zone=UNKNOWN_ZONE),
        what=say("addressless", mac=mac),
        why=(*why, *what_it_is(device), *at_ports(case, [*seen.macs, *names])),
        count=seen.packets,
        unit="packets",
        first_ns=seen.first_ns,
        last_ns=seen.last_ns,
        evidence=first(seen.evidence),
    )


def _many(case: Case, mac: str, addresses: list[str], talk: Talk, assets: list[Asset]) -> Finding:
    """One finding for addresses that one sender used and nobody answered."""
    own = set(addresses)
    asked = [
        one for fact, _ in talk if fact.client in own for one in case.asked.get(conversation_key(fact), [])
    ]
    others = [
        (end, zone)
        for fact, verdict in talk
        for end, zone in ((fact.client, verdict.from_zone), (fact.server, verdict.to_zone))
        if end not in own
    ]
    zones = sorted({zone for _, zone in others} - {"", UNKNOWN_ZONE})
    facts: list[Conversation | Asset] = [*(fact for fact, _ in talk), *assets]
    return Finding(
        rule=RULE,
        key=("many", mac),
        severity=_severity(case, zones, talk, asked),
        link=Link(client=mac),
        place=Place(from_zone=UNKNOWN_ZONE, to_zone=zones[0] if len(zones) == 1 else ""),
        what=say("strangers", mac=mac, count=len(addresses)),
        why=(
            say_some("addresses", addresses, case.rules[RULE].number("shown")),
            *_doings(case, sorted({end for end, _ in others}), zones, asked),
        ),
        count=sum(asset.packets for asset in assets),
        unit="packets",
        first_ns=min(fact.first_ns for fact in facts),
        last_ns=max(fact.last_ns for fact in facts),
        evidence=_evidence(facts, asked),
        extent=len(addresses),
    )


def _finding(
    case: Case,
    address: str,
    own: list[str],
    talk: Talk,
    assets: list[Asset],
) -> Finding:
    operations = [
        one for fact, _ in talk if fact.client in own for one in case.asked.get(conversation_key(fact), [])
    ]
    zones = sorted({_other(own, fact, verdict)[1] for fact, verdict in talk} - {"", UNKNOWN_ZONE})
    peers = sorted({_other(own, fact, verdict)[0] for fact, verdict in talk})
    shown = case.rules[RULE].number("shown")
    why: list[Message] = [say("reason.unknown-address", address=address)]
    if len(own) > 1:
        why.append(say_some("addresses", own, shown))
    macs = sorted({asset.mac for asset in assets} - {""})
    if macs:
        why.append(say("seen-with", macs=", ".join(macs[:shown])))
    device = (
        case.population.by_id.get(case.population.grouped.owner(address, assets[0].vlan)) if assets else None
    )
    if device is not None:
        why.extend(what_it_is(device))
    why.extend(_doings(case, peers, zones, operations))
    facts: list[Conversation | Asset] = [*(fact for fact, _ in talk), *assets]
    return Finding(
        rule=RULE,
        key=(address,),
        severity=_severity(case, zones, talk, operations),
        link=Link(client=address),
        place=Place(from_zone=UNKNOWN_ZONE, to_zone=zones[0] if len(zones) == 1 else ""),
        what=say("stranger", address=address),
        why=tuple(why),
        count=sum(fact.packets_to_server + fact.packets_to_client for fact, _ in talk)
        or sum(asset.packets for asset in assets),
        unit="packets",
        first_ns=min(fact.first_ns for fact in facts),
        last_ns=max(fact.last_ns for fact in facts),
        evidence=_evidence(facts, operations),
        extent=len(facts),
    )


def _doings(case: Case, peers: list[str], zones: list[str], asked: list[Operation]) -> Iterator[Message]:
    """With whom strangers talked in which zones, and what they asked for."""
    shown = case.rules[RULE].number("shown")
    if peers:
        yield say("peers", peers=", ".join(peers[:shown]), count=len(peers), zones=", ".join(zones) or "-")
    yield from asked_for(case, asked, shown)


def _evidence(facts: list[Conversation | Asset], asked: list[Operation]) -> tuple[Evidence, ...]:
    return first(*(fact.evidence for fact in facts), *(one.evidence for one in asked if changes([one])))


def _other(own: list[str], fact: Conversation, verdict: Verdict) -> tuple[str, str]:
    """Address and zone of the other end."""
    return (fact.server, verdict.to_zone) if fact.client in own else (fact.client, verdict.from_zone)


def _severity(case: Case, zones: list[str], talk: Talk, operations: list[Operation]) -> Severity:
    high = any(importance(case, zone) == "high" for zone in zones)
    if changes(operations):
        return "critical" if high else "high"
    if any(was_answered(fact) for fact, _ in talk) and zones:
        return "high" if high else "medium"
    return "medium" if high else "low"
