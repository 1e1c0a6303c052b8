"""A PROFINET station that somebody gives another address or name, or resets.

What it means, when it is wrong and how to respond: `rules/profinet-set.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    first,
    graded,
    link_of,
    lowered,
    permission_of,
    placed,
    registered,
    say,
    say_some,
)
from otmon.detect.once_per_case import once_per_case
from otmon.detect.silence import unanswered
from otmon.ledger.facts import Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import Verdict
from otmon.zones.role import one_name

RULE: Final = "profinet-set"

PROTOCOL: Final = "profinet"
COMMISSIONERS: Final = frozenset({"plc", "safety-plc", "dcs", "rtu", "cnc", "robot", "engineering-station"})
"""Roles of those who give stations their addresses and names: controllers do when they start."""
RESET: Final = "Reset to Factory"


def profinet_set(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str, bool], list[Operation]] = {}
    for fact, verdict in _set(case):
        resets = fact.service == RESET
        if fact.client in _before(case) or _is_commissioner(case, fact.client):
            continue
        permission = permission_of(verdict)
        if permission is not None and (permission.access or permission.functions):
            # Somebody agreed on this very kind of request.
            continue
        if resets or not _exchanges(case, fact):
            groups.setdefault((fact.client, fact.server, fact.vlan, resets), []).append(fact)
    for (client, server, vlan, resets), facts in groups.items():
        yield _finding(case, (client, server, vlan), facts, resets)


def _set(case: Case) -> Iterator[tuple[Operation, Verdict | None]]:
    for fact in case.ledger.operations:
        if fact.protocol == PROTOCOL and fact.access == "configure":
            yield fact, case.verdicts.get(conversation_key(fact))


@once_per_case
def _before(case: Case) -> frozenset[str]:
    """Who set something in normal operation."""
    before = () if case.baseline is None else case.baseline.operations
    return frozenset(
        fact.client for fact in before if fact.protocol == PROTOCOL and fact.access == "configure"
    )


def _is_commissioner(case: Case, client: str) -> bool:
    return any(one_name(role) in COMMISSIONERS for one in registered(case, client) for role in one.roles)


def _exchanges(case: Case, fact: Operation) -> bool:
    """Whether the two exchange data cyclically: that is the station's controller."""
    least = case.rules[RULE].number("cyclic")
    return any(
        min(talk.packets_to_client, talk.packets_to_server) >= least
        for talk in case.ledger.conversations
        if talk.protocol == PROTOCOL and {talk.client, talk.server} == {fact.client, fact.server}
    )


def _finding(case: Case, ends: tuple[str, str, str], facts: list[Operation], resets: bool) -> Finding:
    client, server, _ = ends
    place = placed(case, conversation_key(facts[0]))
    refused = all(one.refused for one in facts)
    severity = graded(case, place.to_zone, "critical" if resets else "high")
    times = sum(one.times for one in facts)
    why = [
        say_some("asked-for", sorted({one.service for one in facts}), case.rules[RULE].number("shown")),
        say("profinet-set-unlisted", client=client),
    ]
    if refused:
        why.append(say("refused", times=times))
    return Finding(
        rule=RULE,
        key=(*ends, "reset" if resets else "set"),
        severity=lowered(severity) if refused else severity,
        link=link_of(facts[0]),
        place=place,
        what=say("profinet-reset" if resets else "profinet-set", client=client, server=server, times=times),
        why=(*why, *unanswered(case, facts)),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in facts),
        last_ns=max(one.last_ns for one in facts),
        evidence=first(*(one.evidence for one in facts)),
        extent=len(facts),
    )
