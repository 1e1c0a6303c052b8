"""What devices say of themselves: claims by device, and the name that a device is called by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from otmon.assets.grouping import SeenDevices, is_name
from otmon.ledger.facts import AssetClaim
from otmon.ledger.ledger import Ledger

NAMERS: Final = (
    "lldp", "cdp", "profinet", "s7comm", "bacnet", "snmp", "dhcp", "nbns", "nbdgm", "smb", "dce_rpc", "mdns",
    "llmnr", "rdp", "tls", "http",
)  # fmt: skip
"""Protocols that name hosts, those first whose names people gave to find the device by."""
MAX_NAMES: Final = 4
"""Names of one device that are told; `otmon assets show` tells all claims."""


OTHERS: Final = frozenset({"expects", "directs", "answers"})
"""Kinds of claims that are about a conversation that is to come, or another host."""


def claims_of_devices(ledger: Ledger, found: SeenDevices) -> dict[str, tuple[AssetClaim, ...]]:
    """The claims of each device by its id, in the order of the ledger.

    A claim with a network address is that of the device with the address: the MAC address may be a router's.
    DHCP names the interface itself. Claims of `OTHERS` say nothing about a device.
    """
    said: dict[str, list[AssetClaim]] = {}
    for claim in ledger.claims:
        if claim.kind in OTHERS:
            continue
        by_mac = found.owner(claim.mac, claim.vlan)
        id = found.owner(claim.address, claim.vlan) if is_name(claim.address) else by_mac
        if claim.protocol == "dhcp":
            id = by_mac or id
        if id:
            said.setdefault(id, []).append(claim)
    return {id: tuple(claims) for id, claims in said.items()}


def names_of(claims: Iterable[AssetClaim]) -> tuple[str, ...]:
    """The names of a host, the best known first, each once whatever the letters' case; a name with its domain
    stands for the one without."""
    told = [one for one in claims if one.kind in ("name", "called") and one.protocol in NAMERS]
    found: dict[str, str] = {}
    # What it calls itself comes before what others call it.
    for one in sorted(told, key=lambda one: (one.kind == "called", NAMERS.index(one.protocol), one.value)):
        found.setdefault(one.value.casefold().partition(".")[0], one.value)
    return tuple(found.values())[:MAX_NAMES]
