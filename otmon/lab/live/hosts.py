"""The hosts of a range at work: a process in which every host is a thread, in its namespace for life.

    python -m otmon.lab.live.hosts RANGE PLANT COPY

Each thread runs one loop with the host's servers and its clients. The process stands in the namespace of
the switch, by which it is found and ended. When every server listens it says so on standard output, and
the clients begin; what it has to complain of is on standard error.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

from otmon.lab.camera import FACTORY_PASSWORD, FACTORY_USER
from otmon.lab.live.clients import Known, poll, run_errand
from otmon.lab.live.controllers import Works, serve
from otmon.lab.live.lifecycle import READY, STARTING_S
from otmon.lab.live.namespace import LiveError, enter, full_name
from otmon.lab.live.routine import Routine, routine_of
from otmon.lab.live.s7 import Cpu
from otmon.lab.live.servers import Device, serve_datagrams, serve_stream
from otmon.lab.plant import Plant, PlantHost, kept_plant
from otmon.lab.process import block_of, blocks_of, node_of, nodes_of, process_of, tag_of
from otmon.lab.scenario import shipped_scenario, shipped_scenarios

LOOKS_S = 1.0
"""How often a host looks whether its program was stopped."""


def serve_all(range_name: str, plant: Plant, routine: Routine) -> None:
    """Have all hosts live until the process ends. Raises LiveError where a server cannot listen."""
    controllers = [one.name for one in plant.hosts if one.serves("modbus")]
    works = Works(
        lambda midnight_ns: process_of(replace(plant, midnight_ns=midnight_ns)), controllers, plant.timezone
    )
    names = {errand.name.lower(): errand.name for errand in routine.errands if errand.protocol == "dns"}
    addresses = {name: _address_of(plant, name) for name in names}
    failed: list[str] = []
    everybody_listens = threading.Barrier(len(plant.hosts) + 1)

    async def live(host: PlantHost) -> None:
        random = Random(f"{range_name} {host.name}")
        device = device_of(plant, host, works, random)
        kept: list[object] = []
        cycles: list[Awaitable[None]] = []
        try:
            for service in host.services:
                if service.protocol == "modbus":
                    kept.append(await serve(works, host.name, service.unit, host.address, service.port))
                elif service.protocol == "s7comm":
                    cpu = Cpu(works, host.name, partial(block_now, plant, works), blocks_of(plant))
                    cpu.start(host.address, service.port)
                    cycles.append(cpu.run())
                elif service.protocol == "opc_ua":
                    # Takes a second to load, and most plants have none.
                    from otmon.lab.live.opc_ua import Gateway

                    gateway = Gateway({one: partial(node_now, plant, works, one) for one in nodes_of(plant)})
                    await gateway.start(host.address, service.port)
                    cycles.append(gateway.run())
                elif service.transport == "udp":
                    await serve_datagrams(service.protocol, host.address, service.port, addresses)
                else:
                    kept.append(await serve_stream(service.protocol, host.address, service.port, device))
        except (OSError, KeyError) as error:
            failed.append(f"{host.name}: {error}")
        everybody_listens.wait(STARTING_S)
        known = partial(node_now, plant, works)
        await asyncio.gather(work(works, host.name, routine, random, known), *cycles)

    def thread(host: PlantHost) -> None:
        enter(full_name(range_name, host.name))
        asyncio.run(live(host))

    threads = [threading.Thread(target=thread, args=(host,), daemon=True) for host in plant.hosts]
    for one in threads:
        one.start()
    try:
        everybody_listens.wait(STARTING_S)
    except threading.BrokenBarrierError:
        failed.append("a host did not come up in time")
    if failed:
        raise LiveError("\n".join(failed))
    # At once: who reads it then closes the pipe.
    os.write(sys.stdout.fileno(), READY + b"\n")
    for one in threads:
        one.join()


def device_of(plant: Plant, host: PlantHost, works: Works, random: Random) -> Device:
    """What the servers of a host know: the passwords that some scenario of the plant finds there are those
    of the factory."""
    found = {(FACTORY_USER, FACTORY_PASSWORD)}
    for scenario in map(shipped_scenario, shipped_scenarios()):
        for step in scenario.steps if scenario.plant.id == plant.id else ():
            user, password = (getattr(step.parameters, key, None) for key in ("user", "password"))
            if host.name in step.targets and user is not None and password is not None:
                found.add((str(user), str(password)))

    return Device(random, frozenset(found), partial(tag_now, plant, works))


async def work(works: Works, name: str, routine: Routine, random: Random, known: Known) -> None:
    """Do what a host does, without end, except while its program is stopped."""
    polls, errands = routine.of(name)
    while True:
        does = [poll(one, random) for one in polls] + [run_errand(one, random, known) for one in errands]
        together = asyncio.gather(*does, asyncio.Event().wait())
        while not works.stands(name) and not together.done():
            await asyncio.sleep(LOOKS_S)
        together.cancel()
        with suppress(asyncio.CancelledError):
            await together
        while works.stands(name):
            await asyncio.sleep(LOOKS_S)


def block_now(plant: Plant, works: Works, number: int) -> bytes | None:
    """What an S7 data block of the plant holds now; None for one that is not there."""
    midnight_ns, now_ns = works.today()
    value = block_of(replace(plant, midnight_ns=midnight_ns), number, works.stops())
    return None if value is None else value(now_ns)


def node_now(plant: Plant, works: Works, name: str) -> int:
    """What an OPC UA variable of the plant holds now. Raises KeyError for one that is not there."""
    midnight_ns, now_ns = works.today()
    value = node_of(replace(plant, midnight_ns=midnight_ns), name, works.stops())
    if value is None:
        raise KeyError(name)
    return value(now_ns)


def tag_now(plant: Plant, works: Works, name: str) -> Sequence[int] | None:
    """What a tag of the plant's Logix controller holds now; None for one that is not there."""
    midnight_ns, now_ns = works.today()
    value = tag_of(replace(plant, midnight_ns=midnight_ns), name, works.stops())
    return None if value is None else value(now_ns)


def _address_of(plant: Plant, name: str) -> str:
    """Of a name that is asked for: the host of that name, else a server."""
    first = name.partition(".")[0]
    if first in plant.by_name:
        return plant.host(first).address
    servers = plant.at("server") or plant.hosts
    return servers[0].address


def main(range_name: str, plant_id: str, copy: str) -> None:
    # What clients do not get and servers refuse is the plant's business, and no error of this program.
    logging.getLogger("snap7").setLevel(logging.CRITICAL)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    plant = kept_plant(plant_id, Path(copy))
    try:
        serve_all(range_name, plant, routine_of(plant))
    except LiveError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
