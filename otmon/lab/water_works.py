"""The process of a water works: intake, dosing, filters, clear-water tank, pumps, and a branch's reservoir.

One state follows another in steps of ten seconds, from midnight on and by integer arithmetic alone, so
that every machine simulates the same plant to the last bit. What is written to a controller is its
setpoint from then on: flows and dosing move towards their setpoints as fast as valves and pumps allow,
pH and chlorine follow as the basin mixes, levels are the sum of what comes in and goes out.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise

from otmon.lab.frames import SECOND_NS
from otmon.lab.modbus import Identity, Memory, Write, Writes, float32
from otmon.lab.sessions import Process, Recall

INTAKE, DOSING, FILTERS, PUMPS, BRANCH = "plc-intake", "plc-dosing", "plc-filters", "plc-pumps", "rtu-branch"

FLOW_SETPOINT = 0
"""Intake, holding: m3/h."""
ALKALI_SETPOINT, CHLORINE_SETPOINT = 0, 2
"""Dosing, holding: sodium hydroxide in ppm; chlorine in mg/l as float32."""
WASH_AT = 0
"""Filters, holding: the head loss in mm at which a filter is washed."""
PRESSURE_SETPOINT = 0
"""Pumps, holding: kPa as float32."""
RESERVOIR_SETPOINT = 0
"""Branch, holding: level in m as float32."""

STEP_S = 10
STEPS = 24 * 3600 // STEP_S

SLOWEST_FLOW = 5
"""m3/h by which the intake's valve changes the flow in a step."""
DOSING_STEP = 9_000
"""0.01 ppm by which the dosing pump's stroke changes what is dosed in a step."""
DOSING_MOST = 180_000
"""0.01 ppm that the dosing pump gives at full stroke, whatever is asked of it."""
MIXING_STEPS = 90
"""The basin is exchanged in a quarter of an hour."""
WASHING_STEPS = 72
FILLING = 160
"""m3/h into the reservoir while its valve is open."""
TANK_UNITS, RESERVOIR_UNITS = 288, 72
"""A step of 1 m3/h more in than out is this part of a mm of level: 800 and 200 m2 of water."""

TITRATION = (
    (0, 640),
    (6_000, 690),
    (10_000, 735),
    (15_000, 790),
    (25_000, 930),
    (60_000, 1070),
    (180_000, 1150),
)
"""pH in hundredths at 0.01 ppm of sodium hydroxide solution: what the raw water's buffer leaves."""

IDENTITIES = {
    INTAKE: Identity("Lab Water Controls", "IN-40", "3.2"),
    DOSING: Identity("Lab Water Controls", "DS-15", "3.2"),
    FILTERS: Identity("Lab Water Controls", "FL-40", "3.1"),
    PUMPS: Identity("Lab Water Controls", "PM-40", "3.2"),
    BRANCH: Identity("Lab Telemetry", "RT-8", "1.9"),
}
STARTING: Mapping[str, Sequence[int]] = {
    INTAKE: (600, 0),
    DOSING: (100, 0, *float32(0.6), 0, 0),
    FILTERS: (1800, 0),
    PUMPS: (*float32(350), 0, 0),
    BRANCH: (*float32(3), 0, 0),
}
"""Holding registers at midnight; all of them are setpoints."""
COMMANDS = {INTAKE: 2, DOSING: 2, FILTERS: 4, PUMPS: 3, BRANCH: 1}
"""Coils of each controller, all on at midnight but the filters' washing."""


@dataclass(frozen=True, slots=True)
class Water:
    """The works at one moment."""

    flow: int = 600
    """Taken in, m3/h."""
    dosed: int = 10_000
    """0.01 ppm of sodium hydroxide that the pump gives."""
    mixed: int = 10_000
    """0.01 ppm of it in the basin."""
    chlorine: int = 510_000
    """Residual chlorine, 0.001 micrograms in a litre."""
    losses: tuple[int, ...] = (64_000, 92_000, 120_000, 148_000)
    """Head loss of each filter, 0.01 mm."""
    washing: tuple[int, ...] = (0, 0, 0, 0)
    """Steps that each filter is still being washed."""
    tank: int = 3_400 * TANK_UNITS
    pressure: int = 350_000
    """Pa."""
    reservoir: int = 2_700 * RESERVOIR_UNITS
    filling: bool = True


@dataclass(slots=True)
class _Panel:
    """Holding registers and coils as they are set."""

    holding: dict[str, list[int]] = field(default_factory=lambda: {n: list(v) for n, v in STARTING.items()})
    coils: dict[str, list[int]] = field(
        default_factory=lambda: {n: [int(n != FILTERS)] * count for n, count in COMMANDS.items()}
    )

    def take(self, name: str, write: Write) -> None:
        table = self.coils[name] if write.coil else self.holding[name]
        if write.address < len(table):
            table[write.address] = write.value


def _thousandths(words: Sequence[int]) -> int:
    """The float32 in two registers, as a count of thousandths; 0 for what is no number."""
    (value,) = struct.unpack(">f", struct.pack(">HH", *words))
    return round(value * 1000) if abs(value) < 1e6 else 0


def _towards(value: int, target: int, most: int) -> int:
    return value + max(-most, min(most, target - value))


def demand(step: int) -> int:
    """What the town takes in m3/h: most at seven in the morning and in the evening."""
    hours = ((0, 380), (5, 420), (7, 780), (10, 640), (15, 560), (19, 800), (22, 520), (24, 380))
    return _between(tuple((hour * 3600 // STEP_S, taken) for hour, taken in hours), step)


def acidity(mixed: int) -> int:
    """pH in hundredths at `mixed` 0.01 ppm of sodium hydroxide solution."""
    return _between(TITRATION, mixed)


def _between(points: Sequence[tuple[int, int]], at: int) -> int:
    """The value at `at` on the lines that join `points`; that of the last one beyond them."""
    for (left, low), (right, high) in pairwise(points):
        if at < right:
            return low + (high - low) * (at - left) // (right - left)
    return points[-1][1]


def step_on(
    water: Water, holding: Mapping[str, Sequence[int]], on: Mapping[str, Sequence[int]], step: int
) -> Water:
    """The works ten seconds later, with setpoints and commands as given."""
    flow = _towards(water.flow, holding[INTAKE][FLOW_SETPOINT] if on[INTAKE][0] else 0, SLOWEST_FLOW)
    asked = min(holding[DOSING][ALKALI_SETPOINT] * 100, DOSING_MOST) if on[DOSING][0] else 0
    dosed = _towards(water.dosed, asked, DOSING_STEP)
    chlorine_asked = (
        _thousandths(holding[DOSING][CHLORINE_SETPOINT : CHLORINE_SETPOINT + 2]) if on[DOSING][1] else 0
    )
    # The water uses up a part of the chlorine on its way.
    residual = max(0, min(chlorine_asked, 5_000)) * 850
    working = sum(left == 0 for left in water.washing)
    share = flow // max(working, 1)
    losses, washing = [], []
    for number, (loss, left) in enumerate(zip(water.losses, water.washing, strict=True)):
        due = (loss >= holding[FILTERS][WASH_AT] * 100 or on[FILTERS][number] == 1) and not any(water.washing)
        left = WASHING_STEPS if left == 0 and due else max(left - 1, 0)
        losses.append(30_000 if left else loss + share // 6)
        washing.append(left)
    reservoir_level = water.reservoir // RESERVOIR_UNITS
    wanted = _thousandths(holding[BRANCH][RESERVOIR_SETPOINT : RESERVOIR_SETPOINT + 2])
    filling = bool(on[BRANCH][0]) and (
        reservoir_level < wanted - 300 or (water.filling and reservoir_level < wanted)
    )
    taken = demand(step)
    return replace(
        water,
        flow=flow,
        dosed=dosed,
        mixed=water.mixed + (water.dosed - water.mixed) // MIXING_STEPS,
        chlorine=water.chlorine + (residual - water.chlorine) // MIXING_STEPS,
        losses=tuple(losses),
        washing=tuple(washing),
        tank=max(0, min(water.tank + share * working - taken, 5_000 * TANK_UNITS)),
        pressure=_towards(water.pressure, _thousandths(holding[PUMPS][:2]), 4_000),
        reservoir=max(
            0, min(water.reservoir + (160 if filling else 0) - taken // 8, 4_500 * RESERVOIR_UNITS)
        ),
        filling=filling,
    )


Moment = tuple[Water, dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]
"""The works, and each controller's holding registers and coils."""


def course(written: Mapping[str, Writes], midnight_ns: int) -> list[Moment]:
    """The day, one moment for each step: what was written before it counts in it."""
    waiting = sorted(
        ((write, name) for name, writes in written.items() for write in writes),
        key=lambda one: one[0].time_ns,
        reverse=True,
    )
    panel, water, moments = _Panel(), Water(), list[Moment]()
    for step in range(STEPS):
        while waiting and waiting[-1][0].time_ns < midnight_ns + step * STEP_S * SECOND_NS:
            write, name = waiting.pop()
            panel.take(name, write)
        if step:
            water = step_on(water, panel.holding, panel.coils, step)
        holding = {name: tuple(values) for name, values in panel.holding.items()}
        moments.append((water, holding, {name: tuple(values) for name, values in panel.coils.items()}))
    return moments


def measured(name: str, water: Water, step: int) -> tuple[list[int], list[int]]:
    """Input registers and discrete inputs of a controller."""
    if name == INTAKE:
        river = 2_150 + _between(((0, 0), (STEPS // 2, 240), (STEPS, 0)), step)
        # level of the river (mm), flow (m3/h), current of the pump (0.1 A), turbidity (0.01 NTU)
        return [river, water.flow, 180 + water.flow // 4, 420 + step // 60 % 37], [int(water.flow > 0)]
    if name == DOSING:
        ph = acidity(water.mixed)
        stroke = water.dosed * 1000 // DOSING_MOST
        # dosed alkali (ppm), pH (0.01), residual chlorine (mg/l), alkali in store (mm), stroke (0.1 %)
        inputs = [
            water.dosed // 100,
            ph,
            *float32(water.chlorine // 1000 / 1000),
            1_840 - step // 240,
            stroke,
        ]
        return inputs, [int(ph > 860), int(ph < 580)]
    if name == FILTERS:
        working = max(sum(left == 0 for left in water.washing), 1)
        flows = [0 if left else water.flow // working for left in water.washing]
        # head losses (mm), flows (m3/h), turbidity behind the filters (0.001 NTU)
        inputs = [*(loss // 100 for loss in water.losses), *flows, 38 + step // 90 % 9]
        return inputs, [int(left > 0) for left in water.washing]
    if name == PUMPS:
        running = 1 + demand(step) // 350
        # level of the clear-water tank (mm), flow to the town (m3/h), pressure (kPa), pumps that run
        inputs = [water.tank // TANK_UNITS, demand(step), *float32(water.pressure / 1000), running]
        return inputs, [int(number < running) for number in range(3)]
    # level of the reservoir (mm), flow in and out (m3/h)
    inputs = [water.reservoir // RESERVOIR_UNITS, FILLING if water.filling else 0, demand(step) // 8]
    return inputs, [1, 0]


def process(midnight_ns: int) -> Process:
    """The works on the day that begins at `midnight_ns`. Between two steps a controller holds what was
    written since the first of them, and measures what it measured there."""

    def of_a_day(written: Mapping[str, Writes]) -> Recall:
        moments = course(written, midnight_ns)

        @cache
        def at(name: str, step: int) -> tuple[list[int], list[int]]:
            return measured(name, moments[step][0], step)

        def recall(name: str, time_ns: int) -> Memory:
            step = (time_ns - midnight_ns) // (STEP_S * SECOND_NS)
            since = midnight_ns + step * STEP_S * SECOND_NS
            _, holding, coils = moments[step]
            tables = {False: list(holding[name]), True: list(coils[name])}
            for write in written[name]:
                if since <= write.time_ns < time_ns and write.address < len(tables[write.coil]):
                    tables[write.coil][write.address] = write.value
            inputs, discrete = at(name, step)
            return Memory(IDENTITIES[name], tables[False], inputs, tables[True], discrete)

        return recall

    return of_a_day
