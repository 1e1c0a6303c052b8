"""What is allowed, but was asked for more often than its permission says.

What it means, when it is wrong and how to respond: `rules/rate-exceeded.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Message,
    changes,
    first,
    graded,
    link_of,
    permission_of,
    place_of,
    say,
    say_some,
)
from otmon.ledger.course import most_in_a_minute
from otmon.ledger.facts import Busiest, Conversation, Operation
from otmon.ledger.ledger import ConversationKey, conversation_key
from otmon.zones.decide import Verdict
from otmon.zones.model import Permission

RULE: Final = "rate-exceeded"
MODBUS: Final = ("modbus",)
"""Protocols of permissions whose rates count requests."""
READS_AND_WRITES: Final = 23
"""The function whose one request is two operations."""


def rate_exceeded(case: Case) -> Iterator[Finding]:
    asked: dict[tuple[str, ConversationKey], list[tuple[Operation, Permission, Verdict]]] = {}
    for operation, verdict in case.operations:
        permission = permission_of(verdict)
        if permission is not None and permission.rate is not None and permission.protocols == MODBUS:
            asked.setdefault((permission.id, conversation_key(operation)), []).append(
                (operation, permission, verdict)
            )
    for _, group in sorted(asked.items()):
        _, permission, verdict = group[0]
        yield from _requests(case, permission, [one for one, *_ in group], verdict)
    for conversation, judged in case.undenied_conversations:
        permission = permission_of(judged)
        if judged is None or permission is None or permission.rate is None:
            continue
        if permission.protocols != MODBUS:
            yield from _packets(case, permission, conversation, judged)


def _requests(
    case: Case, permission: Permission, group: list[Operation], verdict: Verdict
) -> Iterator[Finding]:
    operations = _once(group)
    alone = min((one.busiest for one in operations), key=lambda one: (-one.count, one.evidence))
    together, when_ns = most_in_a_minute((one.first_ns, one.last_ns, one.course) for one in operations)
    assert permission.rate is not None
    if max(alone.count, together) <= permission.rate:
        return
    services = sorted({one.service for one in operations})
    busiest = alone
    if together > alone.count:
        begun = [one.busiest.evidence for one in operations if one.busiest.evidence.time_ns >= when_ns]
        busiest = Busiest(together, min(begun, default=min(one.evidence for one in operations)))
    severity = graded(case, verdict.to_zone, "high" if changes(operations) else "medium")
    yield Finding(
        rule=RULE,
        key=(permission.id, *map(str, conversation_key(group[0]))),
        severity=severity,
        link=link_of(group[0]),
        place=place_of(case, verdict),
        what=say("rate-requests", client=group[0].client, server=group[0].server, times=busiest.count),
        why=(_limit(permission), say_some("asked-for", services, case.rules[RULE].number("shown"))),
        count=busiest.count,
        unit="transactions",
        first_ns=busiest.evidence.time_ns,
        last_ns=max(one.last_ns for one in operations),
        evidence=first(busiest.evidence),
    )


def _once(group: list[Operation]) -> list[Operation]:
    """The operations without those that the request of another one made as well."""
    both = len({one.access for one in group if one.function == READS_AND_WRITES}) > 1
    return [one for one in group if not (both and one.function == READS_AND_WRITES and one.access == "write")]


def _packets(case: Case, permission: Permission, fact: Conversation, verdict: Verdict) -> Iterator[Finding]:
    busiest = fact.busiest
    assert permission.rate is not None
    if busiest.count <= permission.rate:
        return
    yield Finding(
        rule=RULE,
        key=(permission.id, *map(str, conversation_key(fact))),
        severity=graded(case, verdict.to_zone, "medium"),
        link=link_of(fact),
        place=place_of(case, verdict),
        what=say(
            "rate-packets", client=fact.client, server=fact.server, protocol=fact.protocol,
            transport=fact.transport, port=fact.port, packets=busiest.count,
        ),
        why=(_limit(permission),),
        count=busiest.count,
        unit="packets",
        first_ns=busiest.evidence.time_ns,
        last_ns=fact.last_ns,
        evidence=first(busiest.evidence),
    )  # fmt: skip


def _limit(permission: Permission) -> Message:
    return say("rate-limit", permission=permission.id, rate=permission.rate or 0, line=str(permission.line))
