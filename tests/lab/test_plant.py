"""The food factory's process follows what is written to it."""

from __future__ import annotations

from otmon.lab import modbus, plant
from otmon.lab.frames import MINUTE_NS

NOON, T = 720, 1_776_100_000_000_000_000


def test_a_register_is_read_back_from_then_on() -> None:
    writes = modbus.changes(modbus.write_register(21, 2500), T)
    before, after = (plant.holding(plant.MIXING, NOON, writes, T + way) for way in (-1, 1))
    assert (before[21] != 2500, after[21]) == (True, 2500)
    both = modbus.changes(modbus.write_registers(20, [5, 6]), T)
    assert plant.holding(plant.MIXING, NOON, both, T + 1)[20:22] == [5, 6]


def test_a_coil_switches() -> None:
    writes = modbus.changes(modbus.write_coil(plant.RUN_COIL, False), T)
    assert plant.coils(NOON, (), T)[plant.RUN_COIL] == 1
    assert plant.coils(NOON, writes, T + 1)[plant.RUN_COIL] == 0


def test_the_concentration_follows_the_dosing_rate() -> None:
    writes = modbus.changes(modbus.write_register(plant.DOSING_SETPOINT, 10_000), T)
    recall = plant.process({"plc": plant.MIXING}, T - NOON * MINUTE_NS)({"plc": writes})
    reached = [recall("plc", T + minutes * MINUTE_NS).holding[5] for minutes in (0, 10, 20, 40)]
    assert reached == [100, 5050, 10_000, 10_000]
    assert recall("plc", T).inputs == recall("plc", T).holding[: plant.INPUT_COUNT]
