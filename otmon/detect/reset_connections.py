"""Connections that keep being torn down.

What it finds
    A client and a server of which at least 20 connections, and at least half of all that spoke,
    were ended by a TCP reset. One finding for each client, server, port and protocol.

Why it matters
    A reset takes a connection away at once. Somebody who forges them keeps an operator from his
    controller without touching either; a controller short of connections, and two clients that fight
    for its only one, look alike.

What it looks like
    Every connection of the HMI to a controller ends with a reset after some seconds, and begins
    anew.

When it is wrong
    Some programs end every connection with a reset as a matter of course, web servers' load
    balancers among them: take a baseline with them. Attempts to connect that were refused are no
    connections: they belong to scans and silent servers.

    Why 20 and half: in the public captures no client and server have more than five connections
    that were reset.

References
    ATT&CK for ICS T1691.001 (T0803 until v18.1), T0814; RFC 9293 section 3.5.2; IEC 62443-3-3 SR 7.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Rule,
    attack,
    first,
    importance,
    link_of,
    placed,
    requirement,
    say,
)
from otmon.ledger.ledger import conversation_key

RULE = Rule(
    "reset-connections",
    (
        *attack("T0803", "Block Command Message", "T1691.001"),
        *attack("T0814", "Denial of Service"),
        requirement("SR 7.1", "Denial of service protection"),
    ),
)

RESETS = 20
"""Connections that ended with a reset."""
SHARE = 2
"""One in so many of all connections must have."""


def reset_connections(case: Case) -> Iterator[Finding]:
    usual = set() if case.baseline is None else {
        conversation_key(fact) for fact in case.baseline.conversations if fact.resets * SHARE >= fact.flows
    }  # fmt: skip
    for fact in case.ledger.conversations:
        key = conversation_key(fact)
        spoke = fact.answered and fact.protocol != "none"
        if not spoke or fact.resets < RESETS or fact.resets * SHARE < fact.flows or key in usual:
            continue
        place = placed(case, key)
        yield Finding(
            rule=RULE.id,
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
            references=RULE.references,
        )
