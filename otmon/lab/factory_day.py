"""A day of a food factory: `python -m otmon.lab.factory_day --seed 1 --output FILE.pcapng`.

From 06:45 to 18:15 of 14 April 2026 in Japan, as a mirror of the core switch sees it. What repeats is
thinned so that the file stays small: connections are complete, but controllers are polled in short
sessions, and the line's own switch is mirrored for a few tenths of a second now and then.
"""

from __future__ import annotations

from datetime import UTC, datetime

from otmon.lab import background, incidents, plant
from otmon.lab.cast import HOSTS, PLC_CONVEYOR, PLC_MIXING, PLC_PACKING, WIRE
from otmon.lab.day import Site, Story, command
from otmon.lab.events import EVENTS

MIDNIGHT_NS = int(datetime(2026, 4, 13, 15, tzinfo=UTC).timestamp()) * 1_000_000_000
"""Midnight of 14 April 2026 in Japan."""

CONTROLLERS = {
    PLC_MIXING.name: plant.MIXING,
    PLC_CONVEYOR.name: plant.CONVEYOR,
    PLC_PACKING.name: plant.PACKING,
}

SITE = Site(
    application="otmon.lab.factory_day",
    place="receiving side of the core switch",
    midnight_ns=MIDNIGHT_NS,
    wire=WIRE,
    hosts=HOSTS,
    process=plant.process(CONTROLLERS, MIDNIGHT_NS),
    routine=Story(background.sessions, background.PARTS),
    incidents=Story(incidents.sessions, incidents.PARTS),
    events=EVENTS,
    malformed=1,
)

if __name__ == "__main__":
    command(SITE)
