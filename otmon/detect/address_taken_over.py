"""An address of the inventory under a MAC address that is not its asset's.

What it means, when it is wrong and how to respond: `rules/address-taken-over.yml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.assets.classify import Device
from otmon.detect.detector import Case, Finding, Link, Place, first, graded, say
from otmon.detect.disputed_address import disputes
from otmon.detect.multi_homed_asset import is_router
from otmon.detect.unauthorised_device import impersonates, what_it_is
from otmon.zones.address import host
from otmon.zones.model import Device as Listed
from otmon.zones.place import locate

RULE: Final = "address-taken-over"


def address_taken_over(case: Case) -> Iterator[Finding]:
    told = {address for address, _ in disputes(case)}
    if case.index is None:
        return
    for device in case.population.devices:
        known = device.seen.listed
        if known is not None and is_router(case, known):
            continue
        for address, listed in impersonates(case, device).items():
            if listed.mac is not None and address not in told:
                yield _finding(case, device, address, listed)


def _finding(case: Case, device: Device, address: str, listed: Listed) -> Finding:
    assert case.index is not None and listed.mac is not None
    here = [one for one in device.seen.addresses if one.address == address]
    zone = locate(case.index, address, here[0].vlan).zone
    still = case.population.by_id.get(listed.id)
    why = [say("in-inventory", asset=listed.id, line=str(listed.line)), *what_it_is(device)]
    if still is not None:
        why.insert(1, say("owner-seen", asset=listed.id, addresses=", ".join(still.seen.texts) or "-"))
    return Finding(
        rule=RULE,
        key=(address, listed.id),
        severity=graded(case, zone, "high"),
        link=Link(client=address, vlan=here[0].vlan),
        place=Place(from_zone=zone),
        what=say(
            "taken-over", address=address, mac=", ".join(device.seen.macs), listed=str(host(listed.mac))
        ),
        why=tuple(why),
        count=sum(one.packets for one in here),
        unit="packets",
        first_ns=min(one.first_ns for one in here),
        last_ns=max(one.last_ns for one in here),
        evidence=first(*(one.evidence for one in here)),
        extent=len(here),
    )
