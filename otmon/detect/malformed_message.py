"""Messages that their protocol does not allow.

What it means, when it is wrong and how to respond: `rules/malformed-message.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Severity,
    first,
    placed,
    say,
)
from otmon.ledger.facts import UNKNOWN, Anomaly
from otmon.ledger.ledger import conversation_key

RULE: Final = "malformed-message"

LOSS = frozenset({"lost-bytes"})
"""Reasons that speak of the capture and not of the sender."""
LATE = frozenset({"unmatched-response", "response-mismatch"})
"""Reasons that a slow gateway gives too."""


def malformed_message(case: Case) -> Iterator[Finding]:
    shown = case.rules[RULE].number("reasons_shown")
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
            for anomaly in group[:shown]
        ]
        if len(group) > shown:
            why.append(say("anomaly-more", reasons=len(group) - shown))
        sender, receiver = (one.client, one.server) if one.from_client else (one.server, one.client)
        yield Finding(
            rule=RULE,
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
            extent=len(group),
        )


def _severity(group: list[Anomaly]) -> Severity:
    """What a client sends can harm a device; what a device answers is a matter of its health."""
    return "medium" if any(one.from_client and one.reason not in LATE for one in group) else "low"
