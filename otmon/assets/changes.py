"""What differs between who is on the network and who was, or who should be.

Four kinds of change: a device is *new*; *gone*; it *moved* to another zone or under another address; or it
*changed*: another MAC address answers under its address, or it shows itself as something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from otmon.assets.classify import Device, Population
from otmon.assets.grouping import SeenDevice
from otmon.assets.place import home_zones, listed_addresses, listed_mac, zones_of
from otmon.assets.signals import Signal
from otmon.zones.address import host
from otmon.zones.model import Device as Listed
from otmon.zones.place import Index

Kind = Literal["new", "gone", "moved", "changed"]
KINDS: Final[tuple[Kind, ...]] = ("new", "gone", "moved", "changed")
How = Literal["new", "gone", "zone", "address", "mac", "taken", "class", "against"]
"""In what: `taken` is the address of an asset that is not seen, under another MAC address; `against` a signal
that excludes what the inventory says it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    kind: Kind
    id: str
    """Of the device, as it is called now; of one that is gone as it was called."""
    how: How
    before: str
    """What it was, as a text; "" for a new device."""
    after: str
    signal: Signal | None = None
    """Of `against`."""


def since(before: Population, now: Population, index: Index | None) -> tuple[Change, ...]:
    """How the devices of one ledger differ from those of an earlier one, in order of kind and device. Zones
    are compared where there is a model."""
    matched = _matched(before, now)
    taken = set(matched.values())
    old = {one.seen.id: one for one in before.devices}
    changes: list[Change] = []
    for device in now.devices:
        known = old[matched[device.seen.id]] if device.seen.id in matched else None
        changes += [_new(device)] if known is None else _between(known, device, index)
    changes += [
        Change("gone", one.seen.id, "gone", _told(one.seen), "")
        for one in before.devices
        if one.seen.id not in taken
    ]
    return _ordered(changes)


def since_inventory(now: Population, index: Index) -> tuple[Change, ...]:
    """How the devices of a ledger differ from the model's inventory, in order of kind and device."""
    seen = {device.seen.listed.id for device in now.devices if device.seen.listed is not None}
    changes: list[Change] = []
    for device in now.devices:
        changes += [_new(device)] if device.seen.listed is None else _from_listed(device, index)
    owners = {text: one.seen for one in now.devices for text in one.seen.texts}
    for listed in index.model.devices:
        if listed.id not in seen:
            changes.append(_absent(listed, owners))
    return _ordered(changes)


def _matched(before: Population, now: Population) -> dict[str, str]:
    """Device now -> the same device then: of the same id, else with one of its MAC addresses, else the
    one that alone has one of its addresses, where that one is not there under its own MAC address."""
    ids = {one.seen.id for one in before.devices}
    found = {one.seen.id: one.seen.id for one in now.devices if one.seen.id in ids}
    for by in ("mac", "address"):
        taken = set(found.values())
        owners: dict[str, str] = {}
        for one in before.devices:
            if one.seen.id not in taken:
                for text in one.seen.macs if by == "mac" else one.seen.texts:
                    owners.setdefault(text, one.seen.id)
        for one in now.devices:
            if one.seen.id in found:
                continue
            texts = one.seen.macs if by == "mac" else one.seen.texts
            hit = next((owners[text] for text in texts if owners.get(text, "") not in ("", *taken)), None)
            if hit is not None:
                found[one.seen.id] = hit
                taken.add(hit)
    return found


def _new(device: Device) -> Change:
    return Change("new", device.seen.id, "new", "", _told(device.seen))


def _told(seen: SeenDevice) -> str:
    return ", ".join((*seen.texts, *seen.macs))


def _between(old: Device, new: Device, index: Index | None) -> Iterator[Change]:
    id = new.seen.id
    zones = [zones_of(index, one.seen) if index is not None else () for one in (old, new)]
    if zones[0] != zones[1]:
        yield Change("moved", id, "zone", ", ".join(zones[0]), ", ".join(zones[1]))
    if old.seen.texts != new.seen.texts:
        yield Change("moved", id, "address", ", ".join(old.seen.texts), ", ".join(new.seen.texts))
    # A device that was seen behind a router has shown no MAC address of its own.
    if old.seen.macs and new.seen.macs and old.seen.macs != new.seen.macs:
        yield Change("changed", id, "mac", ", ".join(old.seen.macs), ", ".join(new.seen.macs))
    classes = [one.probable.classes for one in (old, new) if one.probable.sureness in ("sure", "likely")]
    if len(classes) == 2 and classes[0] != classes[1]:
        yield Change("changed", id, "class", ", ".join(classes[0]), ", ".join(classes[1]))


def _from_listed(device: Device, index: Index) -> Iterator[Change]:
    seen = device.seen
    home = home_zones(index, seen)
    away = sorted(set(zones_of(index, seen)) - home - {""})
    if home and away:
        yield Change("moved", seen.id, "zone", ", ".join(sorted(home)), ", ".join(away))
    expected = listed_addresses(seen)
    strange = [text for text in seen.texts if text not in expected and not text.startswith("fe80:")]
    if expected and strange:
        yield Change("moved", seen.id, "address", ", ".join(sorted(expected)), ", ".join(strange))
    for signal in device.probable.against:
        yield Change("changed", seen.id, "against", ", ".join(device.probable.classes), signal.key, signal)
    mac = listed_mac(seen)
    if mac and seen.macs and mac not in seen.macs:
        yield Change("changed", seen.id, "mac", mac, ", ".join(seen.macs))


def _absent(listed: Listed, owners: dict[str, SeenDevice]) -> Change:
    """An asset that was not seen; another one may have its address."""
    texts = [str(network) for network in listed.networks]
    for text in texts:
        if text in owners and listed.mac is not None:
            mac = str(host(listed.mac))
            return Change("changed", listed.id, "taken", mac, f"{text}: {', '.join(owners[text].macs)}")
    texts += [str(host(listed.mac))] if listed.mac is not None else []
    return Change("gone", listed.id, "gone", ", ".join(texts), "")


def _ordered(changes: list[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda one: (KINDS.index(one.kind), one.id, one.how, one.after)))
