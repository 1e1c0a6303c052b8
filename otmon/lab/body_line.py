"""The process of a body line: bodies that move on in takt, the water that cools the welding guns, and
the vehicles that bring parts.

Values follow from the time of day and from what was written, by integer arithmetic alone.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from otmon.lab.frames import MINUTE_NS, SECOND_NS
from otmon.lab.modbus import Identity, Memory, Writes
from otmon.lab.sessions import Process, Recall

COOLING, VEHICLES = "cooling-unit", "agv-control"

TEMPERATURE_SETPOINT, FLOW_SETPOINT = 0, 1
"""Cooling unit, holding: 0.1 degrees C, and l/min."""
CALLS = 0
"""Vehicles, holding 0 to 3: boxes of parts that each of four stations waits for."""

SHIFTS = ((6 * 60, 14 * 60), (14 * 60 + 30, 22 * 60 + 30))
PAUSES = ((10 * 60, 10 * 60 + 10), (12 * 60, 12 * 60 + 40), (18 * 60 + 30, 19 * 60 + 10))
"""Minutes of the day, from and to."""
TAKT_S = 72
MODELS = (3, 3, 5, 3, 8)
"""Codes of the bodies, in the order in which they are built."""
WARMING_MINUTES = 15
"""How long the cooling water takes to follow its setpoint."""

IDENTITIES = {
    COOLING: Identity("Lab Cooling", "CW-20", "1.4"),
    VEHICLES: Identity("Lab Logistics", "AG-6", "5.0"),
}
STARTING = {COOLING: (220, 90, 0, 0), VEHICLES: (2, 1, 2, 1)}


def working_minutes(minute: int) -> int:
    """Minutes that the line has worked on this day before `minute`."""
    worked = sum(max(0, min(minute, end) - start) for start, end in SHIFTS)
    return worked - sum(max(0, min(minute, end) - start) for start, end in PAUSES)


def works(minute: int) -> bool:
    return working_minutes(minute + 1) > working_minutes(minute)


def bodies(minute: int) -> int:
    """Bodies finished on this day before `minute`."""
    return working_minutes(minute) * 60 // TAKT_S


Stops = Sequence[tuple[int, int]]
"""Minutes of the day, from and to, in which the line's controller ran no program."""


def built(minute: int, stops: Stops) -> int:
    """Bodies finished before `minute` on a day with `stops`: what is lost in them is not caught up with."""
    return bodies(minute) - sum(bodies(min(minute, end)) - bodies(min(minute, start)) for start, end in stops)


def production(minute: int, stops: Stops = ()) -> bytes:
    """Data block 10 of the line's controller: working, bodies, takt in 0.1 s, model, station's load."""
    count = built(minute, stops)
    running = works(minute) and not any(start <= minute < end for start, end in stops)
    takt = TAKT_S * 10 + minute % 5 if running else 0
    return struct.pack(">5H", running, count, takt, MODELS[count % len(MODELS)], 640 + minute % 23)


def guarding(minute: int) -> bytes:
    """Data block 50 of the safety controller: gates closed, emergency stops released, light curtains."""
    return bytes((0x0F, 0xFF, 0x3F if works(minute) else 0x1F, 0))


def counters(minute: int, stops: Stops = ()) -> tuple[int, ...]:
    """Tag of the conveyor's controller: what passed each of four stations."""
    return tuple(max(0, built(minute, stops) - station) for station in range(4))


def _followed(name: str, address: int, writes: Writes, time_ns: int) -> tuple[int, int]:
    """What a holding register says, and what the quantity that follows it has reached."""
    value = reached = STARTING[name][address]
    since = 0
    for write in writes:
        if write.time_ns < time_ns and not write.coil and write.address == address:
            reached = _moved(reached, value, write.time_ns - since)
            value, since = write.value, write.time_ns
    return value, _moved(reached, value, time_ns - since)


def _moved(reached: int, target: int, passed_ns: int) -> int:
    minutes = min(passed_ns // MINUTE_NS, WARMING_MINUTES)
    return reached + (target - reached) * minutes // WARMING_MINUTES


def memory(name: str, writes: Writes, midnight_ns: int, time_ns: int) -> Memory:
    """The cooling unit or the vehicles' controller at a time."""
    minute = (time_ns - midnight_ns) // MINUTE_NS
    followed = [_followed(name, address, writes, time_ns) for address in range(len(STARTING[name]))]
    holding = [value for value, _ in followed]
    running = int(works(minute))
    if name == COOLING:
        water, flow = followed[TEMPERATURE_SETPOINT][1], followed[FLOW_SETPOINT][1]
        # flow temperature, return temperature (0.1 degrees C), flow (l/min), pressure (kPa)
        inputs = [water + minute % 3, water + 24 + 31 * running, flow, 280 + minute % 6]
    else:
        # vehicles on their way, charge of the batteries (percent), boxes delivered
        inputs = [min(sum(holding), 6), 92 - minute % 40, bodies(minute) * 3]
    on = [running, (time_ns // SECOND_NS // 20) % 2]
    return Memory(IDENTITIES[name], holding, inputs, on, on)


def process(midnight_ns: int) -> Process:
    """The line on the day that begins at `midnight_ns`."""

    def of_a_day(written: Mapping[str, Writes]) -> Recall:
        def recall(name: str, time_ns: int) -> Memory:
            return memory(name, written[name], midnight_ns, time_ns)

        return recall

    return of_a_day
