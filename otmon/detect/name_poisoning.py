"""A host that answers others for many names with itself.

What it means, when it is wrong and how to respond: `rules/name-poisoning.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import Case, Finding, Link, Place, first, graded, say, say_some
from otmon.ledger.facts import AssetClaim
from otmon.zones.decide import locate

RULE: Final = "name-poisoning"


def name_poisoning(case: Case) -> Iterator[Finding]:
    rule = case.rules[RULE]
    usual = {} if case.baseline is None else _answered(case.baseline.claims)
    for (address, vlan), names in _answered(case.ledger.claims).items():
        if len(names) < rule.number("names") or usual.get((address, vlan), {}).keys() >= names.keys():
            continue
        claims = [claim for some in names.values() for claim in some]
        zone = "" if case.index is None else locate(case.index, address, vlan).zone
        protocols = sorted({claim.protocol for claim in claims})
        yield Finding(
            rule=RULE,
            key=(address, vlan),
            severity=graded(case, zone, "high"),
            link=Link(client=address, vlan=vlan),
            place=Place(from_zone=zone),
            what=say("poisons", client=address, names=len(names), protocols=", ".join(protocols)),
            why=(
                say_some("poisoned-names", sorted(names), rule.number("shown")),
                *(say("seen-with", macs=mac) for mac in sorted({one.mac for one in claims if one.mac})),
            ),
            count=sum(claim.times for claim in claims),
            unit="messages",
            first_ns=min(claim.first_ns for claim in claims),
            last_ns=max(claim.last_ns for claim in claims),
            evidence=first(*(claim.evidence for claim in claims)),
            extent=len(claims),
        )


def _answered(claims: tuple[AssetClaim, ...]) -> dict[tuple[str, str], dict[str, list[AssetClaim]]]:
    """The names for which each address answered with itself, in small letters and without their domain. By
    LLMNR hosts answer for themselves alone (RFC 4795, 2.3); a server of NetBIOS gives others' addresses."""
    found: dict[tuple[str, str], dict[str, list[AssetClaim]]] = {}
    for claim in claims:
        name = ""
        if claim.protocol == "llmnr" and claim.kind == "name":
            name = claim.value
        elif claim.protocol == "nbns" and claim.kind == "answers":
            given, _, address = claim.value.rpartition(" ")
            name = given if address == claim.address else ""
        label = name.partition(".")[0].lower()
        if label and claim.address:
            found.setdefault((claim.address, claim.vlan), {}).setdefault(label, []).append(claim)
    return found
