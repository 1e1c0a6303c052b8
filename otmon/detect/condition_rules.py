"""Findings of rules that are conditions: facts that a Sigma rule matches.

One finding for each client, server, transport, port and protocol (VLANs apart are one), of operations
also for each service, of written values for each table, of anomalies for each sender; for an asset,
one for its MAC address, address and VLAN. Whatever matched in it is counted together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Place,
    Unit,
    first,
    link_of,
    place_of,
    say,
    say_some,
)
from otmon.detect.rules.field import Field, Ground, Seen, Value, ground
from otmon.detect.rules.rule import Category, Condition, Question, Rule
from otmon.detect.silence import answered, conversation, silence, unanswered
from otmon.detect.values import values_of, values_written
from otmon.identity.login import CLEAR
from otmon.ledger.facts import (
    OUTCOMES,
    Anomaly,
    Asset,
    Conversation,
    CredentialSeen,
    Operation,
    WrittenValue,
)
from otmon.ledger.ledger import conversation_key
from otmon.zones.decide import Judgements, Verdict, locate

_UNITS: Final[dict[Category, Unit]] = {
    "conversation": "packets", "operation": "transactions", "written-value": "transactions",
    "asset": "packets", "anomaly": "messages", "credential": "log-ins",
}  # fmt: skip

NAMES_SHOWN: Final = 4
REQUIREMENTS: Final = ("IEC 62443-3-3", "ETSI EN 303 645", "JC-STAR")
"""Schemes whose references are what a device should meet."""

Group = list[tuple[Any, Verdict | None]]


def matched(case: Case, rules: Iterable[Rule]) -> Iterator[Finding]:
    """What the conditions among the rules match, rule by rule."""
    known = ground(case.index, case.ledger.claims)
    kinds: dict[Category, _Kind] = {}
    for rule in rules:
        category, condition = rule.category, rule.condition
        if category is None or condition is None or not rule.runs:
            continue
        if category not in kinds:
            kinds[category] = _Kind(*_facts(case, category), known)
        groups: dict[tuple[str, ...], list[Seen]] = {}
        for seen in kinds[category].likely(condition.needs):
            if condition(seen):
                groups.setdefault(_key(seen.fact), []).append(seen)
        for key, group in groups.items():
            by_name = tuple(_by_name(condition, group)) if category == "conversation" else ()
            facts_of = [(one.fact, one.verdict) for one in group]
            yield _finding(case, rule, category, key, facts_of, by_name)


class _Kind:
    """The facts of one kind, and the values that their fields have, kept for all conditions."""

    def __init__(
        self, facts: Sequence[Any], verdicts: Sequence[Verdict | None] | None, known: Ground
    ) -> None:
        """Of each fact its verdict, None where there are none."""
        self._facts = facts
        self._verdicts = verdicts
        self._ground = known
        self._columns: dict[str, list[Value]] = {}

    def likely(self, needs: Iterable[Question]) -> Iterator[Seen]:
        """The facts for which the answers to all that a condition needs are yes: each question is asked once
        of each value that its field has."""
        places: Sequence[int] = range(len(self._facts))
        for asked in needs:
            if not places:
                return
            column = self._column(asked.field)
            taken = {value: asked.taken(value) for value in set(column)}
            if not all(taken.values()):
                places = [place for place in places if taken[column[place]]]
        yield from map(self._seen, places)

    def _seen(self, place: int) -> Seen:
        verdict = None if self._verdicts is None else self._verdicts[place]
        return Seen(self._facts[place], verdict, self._ground)

    def _column(self, field: Field) -> list[Value]:
        column = self._columns.get(field.name)
        if column is None:
            column = self._columns[field.name] = self._read(field)
        return column

    def _read(self, field: Field) -> list[Value]:
        if field.of_fact is not None:
            return list(map(field.of_fact, self._facts))
        if field.of_verdict is not None and self._verdicts is not None:
            read = field.of_verdict
            return [None if verdict is None else read(verdict) or None for verdict in self._verdicts]
        return list(map(field.read, map(self._seen, range(len(self._facts)))))


def _facts(case: Case, category: Category) -> tuple[Sequence[Any], Sequence[Any] | None]:
    """The facts of a kind, and their verdicts, if there are any."""
    ledger = case.ledger
    if category == "asset":
        return ledger.assets, None
    if category in ("anomaly", "credential"):
        talked = ledger.anomalies if category == "anomaly" else ledger.credentials
        return talked, [case.verdicts.get(conversation_key(fact)) for fact in talked]
    by_category: dict[Category, tuple[Judgements[Any], Sequence[Any]]] = {
        "conversation": (case.conversations, ledger.conversations),
        "operation": (case.operations, ledger.operations),
        "written-value": (case.written, ledger.written),
    }
    judged, bare = by_category[category]
    if category == "written-value" and not all(fact.words for fact in bare):
        # What could not be read has no value to ask for.
        bare = [fact for fact in bare if fact.words]
        read = [(fact, verdict) for fact, verdict in judged if fact.words]
        judged = Judgements([fact for fact, _ in read], [verdict for _, verdict in read])
    return (judged.facts, judged.verdicts) if case.index is not None else (bare, None)


def _key(fact: Any) -> tuple[str, ...]:
    if isinstance(fact, Asset):
        return fact.mac, fact.address, fact.vlan
    talk = tuple(map(str, conversation_key(fact)[:-1]))
    if isinstance(fact, Operation):
        return (*talk, fact.service)
    if isinstance(fact, WrittenValue):
        return (*talk, fact.table)
    if isinstance(fact, Anomaly):
        return (*talk, "client" if fact.from_client else "server")
    return talk


def _by_name(condition: Condition, group: Iterable[Seen]) -> Iterator[Message]:
    """The names for which conversations match, where they would not without them."""
    names: set[str] = set()
    domains: set[str] = set()
    for seen in group:
        if not condition(seen.knowing((), ())):
            names.update(one for one in seen.server_names() if condition(seen.knowing((one,), ())))
            domains.update(one for one in seen.domains_by_proxy() if condition(seen.knowing((), (one,))))
    if names:
        yield say_some("called-by-client", sorted(names), NAMES_SHOWN)
    if domains:
        yield say_some("reached-by-proxy", sorted(domains), NAMES_SHOWN)


def _finding(
    case: Case,
    rule: Rule,
    category: Category,
    key: tuple[str, ...],
    group: Group,
    by_name: tuple[Message, ...],
) -> Finding:
    fact, verdict = group[0]
    return Finding(
        rule=rule.name,
        key=key,
        severity=rule.level,
        link=_link(fact),
        place=_place(case, fact, verdict),
        what=_what(group),
        why=(*_why(case, rule, group), *by_name),
        count=_count(group),
        unit=_UNITS[category],
        first_ns=min(one.first_ns for one, _ in group),
        last_ns=max(one.last_ns for one, _ in group),
        evidence=first(*(one.evidence for one, _ in group)),
    )


def _link(fact: Any) -> Link:
    if isinstance(fact, Asset):
        return Link(client=fact.address or fact.mac, vlan=fact.vlan)
    return Link(*conversation_key(fact)) if isinstance(fact, Anomaly) else link_of(fact)


def _place(case: Case, fact: Any, verdict: Verdict | None) -> Place:
    if verdict is not None:
        return place_of(case, verdict)
    if isinstance(fact, Asset) and case.index is not None:
        return Place(from_zone=locate(case.index, fact.address or fact.mac, fact.vlan).zone)
    return Place()


def _count(group: Group) -> int:
    return sum(
        one.packets_to_server + one.packets_to_client
        if isinstance(one, Conversation)
        else one.packets
        if isinstance(one, Asset)
        else one.times
        for one, _ in group
    )


def _what(group: Group) -> Message:
    fact, count = group[0][0], _count(group)
    if isinstance(fact, Asset):
        return say("matched.asset", address=fact.address or fact.mac)
    if isinstance(fact, Conversation):
        return conversation(fact)
    if isinstance(fact, Operation):
        return say(
            "operation", client=fact.client, server=fact.server, service=fact.service, access=fact.access,
            times=count,
        )  # fmt: skip
    if isinstance(fact, WrittenValue):
        return say("matched.written", client=fact.client, server=fact.server, table=fact.table, times=count)
    if isinstance(fact, CredentialSeen):
        accounts = sorted({one.account for one, _ in group if one.account})
        about: dict[str, str | int] = {
            "client": fact.client, "server": fact.server, "protocol": fact.protocol, "times": count,
        }  # fmt: skip
        if not accounts:
            return say("matched.credential-unnamed", **about)
        account = accounts[0] if len(accounts) == 1 else f"{accounts[0]} (+{len(accounts) - 1})"
        return say("matched.credential", account=account, **about)
    ends = (fact.client, fact.server) if fact.from_client else (fact.server, fact.client)
    return say("malformed", protocol=fact.protocol, sender=ends[0], receiver=ends[1], times=count)


def contradiction(rule: Rule | None, shown: bool) -> Iterator[Message]:
    """What a log-in says of the requirements that its rule names: it can only contradict them."""
    named = [one for one in rule.references if one.scheme in REQUIREMENTS] if rule is not None else []
    if named:
        items = ", ".join(f"{one.scheme} {one.id}" for one in named)
        yield say("requirements-contradicted" if shown else "requirements-open", items=items)


def _why(case: Case, rule: Rule, group: Group) -> Iterator[Message]:
    yield say("named", en=rule.title.en, ja=rule.title.ja)
    facts = [one for one, _ in group]
    operations = [one for one in facts if isinstance(one, Operation)]
    yield from values_written(case, operations)
    yield from values_of(one for one in facts if isinstance(one, WrittenValue))
    if isinstance(facts[0], CredentialSeen):
        outcomes = {one.outcome for one in facts}
        yield say(f"log-in.{min(outcomes, key=OUTCOMES.index)}")
        # A password that everybody could read is one, whatever the answer was.
        shown = any(one.outcome == "accepted" or one.method in CLEAR for one in facts)
        yield from contradiction(rule, shown)
    refused = sum(one.times for one in operations if one.refused)
    if refused:
        yield say("refused", times=refused)
    if operations:
        yield from unanswered(case, operations)
    talks = [one for one in facts if isinstance(one, Conversation)]
    if talks and not any(answered(case, one) for one in talks):
        yield silence(talks)
