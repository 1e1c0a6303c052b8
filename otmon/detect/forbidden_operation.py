"""A command that the model does not allow, on a connection that it does allow.

What it finds
    A Modbus write, or another function, unit or range of registers, that no permission of the
    boundary lists although the two hosts may talk. One finding for each connection and function,
    with the ranges that were asked for.

Why it matters
    Most attacks on controllers need no new connection: an allowed host sends a command that it was
    never meant to send. A setpoint that is written from an engineering station which should only
    read is the difference between looking and steering.

What it looks like
    The engineering station writes a holding register; its permission says read and identify.

When it is wrong
    When a device was given a new task and the model was not told. The finding names the permission
    that came nearest and what it lacks. A command that the device refused is found too.

References
    ATT&CK for ICS T1692.001 (T0855 until v18.1), T0836, T0831; IEC 62443-3-3 SR 2.1, SR 5.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import (
    CHANGING,
    Case,
    Finding,
    Rule,
    Severity,
    attack,
    changes,
    first,
    importance,
    link_of,
    place_of,
    reasons,
    requirement,
    say,
    say_some,
    values_written,
)
from otmon.ledger.facts import UNANSWERED, UNKNOWN, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import Verdict, lapsed

RULE = Rule(
    "forbidden-operation",
    (
        *attack("T0855", "Unauthorized Command Message", "T1692.001"),
        *attack("T0836", "Modify Parameter"),
        *attack("T0831", "Manipulation of Control"),
        requirement("SR 2.1", "Authorization enforcement"),
        requirement("SR 5.2", "Zone boundary protection"),
    ),
)

RANGES_SHOWN = 6
"""Ranges of elements that are named in one finding."""

Denied = list[tuple[Operation, Verdict]]


def forbidden_operation(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[object, ...], Denied] = {}
    for fact, verdict in case.operations:
        conversation = conversation_key(fact)
        if verdict.outcome == "denied" and not lapsed(verdict) and _may_talk(case.verdicts.get(conversation)):
            key = (*conversation[:-1], fact.service, fact.access)
            groups.setdefault(key, []).append((fact, verdict))
    for about, group in groups.items():
        yield _finding(case, tuple(map(str, about)), group)


def _may_talk(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome != "denied"


def _finding(case: Case, key: tuple[str, ...], group: Denied) -> Finding:
    fact, verdict = group[0]
    operations = [one for one, _ in group]
    times = sum(one.times for one in operations)
    why = list(reasons(verdict))
    ranges = sorted(
        {(one.unit, one.address, max(one.count, 1)) for one in operations if one.address != UNKNOWN}
    )
    if ranges:
        why.append(say_some("elements", [_range(*one) for one in ranges], RANGES_SHOWN))
    if any(one.access in CHANGING for one in operations):
        why.extend(values_written(case, sorted({conversation_key(one) for one in operations})))
    refused = sum(one.times for one in operations if one.status > 0)
    if refused:
        why.append(say("refused", times=refused))
    if all(one.status == UNANSWERED for one in operations):
        why.append(say("unanswered"))
    return Finding(
        rule=RULE.id,
        key=key,
        severity=_severity(case, operations, verdict),
        link=link_of(fact),
        place=place_of(case, verdict),
        what=say(
            "operation", client=fact.client, server=fact.server, service=fact.service, access=fact.access,
            times=times,
        ),
        why=tuple(why),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in operations),
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        references=RULE.references,
    )  # fmt: skip


def _range(unit: int, address: int, count: int) -> str:
    return f"{unit}:{address}" if count == 1 else f"{unit}:{address}-{address + count - 1}"


def _severity(case: Case, operations: list[Operation], verdict: Verdict) -> Severity:
    """What changes a device weighs more than what reads it; a refusal takes nothing back."""
    high = importance(case, verdict.to_zone) == "high"
    if changes(operations):
        return "critical" if high else "high"
    if any(one.access in CHANGING for one in operations):
        return "high" if high else "medium"
    return "medium" if high else "low"
