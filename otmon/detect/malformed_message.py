"""Messages that their protocol does not allow.

What it finds
    Industrial messages with a wrong length, protocol identifier, count or function code, a response
    that fits no request, and the like: one finding for each conversation and sender, with every
    reason and how often it was seen.

Why it matters
    Devices on a factory floor stop or restart on messages they do not expect. A scanner, a fuzzer,
    an exploit or a broken device sends them; a healthy plant does not.

What it looks like
    A Modbus header whose protocol identifier is not 0; a request for 2,000 registers; an exception
    response with an unknown code.

When it is wrong
    When a vendor extends the protocol, or a gateway answers late and reuses transaction
    identifiers. Bytes that the capture lost are not counted: they are the capture's fault.

References
    ATT&CK for ICS T0814, T0866 (context); IEC 62443-3-3 SR 3.5; the protocol's own standard, named
    in its file.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Rule,
    Severity,
    attack,
    first,
    placed,
    requirement,
    say,
)
from otmon.ledger.facts import UNKNOWN, Anomaly
from otmon.ledger.ledger import conversation_key

RULE = Rule(
    "malformed-message",
    (
        *attack("T0814", "Denial of Service"),
        *attack("T0866", "Exploitation of Remote Services"),
        requirement("SR 3.5", "Input validation"),
    ),
)

LOSS = frozenset({"lost-bytes"})
"""Reasons that speak of the capture and not of the sender."""
LATE = frozenset({"unmatched-response", "response-mismatch"})
"""Reasons that a slow gateway gives too."""
REASONS_SHOWN = 6
"""Reasons worded in one finding; more would hide the first."""


def malformed_message(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[object, ...], list[Anomaly]] = {}
    for anomaly in case.ledger.anomalies:
        if anomaly.reason not in LOSS:
            groups.setdefault((*conversation_key(anomaly), anomaly.from_client), []).append(anomaly)
    for group in groups.values():
        one = group[0]
        group.sort(key=lambda anomaly: (-anomaly.times, anomaly.evidence))
        times = sum(anomaly.times for anomaly in group)
        why = [
            say(
                f"anomaly.{anomaly.reason}",
                reason=anomaly.reason,
                field=anomaly.field,
                value=anomaly.value,
                needed="-" if anomaly.needed == UNKNOWN else anomaly.needed,
                function="-" if anomaly.function == UNKNOWN else anomaly.function,
                times=anomaly.times,
            )
            for anomaly in group[:REASONS_SHOWN]
        ]
        if len(group) > REASONS_SHOWN:
            why.append(say("anomaly-more", reasons=len(group) - REASONS_SHOWN))
        sender, receiver = (one.client, one.server) if one.from_client else (one.server, one.client)
        yield Finding(
            rule=RULE.id,
            key=(*map(str, conversation_key(one)), "client" if one.from_client else "server"),
            severity=_severity(group),
            link=Link(*conversation_key(one)),
            place=placed(case, conversation_key(one)),
            what=say("malformed", protocol=one.protocol, sender=sender, receiver=receiver, times=times),
            why=tuple(why),
            count=times,
            unit="messages",
            first_ns=min(anomaly.first_ns for anomaly in group),
            last_ns=max(anomaly.last_ns for anomaly in group),
            evidence=first(*(anomaly.evidence for anomaly in group)),
            references=RULE.references,
        )


def _severity(group: list[Anomaly]) -> Severity:
    """What a client sends can harm a device; what a device answers is a matter of its health."""
    return "medium" if any(one.from_client and one.reason not in LATE for one in group) else "low"
