"""A client that carries data out, or in, in the names that it asks a name server for.

What it means, when it is wrong and how to respond: `rules/data-in-names.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from otmon.detect.detector import Case, Finding, Link, first, placed, say, say_some
from otmon.ledger.facts import NamesAsked, distinct
from otmon.ledger.ledger import Ledger, conversation_key

RULE: Final = "data-in-names"
_BITS: Final = 8

About = tuple[str, str]
"""Client and domain."""


@dataclass(frozen=True, slots=True)
class _Day:
    """What a client asked for below a domain in one day, of whatever name servers."""

    facts: tuple[NamesAsked, ...]
    names: int
    """Different ones."""
    carried: int
    """Bytes that these could carry."""
    free: int
    times: int


def data_in_names(case: Case) -> Iterator[Finding]:
    usual = {} if case.baseline is None else _days(case, case.baseline)
    for about, day in _days(case, case.ledger).items():
        if about not in usual:
            yield _finding(case, about, day)


def _days(case: Case, ledger: Ledger) -> Mapping[About, _Day]:
    """Of each client and domain the day on which most could be carried, where that is more than names are."""
    rule = case.rules[RULE]
    carries, many, ignored = rule.number("carried"), rule.number("names"), rule.texts("ignored")
    full, short = rule.number("full"), rule.number("short")
    passed = _passed_on(ledger.names)
    groups: dict[tuple[str, str, int], list[NamesAsked]] = {}
    for fact in ledger.names:
        if fact.domain not in ignored:
            groups.setdefault((fact.client, fact.domain, fact.day), []).append(fact)
    found: dict[About, _Day] = {}
    for key, facts in groups.items():
        client, domain, _ = key
        day = _day(facts, passed.get(key, 0))
        known = found.get((client, domain))
        asks_for_text = day.names >= many and 2 * day.free >= day.times
        needed = carries * (1 if day.carried >= full * day.names else short)
        if (day.carried >= needed or asks_for_text) and (known is None or known.carried < day.carried):
            found[client, domain] = day
    return found


def _passed_on(names: Iterable[NamesAsked]) -> Mapping[tuple[str, str, int], int]:
    """By name server, domain and day: the names that its clients asked it for below the domain, which it asks
    others for in turn. Where some ask each other in a ring one of them begins, and nobody there passes on."""
    servers: dict[About, set[str]] = {}
    clients: dict[About, set[str]] = {}
    for fact in names:
        servers.setdefault((fact.client, fact.domain), set()).add(fact.server)
        clients.setdefault((fact.server, fact.domain), set()).add(fact.client)
    waiting = {about: len(some) for about, some in clients.items()}
    ready = [about for about in servers if about not in clients]
    plain = set(ready)
    while ready:
        about = ready.pop()
        for server in servers.get(about, ()):
            behind = server, about[1]
            waiting[behind] -= 1
            if waiting[behind] == 0:
                plain.add(behind)
                ready.append(behind)
    found: dict[tuple[str, str, int], int] = {}
    for fact in names:
        if (fact.client, fact.domain) in plain:
            key = fact.server, fact.domain, fact.day
            found[key] = found.get(key, 0) | fact.names
    return found


def _day(facts: Iterable[NamesAsked], passed: int) -> _Day:
    """`passed` are the names that the client's own clients asked it for."""
    every = tuple(facts)
    times = max(sum(one.times for one in every), 1)
    asked = reduce(or_, (one.names for one in every))
    names = max(min(distinct(asked | passed) - distinct(passed), times), 0)
    # A name that is asked for again carries nothing new.
    carried = sum(one.carried_bits for one in every) * names // times // _BITS
    return _Day(every, names, carried, sum(one.free for one in every), times)


def _finding(case: Case, about: About, day: _Day) -> Finding:
    client, domain = about
    talk = conversation_key(min(day.facts, key=lambda fact: fact.evidence))
    why = [say("carried-in-names", names=day.names, times=day.times, carried=day.carried)]
    if day.free:
        why.append(say("asks-for-text", count=day.free, times=day.times))
    servers = sorted({fact.server for fact in day.facts})
    why.append(say_some("name-servers", servers, case.rules[RULE].number("shown")))
    return Finding(
        rule=RULE,
        key=about,
        severity="high",
        link=Link(*talk),
        place=placed(case, talk),
        what=say("data-in-names", client=client, domain=domain),
        why=tuple(why),
        count=day.times,
        unit="messages",
        first_ns=min(fact.first_ns for fact in day.facts),
        last_ns=max(fact.last_ns for fact in day.facts),
        evidence=first(*(fact.evidence for fact in day.facts)),
        extent=max(day.carried, 1),
    )
