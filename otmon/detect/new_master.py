"""A client that commands a server which only others commanded before.

What it finds
    A write, a control command, a program or a setting from a client that never sent one to this server
    in the baseline, where other clients did. One finding for each client, server and protocol; one for a
    client of very many servers.

Why it matters
    A controller has its masters: one HMI, one SCADA, perhaps an engineering station. A further one is
    how an attack on a process looks on the wire, whether it comes from a device that was brought
    in or from one that was always there and only read.

What it looks like
    For weeks the HMI alone writes the setpoints of a controller. Today the historian writes one.

When it is wrong
    When the baseline was too short to hold every master, or a master got another address. It needs a
    baseline: without one the second master of a register is as often the spare HMI as an intruder, and
    in no public capture that we know two clients write to one server, so that nothing would tell a good
    rule from a bad one. A server that nobody commanded before is told as a new operation. What the model
    denies is told by the rules for that, and not here.

References
    ATT&CK for ICS T0848, T0855 (T1692.001 from v19); IEC 62443-3-3 SR 1.2, SR 2.1, SR 6.2.
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
    Rule,
    Severity,
    attack,
    by_server,
    first,
    graded,
    is_new_master,
    link_of,
    lowered,
    permission_of,
    place_of,
    requirement,
    say,
    say_some,
    values_written,
)
from otmon.ledger.facts import Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import Verdict

RULE = Rule(
    "new-master",
    (
        *attack("T0848", "Rogue Master"),
        *attack("T0855", "Unauthorized Command Message", "T1692.001"),
        requirement("SR 1.2", "Software process and device identification"),
        requirement("SR 2.1", "Authorization enforcement"),
        requirement("SR 6.2", "Continuous monitoring"),
    ),
)

SHOWN: Final = 6
"""Services and earlier masters that are named in one finding."""

Asked = list[tuple[Operation, Verdict | None]]


def new_master(case: Case) -> Iterator[Finding]:
    if case.baseline is None:
        return
    before = {one.client for one in case.baseline.conversations}
    groups: dict[tuple[str, ...], Asked] = {}
    for fact, verdict in case.undenied_operations:
        if is_new_master(case, fact):
            groups.setdefault((fact.client, fact.server, fact.protocol), []).append((fact, verdict))
    for key, server, group in by_server(groups):
        yield _finding(case, key, server, group, known=key[0] in before)


def _finding(case: Case, key: tuple[str, ...], server: str, group: Asked, *, known: bool) -> Finding:
    fact, verdict = group[0]
    operations = [one for one, _ in group]
    times = sum(one.times for one in operations)
    return Finding(
        rule=RULE.id,
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
        references=RULE.references,
    )


def _severity(case: Case, group: Asked) -> Severity:
    """A refusal by the device and a permission that allows all of it take a step each."""
    verdict = group[0][1]
    steps = all(one.status > 0 for one, _ in group) + all(permission_of(case, one) for _, one in group)
    return lowered(graded(case, verdict.to_zone if verdict else "", "high"), steps)


def _why(case: Case, group: Asked, known: bool) -> Iterator[Message]:
    fact = group[0][0]
    masters = {one for each, _ in group for one in case.commanders[each.server, each.protocol]}
    yield say_some("masters-before", sorted(masters), SHOWN)
    yield say("client-known" if known else "client-new", client=fact.client)
    yield say_some("asked-for", sorted({one.service for one, _ in group}), SHOWN)
    yield from values_written(case, sorted({conversation_key(one) for one, _ in group}))
    refused = sum(one.times for one, _ in group if one.status > 0)
    if refused:
        yield say("refused", times=refused)
    agreed = sorted(
        {(one.id, str(one.line)) for _, verdict in group if (one := permission_of(case, verdict)) is not None}
    )
    for permission, line in agreed[:SHOWN]:
        yield say("reason.permission", permission=permission, line=line)
