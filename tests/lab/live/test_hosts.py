"""What the servers of a range's hosts know when they begin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from otmon.lab.live.clients import Errand
from otmon.lab.live.controllers import Works
from otmon.lab.live.hosts import LOOKS_S, block_now, device_of, tag_now, work
from otmon.lab.live.routine import Routine
from otmon.lab.live.servers import Device
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of
from otmon.lab.scenario import shipped_scenario, shipped_scenarios


def works(plant_id: str) -> Works:
    plant = shipped_plant(plant_id)
    names = [one.name for one in plant.hosts if one.serves("modbus")]
    return Works(
        lambda midnight_ns: process_of(replace(plant, midnight_ns=midnight_ns)), names, plant.timezone
    )


def device(plant_id: str, host: str) -> Device:
    plant = shipped_plant(plant_id)
    return device_of(plant, plant.by_name[host], works(plant_id), Random(1))


@pytest.mark.parametrize("scenario_id", shipped_scenarios())
def test_a_log_in_of_a_scenario_opens_the_device_that_it_is_for(scenario_id: str) -> None:
    scenario = shipped_scenario(scenario_id)
    for step in scenario.steps:
        user, password = (getattr(step.parameters, key, None) for key in ("user", "password"))
        for target in step.targets if user is not None and password is not None else ():
            if target in scenario.plant.by_name:
                assert (user, password) in device(scenario.plant.id, target).log_ins


def test_blocks_and_tags_hold_what_the_process_says_today() -> None:
    plant = shipped_plant("body-line")
    line = works("body-line")
    production, guarding = block_now(plant, line, 10), block_now(plant, line, 50)
    assert production is not None and len(production) == 10
    assert guarding is not None and len(guarding) == 4
    assert block_now(plant, line, 999) is None
    counts = tag_now(plant, line, "Station_Counts")
    assert counts is not None and len(counts) == 4 and tag_now(plant, line, "Other") is None
    assert device("body-line", "conveyor").tag("Station_Counts") == counts
    assert block_now(shipped_plant("water-works"), works("water-works"), 10) is None


def test_who_is_stopped_asks_nobody_until_it_is_started() -> None:
    asked = 0

    async def run() -> None:
        nonlocal asked

        async def listened(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            writer.close()

        server = await asyncio.start_server(listened, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        visits = Errand("line-plc", "x", "127.0.0.1", port, "printing", 0.05)
        line = works("body-line")
        task = asyncio.ensure_future(work(line, "line-plc", Routine((), (visits,)), Random(1)))

        async def until(holds: Callable[[], bool]) -> None:
            async with asyncio.timeout(20):
                while not holds():
                    await asyncio.sleep(0.02)

        await until(lambda: asked > 1)
        line.runs("line-plc", False)
        await asyncio.sleep(2 * LOOKS_S)
        before = asked
        await asyncio.sleep(LOOKS_S)
        assert asked == before
        line.runs("line-plc", True)
        await until(lambda: asked > before)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        server.close()

    asyncio.run(run())
