"""The works' water follows what is set, and nature."""

from __future__ import annotations

import struct

import pytest

from otmon.lab import modbus
from otmon.lab.frames import MINUTE_NS, SECOND_NS
from otmon.lab.modbus import Memory, Writes
from otmon.lab.water_works import (
    ALKALI_SETPOINT,
    BRANCH,
    CHLORINE_SETPOINT,
    DOSING,
    FILTERS,
    INTAKE,
    PUMPS,
    STARTING,
    STEPS,
    acidity,
    course,
    demand,
    measured,
    process,
    step_on,
)

HOUR_NS = 60 * MINUTE_NS
NOBODY: dict[str, Writes] = {name: () for name in STARTING}
_COURSE = course(NOBODY, 0)


def at(name: str, time_ns: int, **written: tuple[int, bytes]) -> Memory:
    """The controller of that name at a time, when (time, request) was written to some."""
    writes = {key.replace("_", "-"): modbus.changes(pdu, when) for key, (when, pdu) in written.items()}
    return process(0)({**NOBODY, **writes})(name, time_ns)


def real(registers: list[int]) -> float:
    (value,) = struct.unpack(">f", struct.pack(">HH", *registers))
    return float(value)


def test_an_undisturbed_day_stays_within_bounds_that_a_works_would_accept() -> None:
    for step in range(0, STEPS, 60):
        water, _, _ = _COURSE[step]
        dosing, alarms = measured(DOSING, water, step)
        assert 650 <= dosing[1] <= 800 and alarms == [0, 0]
        assert 1_500 < measured(PUMPS, water, step)[0][0] < 4_900
        assert 2_500 < measured(BRANCH, water, step)[0][0] < 3_200
        assert all(loss < 1_850 for loss in measured(FILTERS, water, step)[0][:4])
        assert sum(measured(FILTERS, water, step)[1]) <= 1


def test_water_is_neither_made_nor_lost() -> None:
    """The tank's change is what came in less what the town took."""
    for step in range(1, STEPS):
        (before, holding, coils), (after, _, _) = _COURSE[step - 1], _COURSE[step]
        assert after == step_on(before, holding, coils, step)
        working = sum(left == 0 for left in before.washing)
        gained = after.tank - before.tank + demand(step)
        assert after.flow - 4 < gained <= after.flow and working >= 3


def test_a_dose_a_hundredfold_drives_the_pump_to_its_end_and_the_acidity_up() -> None:
    raised = (HOUR_NS, modbus.write_register(ALKALI_SETPOINT, 11_100))
    doses = [
        at(DOSING, HOUR_NS + minutes * MINUTE_NS, plc_dosing=raised).inputs for minutes in (0, 1, 2, 4, 30)
    ]
    dosed, ph, strokes = ([one[n] for one in doses] for n in (0, 1, 5))
    assert dosed[0] == 100 and sorted(dosed) == dosed and dosed[3:] == [1_800, 1_800]
    assert sorted(ph) == ph and ph[0] < 740 and ph[3] > 860 and ph[4] > 1_100
    assert strokes[4] == 1000
    assert at(DOSING, HOUR_NS + 30 * MINUTE_NS, plc_dosing=raised).discrete == [1, 0]


def test_chlorine_follows_its_setpoint_in_part() -> None:
    raised = (HOUR_NS, modbus.write_registers(CHLORINE_SETPOINT, modbus.float32(0.8)))
    before, after = (at(DOSING, hours * HOUR_NS, plc_dosing=raised) for hours in (1, 4))
    assert real(list(before.inputs[2:4])) == pytest.approx(0.51, abs=0.01)
    assert real(list(after.inputs[2:4])) == pytest.approx(0.68, abs=0.01)
    assert real(list(after.holding[2:4])) == pytest.approx(0.8)


def test_flow_moves_as_fast_as_its_valve_and_stops_with_its_pump() -> None:
    raised = (HOUR_NS, modbus.write_register(0, 900))
    flows = [at(INTAKE, HOUR_NS + minutes * MINUTE_NS, plc_intake=raised).inputs[1] for minutes in (0, 5, 20)]
    assert flows == [600, 750, 900]
    assert at(INTAKE, 3 * HOUR_NS, plc_intake=(HOUR_NS, modbus.write_coil(0, False))).inputs[1] == 0


def test_a_write_is_read_back_at_once() -> None:
    written = (HOUR_NS + 3, modbus.write_register(ALKALI_SETPOINT, 120))
    told = [at(DOSING, HOUR_NS + later, plc_dosing=written).holding[0] for later in (3, 4, 20 * SECOND_NS)]
    assert told == [100, 120, 120]


def test_what_no_number_is_asks_for_nothing() -> None:
    for words in ([0x7FC0, 0], [0x7F80, 0], [0xFF7F, 0xFFFF]):
        written = (HOUR_NS, modbus.write_registers(CHLORINE_SETPOINT, words))
        assert at(DOSING, 6 * HOUR_NS, plc_dosing=written).inputs[2] < 0x4000


def test_more_alkali_is_never_more_acid() -> None:
    values = [acidity(mixed) for mixed in range(0, 250_000, 500)]
    assert values == sorted(values) and values[-1] == 1150
