"""A written value beyond the limits that its permission sets, or one that moves too fast.

What it means, when it is wrong and how to respond: `rules/value-out-of-limits.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Message,
    Severity,
    first,
    importance,
    link_of,
    place_of,
    say,
)
from otmon.ledger.facts import Operation, WrittenValue
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import Verdict, excess_of
from otmon.zones.functions import MODBUS_OBJECTS
from otmon.zones.quantity import Excess, shown_limit, shown_limited, shown_quantity

RULE: Final = "value-out-of-limits"

_SEVERITY: dict[str, Severity] = {"high": "critical", "medium": "high", "low": "medium"}


def value_out_of_limits(case: Case) -> Iterator[Finding]:
    worst: dict[tuple[object, ...], tuple[WrittenValue, Verdict, Excess]] = {}
    for fact, verdict in case.written:
        found = excess_of(verdict) if verdict.outcome == "denied" else ()
        if found:
            # One register alone and with its neighbour are one element.
            key = (*conversation_key(fact)[:-1], fact.unit, fact.table, found[0].limit.address)
            known = worst.get(key)
            if known is None or _weight(known[2]) < _weight(found[0]):
                worst[key] = fact, verdict, found[0]
    for about, (fact, verdict, excess) in worst.items():
        yield _finding(case, tuple(map(str, about)), fact, verdict, excess)


def _weight(excess: Excess) -> tuple[Decimal, bool]:
    """What tells more is a quantity farther beyond, and rather a whole one than half of one."""
    return excess.distance, not excess.half


def _finding(
    case: Case, key: tuple[str, ...], fact: WrittenValue, verdict: Verdict, excess: Excess
) -> Finding:
    began = () if excess.change is None else (excess.change.since,)
    return Finding(
        rule=RULE,
        key=key,
        severity=_SEVERITY[importance(case, verdict.to_zone)],
        link=link_of(fact),
        place=place_of(case, verdict),
        what=_what(fact, excess),
        why=tuple(_why(case, fact, excess)),
        count=fact.times,
        unit="transactions",
        first_ns=fact.first_ns,
        last_ns=fact.last_ns,
        evidence=first(*began, excess.extreme.evidence),
    )


def _what(fact: WrittenValue, excess: Excess) -> Message:
    limit = excess.limit
    modbus = fact.protocol == "modbus"
    if not excess.half:
        key = "wrote-beyond" if modbus else "wrote-beyond-element"
    elif not excess.written.is_nan() and excess.written < limit.low:
        key = "wrote-half-below" if modbus else "wrote-half-below-element"
    else:
        key = "wrote-half-above" if modbus else "wrote-half-above-element"
    unit: dict[str, int] = {"unit": fact.unit} if modbus else {}
    return say(
        key,
        client=fact.client,
        server=fact.server,
        written=shown_quantity(excess.written),
        before="?" if excess.before is None else shown_quantity(excess.before),
        measure=f" {limit.unit}" if limit.unit else "",
        element=shown_limited(limit, fact.unit),
        **unit,
    )


def _why(case: Case, fact: WrittenValue, excess: Excess) -> Iterator[Message]:
    limit = excess.limit
    named = (say("named", ja=limit.name.ja, en=limit.name.en),) if limit.name.en else ()
    limits = f"{shown_limit(limit)} ({limit.type}, ×{shown_quantity(limit.scale)})"
    if excess.step is not None and limit.step is not None:
        yield say(
            "step",
            step=shown_quantity(excess.step),
            allowed=shown_quantity(limit.step),
            measure=f" {limit.unit}" if limit.unit else "",
        )
    if excess.change is not None and excess.before is not None and limit.change is not None:
        moved = excess.change
        yield say(
            "change",
            change=shown_quantity(abs(excess.written - excess.before)),
            before=shown_quantity(excess.before),
            written=shown_quantity(excess.written),
            seconds=shown_quantity(Decimal(moved.evidence.time_ns - moved.since.time_ns) / 1_000_000_000),
            first=moved.since.packet,
            last=moved.evidence.packet,
            allowed=shown_quantity(limit.change),
            measure=f" {limit.unit}" if limit.unit else "",
        )
    yield say("limit", limit=limits, line=str(limit.line), name=named)
    asked = [one for one in case.asked.get(conversation_key(fact), ()) if _writes(one, fact)]
    refused = sum(one.times for one in asked if one.refused)
    if refused:
        # Of other protocols operations do not say to which elements.
        yield say("refused" if fact.protocol == "modbus" else "refused-some", times=refused)


def _writes(operation: Operation, fact: WrittenValue) -> bool:
    """Whether the operation writes to the element, or may do so."""
    if fact.protocol != "modbus":
        return operation.access == "write"
    return (
        operation.access == "write"
        and operation.unit == fact.unit
        and MODBUS_OBJECTS.get(operation.function) == fact.table
        and operation.address <= fact.address < operation.address + max(operation.count, 1)
    )
