"""Traffic inside a zone of one segment that passes a router.

What it means, when it is wrong and how to respond: `rules/routed-inside-zone.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import Case, Finding, Link, Place, first, graded, say, say_some
from otmon.ledger.facts import Asset, Conversation
from otmon.zones.address import MAC_BITS, is_group, parse_address
from otmon.zones.place import locate

RULE: Final = "routed-inside-zone"

Behind = dict[tuple[str, str], str]
"""(Zone, address) -> the MAC address that sends for it and for others of the zone."""


def routed_inside_zone(case: Case) -> Iterator[Finding]:
    if case.index is None:
        return
    behind = _behind(case, {zone.id for zone in case.index.model.zones if zone.flat})
    if not behind:
        return
    groups: dict[tuple[str, str], list[Conversation]] = {}
    for fact, verdict in case.conversations:
        if verdict.from_zone == verdict.to_zone:
            ends = {behind.get((verdict.from_zone, end), "") for end in (fact.client, fact.server)}
            # Two hosts behind one MAC address talk past the segment that is seen here.
            for mac in sorted(ends - {""}):
                groups.setdefault((verdict.from_zone, mac), []).append(fact)
    for (zone, mac), group in sorted(groups.items()):
        yield _finding(case, zone, mac, group, behind)


def _behind(case: Case, flat: set[str]) -> Behind:
    """The addresses of these zones that only a MAC address sends for which has another one there. Who asks
    or answers by ARP for an address has it for its own."""
    assert case.index is not None
    carried: dict[tuple[str, str], list[Asset]] = {}
    for asset in case.ledger.assets if flat else ():
        address = parse_address(asset.address)
        if address is None or address.bits == MAC_BITS or is_group(address):
            continue
        zone = locate(case.index, asset.address, asset.vlan).zone
        if zone in flat:
            carried.setdefault((zone, asset.mac), []).append(asset)
    return {
        (zone, asset.address): mac
        for (zone, mac), assets in carried.items()
        if len({one.address for one in assets}) > 1
        for asset in assets
        if not asset.arp and case.macs[asset.address] == {mac}
    }


def _finding(case: Case, zone: str, mac: str, group: list[Conversation], behind: Behind) -> Finding:
    rule = case.rules[RULE]
    ends = {end for fact in group for end in (fact.client, fact.server)}
    far = sorted(end for end in ends if behind.get((zone, end)) == mac)
    near = sorted(ends - set(far))
    return Finding(
        rule=RULE,
        key=(zone, mac),
        severity=graded(case, zone, "medium"),
        link=Link(client=far[0] if len(far) == 1 else mac),
        place=Place(from_zone=zone, to_zone=zone),
        what=say("routed-inside", zone=zone, mac=mac, count=len(far)),
        why=(
            say_some("behind-router", far, rule.number("shown")),
            say_some("reached-from", near or ["-"], rule.number("shown")),
        ),
        count=sum(fact.packets_to_server + fact.packets_to_client for fact in group),
        unit="packets",
        first_ns=min(fact.first_ns for fact in group),
        last_ns=max(fact.last_ns for fact in group),
        evidence=first(*(fact.evidence for fact in group)),
        extent=len(group),
    )
