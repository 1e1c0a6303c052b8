"""Several servers that give out addresses in one VLAN.

What it means, when it is wrong and how to respond: `rules/rival-dhcp.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otmon.detect.agreed_server import is_agreed
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    first,
    importance,
    reached,
    say,
    say_some,
)
from otmon.ledger.facts import Conversation
from otmon.ledger.ledger import Ledger, conversation_key

RULE: Final = "rival-dhcp"

SERVER_PORT, CLIENT_PORT = 67, 68


def rival_dhcp(case: Case) -> Iterator[Finding]:
    usual = {} if case.baseline is None else _servers(case.baseline)
    for vlan, servers in sorted(_servers(case.ledger).items()):
        news = [one for one in servers if one not in usual.get(vlan, {}) and not is_agreed(case, one, "dhcp")]
        if news and len(_senders(case, servers)) > 1:
            facts = [fact for some in servers.values() for fact in some]
            verdicts = [case.verdicts[key] for key in map(conversation_key, facts) if key in case.verdicts]
            zones = {zone for one in verdicts for zone in (one.from_zone, one.to_zone)}
            high = case.index is None or any(importance(case, zone) == "high" for zone in zones)
            yield Finding(
                rule=RULE,
                key=(vlan,),
                severity="high" if high else "medium",
                link=Link(transport="udp", port=SERVER_PORT, protocol="dhcp", vlan=vlan),
                place=reached(case, facts),
                what=_what(len(servers), vlan),
                why=(say_some("dhcp-servers", sorted(servers), case.rules[RULE].number("shown")),),
                count=sum(fact.packets_to_server + fact.packets_to_client for fact in facts),
                unit="packets",
                first_ns=min(fact.first_ns for fact in facts),
                last_ns=max(fact.last_ns for fact in facts),
                evidence=first(*(fact.evidence for fact in facts)),
                extent=len(facts),
            )


def _what(servers: int, vlan: str) -> Message:
    return say("rivals", servers=servers, vlan=vlan) if vlan else say("rivals-untagged", servers=servers)


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
