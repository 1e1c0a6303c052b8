"""A second client that commands a server which one client alone commanded for long, told without a baseline.

What it means, when it is wrong and how to respond: `rules/second-master.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otmon.detect.detector import (
    CHANGING,
    Case,
    Finding,
    Message,
    Place,
    Severity,
    first,
    graded,
    link_of,
    lowered,
    permission_of,
    place_of,
    say,
    say_some,
)
from otmon.detect.values import values_written
from otmon.ledger.course import spans
from otmon.ledger.facts import MINUTE_NS, Operation
from otmon.zones.decide import Verdict

RULE: Final = "second-master"


@dataclass(frozen=True, slots=True)
class _Reign:
    """The time in which one client alone commanded a server."""

    master: str
    commands: int
    """At least."""
    lasted_ns: int


def second_master(case: Case) -> Iterator[Finding]:
    if case.baseline is not None:
        return
    commanded: dict[tuple[str, str], dict[str, list[Operation]]] = {}
    for one in case.ledger.operations:
        if one.access in CHANGING:
            clients = commanded.setdefault((one.server, one.protocol), {})
            clients.setdefault(one.client, []).append(one)
    for clients in commanded.values():
        if len(clients) < 2:
            continue
        master, second = sorted(clients, key=lambda client: (_begin(clients[client]), client))[:2]
        reign = _reign(case, clients[master], _begin(clients[second]))
        if reign is not None and case.index is None:
            yield _finding(case, reign, [(one, None) for one in clients[second]])
        elif reign is not None:
            judged = {id(one): verdict for one, verdict in case.undenied_operations}
            asked = [(one, judged[id(one)]) for one in clients[second] if id(one) in judged]
            # What somebody agreed on by name is no second master.
            if asked and not all(permission_of(verdict) for _, verdict in asked):
                yield _finding(case, reign, asked)


def _begin(operations: list[Operation]) -> int:
    return min(one.first_ns for one in operations)


def _reign(case: Case, operations: list[Operation], end_ns: int) -> _Reign | None:
    """What the first master did until another one came, where that makes it the only one: it commanded often,
    for long, unrefused, and went on afterwards, so that the other one did not take its place."""
    rule = case.rules[RULE]
    obeyed = [one for one in operations if one.status <= 0]
    if not obeyed or max(one.last_ns for one in obeyed) <= end_ns:
        return None
    commands, last_ns = 0, 0
    for one in obeyed:
        if one.last_ns < end_ns:
            commands, last_ns = commands + one.times, max(last_ns, one.last_ns)
            continue
        for begin_ns, over_ns, window in spans(one.first_ns, one.last_ns, one.course):
            if over_ns <= end_ns and window.times:
                commands, last_ns = commands + window.times, max(last_ns, begin_ns)
    lasted_ns = last_ns - _begin(obeyed)
    if commands < rule.number("commands") or lasted_ns < MINUTE_NS * rule.number("minutes"):
        return None
    return _Reign(obeyed[0].client, commands, lasted_ns)


def _finding(case: Case, reign: _Reign, asked: list[tuple[Operation, Verdict | None]]) -> Finding:
    operations = [one for one, _ in asked]
    fact, verdict = asked[0]
    times = sum(one.times for one in operations)
    return Finding(
        rule=RULE,
        key=(fact.client, fact.server, fact.protocol),
        severity=_severity(case, asked),
        link=link_of(fact),
        place=Place() if verdict is None else place_of(case, verdict),
        what=say(
            "second-master", client=fact.client, server=fact.server, protocol=fact.protocol, times=times,
            master=reign.master,
        ),
        why=tuple(_why(case, reign, operations)),
        count=times,
        unit="transactions",
        first_ns=_begin(operations),
        last_ns=max(one.last_ns for one in operations),
        evidence=first(*(one.evidence for one in operations)),
        extent=len(operations),
    )  # fmt: skip


def _severity(case: Case, asked: list[tuple[Operation, Verdict | None]]) -> Severity:
    """Without a model, and where the device refused all of it, a step lower each."""
    verdict = asked[0][1]
    steps = (verdict is None) + all(one.status > 0 for one, _ in asked)
    return lowered(graded(case, verdict.to_zone if verdict else "", "high"), steps)


def _why(case: Case, reign: _Reign, operations: list[Operation]) -> Iterator[Message]:
    minutes = reign.lasted_ns // MINUTE_NS
    yield say("reign", master=reign.master, times=reign.commands, minutes=minutes)
    yield say("reign-goes-on", master=reign.master)
    shown = case.rules[RULE].number("shown")
    yield say_some("asked-for", sorted({one.service for one in operations}), shown)
    yield from values_written(case, operations)
    refused = sum(one.times for one in operations if one.status > 0)
    if refused:
        yield say("refused", times=refused)
