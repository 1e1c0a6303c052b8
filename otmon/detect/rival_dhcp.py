"""Several servers that give out addresses in one VLAN.

What it finds
    At least two hosts that answer as DHCP servers to clients of one VLAN. One finding for each VLAN.

Why it matters
    Whoever gives out addresses says where the gateway and the name server are: a second server puts
    itself between a device and everything that it talks with, and a forgotten router under a desk
    takes a line off the network without meaning to.

What it looks like
    10.40.0.1 has always offered leases; a travel router now offers them too, from 192.168.8.1.

When it is wrong
    When two servers share the work, or both routers of a redundant pair pass on the answers: a
    baseline with them keeps it quiet. A mirror of several networks without their VLAN tags shows
    them as one; what one MAC address sends counts once, as a router passes on for all of its networks.

References
    ATT&CK for ICS T0830; RFC 2131 section 3.1; IEC 62443-3-3 SR 3.1, SR 5.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Rule,
    attack,
    first,
    importance,
    reached,
    requirement,
    say,
    say_some,
)
from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import Ledger

RULE = Rule(
    "rival-dhcp",
    (
        *attack("T0830", "Adversary-in-the-Middle"),
        requirement("SR 3.1", "Communication integrity"),
        requirement("SR 5.2", "Zone boundary protection"),
    ),
)

SERVER_PORT, CLIENT_PORT = 67, 68
SHOWN = 6
"""Servers that are named in one finding."""


def rival_dhcp(case: Case) -> Iterator[Finding]:
    usual = {} if case.baseline is None else _servers(case.baseline)
    for vlan, servers in sorted(_servers(case.ledger).items()):
        if len(_senders(case, servers)) > 1 and not usual.get(vlan, {}).keys() >= servers.keys():
            facts = [fact for some in servers.values() for fact in some]
            place = reached(case, facts)
            high = case.index is None or importance(case, place.to_zone) == "high"
            yield Finding(
                rule=RULE.id,
                key=(vlan,),
                severity="high" if high else "medium",
                link=Link(transport="udp", port=SERVER_PORT, protocol="dhcp", vlan=vlan),
                place=place,
                what=say("rivals", servers=len(servers), vlan=vlan or "-"),
                why=(say_some("dhcp-servers", sorted(servers), SHOWN),),
                count=sum(fact.packets_to_server + fact.packets_to_client for fact in facts),
                unit="packets",
                first_ns=min(fact.first_ns for fact in facts),
                last_ns=max(fact.last_ns for fact in facts),
                evidence=first(*(fact.evidence for fact in facts)),
                references=RULE.references,
            )


def _servers(ledger: Ledger) -> dict[str, dict[str, list[Conversation]]]:
    """Who answers clients, by VLAN: to all, on the clients' port, or to one."""
    found: dict[str, dict[str, list[Conversation]]] = {}
    for fact in ledger.conversations:
        if fact.protocol != "dhcp" or fact.transport != "udp":
            continue
        if fact.port == CLIENT_PORT and fact.packets_to_server:
            found.setdefault(fact.vlan, {}).setdefault(fact.client, []).append(fact)
        elif fact.port == SERVER_PORT and fact.packets_to_client:
            found.setdefault(fact.vlan, {}).setdefault(fact.server, []).append(fact)
    return found


def _senders(case: Case, servers: Iterable[str]) -> set[str]:
    """The MAC addresses of servers, and the address of one that was not seen to send."""
    macs: dict[str, str] = {}
    for asset in case.ledger.assets:
        macs[asset.address] = min(asset.mac, macs.get(asset.address, asset.mac))
    return {macs.get(server, server) for server in servers}
