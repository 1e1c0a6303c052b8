"""Traffic across a boundary that the model does not allow.

What it finds
    A conversation between two zones, or inside a zone that lists what may happen there, that no
    permission allows. One finding for each client, server, protocol and port; a client that reaches
    for very many of them in one zone is one finding. What a scan of addresses or ports missed is
    left to the rule for that scan; what was answered in it is found here too.

Why it matters
    What may cross a boundary was agreed by the people who own it. Whatever else crosses was never
    looked at: an office PC that reaches the line's control system, a service that nobody closed, or
    an intruder.

What it looks like
    A PC of the office zone speaks Modbus with a controller; no boundary joins the two zones.

When it is wrong
    When the model is not complete yet: then the finding names the boundary and the permission that
    came nearest, and its owner can add what is missing. An attempt that nobody answered may be an
    old setting of a device that looks for a host that is gone.

References
    ATT&CK for ICS T0886, T0866; IEC 62443-3-3 SR 5.1, SR 5.2; METI's guideline, step 2-1.
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Rule,
    Severity,
    attack,
    changes,
    first,
    guideline_step,
    importance,
    link_of,
    place_of,
    reasons,
    requirement,
    say,
    say_some,
    values_written,
)
from otmon.detect.port_scan import scanned
from otmon.ledger.facts import Conversation, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import Verdict, lapsed
from otmon.zones.model import INTERNET, UNKNOWN_ZONE

RULE = Rule(
    "unlisted-traffic",
    (
        *attack("T0886", "Remote Services"),
        *attack("T0866", "Exploitation of Remote Services"),
        requirement("SR 5.1", "Network segmentation"),
        requirement("SR 5.2", "Zone boundary protection"),
        guideline_step("ステップ2-1", "ゾーンの設定と保護対象の割り付け"),
    ),
)

SPREAD = 16
"""Denied conversations of one client with one zone that are told one by one."""
SHOWN = 6
"""Services, servers and ports that are named in one finding."""

Denied = list[tuple[Conversation, Verdict]]


def unlisted_traffic(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], Denied] = {}
    probes = scanned(case)
    for fact, verdict in case.conversations:
        # What a scan missed is told there.
        if conversation_key(fact) in probes:
            continue
        # Addresses that the model does not know have rules of their own.
        strange = {verdict.from_zone, verdict.to_zone} & {INTERNET, UNKNOWN_ZONE}
        # So has what is allowed at other times.
        if verdict.outcome == "denied" and not strange and not lapsed(verdict):
            groups.setdefault((fact.client, verdict.from_zone, verdict.to_zone), []).append((fact, verdict))
    for group in groups.values():
        parts: dict[tuple[object, ...], Denied] = {}
        for fact, verdict in group:
            # The tag is no part of what is agreed.
            parts.setdefault(conversation_key(fact)[:-1], []).append((fact, verdict))
        if len(parts) > SPREAD:
            yield _spread(case, group)
        else:
            for part in parts.values():
                yield _single(case, part)


def _operations(case: Case, part: Denied) -> list[Operation]:
    return [operation for fact, _ in part for operation in case.asked.get(conversation_key(fact), [])]


def _single(case: Case, part: Denied) -> Finding:
    fact, verdict = part[0]
    operations = _operations(case, part)
    why = list(reasons(verdict))
    if operations:
        services = sorted({operation.service for operation in operations})
        why.append(say_some("asked-for", services, SHOWN))
        why.extend(values_written(case, [conversation_key(one) for one, _ in part]))
    if not any(one.answered for one, _ in part):
        why.append(say("unanswered"))
    return _finding(case, part, operations, ("one", *map(str, conversation_key(fact)[:-1])), why, say(
        "conversation", client=fact.client, server=fact.server, protocol=fact.protocol,
        transport=fact.transport, port=fact.port,
    ))  # fmt: skip


def _spread(case: Case, group: Denied) -> Finding:
    fact, verdict = group[0]
    servers = sorted({one.server for one, _ in group})
    ports = sorted({(one.transport, one.port) for one, _ in group})
    why = [
        *reasons(verdict)[:1],
        say("many-servers", servers=", ".join(servers[:SHOWN]), count=len(servers)),
        say(
            "many-ports",
            ports=", ".join(f"{transport}/{port}" for transport, port in ports[:SHOWN]),
            count=len(ports),
        ),
    ]
    key = ("many", fact.client, verdict.from_zone, verdict.to_zone)
    what = say("spread", client=fact.client, zone=verdict.to_zone, conversations=len(group))
    return _finding(case, group, _operations(case, group), key, why, what)


def _finding(
    case: Case,
    part: Denied,
    operations: list[Operation],
    key: tuple[str, ...],
    why: list[Message],
    what: Message,
) -> Finding:
    fact, verdict = part[0]
    return Finding(
        rule=RULE.id,
        key=key,
        severity=_severity(case, part, operations),
        link=link_of(fact) if key[0] == "one" else Link(client=fact.client),
        place=place_of(case, verdict),
        what=what,
        why=tuple(why),
        count=sum(one.packets_to_server + one.packets_to_client for one, _ in part),
        unit="packets",
        first_ns=min(one.first_ns for one, _ in part),
        last_ns=max(one.last_ns for one, _ in part),
        evidence=first(
            *(one.evidence for one, _ in part),
            *(one.evidence for one in operations if changes([one])),
        ),
        references=RULE.references,
    )


def _severity(case: Case, part: Denied, operations: list[Operation]) -> Severity:
    """How much the zone that was reached matters, and whether something was changed there."""
    high = importance(case, part[0][1].to_zone) == "high"
    if changes(operations):
        return "critical" if high else "high"
    if not any(one.answered for one, _ in part):
        return "medium" if high else "low"
    return "high" if high else "medium"
