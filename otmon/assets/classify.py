"""What a device probably is, from its signals.

- What the inventory says it is, it is; a signal that excludes that is told beside it.
- Else a class needs signals of at least two independent sources that speak for it (`SOURCES_NEEDED`).
- **A contradiction outranks an absence**: one signal that excludes a class is enough against any number
  that speak for it; a class that nothing speaks for is merely not named.
- What excludes all that the maker of its interface sells is a contradiction, too.
- A station (`STATIONS`) is a computer that works with controllers: without what it asks of them, or what
  the inventory says, it is a computer and no more.
- Of several classes those with most sources remain. Where there are several, all are told and none is
  sure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from otmon.assets.grouping import SeenDevice, SeenDevices, seen_devices
from otmon.assets.makers import DeviceClass
from otmon.assets.said import claims_of_devices, names_of
from otmon.assets.signals import Signal, signals
from otmon.ledger.acyclic import acyclic
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
        """Its names, as it says them, the best known first."""
        return names_of(self.claims)


@dataclass(frozen=True, slots=True)
class Population:
    """Everything that is on the network."""

    devices: tuple[Device, ...]
    """In the order of `SeenDevices.devices`."""
    grouped: SeenDevices
    by_id: Mapping[str, Device]


@acyclic()
def population(ledger: Ledger, model: Model | None = None) -> Population:
    """Who is on the network, with the model's inventory where there is a model."""
    grouped = seen_devices(ledger, model.devices if model is not None else ())
    said = claims_of_devices(ledger, grouped)
    told = signals(ledger, grouped, said)
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
    sources: dict[DeviceClass, set[str]] = {}
    for one in seen:
        for name in one.supports:
            if name not in STATIONS or name in at_work:
                sources.setdefault(name, set()).add(one.source)
    enough = {name: len(some) for name, some in sources.items() if len(some) >= SOURCES_NEEDED}
    excluded = {name for one in seen for name in one.excludes}
    # Who made it sells nothing that it could be, by what it says: a controller's interface in a phone.
    made = {name for one in seen if one.source == "vendor" for name in one.supports}
    denials = {name for one in seen if one.key == "claim" for name in one.excludes}
    if made and made <= denials:
        denied = tuple(name for name in CLASSES if name in made)
        return Probable(denied, "contradicted", seen, _against(seen, denied))
    left = {name: count for name, count in enough.items() if name not in excluded}
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


def _against(seen: tuple[Signal, ...], classes: tuple[DeviceClass, ...]) -> tuple[Signal, ...]:
    return tuple(one for one in seen if not set(classes).isdisjoint(one.excludes))
