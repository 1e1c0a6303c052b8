"""Connections that keep being torn down.

What it means, when it is wrong and how to respond: `rules/reset-connections.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    first,
    importance,
    link_of,
    placed,
    say,
)
from otmon.ledger.ledger import conversation_key

RULE: Final = "reset-connections"


def reset_connections(case: Case) -> Iterator[Finding]:
    least, share = case.rules[RULE].number("resets"), case.rules[RULE].number("share")
    before = () if case.baseline is None else case.baseline.conversations
    usual = {conversation_key(fact) for fact in before if fact.resets * share >= fact.flows}
    for fact in case.ledger.conversations:
        if fact.resets < least or fact.resets * share < fact.flows:
            continue
        key = conversation_key(fact)
        spoke = fact.answered and fact.protocol != "none"
        if not spoke or key in usual:
            continue
        place = placed(case, key)
        yield Finding(
            rule=RULE,
            key=tuple(map(str, key)),
            severity="medium" if importance(case, place.to_zone) == "high" else "low",
            link=link_of(fact),
            place=place,
            what=say(
                "connections-reset",
                client=fact.client,
                server=fact.server,
                protocol=fact.protocol,
                resets=fact.resets,
            ),
            why=(say("of-connections", flows=fact.flows),),
            count=fact.packets_to_server + fact.packets_to_client,
            unit="packets",
            first_ns=fact.first_ns,
            last_ns=fact.last_ns,
            evidence=first(fact.evidence),
        )
