"""Many log-ins that are refused, and many short sessions whose log-ins nobody can read.

What it means, when it is wrong and how to respond: `rules/password-guessing.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    first,
    graded,
    link_of,
    placed,
    reached,
    say,
    say_some,
)
from otmon.detect.once_per_case import once_per_case
from otmon.ledger.facts import HOUR_NS, HOURS, MINUTE_NS, Conversation, CredentialSeen
from otmon.ledger.ledger import conversation_key

RULE: Final = "password-guessing"

SECRET: Final = frozenset({"ssh", "rdp", "telnet", "vnc"})
"""Protocols in which people log in, and whose sessions hide it or hold it in many small pieces."""

_Group = list[CredentialSeen]


def password_guessing(case: Case) -> Iterator[Finding]:
    groups: dict[tuple[str, str], _Group] = {}
    let_in: dict[tuple[str, str], _Group] = {}
    usual = _refused_before(case)
    for fact in case.ledger.credentials:
        about = fact.client, fact.protocol
        if fact.outcome == "refused" and _who(fact) not in usual:
            groups.setdefault(about, []).append(fact)
        elif fact.outcome == "accepted":
            let_in.setdefault(about, []).append(fact)
    told: set[tuple[str, str, str]] = set()
    for about, group in groups.items():
        if _is_guessed(case, group):
            told.update((fact.client, fact.server, fact.protocol) for fact in group)
            yield _refused(case, group, let_in.get(about, []))
    for talk in case.ledger.conversations:
        ends = talk.client, talk.server, talk.protocol
        known = ends in told or talk.protocol not in SECRET
        if not known and _is_tried(case, talk) and conversation_key(talk) not in _probed(case):
            yield _tried(case, talk)


def _who(fact: CredentialSeen) -> tuple[str, str, str, str]:
    return fact.client, fact.server, fact.protocol, fact.account


def _refused_before(case: Case) -> set[tuple[str, str, str, str]]:
    """Whose log-ins were refused in normal operation too: a program with an old password."""
    before = () if case.baseline is None else case.baseline.credentials
    return {_who(fact) for fact in before if fact.outcome == "refused"}


@once_per_case
def _probed(case: Case) -> frozenset[object]:
    """The conversations that had as many short sessions in normal operation."""
    before = () if case.baseline is None else case.baseline.conversations
    return frozenset(conversation_key(talk) for talk in before if _is_tried(case, talk))


def _active_ns(facts: Iterable[Conversation | CredentialSeen]) -> int:
    """The time in which something went on, at least a minute: from the first to the last, of conversations as
    far as they were seen in these hours."""
    facts = list(facts)
    begin, end = min(one.first_ns for one in facts), max(one.last_ns for one in facts)
    time_ns = end - begin
    for one in facts:
        if isinstance(one, Conversation):
            weeks = time_ns // (HOURS * HOUR_NS) + 1
            time_ns = min(time_ns, one.hours.bit_count() * weeks * HOUR_NS)
    return max(time_ns, MINUTE_NS)


def _rate(count: int, time_ns: int) -> int:
    """How many in a minute, rounded."""
    return round(count * MINUTE_NS / time_ns)


def _is_guessed(case: Case, group: _Group) -> bool:
    """Whether that many were refused, fast, or by several accounts, or at several servers: one account that
    is refused at one server each minute is a program with an old password."""
    rule = case.rules[RULE]
    times = sum(fact.times for fact in group)
    if times < rule.number("refused"):
        return False
    several = max(len({fact.account for fact in group}), len({fact.server for fact in group}))
    fast = times * MINUTE_NS >= rule.number("minute") * _active_ns(group)
    return fast or several >= rule.number("several")


def _is_tried(case: Case, talk: Conversation) -> bool:
    rule = case.rules[RULE]
    return (
        talk.flows >= rule.number("sessions")
        and talk.answered
        and talk.bytes_to_client + talk.bytes_to_server <= talk.flows * rule.number("kilobytes") * 1_000
        and talk.flows * MINUTE_NS >= rule.number("minute") * _active_ns([talk])
    )


def _refused(case: Case, group: _Group, let_in: _Group) -> Finding:
    one = group[0]
    servers = sorted({fact.server for fact in group})
    accounts = sorted({fact.account for fact in group if fact.account})
    times = sum(fact.times for fact in group)
    begin = min(fact.first_ns for fact in group)
    after = [fact for fact in let_in if fact.server in servers and fact.last_ns >= begin]
    shown = case.rules[RULE].number("shown")
    place = reached(case, group)
    why = [say("guessing-rate", rate=_rate(times, _active_ns(group)))]
    if accounts:
        why.append(say_some("guessing-accounts", accounts, shown))
    if len(servers) > 1:
        why.append(say_some("guessing-servers", servers, shown))
    if after:
        why.append(say_some("guessing-let-in", sorted({_in_as(fact) for fact in after}), shown))
    alone = len({(fact.server, fact.transport, fact.port, fact.vlan) for fact in group}) == 1
    return Finding(
        rule=RULE,
        key=("refused", one.client, one.protocol),
        severity=graded(case, place.to_zone, "critical" if after else "high"),
        link=link_of(one) if alone else Link(client=one.client, protocol=one.protocol),
        place=place,
        what=say("guessing", client=one.client, server=_named(servers), protocol=one.protocol, times=times),
        why=tuple(why),
        count=times,
        unit="log-ins",
        first_ns=begin,
        last_ns=max(fact.last_ns for fact in group),
        evidence=first(*(fact.evidence for fact in (*group, *after))),
        extent=len(group),
    )


def _in_as(fact: CredentialSeen) -> str:
    return f"{fact.account}@{fact.server}" if fact.account else fact.server


def _named(servers: list[str]) -> str:
    return servers[0] if len(servers) == 1 else f"{servers[0]} (+{len(servers) - 1})"


def _tried(case: Case, talk: Conversation) -> Finding:
    place = placed(case, conversation_key(talk))
    size = (talk.bytes_to_client + talk.bytes_to_server) // talk.flows
    why: tuple[Message, ...] = (
        say("guessing-rate", rate=_rate(talk.flows, _active_ns([talk]))),
        say("guessing-size", size=size),
    )
    return Finding(
        rule=RULE,
        key=("sessions", *map(str, conversation_key(talk))),
        severity=graded(case, place.to_zone, "medium"),
        link=link_of(talk),
        place=place,
        what=say(
            "guessing-sessions", client=talk.client, server=talk.server, protocol=talk.protocol,
            flows=talk.flows,
        ),
        why=why,
        count=talk.packets_to_server + talk.packets_to_client,
        unit="packets",
        first_ns=talk.first_ns,
        last_ns=talk.last_ns,
        evidence=first(talk.evidence),
    )  # fmt: skip
