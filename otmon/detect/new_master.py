"""A client that commands a server which only others commanded before.

What it means, when it is wrong and how to respond: `rules/new-master.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Place,
    Severity,
    by_server,
    first,
    graded,
    is_new_master,
    link_of,
    lowered,
    permission_of,
    place_of,
    say,
    say_some,
)
from otmon.detect.values import values_written
from otmon.ledger.facts import Operation
from otmon.zones.decide import Verdict

RULE: Final = "new-master"

Asked = list[tuple[Operation, Verdict | None]]


def new_master(case: Case) -> Iterator[Finding]:
    if case.baseline is None:
        return
    before = {one.client for one in case.baseline.conversations}
    groups: dict[tuple[str, ...], Asked] = {}
    for fact, verdict in case.undenied_operations:
        if is_new_master(case, fact):
            groups.setdefault((fact.client, fact.server, fact.protocol), []).append((fact, verdict))
    for key, server, group in by_server(groups, case.rules[RULE].number("spread")):
        yield _finding(case, key, server, group, known=key[0] in before)


def _finding(case: Case, key: tuple[str, ...], server: str, group: Asked, *, known: bool) -> Finding:
    fact, verdict = group[0]
    operations = [one for one, _ in group]
    times = sum(one.times for one in operations)
    return Finding(
        rule=RULE,
        key=key,
        severity=_severity(case, group),
        link=link_of(fact) if server == fact.server else Link(client=fact.client),
        place=Place() if verdict is None else place_of(case, verdict),
        what=say("master", client=fact.client, server=server, protocol=fact.protocol, times=times),
        why=tuple(_why(case, group, known)),
        count=times,
        unit="transactions",
        first_ns=min(one.first_ns for one in operations),
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        extent=len(operations),
    )


def _severity(case: Case, group: Asked) -> Severity:
    """A refusal by the device and a permission that allows all of it take a step each."""
    verdict = group[0][1]
    steps = all(one.refused for one, _ in group) + all(permission_of(one) for _, one in group)
    return lowered(graded(case, verdict.to_zone if verdict else "", "high"), steps)


def _why(case: Case, group: Asked, known: bool) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    fact = group[0][0]
    masters = {one for each, _ in group for one in case.commanders[each.server, each.protocol]}
    yield say_some("masters-before", sorted(masters), shown)
    yield say("client-known" if known else "client-new", client=fact.client)
    yield say_some("asked-for", sorted({one.service for one, _ in group}), shown)
    yield from values_written(case, [one for one, _ in group])
    refused = sum(one.times for one, _ in group if one.refused)
    if refused:
        yield say("refused", times=refused)
    agreed = sorted(
        {(one.called(), str(one.line)) for _, verdict in group if (one := permission_of(verdict)) is not None}
    )
    for permission, line in agreed[:shown]:
        yield say("reason.permission", permission=permission, line=line)
