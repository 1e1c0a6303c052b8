"""The food factory's process follows what is written to it."""

from __future__ import annotations

from otmon.lab import food_factory, modbus
from otmon.lab.frames import MINUTE_NS

NOON, T = 720, 1_776_100_000_000_000_000


def test_a_register_is_read_back_from_then_on() -> None:
    writes = modbus.changes(modbus.write_register(21, 2500), T)
    before, after = (food_factory.holding(food_factory.MIXING, NOON, writes, T + way) for way in (-1, 1))
    assert (before[21] != 2500, after[21]) == (True, 2500)
    both = modbus.changes(modbus.write_registers(20, [5, 6]), T)
    assert food_factory.holding(food_factory.MIXING, NOON, both, T + 1)[20:22] == [5, 6]


def test_a_coil_switches() -> None:
    writes = modbus.changes(modbus.write_coil(food_factory.RUN_COIL, False), T)
    assert food_factory.coils(NOON, (), T)[food_factory.RUN_COIL] == 1
    assert food_factory.coils(NOON, writes, T + 1)[food_factory.RUN_COIL] == 0


def test_the_concentration_follows_the_dosing_rate() -> None:
    writes = modbus.changes(modbus.write_register(food_factory.DOSING_SETPOINT, 10_000), T)
    recall = food_factory.process({"plc": food_factory.MIXING}, T - NOON * MINUTE_NS)({"plc": writes})
    reached = [recall("plc", T + minutes * MINUTE_NS).holding[5] for minutes in (0, 10, 20, 40)]
    assert reached == [100, 5050, 10_000, 10_000]
    assert recall("plc", T).inputs == recall("plc", T).holding[: food_factory.INPUT_COUNT]
