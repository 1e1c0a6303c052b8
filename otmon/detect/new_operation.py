"""Something that two known hosts never did with each other before.

What it means, when it is wrong and how to respond: `rules/new-operation.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from otmon.detect.detector import (
    SEVERITIES,
    Case,
    Finding,
    Link,
    Message,
    Place,
    Severity,
    changes,
    first,
    graded,
    is_new_master,
    link_of,
    permission_of,
    place_of,
    say,
    say_some,
)
from otmon.detect.rules.field import was_answered
from otmon.detect.silence import silence
from otmon.detect.values import values_written
from otmon.ledger.facts import UNKNOWN, Conversation, Operation
from otmon.ledger.ledger import Ledger
from otmon.zones.address import MAC_BITS, is_group, parse_address
from otmon.zones.decide import Verdict
from otmon.zones.model import Range, Ranges, merged, spans

RULE: Final = "new-operation"
_UNNAMED: Final = frozenset({"none", "unknown"})
"""Protocols of what nobody said or recognised."""

Pair = tuple[str, str]
Way = tuple[str, int, str]
"""Transport, port (0 for those given out at random) and protocol."""
Service = tuple[str, int, int, str]
"""Protocol, function, subfunction and access class."""
Element = tuple[str, int, int, str]
"""Protocol, unit, function and access class."""


@dataclass(slots=True)
class _Habit:
    """What a client and a server did with each other in the baseline."""

    talks: set[Way] = field(default_factory=set)
    guessed: bool = False
    """In one of the conversations nobody can tell who is the client."""
    services: set[Service] = field(default_factory=set)
    ranges: dict[Element, list[Range]] = field(default_factory=dict)
    elements: dict[Element, Ranges] = field(default_factory=dict)
    """The ranges, merged."""


@dataclass(slots=True)
class _News:
    """What is new between a client and a server."""

    talks: list[tuple[Conversation, Verdict | None]] = field(default_factory=list)
    services: list[tuple[Operation, Verdict | None]] = field(default_factory=list)
    elements: list[tuple[Operation, Verdict | None]] = field(default_factory=list)

    def facts(self) -> list[tuple[Conversation | Operation, Verdict | None]]:
        return [*self.talks, *self.services, *self.elements]

    def operations(self) -> list[tuple[Operation, Verdict | None]]:
        return [*self.services, *self.elements]


def new_operation(case: Case) -> Iterator[Finding]:
    if case.baseline is None:
        return
    spread = case.rules[RULE].number("spread")
    habits = _habits(case, case.baseline)
    masters = {(one.client, one.server) for one, _ in case.undenied_operations if is_new_master(case, one)}
    news: dict[Pair, _News] = {}
    for fact, verdict in case.undenied_conversations:
        pair = fact.client, fact.server
        if pair not in masters and _is_judged(case, fact) and not _is_known(habits, fact, _way(case, fact)):
            news.setdefault(pair, _News()).talks.append((fact, verdict))
    for one, verdict in case.undenied_operations:
        pair = one.client, one.server
        if pair in masters or not _is_judged(case, one):
            continue
        habit = habits.get(pair, _NONE)
        if _service(one) not in habit.services:
            news.setdefault(pair, _News()).services.append((one, verdict))
        elif one.address != UNKNOWN and not spans(habit.elements.get(_element(one), ()), *_range(one)):
            news.setdefault(pair, _News()).elements.append((one, verdict))
    clients: dict[str, list[str]] = {}
    for client, server in news:
        clients.setdefault(client, []).append(server)
    for client, servers in clients.items():
        if len(servers) > spread:
            yield _spread(case, client, [(server, news[client, server]) for server in sorted(servers)])
        else:
            for server in servers:
                yield _single(case, (client, server), news[client, server])


_NONE: Final = _Habit()


def _habits(case: Case, baseline: Ledger) -> dict[Pair, _Habit]:
    found: dict[Pair, _Habit] = {}
    for talk in baseline.conversations:
        habit = found.setdefault((talk.client, talk.server), _Habit())
        habit.talks.add(_way(case, talk))
        habit.guessed |= talk.role == "first packet"
    for one in baseline.operations:
        habit = found.setdefault((one.client, one.server), _Habit())
        habit.services.add(_service(one))
        if one.address != UNKNOWN:
            habit.ranges.setdefault(_element(one), []).append(_range(one))
    for habit in found.values():
        habit.elements = {element: merged(ranges) for element, ranges in habit.ranges.items()}
        habit.ranges.clear()
    return found


def _way(case: Case, talk: Conversation) -> Way:
    random = talk.transport in ("tcp", "udp", "sctp") and talk.port >= case.rules[RULE].number("ephemeral")
    return talk.transport, 0 if random else talk.port, talk.protocol


def _service(one: Operation) -> Service:
    return one.protocol, one.function, one.subfunction, one.access


def _element(one: Operation) -> Element:
    return one.protocol, one.unit, one.function, one.access


def _range(one: Operation) -> Range:
    return one.address, one.address + max(one.count, 1) - 1


def _is_judged(case: Case, fact: Conversation | Operation) -> bool:
    """Both ends are hosts of the plant, and neither is itself new."""
    return all(
        end not in case.newcomers and (case.is_own(end, fact.vlan) or _is_mac(end))
        for end in (fact.client, fact.server)
    )


def _is_mac(text: str) -> bool:
    address = parse_address(text)
    return address is not None and address.bits == MAC_BITS and not is_group(address)


def _is_known(habits: dict[Pair, _Habit], talk: Conversation, way: Way) -> bool:
    known = habits.get((talk.client, talk.server), _NONE)
    if _fits(known.talks, way):
        return True
    turned = habits.get((talk.server, talk.client), _NONE)
    guessed = talk.role == "first packet" or turned.guessed
    return guessed and any(transport == talk.transport for transport, _, _ in turned.talks)


def _fits(known: Iterable[Way], way: Way) -> bool:
    """The same port; and the same protocol, unless one of the two could not be told."""
    return any(
        one[:2] == way[:2] and (one[2] == way[2] or way[2] in _UNNAMED or one[2] == "unknown")
        for one in known
    )


def _single(case: Case, pair: Pair, news: _News) -> Finding:
    facts = news.facts()
    fact, verdict = facts[0]
    talks, operations = [one for one, _ in news.talks], [one for one, _ in news.operations()]
    what = say("new-ways", client=pair[0], server=pair[1])
    return Finding(
        rule=RULE,
        key=("one", *pair),
        severity=_severity(case, news),
        link=link_of(fact),
        place=Place() if verdict is None else place_of(case, verdict),
        what=what,
        why=tuple(_why(case, news)),
        count=sum(one.packets_to_server + one.packets_to_client for one in talks)
        or sum(one.times for one in operations),
        unit="packets" if talks else "transactions",
        first_ns=min(one.first_ns for one, _ in facts),
        last_ns=max(one.last_ns for one, _ in facts),
        evidence=first(*(one.evidence for one, _ in facts)),
        extent=len(facts),
    )


def _severity(case: Case, news: _News) -> Severity:
    """What was agreed by a permission is at most low, and what nobody answered is for information."""
    facts = news.facts()
    agreed = all(permission_of(verdict) for _, verdict in facts)
    changing = [(one, verdict) for one, verdict in news.operations() if changes([one])]
    if changing:
        verdict = changing[0][1]
        return "low" if agreed else graded(case, verdict.to_zone if verdict else "", "high")
    silent = not news.operations() and not any(was_answered(talk) for talk, _ in news.talks)
    return "info" if agreed or silent else "low"


def _why(case: Case, news: _News) -> Iterator[Message]:
    shown = case.rules[RULE].number("shown")
    if news.talks:
        names = sorted({f"{one.protocol} ({one.transport}/{one.port})" for one, _ in news.talks})
        yield say_some("new-conversations", names, shown)
    if news.services:
        names = sorted({f"{one.service} ({one.access})" for one, _ in news.services})
        yield say_some("new-functions", names, shown)
    if news.elements:
        ranges = sorted({(one.service, one.unit, *_range(one)) for one, _ in news.elements})
        yield say_some("new-elements", [_words(*one) for one in ranges], shown)
    yield from values_written(case, [one for one, _ in news.operations() if changes([one])])
    if news.talks and not any(was_answered(one) for one, _ in news.talks):
        yield silence(one for one, _ in news.talks)


def _words(service: str, unit: int, low: int, high: int) -> str:
    return f"{service} {unit}:{low}" if low == high else f"{service} {unit}:{low}-{high}"


def _spread(case: Case, client: str, news: list[tuple[str, _News]]) -> Finding:
    facts = [pair for _, one in news for pair in one.facts()]
    severities = [_severity(case, one) for _, one in news]
    return Finding(
        rule=RULE,
        key=("many", client),
        severity=min(severities, key=SEVERITIES.index),
        link=Link(client=client),
        place=Place(),
        what=say("new-spread", client=client, servers=len(news)),
        why=(say_some("talks-with", [server for server, _ in news], case.rules[RULE].number("shown")),),
        count=sum(one.packets_to_server + one.packets_to_client for _, each in news for one, _ in each.talks)
        or sum(one.times for _, each in news for one, _ in each.operations()),
        unit="packets" if any(each.talks for _, each in news) else "transactions",
        first_ns=min(one.first_ns for one, _ in facts),
        last_ns=max(one.last_ns for one, _ in facts),
        evidence=first(*(one.evidence for one, _ in facts)),
        extent=len(facts),
    )
