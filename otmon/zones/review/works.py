"""Whether zones, works (業務) and what is protected (保護対象) belong together.

A zone, in the words of METI's guideline, is a domain whose works are of equal importance; steps 1-2 to 1-6
tie works and what is protected to zones (`otmon.zones.files.plant` reads them).
"""

from __future__ import annotations

from collections.abc import Iterator

from otmon.zones.model import IMPORTANCES, Importance, Line, Work, Zone
from otmon.zones.place import Index
from otmon.zones.review.structure import placed_devices

Doubt = tuple[Line, str, dict[str, str]]
"""Where it stands, the key of `otmon.zones.review.check.CAUTIONS`, and its parameters."""


def plant_doubts(index: Index) -> Iterator[Doubt]:
    """What is doubtful in how zones, works and what is protected belong together."""
    model = index.model
    works = {work.id: work for work in model.plant.works}
    for zone in model.zones:
        yield from _of_works(zone, [works[id] for id in zone.works])
    done = {id for zone in model.zones for id in zone.works}
    for work in model.plant.works:
        if work.id not in done:
            yield work.line, "work-in-no-zone", {"work": work.id}
    homes: dict[str, set[str]] = {}
    for device, zone_id in placed_devices(index):
        homes.setdefault(device.id, set()).add(zone_id)
    for one in model.plant.protected:
        if one.assets:
            zones = {zone_id for id in one.assets for zone_id in homes.get(id, ())}
        else:
            zones = {zone.id for zone in model.zones if set(zone.works) & set(one.works)}
        if not zones:
            yield one.line, "protected-in-no-zone", {"protected": one.id}
        for zone_id in sorted(zones):
            zone = index.zones[zone_id]
            if _weight(zone.importance) < _weight(one.importance):
                yield one.line, "protected-below", {
                    "protected": one.id, "importance": one.importance, "zone": zone.id,
                    "zone_importance": zone.importance, "zone_line": str(zone.line),
                }  # fmt: skip


def _of_works(zone: Zone, works: list[Work]) -> Iterator[Doubt]:
    if not works:
        return
    if len({work.importance for work in works}) > 1:
        told = ", ".join(f"{work.id} ({work.importance})" for work in works)
        yield zone.line, "works-differ", {"zone": zone.id, "works": told}
    highest = max(works, key=lambda work: _weight(work.importance))
    if zone.importance != highest.importance:
        yield zone.line, "importance-unlike-works", {
            "zone": zone.id, "importance": zone.importance, "work": highest.id,
            "work_importance": highest.importance,
        }  # fmt: skip


def _weight(importance: Importance) -> int:
    return IMPORTANCES.index(importance)
