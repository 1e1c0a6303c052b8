"""An address that several MAC addresses claim by ARP.

What it means, when it is wrong and how to respond: `rules/disputed-address.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    first,
    importance,
    place_of_sender,
    say,
    say_some,
)
from otmon.ledger.facts import Asset
from otmon.ledger.ledger import asset_key

RULE: Final = "disputed-address"

VIRTUAL = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f", "00:07:b4:00:")
"""Beginnings of the MAC addresses of VRRP and CARP, HSRP 1 and 2, GLBP."""

Claims = dict[tuple[str, str], list[Asset]]
"""By address and VLAN: who claims it, where there are several."""


def disputed_address(case: Case) -> Iterator[Finding]:
    found = disputes(case)
    taken: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for about, assets in found.items():
        for asset in assets:
            taken.setdefault((asset.mac, asset.vlan), []).append(about)
    told: set[tuple[str, str]] = set()
    for (mac, vlan), addresses in taken.items():
        if len(addresses) > 1:
            # The one that takes: those it takes from have one address each.
            yield _finding(case, ("mac", mac, vlan), found, addresses)
            told.update(addresses)
    for one in found:
        if one not in told:
            yield _finding(case, ("address", *one), found, [one])


def disputes(case: Case) -> Claims:
    """Who claims an address that several claim at a time."""
    usual = set() if case.baseline is None else {asset_key(one) for one in case.baseline.assets if one.arp}
    claims: Claims = {}
    for asset in case.ledger.assets:
        if asset.arp and asset.address and not asset.mac.startswith(VIRTUAL):
            claims.setdefault((asset.address, asset.vlan), []).append(asset)
    found: Claims = {}
    for about, assets in sorted(claims.items()):
        disputed = [
            one
            for one in assets
            if any(
                one.mac != other.mac and one.first_ns <= other.last_ns and other.first_ns <= one.last_ns
                for other in assets
            )
        ]
        if disputed and not usual.issuperset(map(asset_key, disputed)):
            found[about] = disputed
    return found


def _finding(case: Case, key: tuple[str, ...], disputes: Claims, about: list[tuple[str, str]]) -> Finding:
    assets = [asset for one in about for asset in disputes[one]]
    addresses = sorted({address for address, _ in about})
    macs = sorted({asset.mac for asset in assets})
    one = disputes[about[0]][0]
    place = place_of_sender(case, one)
    zones = {place_of_sender(case, asset).from_zone for asset in assets}
    high = case.index is None or any(importance(case, zone) == "high" for zone in zones)
    takes = key[0] == "mac"
    shown = case.rules[RULE].number("shown")
    return Finding(
        rule=RULE,
        key=key,
        severity="high" if high else "medium",
        link=Link(client=addresses[0] if len(addresses) == 1 else "", vlan=one.vlan),
        place=place,
        what=say("takes-addresses", mac=key[1], addresses=len(addresses))
        if takes
        else say("disputed", address=addresses[0], macs=len(macs)),
        why=(say_some("claimed", addresses, shown), say_some("claimed-by", macs, shown)),
        count=sum(asset.arp for asset in assets),
        unit="packets",
        first_ns=min(asset.first_ns for asset in assets),
        last_ns=max(asset.last_ns for asset in assets),
        evidence=first(*(asset.evidence for asset in assets)),
    )
