"""The body line works its shifts, and its water follows what is set."""

from __future__ import annotations

from otmon.lab import modbus
from otmon.lab.body_line import (
    COOLING,
    FLOW_SETPOINT,
    TAKT_S,
    TEMPERATURE_SETPOINT,
    VEHICLES,
    bodies,
    counters,
    guarding,
    memory,
    process,
    production,
    working_minutes,
    works,
)
from otmon.lab.frames import MINUTE_NS

NOON_NS = 720 * MINUTE_NS


def test_bodies_are_built_in_takt_while_the_line_works() -> None:
    counts = [bodies(minute) for minute in range(24 * 60)]
    assert counts == sorted(counts) and counts[6 * 60] == 0
    assert counts[9 * 60] == 180 * 60 // TAKT_S
    assert counts[12 * 60] == counts[12 * 60 + 39]
    assert not works(12 * 60) and works(12 * 60 + 40) and not works(23 * 60)
    assert working_minutes(24 * 60) == sum(works(minute) for minute in range(24 * 60))


def test_what_controllers_tell_fits_together() -> None:
    told = production(9 * 60)
    assert int.from_bytes(told[:2], "big") == 1 and int.from_bytes(told[2:4], "big") == bodies(9 * 60)
    assert production(23 * 60)[:2] == b"\0\0"
    assert counters(9 * 60) == (150, 149, 148, 147) and min(counters(0)) == 0
    assert guarding(9 * 60)[2] > guarding(23 * 60)[2]


def test_the_water_follows_its_setpoint_in_a_quarter_of_an_hour() -> None:
    writes = modbus.changes(modbus.write_register(TEMPERATURE_SETPOINT, 480), NOON_NS)
    told = [memory(COOLING, writes, 0, NOON_NS + later * MINUTE_NS) for later in (0, 1, 6, 15, 60)]
    assert [one.holding[TEMPERATURE_SETPOINT] for one in told] == [220, 480, 480, 480, 480]
    water = [one.inputs[0] for one in told]
    assert water == sorted(water) and water[0] < 225 and 478 <= water[3] <= 484
    assert {one.holding[FLOW_SETPOINT] for one in told} == {90}


def test_vehicles_bring_what_is_called_for() -> None:
    writes = {VEHICLES: modbus.changes(modbus.write_registers(0, [0, 0, 0, 0]), NOON_NS), COOLING: ()}
    recall = process(0)(writes)
    assert (recall(VEHICLES, NOON_NS).inputs[0], recall(VEHICLES, NOON_NS + 1).inputs[0]) == (6, 0)
