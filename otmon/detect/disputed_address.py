"""An address that several MAC addresses claim by ARP, or that one claims and another one uses.

What it means, when it is wrong and how to respond: `rules/disputed-address.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.assets.vendor import is_shared
from otmon.detect.detector import (
    Case,
    Finding,
    Link,
    Message,
    first,
    importance,
    is_site,
    place_of_sender,
    say,
    say_some,
)
from otmon.detect.multi_homed_asset import is_router
from otmon.ledger.facts import Asset
from otmon.ledger.ledger import asset_key
from otmon.zones.address import host, parse_address

RULE: Final = "disputed-address"

NEVER: Final = 1 << 62
"""More ARP packets than anybody counts."""

Claims = dict[tuple[str, str], list[Asset]]
"""By address and VLAN: who claims it, where there are several."""


def disputed_address(case: Case) -> Iterator[Finding]:
    found = disputes(case)
    taken: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for about, assets in found.items():
        for asset in assets:
            if asset.arp:
                taken.setdefault((asset.mac, asset.vlan), []).append(about)
    told: set[tuple[str, str]] = set()
    for (mac, vlan), addresses in taken.items():
        if len(addresses) > 1:
            # The one that takes: those it takes from have one address each.
            yield _finding(case, ("mac", mac, vlan), found, addresses)
            told.update(addresses)
    for one in found:
        if one not in told:
            yield _finding(case, ("address", *one), found, [one])


def disputes(case: Case) -> Claims:
    """Who claims an address that several claim, or that one claims and another one uses, at a time."""
    spoken = _spoken(case)
    silent = {about: assets for about, assets in _silent(case).items() if about not in spoken}
    return dict(sorted((spoken | silent).items()))


def _spoken(case: Case) -> Claims:
    """Addresses that several MAC addresses claim."""
    usual = set() if case.baseline is None else {asset_key(one) for one in case.baseline.assets if one.arp}
    claims: Claims = {}
    for asset in case.ledger.assets:
        if asset.arp and asset.address and not _of_routers(case, asset):
            claims.setdefault((asset.address, asset.vlan), []).append(asset)
    found: Claims = {}
    for about, assets in sorted(claims.items()):
        disputed = [one for one in assets if any(_at_a_time(one, other) for other in assets)]
        if disputed and not usual.issuperset(map(asset_key, disputed)):
            found[about] = disputed
    return found


def _silent(case: Case) -> Claims:
    """Addresses that a MAC address claims, while another one that says no word of ARP sends IP packets from
    them. A sender with several addresses forwards. Who claims one address only, has no other and sends IP
    packets from it is the owner of which a router's packets are in the capture too, or another network card
    of the same host."""
    least = case.rules[RULE].number("claims") if RULE in case.rules else NEVER
    usual = set() if case.baseline is None else {asset_key(one) for one in case.baseline.assets if one.arp}
    routers = _routers(case)
    carried: dict[str, set[str]] = {}
    users: Claims = {}
    for one in case.ledger.assets:
        carried.setdefault(one.mac, set()).update([one.address] if one.address else [])
        if is_site(one.address) and not one.arp and not _of_routers(case, one):
            users.setdefault((one.address, one.vlan), []).append(one)
    claimed: dict[str, Claims] = {}
    for one in case.ledger.assets:
        if not one.arp or _of_routers(case, one) or one.mac in routers or asset_key(one) in usual:
            continue
        about = one.address, one.vlan
        others = [
            user for user in users.get(about, ()) if len(carried[user.mac]) == 1 and _at_a_time(one, user)
        ]
        if others:
            claimed.setdefault(one.mac, {})[about] = [one, *others]
    found: Claims = {}
    for mac, claims in claimed.items():
        several = sum(map(is_site, carried[mac])) > 1
        only_claims = any(one.packets == one.arp >= least for one, *_ in claims.values())
        if several or only_claims:
            for about, assets in claims.items():
                found.setdefault(about, []).extend(one for one in assets if one not in found.get(about, ()))
    return found


def _routers(case: Case) -> frozenset[str]:
    """MAC addresses of the inventory's routers, which may answer for others (proxy ARP, RFC 1027)."""
    devices = case.index.model.devices if case.index is not None else ()
    return frozenset(str(host(one.mac)) for one in devices if one.mac is not None and is_router(case, one))


def _of_routers(case: Case, one: Asset) -> bool:
    """Whether a MAC address is one that routers share, and the address no asset's that is no router."""
    address = parse_address(one.address) if is_shared(one.mac) else None
    if address is None:
        return False
    owners = [listed for _, known in case.inventory.covering(address) for listed in known]
    return not owners or any(is_router(case, owner) for owner in owners)


def _at_a_time(one: Asset, other: Asset) -> bool:
    return one.mac != other.mac and one.first_ns <= other.last_ns and other.first_ns <= one.last_ns


def _finding(case: Case, key: tuple[str, ...], disputes: Claims, about: list[tuple[str, str]]) -> Finding:
    assets = [asset for one in about for asset in disputes[one]]
    addresses = sorted({address for address, _ in about})
    macs = sorted({asset.mac for asset in assets if asset.arp})
    owners = sorted({asset.mac for asset in assets if not asset.arp})
    one = disputes[about[0]][0]
    place = place_of_sender(case, one)
    zones = {place_of_sender(case, asset).from_zone for asset in assets}
    high = case.index is None or any(importance(case, zone) == "high" for zone in zones)
    shown = case.rules[RULE].number("shown")
    return Finding(
        rule=RULE,
        key=key,
        severity="high" if high else "medium",
        link=Link(client=addresses[0] if len(addresses) == 1 else "", vlan=one.vlan),
        place=place,
        what=_what(key, addresses, macs, owners),
        why=(
            say_some("claimed", addresses, shown),
            say_some("claimed-by", macs, shown),
            *((say_some("used-by", owners, shown),) if owners else ()),
        ),
        count=sum(asset.arp for asset in assets),
        unit="packets",
        first_ns=min(asset.first_ns for asset in assets),
        last_ns=max(asset.last_ns for asset in assets),
        evidence=first(*(asset.evidence for asset in assets)),
        extent=len(assets),
    )


def _what(key: tuple[str, ...], addresses: list[str], macs: list[str], owners: list[str]) -> Message:
    if key[0] == "mac":
        return say("takes-used" if owners else "takes-addresses", mac=key[1], addresses=len(addresses))
    if owners and len(macs) == 1:
        return say("claims-used", mac=macs[0], address=addresses[0])
    return say("disputed", address=addresses[0], macs=len(macs))
