"""Traffic at a time for which nobody agreed on it, and permissions that have run out.

What it means, when it is wrong and how to respond: `rules/lapsed-permission.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.capture_end import went_on_until
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Place,
    Severity,
    changes,
    first,
    importance,
    link_of,
    place_of,
    reasons,
    say,
)
from otmon.detect.once_per_case import once_per_case
from otmon.detect.silence import conversation
from otmon.ledger.facts import Conversation, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.data_connections import parent_of
from otmon.zones.decide import Verdict, can_lapse, lapsed
from otmon.zones.model import Boundary, Permission, Zone

RULE: Final = "lapsed-permission"


def lapsed_permission(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    # An operation of a conversation that is itself told adds nothing.
    told = set()
    for fact, verdict in case.conversations if can_lapse(case.index) else ():
        if lapsed(verdict) and not (verdict.reason.key == "data-of" and told_by(case, fact)):
            told.add(conversation_key(fact))
            count = fact.packets_to_server + fact.packets_to_client
            yield _used(case, fact, verdict, count, "packets", case.asked.get(conversation_key(fact), []))
    for operation, verdict in case.operations if can_lapse(case.index) else ():
        if lapsed(verdict) and conversation_key(operation) not in told:
            yield _used(case, operation, verdict, operation.times, "transactions", [operation])
    last_ns = went_on_until(case)
    model = case.index.model
    # What is inherited is told where it is written.
    owners: list[Zone | Boundary] = [*model.zones, *(one for one in model.boundaries if not one.inherited)]
    for owner in owners:
        for permission in owner.permissions:
            if permission.expires_ns is not None and permission.expires_ns <= last_ns:
                yield _expired(owner, permission, last_ns)


def told_by(case: Case, fact: Conversation) -> bool:
    """Whether the conversation in which this one was agreed on is there to be told."""
    parent = None if case.index is None else parent_of(case.index.announced, fact)
    return parent is not None and conversation_key(parent) in case.verdicts


@once_per_case
def denied(case: Case) -> tuple[tuple[Conversation, Verdict], ...]:
    """The conversations that the model denies at whatever time: what it allows at others is told here. What
    carries the data of another one is told with that."""
    pairs = [
        pair
        for pair in case.conversations
        if pair[1].outcome == "denied" and not (pair[1].reason.key == "data-of" and told_by(case, pair[0]))
    ]
    if case.index is None or not can_lapse(case.index):
        return tuple(pairs)
    return tuple([pair for pair in pairs if not lapsed(pair[1])])


def _used(
    case: Case,
    fact: Conversation | Operation,
    verdict: Verdict,
    count: int,
    unit: str,
    operations: list[Operation],
) -> Finding:
    what = (
        say("operation", client=fact.client, server=fact.server, service=fact.service, access=fact.access,
            times=fact.times)
        if isinstance(fact, Operation)
        else conversation(fact)
    )  # fmt: skip
    about = (fact.service, str(fact.unit), str(fact.address)) if isinstance(fact, Operation) else ()
    names = ", ".join(permission.called() for permission in lapsed(verdict))
    return Finding(
        rule=RULE,
        key=("used", *map(str, conversation_key(fact)[:-1]), *about),
        severity=_severity(case, verdict, changes(operations)),
        link=link_of(fact),
        place=place_of(case, verdict),
        what=what,
        why=(say("not-then", permissions=names), *reasons(verdict)),
        count=count,
        unit="transactions" if unit == "transactions" else "packets",
        first_ns=fact.first_ns,
        last_ns=fact.last_ns,
        evidence=first(fact.evidence),
    )


def _severity(case: Case, verdict: Verdict, changed: bool) -> Severity:
    high = importance(case, verdict.to_zone) == "high"
    if changed:
        return "critical" if high else "high"
    return "high" if high else "medium"


def _expired(owner: Zone | Boundary, permission: Permission, last_ns: int) -> Finding:
    assert permission.expires_ns is not None
    if isinstance(owner, Boundary):
        place = Place(*owner.between, owner.id, owner.device_owner, owner.settings_owner)
        what = say("expired", permission=permission.called(), boundary=owner.id)
    else:
        place = Place(owner.id, owner.id)
        what = say("expired-inside", permission=permission.called(), zone=owner.id)
    why = [say("expired-line", line=str(permission.line), expires=permission.expires)]
    if permission.approver:
        why.append(say("approved-by", approver=permission.approver))
    return Finding(
        rule=RULE,
        key=("expired", permission.id),
        severity="low",
        link=Link(),
        place=place,
        what=what,
        why=tuple(why),
        count=0,
        unit="packets",
        first_ns=permission.expires_ns,
        last_ns=last_ns,
        evidence=(),
    )
