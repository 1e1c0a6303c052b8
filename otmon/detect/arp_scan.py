"""One host that asks by ARP for very many of its neighbours.

What it means, when it is wrong and how to respond: `rules/arp-scan.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    first,
    place_of_sender,
    say,
    say_some,
    spans,
)
from otmon.ledger.facts import Asset
from otmon.ledger.ledger import asset_key

RULE: Final = "arp-scan"


def arp_scan(case: Case) -> Iterator[Finding]:
    share = case.rules[RULE].number("share")
    before = () if case.baseline is None else case.baseline.assets
    usual = {asset_key(one) for one in before if asks_for_many(case, one)}
    asking = [one for one in case.ledger.assets if asks_for_many(case, one) and asset_key(one) not in usual]
    peers: dict[str, set[str]] = {asset.address: set() for asset in asking}
    for fact in case.ledger.conversations if peers else ():
        if fact.answered:
            for one, other in ((fact.client, fact.server), (fact.server, fact.client)):
                if one in peers:
                    peers[one].add(other)
    for asset in asking:
        asked = asset.arp_asked.bit_count()
        if len(peers[asset.address]) * share < asked:
            yield _finding(case, asset, asked)


def asks_for_many(case: Case, asset: Asset) -> bool:
    """Whether a sender asked by ARP for as many addresses as a scan does; False where the rule is not
    looked for."""
    rule = case.rules.get(RULE)
    return rule is not None and rule.runs and asset.arp_asked.bit_count() >= rule.number("asked")


def _finding(case: Case, asset: Asset, asked: int) -> Finding:
    address = asset.address or asset.mac
    octets = [number for number in range(256) if asset.arp_asked >> number & 1]
    peak = max((one.packets for one in asset.peaks if one.kind == "ARP packets"), default=0)
    return Finding(
        rule=RULE,
        key=(asset.mac, asset.address, asset.vlan),
        severity="medium",
        link=Link(client=address, vlan=asset.vlan),
        place=place_of_sender(case, asset),
        what=say("arp-scan", client=address, asked=asked),
        why=(
            say_some("last-octets", spans(octets), case.rules[RULE].number("shown")),
            say("seen-with", macs=asset.mac),
            say("busiest-second", packets=peak),
        ),
        count=asset.arp,
        unit="packets",
        first_ns=asset.first_ns,
        last_ns=asset.last_ns,
        evidence=first(asset.evidence),
        extent=asked,
    )
