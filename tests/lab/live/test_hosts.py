"""What the servers of a range's hosts know when they begin."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest
import snap7
from asyncua.client.client import Client
from asyncua.ua import Int16, NodeId, String

from otmon.engine import replay
from otmon.lab.live.clients import Errand
from otmon.lab.live.controllers import Works
from otmon.lab.live.hosts import LOOKS_S, block_now, device_of, tag_now, work
from otmon.lab.live.namespace import asked_inside, full_name
from otmon.lab.live.opc_ua import PASSWORD
from otmon.lab.live.routine import Routine
from otmon.lab.live.servers import Device
from otmon.lab.opc_ua import NAMESPACE, USER, url
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of
from otmon.lab.scenario import shipped_scenario, shipped_scenarios
from tests.lab.live.running import MISSING, a_range


def works(plant_id: str) -> Works:
    """The process at this moment, which does not pass."""
    plant, now_ns = shipped_plant(plant_id), time.time_ns()
    names = [one.name for one in plant.hosts if one.serves("modbus")]
    return Works(
        lambda midnight_ns: process_of(replace(plant, midnight_ns=midnight_ns)),
        names,
        plant.timezone,
        lambda: now_ns,
    )


def device(plant_id: str, host: str, process: Works) -> Device:
    plant = shipped_plant(plant_id)
    return device_of(plant, plant.by_name[host], process, Random(1))


@pytest.mark.parametrize("scenario_id", shipped_scenarios())
def test_a_log_in_of_a_scenario_opens_the_device_that_it_is_for(scenario_id: str) -> None:
    scenario = shipped_scenario(scenario_id)
    process = works(scenario.plant.id)
    for step in scenario.steps:
        user, password = (getattr(step.parameters, key, None) for key in ("user", "password"))
        for target in step.targets if user is not None and password is not None else ():
            if target in scenario.plant.by_name:
                assert (user, password) in device(scenario.plant.id, target, process).log_ins


def test_blocks_and_tags_hold_what_the_process_says_today() -> None:
    plant = shipped_plant("body-line")
    line = works("body-line")
    production, guarding = block_now(plant, line, 10), block_now(plant, line, 50)
    assert production is not None and len(production) == 10
    assert guarding is not None and len(guarding) == 4
    assert block_now(plant, line, 999) is None
    counts = tag_now(plant, line, "Station_Counts")
    assert counts is not None and len(counts) == 4 and tag_now(plant, line, "Other") is None
    assert device("body-line", "conveyor", line).tag("Station_Counts") == counts
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
        task = asyncio.ensure_future(
            work(line, "line-plc", Routine((), (visits,)), Random(1), lambda name: 0)
        )

        async def until(holds: Callable[[], bool]) -> None:
            async with asyncio.timeout(20):
                while not holds():
                    await asyncio.sleep(0.02)

        await until(lambda: asked > 1)
        line.runs("line-plc", False)
        async with asyncio.timeout(20):
            before = -1
            while asked != before:
                before = asked
                await asyncio.sleep(LOOKS_S)
        line.runs("line-plc", True)
        await until(lambda: asked > before)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        server.close()

    asyncio.run(run())


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_peers_of_others_are_named_and_follow_one_process(tshark: str, tmp_path: Path) -> None:
    plant, capture = shipped_plant("body-line"), tmp_path / "mirror.pcapng"
    line, gateway = (plant.by_name[name].address for name in ("line-plc", "data-gateway"))
    with a_range("body-line") as name:

        def agrees() -> bool:
            """Whether the gateway says of the line what its controller says."""

            async def ask() -> int:
                client = Client(url(gateway))
                client.set_user(USER)
                client.set_password(PASSWORD)
                async with client:
                    node = client.get_node(NodeId(String("Line.Running"), Int16(NAMESPACE)))
                    return int(await node.read_value())

            return asked_inside(full_name(name, "mes"), lambda: asyncio.run(ask())) == block()[1]

        def block() -> bytes:
            return bytes(
                asked_inside(
                    full_name(name, "data-gateway"), partial(told, line, lambda one: one.db_read(10, 0, 10))
                )
            )

        listener = ["ip", "netns", "exec", full_name(name, "mirror"), tshark, "-q", "-i", "mirror0"]
        with subprocess.Popen(
            [*listener, "-a", "duration:14", "-w", str(capture)], stderr=subprocess.DEVNULL
        ):
            end = time.monotonic() + 30
            while not agrees():
                # A shift begins or ends, and the gateway has not yet seen it.
                assert time.monotonic() < end, "the gateway says something else than the controller"
            assert len(block()) == 10
            asked_inside(full_name(name, "line-ews"), partial(told, line, lambda one: one.plc_stop()))
            end = time.monotonic() + 30
            while block()[:2] != b"\0\0" or not agrees():
                assert time.monotonic() < end, "the stop is not seen"
        command = [tshark, "-r", str(capture), "-T", "fields", "-e", "frame.protocols"]
        shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert {"s7comm", "opcua", "cip", "modbus"} <= set(re.split("[:\n]", shown))
    ledger = replay([str(capture)]).ledger
    found = {(one.protocol, one.server, one.port) for one in ledger.conversations}
    conveyor, cooling = (plant.by_name[name].address for name in ("conveyor", "cooling-unit"))
    assert found >= {
        ("s7comm", line, 102),
        ("opc_ua", gateway, 4840),
        ("ethernet_ip", conveyor, 44818),
        ("modbus", cooling, 502),
    }


def told(address: str, ask: Callable[[snap7.Client], object]) -> bytes:
    """What an S7 controller answers."""
    client = snap7.Client()
    client.connect(address, 0, 2)
    try:
        answer = ask(client)
        return bytes(answer) if isinstance(answer, bytearray) else b""
    finally:
        client.disconnect()
