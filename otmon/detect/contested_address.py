"""An address that two zones of the model list.

What it means, when it is wrong and how to respond: `rules/contested-address.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import Case, Finding, Link, Place, first, say
from otmon.zones.review.check import in_two_zones

RULE: Final = "contested-address"


def contested_address(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    for contested in in_two_zones(case.index, case.ledger.assets):
        asset = contested.asset
        address = asset.address or asset.mac
        yield Finding(
            rule=RULE,
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
        )
