"""A device that answered, and then answered nobody any more.

What it finds
    A Modbus server that answered before, and that from some instant to the end of the capture left
    at least three requests or attempts to connect without answer, over ten seconds at least. One
    finding for each server and port, with the last answer and who went on asking.

Why it matters
    A controller that no longer answers is blind to its operators, whatever the reason: an attack, a
    crash after a scan, a pulled cable. What was sent last before it fell silent is where to look.

What it looks like
    The HMI polls a controller each second; at 14:31:07 the answers end, the requests do not.

When it is wrong
    When the device was switched off as planned. A capture that loses packets may lose the answers:
    bytes that are known to be lost keep the server out.

    Why three and ten seconds: a master asks again within seconds, and a restart of a controller's
    network takes a few; requests whose answer may lie behind the capture's end are not counted.

References
    ATT&CK for ICS T1691.002 (T0804 until v18.1), T0814; IEC 62443-3-3 SR 7.1, SR 6.2.
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
    importance,
    reached,
    requirement,
    say,
    say_some,
)
from otmon.detect.malformed_message import LOSS
from otmon.ledger.facts import UNANSWERED, Conversation, Operation

RULE = Rule(
    "silent-server",
    (
        *attack("T0804", "Block Reporting Message", "T1691.002"),
        *attack("T0814", "Denial of Service"),
        requirement("SR 7.1", "Denial of service protection"),
        requirement("SR 6.2", "Continuous monitoring"),
    ),
)

ATTEMPTS = 3
"""Requests or attempts to connect after the last answer."""
SILENCE_NS = 10_000_000_000
"""From the last answer to the last attempt."""
SHOWN = 6
"""Clients that are named in one finding."""

Server = tuple[str, str, int]
"""Address, transport, port."""


def silent_server(case: Case) -> Iterator[Finding]:
    answered: dict[Server, int] = {}
    lost = {(one.server, one.transport, one.port) for one in case.ledger.anomalies if one.reason in LOSS}
    for one in case.ledger.operations:
        if one.status >= 0:
            about = one.server, one.transport, one.port
            answered[about] = max(answered.get(about, 0), one.last_ns)
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
    for about, facts in sorted(after.items()):
        attempts = sum(_least(fact, answered[about]) for fact in facts)
        silence = max(fact.last_ns for fact in facts) - answered[about]
        if attempts >= ATTEMPTS and silence >= SILENCE_NS and about not in lost:
            yield _finding(case, about, facts, answered[about], attempts)


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
        say_some("still-asking", clients, SHOWN),
    ]
    if any(isinstance(fact, Conversation) and fact.packets_to_client for fact in facts):
        why.append(say("refuses-connections"))
    return Finding(
        rule=RULE.id,
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
        references=RULE.references,
    )  # fmt: skip


def _severity(case: Case, zone: str) -> Severity:
    return "high" if importance(case, zone) == "high" else "medium"
