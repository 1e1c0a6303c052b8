"""A command that the model does not allow, on a connection that it does allow.

What it means, when it is wrong and how to respond: `rules/forbidden-operation.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    CHANGING,
    Case,
    Finding,
    Severity,
    changes,
    first,
    importance,
    link_of,
    place_of,
    reasons,
    say,
    say_some,
)
from otmon.detect.modbus_scan import probed
from otmon.detect.silence import unanswered
from otmon.detect.unlisted_traffic import whose_link_local
from otmon.detect.values import values_written
from otmon.ledger.facts import UNKNOWN, Operation
from otmon.ledger.ledger import conversation_key, operation_key
from otmon.zones.decide import Verdict, lapsed

RULE: Final = "forbidden-operation"

Denied = list[tuple[Operation, Verdict]]


def forbidden_operation(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[object, ...], Denied] = {}
    probes = probed(case)
    for fact, verdict in case.operations:
        # What a scan missed is told there.
        if verdict.outcome != "denied" or lapsed(verdict) or (probes and operation_key(fact) in probes):
            continue
        conversation = conversation_key(fact)
        if _may_talk(case.verdicts.get(conversation)):
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
    why = [*reasons(verdict), *whose_link_local(case, fact)]
    ranges = sorted(
        {(one.unit, one.address, max(one.count, 1)) for one in operations if one.address != UNKNOWN}
    )
    if ranges:
        shown = case.rules[RULE].number("ranges_shown")
        why.append(say_some("elements", [_range(*one) for one in ranges[:shown]], shown, len(ranges)))
    why.extend(values_written(case, operations))
    refused = sum(one.times for one in operations if one.refused)
    if refused:
        why.append(say("refused", times=refused))
    why.extend(unanswered(case, operations))
    return Finding(
        rule=RULE,
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
