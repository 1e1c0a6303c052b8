"""The process: a mixing tank, a conveyor and a packing cell, each behind one Modbus controller.

Values follow from the time of day by integer arithmetic alone, so that every machine simulates the
same plant to the last bit. A write changes what is read from then on; the dosing rate and the
conveyor's speed follow their setpoints, and the tank's concentration follows the dosing rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otmon.lab.frames import MINUTE_NS
from otmon.lab.modbus import Identity, Memory, Writes
from otmon.lab.sessions import Process, Recall

HOLDING_COUNT, INPUT_COUNT, BIT_COUNT = 40, 16, 32

TANK_SETPOINT, DOSING_SETPOINT, TEMPERATURE_SETPOINT = 20, 21, 22
SPEED_SETPOINT, BATCH_SIZE = 20, 21
RUN_COIL = 0

FOLLOWING_MINUTES = 20
"""How long the tank takes to be exchanged, and so its concentration to follow the dosing rate."""


@dataclass(frozen=True, slots=True)
class Controller:
    """A controller's identity and the setpoints that it starts the day with (holding 20 onwards)."""

    identity: Identity
    setpoints: tuple[int, ...]


MIXING = Controller(Identity("Lab Controls", "MX-200", "2.14"), (1500, 100, 650))
CONVEYOR = Controller(Identity("Lab Controls", "CV-110", "1.7"), (400, 24))
PACKING = Controller(Identity("Lab Controls", "PK-300", "3.0"), (12, 24, 6))

CONTROLLERS: Mapping[str, Mapping[str, Controller]] = {
    "food-factory": {"plc-mixing": MIXING, "plc-conveyor": CONVEYOR, "plc-packing": PACKING},
    "two-factories": {
        "a-mixing": MIXING,
        "a-conveyor": CONVEYOR,
        "b-mixing": MIXING,
        "b-packing": PACKING,
    },
}
"""The controllers of each plant that works like this, by the names of their hosts."""


def _triangle(position: int, period: int, low: int, high: int) -> int:
    """A value that climbs from `low` to `high` and back once in `period`."""
    phase = position % period
    half = period // 2
    return low + (high - low) * (phase if phase < half else period - phase) // half


def _written(writes: Writes, time_ns: int, coil: bool, address: int, value: int) -> tuple[int, int]:
    """The value at `address`, and what a quantity that follows it in equal steps over
    `FOLLOWING_MINUTES` has reached."""
    reached, since = value, 0
    for write in writes:
        if write.time_ns < time_ns and (write.coil, write.address) == (coil, address):
            reached = _followed(reached, value, write.time_ns - since)
            value, since = write.value, write.time_ns
    return value, _followed(reached, value, time_ns - since)


def _followed(reached: int, target: int, passed_ns: int) -> int:
    return reached + (target - reached) * min(passed_ns // MINUTE_NS, FOLLOWING_MINUTES) // FOLLOWING_MINUTES


def holding(controller: Controller, minute: int, writes: Writes, time_ns: int) -> list[int]:
    """The 40 holding registers: 0-19 what is measured, 20-39 the setpoints."""
    registers = [0] * HOLDING_COUNT
    reached = [0] * HOLDING_COUNT
    for number, before in enumerate(controller.setpoints, start=20):
        registers[number], reached[number] = _written(writes, time_ns, False, number, before)
    running, _ = _written(writes, time_ns, True, RUN_COIL, 1)
    if controller is MIXING:
        registers[0] = _triangle(minute, 48, 620, registers[TANK_SETPOINT])  # level, mm
        registers[1] = registers[TEMPERATURE_SETPOINT] + _triangle(minute, 14, -6, 6)  # 0.1 degrees C
        registers[2] = 35 + minute % 7  # inlet valve, percent
        registers[3] = 118 + minute % 5 if running else 0  # flow, l/min
        registers[4] = registers[DOSING_SETPOINT] if running else 0  # dosing rate, 0.01 ml/l
        registers[5] = reached[DOSING_SETPOINT]  # concentration, 0.01 ml/l
        registers[10], registers[11] = divmod(40_318 + minute // 48, 65_536)  # batches
    elif controller is CONVEYOR:
        speed = registers[SPEED_SETPOINT] if running else 0
        registers[0] = speed + (minute % 3 - 1 if speed else 0)  # mm/s
        registers[1] = 21 + speed // 50 + minute % 4  # motor current, 0.1 A
        registers[2] = 380 + _triangle(minute, 90, 0, 60)  # bearing temperature, 0.1 degrees C
        registers[10], registers[11] = divmod(1_204_977 + minute * 11, 65_536)  # boxes
    else:
        registers[0] = minute % 24  # boxes on the pallet
        registers[1] = 3 + minute % 2  # robot program
        registers[10], registers[11] = divmod(50_207 + minute // 3, 65_536)  # pallets
    return registers


def coils(minute: int, writes: Writes, time_ns: int) -> list[int]:
    """The 32 coils: 0 run, 1 and 2 pumps, 3 heater, 4 to 7 lamps."""
    bits = [0] * BIT_COUNT
    bits[1], bits[2], bits[3], bits[4] = minute // 5 % 2, 1 - minute // 5 % 2, minute // 7 % 2, 1
    for number, before in enumerate([1, *bits[1:]]):
        bits[number], _ = _written(writes, time_ns, True, number, before)
    return bits


def memory(controller: Controller, minute: int, writes: Writes, time_ns: int) -> Memory:
    """The controller at `minute` of the day; it shows its measured values as input registers too."""
    registers, bits = holding(controller, minute, writes, time_ns), coils(minute, writes, time_ns)
    return Memory(controller.identity, registers, registers[:INPUT_COUNT], bits, bits)


def process(controllers: Mapping[str, Controller], midnight_ns: int) -> Process:
    """The plant whose controllers are those, by the names of their hosts."""

    def of_a_day(written: Mapping[str, Writes]) -> Recall:
        def recall(name: str, time_ns: int) -> Memory:
            minute = (time_ns - midnight_ns) // MINUTE_NS
            return memory(controllers[name], minute, written[name], time_ns)

        return recall

    return of_a_day
