"""Requests that a server refuses one after the other.

What it means, when it is wrong and how to respond: `rules/refused-requests.yml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    CHANGING,
    Case,
    Finding,
    Link,
    Severity,
    first,
    graded,
    lowered,
    reached,
    say,
    say_some,
)
from otmon.detect.modbus_scan import probed
from otmon.ledger.facts import Operation
from otmon.ledger.ledger import operation_key

RULE: Final = "refused-requests"

ACCEPTED: Final = 5
"""Modbus exception 5, acknowledge: the request was taken, and takes long."""
SILENT_UNIT: Final = (10, 11)
"""Modbus exceptions of a gateway whose unit does not answer: nobody refused anything."""
NAMES: Final = {
    1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "server device failure",
    6: "server device busy", 7: "negative acknowledge", 8: "memory parity error",
}  # fmt: skip
"""Modbus exceptions, as the specification calls them (MODBUS Application Protocol V1.1b3, section 7)."""

Talk = tuple[str, str, str, int, bool]
"""Client, server, transport, port, and whether it is about changes."""


def refused_requests(case: Case) -> Iterator[Finding]:
    rule = case.rules[RULE]
    least, share, seldom_ns = (
        rule.number("refused"),
        rule.number("share"),
        1_000_000_000 * rule.number("seldom_s"),
    )
    usual = {
        _service(one)
        for one in (case.baseline.operations if case.baseline is not None else ())
        if is_refused(one)
    }
    told = probed(case)
    asked = Counter[Talk]()
    refused: dict[Talk, list[Operation]] = {}
    for one in case.ledger.operations:
        about = one.client, one.server, one.transport, one.port, one.access in CHANGING
        asked[about] += one.times
        if is_refused(one) and _service(one) not in usual and operation_key(one) not in told:
            refused.setdefault(about, []).append(one)
    for about, facts in refused.items():
        times = sum(one.times for one in facts)
        lasted_ns = max(one.last_ns for one in facts) - min(one.first_ns for one in facts)
        if times >= least and times * share >= asked[about] and lasted_ns <= times * seldom_ns:
            yield _finding(case, about, facts, asked[about])


def is_refused(one: Operation) -> bool:
    """Whether the server said no."""
    return one.status > 0 and one.status != ACCEPTED and one.status not in SILENT_UNIT


def _service(one: Operation) -> tuple[object, ...]:
    return (
        one.client,
        one.server,
        one.transport,
        one.port,
        one.unit,
        one.function,
        one.subfunction,
        one.status,
    )


def _finding(case: Case, about: Talk, facts: list[Operation], asked: int) -> Finding:
    client, server, transport, port, changing = about
    shown = case.rules[RULE].number("shown")
    times = sum(one.times for one in facts)
    place = reached(case, facts)
    by_reason = Counter[int]()
    for one in facts:
        by_reason[one.status] += one.times
    why = [
        say("refused-of", times=times, asked=asked),
        say_some(
            "exceptions",
            [
                f"{status} {NAMES.get(status, '')}".strip() + f" ({count}×)"
                for status, count in sorted(by_reason.items())
            ],
            shown,
        ),
        say_some("asked-for", sorted({one.service for one in facts}), shown),
    ]
    return Finding(
        rule=RULE,
        key=(client, server, transport, str(port), "changes" if changing else "reads"),
        severity=_severity(case, place.to_zone, changing),
        link=Link(client=client, server=server, transport=transport, port=port, protocol=facts[0].protocol),
        place=place,
        what=say(
            "refuses-changes" if changing else "refuses-requests", client=client, server=server, times=times
        ),
        why=tuple(why),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in facts),
        last_ns=max(one.last_ns for one in facts),
        evidence=first(*(one.evidence for one in facts)),
        extent=len(facts),
    )


def _severity(case: Case, zone: str, changing: bool) -> Severity:
    gravest = graded(case, zone, "high") if case.index is not None else "medium"
    return gravest if changing else lowered(gravest)
