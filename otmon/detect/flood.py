"""A sender that sends far more in a second than a plant does.

What it means, when it is wrong and how to respond: `rules/flood.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.address_scan import swept
from otmon.detect.arp_scan import asks_for_many
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Severity,
    first,
    importance,
    place_of_sender,
    reached,
    say,
    say_some,
)
from otmon.detect.port_scan import tried
from otmon.ledger.facts import Asset, Conversation, Evidence, Peak, Rate
from otmon.ledger.ledger import asset_key

RULE: Final = "flood"

KINDS: Final[dict[Rate, tuple[str, str]]] = {
    "connection attempts": ("connection_attempts", "flood-connections"),
    "datagrams": ("datagrams", "flood-datagrams"),
    "broadcasts": ("broadcasts", "flood-broadcasts"),
    "ARP packets": ("arp_packets", "flood-arp"),
    "Modbus requests": ("modbus_requests", "flood-requests"),
}
"""Parameter and message of each kind."""


def flood(case: Case) -> Iterator[Finding]:
    rule = case.rules[RULE]
    most = {kind: rule.number(name) for kind, (name, _) in KINDS.items()}
    times = rule.number("usual")
    usual = {
        (asset_key(asset), peak.kind): peak.packets
        for asset in (() if case.baseline is None else case.baseline.assets)
        for peak in asset.peaks
    }
    sent: dict[str, list[Conversation]] | None = None
    for asset in case.ledger.assets:
        for peak in asset.peaks:
            if peak.packets < most[peak.kind]:
                continue
            if _scans(case, asset, peak):
                continue
            if peak.packets <= times * usual.get((asset_key(asset), peak.kind), 0):
                continue
            if sent is None:
                sent = {}
                for fact in case.ledger.conversations:
                    sent.setdefault(fact.client, []).append(fact)
            facts = [fact for fact in sent.get(asset.address, ()) if _is_of(peak, fact)]
            if peak.kind == "datagrams" and not _mostly_unanswered(facts):
                continue
            yield _finding(case, asset, peak, facts)


def _scans(case: Case, asset: Asset, peak: Peak) -> bool:
    """Whether the peak is that of a scan."""
    if peak.kind == "ARP packets":
        return asks_for_many(case, asset)
    about = asset.address, "tcp"
    return peak.kind == "connection attempts" and (about in swept(case) or about in tried(case))


def _is_of(peak: Peak, fact: Conversation) -> bool:
    """Whether the conversation can hold packets of the peak."""
    if peak.kind == "connection attempts":
        return fact.transport == "tcp" and fact.role == "handshake"
    if peak.kind == "Modbus requests":
        return fact.protocol == "modbus"
    return peak.kind == "datagrams" and fact.transport not in ("tcp", "ethernet")


def _mostly_unanswered(facts: list[Conversation]) -> bool:
    silent = sum(fact.packets_to_server for fact in facts if not fact.answered)
    return 2 * silent > sum(fact.packets_to_server for fact in facts)


def _finding(case: Case, asset: Asset, peak: Peak, facts: list[Conversation]) -> Finding:
    sender = asset.address or asset.mac
    servers = sorted({fact.server for fact in facts})
    rule, (limit, words) = case.rules[RULE], KINDS[peak.kind]
    place = reached(case, facts) if facts else place_of_sender(case, asset)
    why = [say("flood-usual", limit=rule.number(limit)), say("seen-with", macs=asset.mac or "-")]
    if servers:
        why.append(say_some("flooded", servers, rule.number("shown")))
    evidence: list[Evidence] = [asset.evidence, *(fact.evidence for fact in facts)]
    return Finding(
        rule=RULE,
        key=(asset.mac, asset.address, asset.vlan, peak.kind),
        severity=_severity(case, asset, facts),
        link=Link(client=sender, server=servers[0] if len(servers) == 1 else "", vlan=asset.vlan),
        place=place,
        what=say(words, sender=sender, packets=peak.packets),
        why=tuple(why),
        count=peak.packets,
        unit="packets",
        first_ns=peak.time_ns,
        last_ns=peak.time_ns,
        evidence=first(*evidence),
        extent=peak.packets,
    )


def _severity(case: Case, asset: Asset, facts: list[Conversation]) -> Severity:
    """By the zone that was flooded; a broadcast floods the sender's own."""
    zones = {place_of_sender(case, asset).from_zone, *(reached(case, [fact]).to_zone for fact in facts)}
    high = case.index is None or any(importance(case, zone) == "high" for zone in zones)
    return "high" if high else "medium"
