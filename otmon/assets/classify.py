"""What a device probably is, from its signals.

- What the inventory says it is, it is; a signal that excludes that is told beside it.
- Else a class needs signals of at least two independent sources that speak for it (`SOURCES_NEEDED`).
- **A contradiction outranks an absence**: one signal that excludes a class is enough against any number
  that speak for it; a class that nothing speaks for is merely not named.
- What excludes all that the maker of its interface sells is a contradiction, too.
- A station (`STATIONS`) is a computer that works with controllers: without what it asks of them, or what
  the inventory says, it is a computer and no more.
- A class that is a kind of another one (`KIND_OF`, such as a laptop) needs a signal that speaks for it and
  not for the other. Then it stands for the other, and what speaks for that one counts for it, too.
- Of several classes those with most sources remain. Where there are several, all are told and none is
  sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from otmon.assets.claims import claims_of_devices, names_of
from otmon.assets.grouping import SeenDevice, SeenDevices, seen_devices
from otmon.assets.makers import KIND_OF, DeviceClass
from otmon.assets.signals import Signal, signals
from otmon.garbage_collection import without_garbage_collection
from otmon.ledger.facts import AssetClaim
from otmon.ledger.ledger import Ledger
from otmon.zones.model import Model

CLASSES: Final[tuple[DeviceClass, ...]] = get_args(DeviceClass)
SOURCES_NEEDED: Final = 2
SOURCES_SURE: Final = 3
STATIONS: Final = frozenset({"hmi", "engineering-station", "historian"})

Sureness = Literal["inventory", "sure", "likely", "possible", "contradicted", "unknown"]
"""- `inventory`: somebody wrote it down;
- `sure`, `likely`: signals of three independent sources or more, of two;
- `possible`: several classes have equally many;
- `contradicted`: signals speak for a class, and another one excludes it;
- `unknown`: too few signals.
"""


@dataclass(frozen=True, slots=True)
class Probable:
    """What a device probably is."""

    classes: tuple[DeviceClass, ...]
    """One; several for `possible`, in the order of `CLASSES`; those that are excluded for `contradicted`;
    none for `unknown`."""
    sureness: Sureness
    signals: tuple[Signal, ...]
    """All of them."""
    against: tuple[Signal, ...]
    """Those that exclude one of `classes`."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device with what it probably is."""

    seen: SeenDevice
    probable: Probable
    claims: tuple[AssetClaim, ...] = ()
    """What it says of itself, in the order of the ledger."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it gives itself, the best known first."""
        return names_of(self.claims)


@dataclass(frozen=True, slots=True)
class Population:
    """Everything that is on the network."""

    devices: tuple[Device, ...]
    """In the order of `SeenDevices.devices`."""
    grouped: SeenDevices
    by_id: Mapping[str, Device]


@without_garbage_collection()
def population(ledger: Ledger, model: Model | None = None) -> Population:
    """Who is on the network, with the model's inventory where there is a model."""
    grouped = seen_devices(ledger, model.devices if model is not None else ())
    said = claims_of_devices(ledger, grouped)
    told = signals(ledger, grouped, said)
    # What each host does is in the signals by now: of all hosts of a flood it takes much memory.
    grouped = replace(grouped, hosts=replace(grouped.hosts, by_key={}))
    devices = tuple(Device(one, classify(told[one.id]), said.get(one.id, ())) for one in grouped.devices)
    return Population(devices, grouped, {one.seen.id: one for one in devices})


def classify(shown: Iterable[Signal]) -> Probable:
    """What these signals together say."""
    seen = tuple(shown)
    listed = next((one for one in seen if one.source == "inventory"), None)
    if listed is not None:
        return Probable(listed.supports, "inventory", seen, _against(seen, listed.supports))
    at_work = {name for one in seen if one.source == "asks" for name in one.supports}
    at_work |= {name for one in seen if one.key == "serves-and-asks" for name in one.supports}
    sources = _sources(seen, at_work)
    enough = {name: len(some) for name, some in sources.items() if len(some) >= SOURCES_NEEDED}
    excluded = {name for one in seen for name in _denied(one)}
    # Who made it sells nothing that it could be, by what it says: a controller's interface in a phone.
    made = {name for one in seen if one.source == "vendor" for name in one.supports}
    denials = {name for one in seen if one.key == "claim" for name in _denied(one)}
    if made and made <= denials:
        denied = tuple(name for name in CLASSES if name in made)
        return Probable(denied, "contradicted", seen, _against(seen, denied))
    left = {name: count for name, count in enough.items() if name not in excluded}
    # What is named as a kind of a class is that kind.
    for kind in {kind for one in seen for kind in _named(one) if kind in left}:
        for other in KIND_OF[kind]:
            left.pop(other, None)
    if left:
        most = max(left.values())
        best = tuple(name for name in CLASSES if left.get(name) == most)
        sureness: Sureness = "possible" if len(best) > 1 else "sure" if most >= SOURCES_SURE else "likely"
        return Probable(best, sureness, seen, ())
    # What a device does against what it does is worth a look, too: a controller with a phone's MAC address.
    shown_by = enough or {name for name, some in sources.items() if some - {"vendor"}}
    denied = tuple(name for name in CLASSES if name in excluded and name in shown_by)
    if denied:
        return Probable(denied, "contradicted", seen, _against(seen, denied))
    return Probable((), "unknown", seen, ())


def _sources(seen: tuple[Signal, ...], at_work: set[DeviceClass]) -> dict[DeviceClass, set[str]]:
    """What speaks for each class. What names a kind speaks for what it is a kind of, and the other way round
    once something names the kind."""
    found: dict[DeviceClass, set[str]] = {}
    for one in seen:
        told = {name for name in one.supports if name not in STATIONS or name in at_work}
        for name in told | {other for kind in _named(one) for other in KIND_OF[kind]}:
            found.setdefault(name, set()).add(one.source)
    for kind in {kind for one in seen for kind in _named(one)}:
        found[kind] = found[kind].union(*(found[other] for other in KIND_OF[kind]))
    return found


def _named(signal: Signal) -> set[DeviceClass]:
    """The kinds that a signal speaks for, and for nothing that they are a kind of."""
    told = set(signal.supports)
    return {kind for kind in told if kind in KIND_OF and told.isdisjoint(KIND_OF[kind])}


def _denied(signal: Signal) -> set[DeviceClass]:
    """What a signal excludes: also a kind of which it excludes all that it is a kind of."""
    kinds = {kind for kind, others in KIND_OF.items() if set(others) <= set(signal.excludes)}
    return {*signal.excludes, *kinds}


def _against(seen: tuple[Signal, ...], classes: tuple[DeviceClass, ...]) -> tuple[Signal, ...]:
    return tuple(one for one in seen if not _denied(one).isdisjoint(classes))
