"""A day of a food factory: `python -m otmon.lab.factory_day --seed 1 --output FILE.pcapng`.

From 06:45 to 18:15 of 14 April 2026 in Japan, as a mirror of the core switch sees it. What repeats is
thinned so that the file stays small: connections are complete, but controllers are polled in short
sessions, and the line's own switch is mirrored for a few tenths of a second now and then.
"""

from __future__ import annotations

from otmon.lab import background, incidents
from otmon.lab.day import Site, Story, command
from otmon.lab.events import EVENTS
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of

PLANT = shipped_plant("food-factory")
HOSTS = PLANT.everybody()
PLC_CONVEYOR = PLANT.host("plc-conveyor")
PLC_MIXING = PLANT.host("plc-mixing")
PLC_PACKING = PLANT.host("plc-packing")
WIRE = PLANT.wire

MIDNIGHT_NS = PLANT.midnight_ns
"""Midnight of 14 April 2026 in Japan."""


SITE = Site(
    application="otmon.lab.factory_day",
    place="receiving side of the core switch",
    midnight_ns=MIDNIGHT_NS,
    wire=WIRE,
    hosts=HOSTS,
    process=process_of(PLANT),
    routine=Story(background.sessions, background.PARTS),
    incidents=Story(incidents.sessions, incidents.PARTS),
    events=EVENTS,
    malformed=1,
)

if __name__ == "__main__":
    command(SITE)
