"""A router of IPv6 or a server of DHCPv6 that nobody listed.

What it means, when it is wrong and how to respond: `rules/rogue-ipv6.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.detect.agreed_server import is_agreed
from otmon.detect.detector import Case, Finding, Link, Message, Place, first, graded, registered, say
from otmon.ledger.facts import AssetClaim, Conversation
from otmon.ledger.ledger import Ledger
from otmon.zones.decide import locate
from otmon.zones.role import may_forward

RULE: Final = "rogue-ipv6"

SERVER_PORT: Final = 547
_Sender = tuple[str, str]
"""Address and VLAN."""


def rogue_ipv6(case: Case) -> Iterator[Finding]:
    baseline = Ledger() if case.baseline is None else case.baseline
    for kind, found, usual in (
        ("router", _routers(case.ledger), _routers(baseline)),
        ("server", _servers(case.ledger), _servers(baseline)),
    ):
        for sender, facts in found.items():
            if sender not in usual and not _is_known(case, sender, kind, len(found)):
                yield _finding(case, sender, kind, facts)


def _routers(ledger: Ledger) -> dict[_Sender, list[AssetClaim | Conversation]]:
    """Who advertised a router from a link-local address: no host takes another one (RFC 4861, 6.1.2)."""
    found: dict[_Sender, list[AssetClaim | Conversation]] = {}
    for claim in ledger.claims:
        if claim.protocol == "icmpv6" and claim.kind == "capability" and claim.address.startswith("fe80:"):
            found.setdefault((claim.address, claim.vlan), []).append(claim)
    return found


def _servers(ledger: Ledger) -> dict[_Sender, list[AssetClaim | Conversation]]:
    """Who answered as a server of DHCPv6."""
    found: dict[_Sender, list[AssetClaim | Conversation]] = {}
    for talk in ledger.conversations:
        if talk.protocol == "dhcpv6" and talk.port == SERVER_PORT and talk.packets_to_client:
            found.setdefault((talk.server, talk.vlan), []).append(talk)
    return found


def _is_known(case: Case, sender: _Sender, kind: str, every: int) -> bool:
    """Whether the inventory has it as what it is, a permission names the server, or it is the only one and
    sends for other networks: then it is the router of this one."""
    address, vlan = sender
    macs = case.macs.get(address, set())
    listed = {one for name in (address, *macs) for one in registered(case, name)}
    if kind == "server":
        return any(is_agreed(case, name, "dhcpv6") for name in (address, *macs))
    if any(may_forward(one.roles) for one in listed):
        return True
    people = case.population
    device = people.by_id.get(people.grouped.owner(address, vlan))
    return not listed and every == 1 and device is not None and bool(device.seen.forwarded)


def _finding(case: Case, sender: _Sender, kind: str, facts: Sequence[AssetClaim | Conversation]) -> Finding:
    address, vlan = sender
    zone = "" if case.index is None else locate(case.index, address, vlan).zone
    macs = sorted(case.macs.get(address, ()))
    why: list[Message] = [say("seen-with", macs=", ".join(macs))] if macs else []
    return Finding(
        rule=RULE,
        key=(kind, address, vlan),
        severity=graded(case, zone, "high"),
        link=Link(client=address, vlan=vlan),
        place=Place(from_zone=zone),
        what=say("rogue-ipv6-router" if kind == "router" else "rogue-ipv6-server", client=address),
        why=tuple(why),
        count=sum(one.times if isinstance(one, AssetClaim) else one.packets_to_client for one in facts),
        unit="messages",
        first_ns=min(one.first_ns for one in facts),
        last_ns=max(one.last_ns for one in facts),
        evidence=first(*(one.evidence for one in facts)),
        extent=len(facts),
    )
