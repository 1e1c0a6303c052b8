"""One client that tries many ports of one host.

What it means, when it is wrong and how to respond: `rules/port-scan.yml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from otmon.detect.address_scan import allowed_by, is_allowed, is_missed, may_be_probe, missed_in, swept
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    first,
    reached,
    say,
    say_some,
    severity_of_reach,
    spans,
)
from otmon.detect.once_per_case import once_per_case
from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import ConversationKey, conversation_key

RULE: Final = "port-scan"

TRACEROUTE = range(33_434, 33_690)
"""UDP ports that traceroute sends to, one a packet."""
GIVEN_OUT = 32_768
"""From here on systems give out ports to clients (Linux; RFC 6335 says 49152): only a handshake
tells that such a port is a server's."""

Tried = dict[tuple[str, str], dict[str, list[Conversation]]]
"""By client and transport: the hosts whose ports were tried, with every conversation."""


def port_scan(case: Case) -> Iterator[Finding]:
    shown = case.rules[RULE].number("shown")
    for (client, transport), hosts in tried(case).items():
        facts = [fact for asked in hosts.values() for fact in asked]
        ports = {fact.port for fact in facts}
        opened = sorted({fact.port for fact in facts if not is_missed(fact)})
        why = [
            say_some("scan-ports", [f"{transport}/{span}" for span in spans(ports)], shown),
            say_some("scan-hosts", sorted(hosts), shown),
            say_some("open-ports", [f"{transport}/{port}" for port in opened], shown)
            if opened
            else say("no-open-port"),
            *allowed_by((case.verdicts.get(conversation_key(fact)) for fact in facts), shown),
        ]
        yield Finding(
            rule=RULE,
            key=(client, transport),
            severity=severity_of_reach(case, facts, answered=bool(opened)),
            link=Link(
                client=client, server=next(iter(hosts)) if len(hosts) == 1 else "", transport=transport
            ),
            place=reached(case, facts),
            what=say("port-scan", client=client, ports=len(ports), hosts=len(hosts), transport=transport),
            why=tuple(why),
            count=sum(fact.packets_to_server + fact.packets_to_client for fact in facts),
            unit="packets",
            first_ns=min(fact.first_ns for fact in facts),
            last_ns=max(fact.last_ns for fact in facts),
            evidence=first(*(fact.evidence for fact in facts)),
            extent=len(facts),
        )


@once_per_case
def tried(case: Case) -> Tried:
    """Who tried the ports of whom; nobody where the rule is not looked for, as for addresses."""
    rule = case.rules.get(RULE)
    if rule is None or not rule.runs:
        return {}
    least, share, packets = rule.number("missed"), rule.number("share"), rule.number("packets")
    strange_or_not = least, least * rule.number("allowed")
    missing = Counter([(fact.client, fact.transport, fact.server) for fact in missed_in(case)])
    if max(missing.values(), default=0) < least:
        return {}
    asked: dict[tuple[str, str, str], list[Conversation]] = {}
    for fact in case.ledger.conversations:
        about = fact.client, fact.transport, fact.server
        if missing[about] >= least and _is_port(fact) and may_be_probe(case, fact):
            asked.setdefault(about, []).append(fact)
    both_ways = any(fact.packets_to_server and fact.packets_to_client for fact in case.ledger.conversations)
    found: Tried = {}
    for (client, transport, server), all_of in asked.items():
        if transport == "udp" and not both_ways:
            continue
        strange = [fact for fact in all_of if not is_allowed(case, fact)]
        for facts, most in zip((strange, all_of), strange_or_not, strict=True):
            missed = {fact.port for fact in facts if is_missed(fact) and fact.packets_to_server <= packets}
            if len(missed) >= most and len(missed) * share >= len({fact.port for fact in facts}):
                found.setdefault((client, transport), {})[server] = facts
                break
    return found


@once_per_case
def scanned(case: Case) -> frozenset[ConversationKey]:
    """The conversations that are told as part of a scan of addresses or ports, and of nothing else:
    those in which the client got nothing or a refusal."""
    scans = [*(facts for ports in swept(case).values() for facts in ports.values())]
    scans += [facts for hosts in tried(case).values() for facts in hosts.values()]
    return frozenset(conversation_key(fact) for facts in scans for fact in facts if is_missed(fact))


def _is_port(fact: Conversation) -> bool:
    """Whether the port is the server's for all that is known."""
    if fact.transport not in ("tcp", "udp", "sctp"):
        return False
    if fact.transport == "udp":
        return fact.port not in TRACEROUTE and fact.port < GIVEN_OUT
    return fact.port < GIVEN_OUT or fact.role == "handshake"
