"""A file transfer that one side sends to a third host.

What it means, when it is wrong and how to respond: `rules/diverted-transfer.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import Case, Finding, Link, first, graded, placed, say, say_some
from otmon.ledger.facts import AssetClaim
from otmon.ledger.ledger import ConversationKey

RULE: Final = "diverted-transfer"


def diverted_transfer(case: Case) -> Iterator[Finding]:
    told: dict[tuple[ConversationKey, str], list[AssetClaim]] = {}
    for claim in case.ledger.claims:
        parts = claim.value.split(" ")
        # As `otmon.ledger.dialogues.claims` writes it.
        if claim.kind != "directs" or len(parts) != 5 or not claim.address:
            continue
        _, _, other, service, side = parts
        transport, _, port = service.partition("/")
        ends = (claim.address, other) if side == "client" else (other, claim.address)
        talk = (*ends, transport, int(port) if port.isdecimal() else 0, claim.protocol, claim.vlan)
        told.setdefault((talk, side), []).append(claim)
    for (talk, side), claims in told.items():
        yield _finding(case, talk, side, claims)


def _finding(case: Case, talk: ConversationKey, side: str, claims: list[AssetClaim]) -> Finding:
    client, server, transport, port, protocol, vlan = talk
    places = {one.value.split(" ")[1]: one.value.split(" ")[0] for one in claims}
    place = placed(case, talk)
    by_client = side == "client"
    return Finding(
        rule=RULE,
        key=(*map(str, talk[:-1]), side),
        # Servers behind a translator of addresses do so without meaning to.
        severity=graded(case, place.to_zone, "high") if by_client else "low",
        link=Link(client, server, transport, port, protocol, vlan),
        place=place,
        what=say(
            "diverted-by-client" if by_client else "diverted-by-server",
            client=client,
            server=server,
            protocol=protocol,
        ),
        why=(
            say_some(
                "diverted-to",
                [f"{address} ({where})" for address, where in sorted(places.items())],
                case.rules[RULE].number("shown"),
            ),
        ),
        count=sum(one.times for one in claims),
        unit="messages",
        first_ns=min(one.first_ns for one in claims),
        last_ns=max(one.last_ns for one in claims),
        evidence=first(*(one.evidence for one in claims)),
        extent=len(claims),
    )
