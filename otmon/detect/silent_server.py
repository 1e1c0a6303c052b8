"""A device that answered, and then answered nobody any more.

What it means, when it is wrong and how to respond: `rules/silent-server.yml`.
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
    importance,
    reached,
    say,
    say_some,
)
from otmon.detect.malformed_message import LOSS
from otmon.detect.once_per_case import once_per_case
from otmon.ledger.facts import UNANSWERED, Conversation, Operation

RULE: Final = "silent-server"

Server = tuple[str, str, int]
"""Address, transport, port."""


Silence = tuple[int, list[Operation | Conversation], int]
"""When the last answer came, what was asked after it, and how often."""


def silent_server(case: Case) -> Iterator[Finding]:
    for about, (last_ns, facts, attempts) in fell_silent(case).items():
        yield _finding(case, about, facts, last_ns, attempts)


@once_per_case
def fell_silent(case: Case) -> dict[Server, Silence]:
    """The servers that answered and then no more, in order; none where the rule is not looked for."""
    rule = case.rules.get(RULE)
    if rule is None or not rule.runs:
        return {}
    least, silence_ns = rule.number("attempts"), 1_000_000_000 * rule.number("silence_s")
    answered: dict[Server, int] = {}
    lost = {(one.server, one.transport, one.port) for one in case.ledger.anomalies if one.reason in LOSS}
    for one in case.ledger.operations:
        if one.status >= 0:
            about = one.server, one.transport, one.port
            answered[about] = max(answered.get(about, 0), one.last_ns)
    if not answered:
        return {}
    after: dict[Server, list[Operation | Conversation]] = {}
    for one in case.ledger.operations:
        about = one.server, one.transport, one.port
        if one.status == UNANSWERED and about in answered and one.last_ns > answered[about]:
            after.setdefault(about, []).append(one)
    for fact in case.ledger.conversations:
        about = fact.server, fact.transport, fact.port
        if (
            fact.protocol == "none"
            and not fact.answered
            and about in answered
            and fact.last_ns > answered[about]
        ):
            after.setdefault(about, []).append(fact)
    found: dict[Server, Silence] = {}
    for about, facts in sorted(after.items()):
        attempts = sum(_least(fact, answered[about]) for fact in facts)
        silence = max(fact.last_ns for fact in facts) - answered[about]
        if attempts >= least and silence >= silence_ns and about not in lost:
            found[about] = answered[about], facts, attempts
    return found


def _least(fact: Operation | Conversation, last_ns: int) -> int:
    """How often it was tried after `last_ns` at least: of what began before, once is sure."""
    if fact.first_ns <= last_ns:
        return 1
    return fact.times if isinstance(fact, Operation) else fact.packets_to_server


def _finding(
    case: Case, about: Server, facts: list[Operation | Conversation], last_ns: int, attempts: int
) -> Finding:
    server, transport, port = about
    clients = sorted({fact.client for fact in facts})
    until_ns = max(fact.last_ns for fact in facts)
    place = reached(case, facts)
    seconds = (until_ns - last_ns) // 1_000_000_000
    why = [
        say("no-answer-since", seconds=seconds, attempts=attempts),
        say_some("still-asking", clients, case.rules[RULE].number("shown")),
    ]
    if any(isinstance(fact, Conversation) and fact.packets_to_client for fact in facts):
        why.append(say("refuses-connections"))
    return Finding(
        rule=RULE,
        key=(server, transport, str(port)),
        severity=_severity(case, place.to_zone),
        link=Link(
            client=clients[0] if len(clients) == 1 else "", server=server, transport=transport, port=port,
            protocol="modbus",
        ),
        place=place,
        what=say("silent", server=server, transport=transport, port=port),
        why=tuple(why),
        count=attempts,
        unit="transactions",
        first_ns=last_ns,
        last_ns=until_ns,
        evidence=first(*(fact.evidence for fact in facts)),
        extent=len(facts),
    )  # fmt: skip


def _severity(case: Case, zone: str) -> Severity:
    return "high" if importance(case, zone) == "high" else "medium"
