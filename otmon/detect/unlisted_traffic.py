"""Traffic across a boundary that the model does not allow.

What it means, when it is wrong and how to respond: `rules/unlisted-traffic.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.changing_address import first_addresses
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    Severity,
    changes,
    first,
    importance,
    link_of,
    place_of,
    reasons,
    say,
    say_some,
)
from otmon.detect.finding import EVIDENCE
from otmon.detect.lapsed_permission import denied
from otmon.detect.port_scan import scanned
from otmon.detect.silence import answered, conversation, silence
from otmon.detect.unauthorised_device import at_ports
from otmon.detect.values import asked_for
from otmon.ledger.facts import Conversation, Evidence, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.address import host, parse_address
from otmon.zones.decide import Verdict
from otmon.zones.model import INTERNET, UNKNOWN_ZONE

RULE: Final = "unlisted-traffic"
_STRANGE: Final = frozenset({INTERNET, UNKNOWN_ZONE})

ROUTINE: Final = frozenset({"igmp"})
"""What hosts tell switches of what they listen to: it belongs to that, which is judged itself."""

Denied = list[tuple[Conversation, Verdict]]


def unlisted_traffic(case: Case) -> Iterator[Finding]:
    spread = case.rules[RULE].number("spread")
    groups: dict[tuple[str, str, str], Denied] = {}
    probes = scanned(case)
    firsts = first_addresses(case)
    about: tuple[str, str, str] | None = None
    for pair in denied(case):
        fact, verdict = pair
        # Those of one client in one zone follow one another.
        if about != (fact.client, verdict.from_zone, verdict.to_zone):
            about = fact.client, verdict.from_zone, verdict.to_zone
            strange = not _STRANGE.isdisjoint(about[1:])
        # Addresses that the model does not know have rules of their own; what a scan missed is told there.
        if fact.protocol in ROUTINE and verdict.from_zone == verdict.to_zone:
            continue
        if not strange and not (probes and conversation_key(fact) in probes):
            client = firsts.get(fact.client, fact.client)
            groups.setdefault((client, *about[1:]), []).append(pair)
    for (client, *_), group in groups.items():
        parts: dict[tuple[object, ...], Denied] = {}
        for pair in group:
            # The tag is no part of what is agreed.
            parts.setdefault(conversation_key(pair[0])[1:-1], []).append(pair)
            if len(parts) > spread:
                break
        if len(parts) > spread:
            yield _spread(case, client, group)
        else:
            for part in parts.values():
                yield _single(case, client, part)


def _operations(case: Case, part: Denied) -> list[Operation]:
    asked = case.asked
    if not asked:
        return []
    return [operation for fact, _ in part for operation in asked.get(conversation_key(fact), [])]


def _addresses(case: Case, group: Denied) -> Iterator[Message]:
    """The addresses of a client that has several, as it makes a new one each day."""
    own = sorted({fact.client for fact, _ in group})
    if len(own) > 1:
        yield say_some("addresses", own, case.rules[RULE].number("shown"))


def _single(case: Case, client: str, part: Denied) -> Finding:
    addresses = list(_addresses(case, part))
    fact, verdict = min(part, key=lambda pair: pair[0].first_ns) if addresses else part[0]
    operations = _operations(case, part)
    why = [*reasons(verdict), *whose_link_local(case, fact), *at_ports(case, (fact.client,))]
    why.extend(addresses)
    why.extend(asked_for(case, operations, case.rules[RULE].number("shown")))
    if not any(answered(case, one) for one, _ in part):
        why.append(silence(one for one, _ in part))
    key = ("one", client, *map(str, conversation_key(fact)[1:-1]))
    part = [(fact, verdict), *(pair for pair in part if pair[0] is not fact)]
    return _finding(case, part, operations, key, why, conversation(fact))


def whose_link_local(case: Case, fact: Conversation | Operation) -> Iterator[Message]:
    """The other addresses of a link-local one, where these told its zone."""
    index = case.index
    for end in (fact.client, fact.server) if index is not None and index.linked else ():
        address = parse_address(end)
        if index is not None and address is not None and (address, fact.vlan) in index.linked:
            own = [str(host(one)) for one in index.carriers[address]]
            yield say("link-local", address=end, own=", ".join(own[: case.rules[RULE].number("shown")]))


def _spread(case: Case, client: str, group: Denied) -> Finding:
    fact, verdict = group[0]
    shown = case.rules[RULE].number("shown")
    servers = sorted({one.server for one, _ in group})
    ports = sorted({(one.transport, one.port) for one, _ in group})
    why = [
        *reasons(verdict)[:1],
        *_addresses(case, group),
        *(one for one in whose_link_local(case, fact) if dict(one.params)["address"] == fact.client),
        say("many-servers", servers=", ".join(servers[:shown]), count=len(servers)),
        say(
            "many-ports",
            ports=", ".join(f"{transport}/{port}" for transport, port in ports[:shown]),
            count=len(ports),
        ),
    ]
    operations = _operations(case, group)
    why.extend(asked_for(case, operations, shown))
    key = ("many", client, verdict.from_zone, verdict.to_zone)
    what = say("spread", client=fact.client, zone=verdict.to_zone, conversations=len(group))
    return _finding(case, group, operations, key, why, what)


def _finding(
    case: Case,
    part: Denied,
    operations: list[Operation],
    key: tuple[str, ...],
    why: list[Message],
    what: Message,
) -> Finding:
    fact, verdict = part[0]
    facts = [one for one, _ in part]
    return Finding(
        rule=RULE,
        key=key,
        severity=_severity(case, part, operations),
        link=link_of(fact) if key[0] == "one" else Link(client=fact.client),
        place=place_of(case, verdict),
        what=what,
        why=tuple(why),
        # Lists, as a client may have very many: in half the time of generators.
        count=sum([one.packets_to_server + one.packets_to_client for one in facts]),
        unit="packets",
        first_ns=min([one.first_ns for one in facts]),
        last_ns=max([one.last_ns for one in facts]),
        evidence=_evidence(facts, operations),
    )


def _evidence(facts: list[Conversation], operations: list[Operation]) -> tuple[Evidence, ...]:
    """The first packet, and the first that change something: many others come before these."""
    begun = first(*[one.evidence for one in facts])
    changed = [one.evidence for one in operations if changes([one])]
    chosen = dict.fromkeys((begun[0], *(first(*changed) if changed else ()), *begun[1:]))
    return tuple(sorted(list(chosen)[:EVIDENCE]))


def _severity(case: Case, part: Denied, operations: list[Operation]) -> Severity:
    """How much the zone that was reached matters, and whether something was changed there."""
    high = importance(case, part[0][1].to_zone) == "high"
    if changes(operations):
        return "critical" if high else "high"
    if not any(answered(case, one) for one, _ in part):
        return "medium" if high else "low"
    return "high" if high else "medium"
