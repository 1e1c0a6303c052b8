"""Something else on the port of an industrial protocol.

What it finds
    A conversation on the usual port of an industrial protocol in which another one was recognised,
    or bytes that no signature knows.

Why it matters
    A port that a firewall lets through for a controller is a way for everything else: a tunnel, a
    shell, a scanner that tries what answers. It is also how a wrongly set device shows itself.

What it looks like
    HTTP is spoken on port 502 of a controller.

When it is wrong
    Where a vendor uses the port for a protocol of its own, or a sender cuts the first message so that its
    first segment tells nothing. A TCP connection whose beginning the capture does not hold is found only
    by what was recognised in it.

References
    ATT&CK for ICS T0885; IEC 62443-3-3 SR 5.2, SR 3.5.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Rule,
    attack,
    first,
    link_of,
    placed,
    requirement,
    say,
)
from otmon.ledger.ledger import conversation_key

RULE = Rule(
    "foreign-protocol",
    (
        *attack("T0885", "Commonly Used Port"),
        requirement("SR 5.2", "Zone boundary protection"),
        requirement("SR 3.5", "Input validation"),
    ),
)

EPHEMERAL = 49_152
"""From here on ports are given out at random (RFC 6335 section 6): they are usual for nothing."""


def foreign_protocol(case: Case) -> Iterator[Finding]:
    for fact in case.ledger.conversations:
        usual = case.protocols.get(fact.expected)
        if fact.protocol == "none" or usual is None or usual.kind != "industrial" or fact.port >= EPHEMERAL:
            continue
        known = fact.protocol != "unknown"
        if not known and fact.transport == "tcp" and fact.role != "handshake":
            continue
        yield Finding(
            rule=RULE.id,
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
            references=RULE.references,
        )
