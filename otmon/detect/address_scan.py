"""One client that tries many addresses and mostly finds nobody.

What it means, when it is wrong and how to respond: `rules/address-scan.yml`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    first,
    is_internet,
    permission_of,
    reached,
    say,
    say_some,
    severity_of_reach,
    spans,
)
from otmon.detect.once_per_case import once_per_case
from otmon.ledger.facts import Conversation, Operation
from otmon.ledger.ledger import conversation_key
from otmon.zones.address import IPV4_BITS, Address, host, parse_address, reach
from otmon.zones.decide import Verdict
from otmon.zones.model import Permission

RULE: Final = "address-scan"

_DATAGRAMS = frozenset({"udp", "icmp", "icmpv6"})

Swept = dict[tuple[str, str], dict[int, list[Conversation]]]
"""By client and transport: the ports that were swept, with every conversation on them."""


def address_scan(case: Case) -> Iterator[Finding]:
    shown = case.rules[RULE].number("shown")
    for (client, transport), ports in swept(case).items():
        facts = [fact for asked in ports.values() for fact in asked]
        missing = {fact.server for fact in facts} - {fact.server for fact in facts if fact.answered}
        servers = {fact.server for fact in facts}
        alive = sorted(servers - missing, key=_order)
        why = [say_some("ranges", _ranges(servers), shown)]
        if transport not in ("icmp", "icmpv6"):
            why.append(say_some("scan-ports", [f"{transport}/{port}" for port in sorted(ports)], shown))
        refused = {fact.server for fact in facts if not fact.answered and fact.packets_to_client}
        if refused:
            why.append(say("refusing", count=len(refused)))
        if alive:
            why.append(say_some("answering", alive, shown))
        elif not refused:
            why.append(say("unanswered"))
        why.extend(allowed_by((case.verdicts.get(conversation_key(fact)) for fact in facts), shown))
        yield Finding(
            rule=RULE,
            key=(client, transport),
            severity=severity_of_reach(case, facts, answered=bool(alive)),
            link=Link(client=client, transport=transport, port=next(iter(ports)) if len(ports) == 1 else 0),
            place=reached(case, facts),
            what=say(
                "ping-sweep" if transport in ("icmp", "icmpv6") else "address-scan",
                client=client,
                addresses=len(servers),
                missed=len(missing),
                transport=transport,
            ),
            why=tuple(why),
            count=sum(fact.packets_to_server + fact.packets_to_client for fact in facts),
            unit="packets",
            first_ns=min(fact.first_ns for fact in facts),
            last_ns=max(fact.last_ns for fact in facts),
            evidence=first(*(fact.evidence for fact in facts)),
            extent=len(facts),
        )


@once_per_case
def swept(case: Case) -> Swept:
    """Who swept which ports over addresses; nobody where the rule is not looked for, as what others
    leave to it would then be told nowhere."""
    rule = case.rules.get(RULE)
    if rule is None or not rule.runs:
        return {}
    least, share = rule.number("missed"), rule.number("share")
    strange_or_not = least, least * rule.number("allowed")
    missed = Counter([(fact.client, fact.transport, fact.port) for fact in missed_in(case)])
    if max(missed.values(), default=0) < least:
        return {}
    asked: dict[tuple[str, str], dict[int, list[Conversation]]] = {}
    for fact in case.ledger.conversations:
        # Who comes into another network still ends the connections of the one before it.
        begun = fact.role == "handshake" or fact.transport != "tcp"
        if begun and missed[fact.client, fact.transport, fact.port] >= least and may_be_probe(case, fact):
            asked.setdefault((fact.client, fact.transport), {}).setdefault(fact.port, []).append(fact)
    senders = {asset.address for asset in case.ledger.assets}
    both_ways = any(fact.packets_to_server and fact.packets_to_client for fact in case.ledger.conversations)
    found: Swept = {}
    for about, ports in asked.items():
        for port, all_of in ports.items():
            # First what nobody agreed to; of what the model allows it takes more.
            strange = [fact for fact in all_of if not is_allowed(case, fact)]
            for facts, most in zip((strange, all_of), strange_or_not, strict=True):
                servers = {fact.server for fact in facts}
                nobody = servers - {fact.server for fact in facts if not is_missed(fact)}
                if about[1] in _DATAGRAMS:
                    nobody = nobody - senders if both_ways else set()
                if len(nobody) >= most and len(nobody) * share >= len(servers):
                    found.setdefault(about, {})[port] = facts
                    break
    return found


@once_per_case
def missed_in(case: Case) -> tuple[Conversation, ...]:
    """The conversations in which the client was missed (`is_missed`)."""
    return tuple(filter(is_missed, case.ledger.conversations))


def may_be_probe(case: Case, fact: Conversation) -> bool:
    """Whether the conversation can be part of a scan: from one host to another one of the plant, neither
    part of the baseline nor meant by a permission."""
    if fact.transport not in ("tcp", "sctp", *_DATAGRAMS) or not fact.packets_to_server:
        return False
    server = parse_address(fact.server)
    if server is None or reach(server) == "link":
        return False
    if server.bits == IPV4_BITS and server.value & 0xFF == 0xFF and not fact.packets_to_client:
        # Nearly always a network's broadcast address.
        return False
    key = conversation_key(fact)
    verdict = case.verdicts.get(key)
    if is_meant(permission_of(verdict), fact):
        return False
    return not is_internet(fact.server, verdict.to_zone if verdict else "") and key not in case.usual


def is_meant(permission: Permission | None, fact: Conversation | Operation) -> bool:
    """Whether a permission names the server by its own address, or the client likewise and lets it use
    every protocol on every port."""
    if permission is None:
        return False
    client, server = parse_address(fact.client), parse_address(fact.server)
    named = any(server is not None and end.network == host(server) for end in permission.servers)
    free = not permission.protocols and not permission.ports and not permission.transports
    return named or (
        free and any(client is not None and end.network == host(client) for end in permission.clients)
    )


def is_allowed(case: Case, fact: Conversation) -> bool:
    """Whether a permission of the model allows the conversation."""
    verdict = case.verdicts.get(conversation_key(fact))
    return verdict is not None and verdict.outcome == "allowed"


def allowed_by(verdicts: Iterable[Verdict | None], shown: int) -> Iterator[Message]:
    """The permissions that allow some of a scan, where there are any."""
    found = {permission_of(verdict) for verdict in verdicts} - {None}
    named = sorted(f"{one.id} ({one.line})" for one in found if one is not None)
    if named:
        yield say_some("scan-allowed", named, shown)


def is_missed(fact: Conversation) -> bool:
    """Whether the client got nothing or a refusal. A client that sent data over TCP has been
    answered, whether the capture holds it or not."""
    return not fact.answered and (fact.transport in _DATAGRAMS or fact.protocol == "none")


def _order(address: str) -> Address:
    return parse_address(address) or Address(0, 0)


def _ranges(addresses: set[str]) -> list[str]:
    """The addresses as ranges, lowest first."""
    numbers: dict[int, list[int]] = {}
    for address in map(_order, addresses):
        numbers.setdefault(address.bits, []).append(address.value)
    return [
        text
        for bits, values in sorted(numbers.items())
        for text in spans(values, lambda value, bits=bits: str(host(Address(bits, value))))  # type: ignore[misc]
    ]
