"""What the servers of a range's hosts know when they begin."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from otmon.lab.live.controllers import Works
from otmon.lab.live.hosts import device_of
from otmon.lab.live.servers import Device
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of
from otmon.lab.scenario import shipped_scenario, shipped_scenarios


def device(plant_id: str, host: str) -> Device:
    plant = shipped_plant(plant_id)
    names = [one.name for one in plant.hosts if one.serves("modbus")]
    works = Works(
        lambda midnight_ns: process_of(replace(plant, midnight_ns=midnight_ns)), names, plant.timezone
    )
    return device_of(plant, plant.by_name[host], works, Random(1))


@pytest.mark.parametrize("scenario_id", shipped_scenarios())
def test_a_log_in_of_a_scenario_opens_the_device_that_it_is_for(scenario_id: str) -> None:
    scenario = shipped_scenario(scenario_id)
    for step in scenario.steps:
        user, password = (getattr(step.parameters, key, None) for key in ("user", "password"))
        for target in step.targets if user is not None and password is not None else ():
            if target in scenario.plant.by_name:
                assert (user, password) in device(scenario.plant.id, target).log_ins


def test_blocks_and_tags_hold_what_the_process_says_today() -> None:
    line = device("body-line", "line-plc")
    production, guarding = line.block(10), line.block(50)
    assert production is not None and len(production) == 10
    assert guarding is not None and len(guarding) == 4
    assert line.block(999) is None
    counts = line.tag("Station_Counts")
    assert counts is not None and len(counts) == 4 and line.tag("Other") is None
    assert device("water-works", "plc-dosing").block(10) is None
