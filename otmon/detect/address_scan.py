"""One client that tries many addresses and mostly finds nobody.

What it finds
    A client that asked at least 12 addresses for the same service, of which at least half did not
    answer or refused. One finding for each client and transport, a ping sweep among them, with the
    ports, the ranges, and how many answered. There is no time limit: one address an hour is found
    as well as a hundred a second.

Why it matters
    Who does not know the plant has to look for it first. A scan is the first thing that is seen of
    a worm, of an intruder, or of a laptop with a tool on it; and the old network stacks of
    controllers have stopped under scans that harm no office PC.

What it looks like
    10.60.0.5 sends a SYN to port 502 of 254 addresses; nine answer.

When it is wrong
    When a part of the plant is switched off while its HMI goes on looking for it: a baseline taken
    then says so. A scanner that a permission of the model allows is not found. Addresses of the
    Internet are left to the rule for contact with the Internet. What is not answered in a scan is
    told here and not again as traffic that the model does not allow; what is answered is told
    there too. In a capture of one direction only TCP counts, and of TCP only what begins with a
    handshake.

    Why 12 and half: in the public captures of healthy plants one client misses five addresses at
    most, the smallest network that scanners are given, a /28, has 14, and a network management
    system that pings 30 hosts gets most answers. A datagram or an echo request counts only where
    its target sent nothing at all: a live host may well leave one unanswered, and answers to a
    broadcast look the same.

References
    ATT&CK for ICS T0846; IEC 62443-3-3 SR 6.2, SR 5.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Rule,
    attack,
    first,
    is_internet,
    reached,
    requirement,
    say,
    say_some,
    severity_of_reach,
    spans,
)
from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import conversation_key
from otmon.zones.address import IPV4_BITS, Address, host, parse_address, reach

RULE = Rule(
    "address-scan",
    (
        *attack("T0846", "Remote System Discovery"),
        requirement("SR 6.2", "Continuous monitoring"),
        requirement("SR 5.2", "Zone boundary protection"),
    ),
)

MISSED = 12
"""Addresses that did not answer for one service."""
SHARE = 2
"""One in so many of the addresses that were asked must have missed."""
SHOWN = 6
"""Ranges, ports and servers that are named in one finding."""

_DATAGRAMS = frozenset({"udp", "icmp", "icmpv6"})

Swept = dict[tuple[str, str], dict[int, list[Conversation]]]
"""By client and transport: the ports that were swept, with every conversation on them."""


def address_scan(case: Case) -> Iterator[Finding]:
    for (client, transport), ports in swept(case).items():
        facts = [fact for asked in ports.values() for fact in asked]
        missing = {fact.server for fact in facts} - {fact.server for fact in facts if fact.answered}
        servers = {fact.server for fact in facts}
        alive = sorted(servers - missing, key=_order)
        why = [say_some("ranges", _ranges(servers), SHOWN)]
        if transport not in ("icmp", "icmpv6"):
            why.append(say_some("scan-ports", [f"{transport}/{port}" for port in sorted(ports)], SHOWN))
        refused = {fact.server for fact in facts if not fact.answered and fact.packets_to_client}
        if refused:
            why.append(say("refusing", count=len(refused)))
        why.append(say_some("answering", alive, SHOWN) if alive else say("unanswered"))
        yield Finding(
            rule=RULE.id,
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
            references=RULE.references,
        )


def swept(case: Case) -> Swept:
    """Who swept which ports over addresses."""
    missed = Counter(
        (fact.client, fact.transport, fact.port) for fact in case.ledger.conversations if is_missed(fact)
    )
    asked: dict[tuple[str, str], dict[int, list[Conversation]]] = {}
    for fact in case.ledger.conversations:
        # Who comes into another network still ends the connections of the one before it.
        begun = fact.role == "handshake" or fact.transport != "tcp"
        if begun and missed[fact.client, fact.transport, fact.port] >= MISSED and may_be_probe(case, fact):
            asked.setdefault((fact.client, fact.transport), {}).setdefault(fact.port, []).append(fact)
    senders = {asset.address for asset in case.ledger.assets}
    both_ways = any(fact.packets_to_server and fact.packets_to_client for fact in case.ledger.conversations)
    found: Swept = {}
    for about, ports in asked.items():
        for port, facts in ports.items():
            servers = {fact.server for fact in facts}
            nobody = servers - {fact.server for fact in facts if not is_missed(fact)}
            if about[1] in _DATAGRAMS:
                nobody = nobody - senders if both_ways else set()
            if len(nobody) >= MISSED and len(nobody) * SHARE >= len(servers):
                found.setdefault(about, {})[port] = facts
    return found


def may_be_probe(case: Case, fact: Conversation) -> bool:
    """Whether the conversation can be part of a scan: from one host to another one of the plant,
    neither allowed by the model nor part of the baseline."""
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
    if verdict is not None and verdict.outcome == "allowed":
        return False
    return not is_internet(fact.server, verdict.to_zone if verdict else "") and key not in case.usual


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
