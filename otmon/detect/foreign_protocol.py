"""Something else on the port of an industrial protocol.

What it means, when it is wrong and how to respond: `rules/foreign-protocol.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    first,
    link_of,
    placed,
    say,
)
from otmon.ledger.ledger import conversation_key

RULE: Final = "foreign-protocol"


def foreign_protocol(case: Case) -> Iterator[Finding]:
    ephemeral = case.rules[RULE].number("ephemeral")
    for fact in case.ledger.conversations:
        usual = case.protocols.get(fact.expected)
        if fact.protocol == "none" or usual is None or usual.kind != "industrial" or fact.port >= ephemeral:
            continue
        known = fact.protocol != "unknown"
        if not known and fact.transport == "tcp" and fact.role != "handshake":
            continue
        yield Finding(
            rule=RULE,
            key=tuple(map(str, conversation_key(fact))),
            severity="low" if known else "info",
            link=link_of(fact),
            place=placed(case, conversation_key(fact)),
            what=say(
                "foreign" if known else "foreign-unknown",
                server=fact.server,
                client=fact.client,
                port=fact.port,
                expected=fact.expected,
                protocol=fact.protocol,
            ),
            why=(say("usual-port", transport=fact.transport, port=fact.port, expected=fact.expected),),
            count=fact.packets_to_server + fact.packets_to_client,
            unit="packets",
            first_ns=fact.first_ns,
            last_ns=fact.last_ns,
            evidence=first(fact.evidence),
        )
