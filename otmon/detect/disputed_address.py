"""An address that several MAC addresses claim by ARP.

What it finds
    An IPv4 address that at least two MAC addresses of one VLAN claimed by ARP while each of them was
    there, one finding for each address and VLAN; where one MAC address claims addresses of several
    others, one finding for that MAC address with all of them.

Why it matters
    Who claims the address of a controller or a gateway gets its traffic, and can read it, change it
    or drop it: that is how a machine in the middle begins. Two devices that were given the same
    address by mistake stop a line just as well.

What it looks like
    10.1.0.1 and 10.1.0.5 are claimed by the MAC addresses that always had them, and by a laptop's.

When it is wrong
    When a device was replaced during the capture: then one MAC address ends where the other begins,
    and it is not found. Virtual addresses of redundant routers (VRRP, HSRP, GLBP, CARP) are left out.
    Two network cards in one computer, or a pair of redundant servers that share an address, claim
    it in turns: take a baseline with them.

References
    ATT&CK for ICS T0830; RFC 826, RFC 5227 section 2.4, RFC 9568 section 7.3 (VRRP); IEC 62443-3-3
    SR 3.1.
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
    importance,
    place_of_sender,
    requirement,
    say,
    say_some,
)
from otmon.ledger.facts import Asset
from otmon.ledger.ledger import asset_key

RULE = Rule(
    "disputed-address",
    (*attack("T0830", "Adversary-in-the-Middle"), requirement("SR 3.1", "Communication integrity")),
)

VIRTUAL = ("00:00:5e:00:01:", "00:00:5e:00:02:", "00:00:0c:07:ac:", "00:00:0c:9f:f", "00:07:b4:00:")
"""Beginnings of the MAC addresses of VRRP and CARP, HSRP 1 and 2, GLBP."""
SHOWN = 6
"""Addresses and MAC addresses that are named in one finding."""

Claims = dict[tuple[str, str], list[Asset]]
"""By address and VLAN: who claims it, where there are several."""


def disputed_address(case: Case) -> Iterator[Finding]:
    disputes = _disputes(case)
    taken: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for about, assets in disputes.items():
        for asset in assets:
            taken.setdefault((asset.mac, asset.vlan), []).append(about)
    told: set[tuple[str, str]] = set()
    for (mac, vlan), addresses in taken.items():
        if len(addresses) > 1:
            # The one that takes: those it takes from have one address each.
            yield _finding(case, ("mac", mac, vlan), disputes, addresses)
            told.update(addresses)
    for one in disputes:
        if one not in told:
            yield _finding(case, ("address", *one), disputes, [one])


def _disputes(case: Case) -> Claims:
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
    return Finding(
        rule=RULE.id,
        key=key,
        severity="high" if high else "medium",
        link=Link(client=addresses[0] if len(addresses) == 1 else "", vlan=one.vlan),
        place=place,
        what=say("takes-addresses", mac=key[1], addresses=len(addresses))
        if takes
        else say("disputed", address=addresses[0], macs=len(macs)),
        why=(say_some("claimed", addresses, SHOWN), say_some("claimed-by", macs, SHOWN)),
        count=sum(asset.arp for asset in assets),
        unit="packets",
        first_ns=min(asset.first_ns for asset in assets),
        last_ns=max(asset.last_ns for asset in assets),
        evidence=first(*(asset.evidence for asset in assets)),
        references=RULE.references,
    )
