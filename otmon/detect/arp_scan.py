"""One host that asks by ARP for very many of its neighbours.

What it finds
    A sender that asked by ARP for at least 64 addresses of other hosts, told apart by their last
    octet. One finding for each sender, with the ranges of last octets and the busiest second. There
    is no time limit.

Why it matters
    Inside a network ARP is the scan that no firewall sees and that every host answers. It is what
    tools for the local network begin with, and what a scan of addresses leaves behind before it
    reaches a router.

What it looks like
    10.60.0.5 asks for 10.60.0.1 to 10.60.0.254 within three seconds.

When it is wrong
    A router asks for every address that somebody outside looks for, and a server or a management
    system of a large network may talk with as many neighbours: who had talked with at least half of
    them is not found, and what the baseline shows to ask for so many is left out.

    Why 64: in the public captures nobody asks for more than 24, and a scan of a /24 asks for 253.
    Larger networks wrap around at 256, so that the number is a lower bound.

References
    ATT&CK for ICS T0846; RFC 826; IEC 62443-3-3 SR 6.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Rule,
    attack,
    first,
    place_of_sender,
    requirement,
    say,
    say_some,
    spans,
)
from otmon.ledger.facts import Asset
from otmon.ledger.ledger import asset_key

RULE = Rule(
    "arp-scan",
    (*attack("T0846", "Remote System Discovery"), requirement("SR 6.2", "Continuous monitoring")),
)

ASKED = 64
"""Last octets that one sender asked for."""
SHARE = 2
"""Who talked with one in so many of the hosts that it asked for knows them."""
SHOWN = 6
"""Ranges that are named in one finding."""


def arp_scan(case: Case) -> Iterator[Finding]:
    usual = set() if case.baseline is None else {
        asset_key(one) for one in case.baseline.assets if one.arp_asked.bit_count() >= ASKED
    }  # fmt: skip
    peers: dict[str, set[str]] = {}
    for fact in case.ledger.conversations:
        if fact.answered:
            peers.setdefault(fact.client, set()).add(fact.server)
            peers.setdefault(fact.server, set()).add(fact.client)
    for asset in case.ledger.assets:
        asked = asset.arp_asked.bit_count()
        known = len(peers.get(asset.address, ()))
        if asked >= ASKED and known * SHARE < asked and asset_key(asset) not in usual:
            yield _finding(case, asset, asked)


def _finding(case: Case, asset: Asset, asked: int) -> Finding:
    address = asset.address or asset.mac
    octets = [number for number in range(256) if asset.arp_asked >> number & 1]
    peak = max((one.packets for one in asset.peaks if one.kind == "ARP packets"), default=0)
    return Finding(
        rule=RULE.id,
        key=(asset.mac, asset.address, asset.vlan),
        severity="medium",
        link=Link(client=address, vlan=asset.vlan),
        place=place_of_sender(case, asset),
        what=say("arp-scan", client=address, asked=asked),
        why=(
            say_some("last-octets", spans(octets), SHOWN),
            say("seen-with", macs=asset.mac),
            say("busiest-second", packets=peak),
        ),
        count=asset.arp,
        unit="packets",
        first_ns=asset.first_ns,
        last_ns=asset.last_ns,
        evidence=first(asset.evidence),
        references=RULE.references,
    )
