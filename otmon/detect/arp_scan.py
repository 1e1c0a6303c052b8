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
    peers: dict[str, set[str]] = {}
    for fact in case.ledger.conversations:
        if fact.answered:
            peers.setdefault(fact.client, set()).add(fact.server)
            peers.setdefault(fact.server, set()).add(fact.client)
    for asset in case.ledger.assets:
        asked = asset.arp_asked.bit_count()
        known = len(peers.get(asset.address, ()))
        if asks_for_many(case, asset) and known * share < asked and asset_key(asset) not in usual:
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
    )
