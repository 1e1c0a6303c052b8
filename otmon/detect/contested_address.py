"""An address that two zones of the model list.

What it finds
    Each asset that several zones claim equally; the zone whose id comes first decides for it.

Why it matters
    Two departments believe to own the same device. What is decided about it depends on the order
    of names and not on an agreement.

What it looks like
    10.30.1.10 is a member of line-a and of line-b.

When it is wrong
    It is a fact of the model, not of the traffic: mend the model.

References
    IEC 62443-3-3 SR 5.1; METI's guideline, step 2-1.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import Case, Finding, Link, Place, Rule, first, guideline_step, requirement, say
from otmon.zones.check import in_two_zones

RULE = Rule(
    "contested-address",
    (
        requirement("SR 5.1", "Network segmentation"),
        guideline_step("ステップ2-1", "ゾーンの設定と保護対象の割り付け"),
    ),
)


def contested_address(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    for contested in in_two_zones(case.index, case.ledger.assets):
        asset = contested.asset
        address = asset.address or asset.mac
        yield Finding(
            rule=RULE.id,
            key=(asset.mac, asset.address, asset.vlan),
            severity="low",
            link=Link(client=address, vlan=asset.vlan),
            place=Place(from_zone=contested.zones[0]),
            what=say("contested", address=address, zones=", ".join(contested.zones)),
            why=(say("contested-decides", zone=contested.zones[0]),),
            count=asset.packets,
            unit="packets",
            first_ns=asset.first_ns,
            last_ns=asset.last_ns,
            evidence=first(asset.evidence),
            references=RULE.references,
        )
