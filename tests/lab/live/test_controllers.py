"""Controllers over real sockets: pymodbus asks, the process answers, and goes on from what is written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pymodbus.client import AsyncModbusTcpClient

from otmon.lab import modbus, water_works
from otmon.lab.frames import MINUTE_NS, SECOND_NS
from otmon.lab.live.controllers import MOST_WRITES, Works, joined, kept, serve
from otmon.lab.modbus import Write
from otmon.lab.plant import shipped_plant
from otmon.lab.process import process_of
from tests.listening import free_port

TOKYO = ZoneInfo("Asia/Tokyo")
NAMES = (water_works.INTAKE, water_works.DOSING, water_works.FILTERS, water_works.PUMPS, water_works.BRANCH)
MIDNIGHT_NS = int(datetime(2027, 3, 3, 15, tzinfo=UTC).timestamp()) * SECOND_NS
NOON_NS = MIDNIGHT_NS + 12 * 60 * MINUTE_NS
DOSED, PH = 0, 1
"""Input registers of the dosing controller."""


class Clock:
    """A clock that is moved by hand."""

    def __init__(self, time_ns: int) -> None:
        self.time_ns = time_ns

    def __call__(self) -> int:
        self.time_ns += 1
        return self.time_ns


def works_at(clock: Clock) -> Works:
    return Works(water_works.process, NAMES, TOKYO, clock)


def test_the_day_of_the_process_is_that_of_the_plant_s_time_zone() -> None:
    clock = Clock(NOON_NS)
    expected = water_works.process(MIDNIGHT_NS)({name: () for name in NAMES})
    for name in NAMES:
        assert works_at(clock).memory(name) == expected(name, clock.time_ns)


def test_a_write_is_seen_at_once_and_the_process_goes_on_from_it() -> None:
    clock = Clock(NOON_NS)
    works = works_at(clock)
    before = works.memory(water_works.DOSING)
    works.write(water_works.DOSING, False, water_works.ALKALI_SETPOINT, [11_100])
    assert works.memory(water_works.DOSING).holding[water_works.ALKALI_SETPOINT] == 11_100
    clock.time_ns += 5 * MINUTE_NS
    later = works.memory(water_works.DOSING)
    assert later.holding[water_works.ALKALI_SETPOINT] == 11_100
    assert later.inputs[DOSED] > 10 * before.inputs[DOSED] and later.inputs[PH] > before.inputs[PH] + 100
    works.write(water_works.DOSING, False, water_works.ALKALI_SETPOINT, [100])
    clock.time_ns += 60 * MINUTE_NS
    assert abs(works.memory(water_works.DOSING).inputs[PH] - before.inputs[PH]) < 30


def test_a_write_of_which_nobody_reads_for_long_is_not_forgotten() -> None:
    clock = Clock(NOON_NS)
    works = works_at(clock)
    works.memory(water_works.INTAKE)
    works.write(water_works.INTAKE, True, 0, [0])
    clock.time_ns += 60 * MINUTE_NS
    memory = works.memory(water_works.INTAKE)
    assert memory.coils[0] == 0 and memory.inputs[1] == 0


def test_a_new_day_begins_with_what_was_set() -> None:
    clock = Clock(NOON_NS)
    works = works_at(clock)
    works.write(water_works.DOSING, False, water_works.ALKALI_SETPOINT, [120])
    clock.time_ns = MIDNIGHT_NS + 24 * 60 * MINUTE_NS + SECOND_NS
    assert works.memory(water_works.DOSING).holding[water_works.ALKALI_SETPOINT] == 120
    clock.time_ns += 2 * 24 * 60 * MINUTE_NS
    assert works.memory(water_works.DOSING).holding[water_works.ALKALI_SETPOINT] == 120


def test_a_day_longer_than_the_process_knows_ends_with_its_last_moment() -> None:
    """The clocks are put back: 25 hours."""
    zone = ZoneInfo("Europe/Berlin")
    midnight = datetime(2026, 10, 25, tzinfo=zone)
    clock = Clock(int(midnight.timestamp()) * SECOND_NS + 24 * 60 * MINUTE_NS + 59 * MINUTE_NS)
    works = Works(water_works.process, NAMES, zone, clock)
    assert works.memory(water_works.PUMPS).inputs


def test_what_is_remembered_is_bounded_and_keeps_the_last_of_everything() -> None:
    first = Write(1, True, 0, 1)
    writes = (first, *(Write(time_ns, False, time_ns % 3, time_ns) for time_ns in range(2, 20)))
    assert kept(writes, 19) == writes
    less = kept(writes, 10)
    assert less == (first, *writes[-5:])
    assert kept(writes, 0) == (first, *writes[-3:])
    works = works_at(Clock(NOON_NS))
    for value in range(MOST_WRITES + 10):
        works.write(water_works.INTAKE, False, 0, [value])
    assert len(works._written[water_works.INTAKE]) <= MOST_WRITES
    assert works.memory(water_works.INTAKE).holding[0] == MOST_WRITES + 9


def test_the_line_stands_while_any_program_is_stopped() -> None:
    clock = Clock(NOON_NS)
    works = works_at(clock)
    assert works.stops() == [] and not works.stands("a")
    works.runs("a", False)
    clock.time_ns += MINUTE_NS
    works.runs("b", False)
    works.runs("a", False)
    clock.time_ns += MINUTE_NS
    works.runs("a", True)
    assert works.stands("b") and not works.stands("a")
    ((start_ns, end_ns),) = works.stops()
    assert start_ns - NOON_NS < 100 and end_ns == MIDNIGHT_NS + 24 * 60 * MINUTE_NS
    works.runs("b", True)
    works.runs("b", True)
    ((start_ns, end_ns),) = works.stops()
    assert start_ns - NOON_NS < 100 and end_ns - NOON_NS - 2 * MINUTE_NS < 100
    for _ in range(3_000):
        clock.time_ns += SECOND_NS
        works.runs("a", False)
        works.runs("a", True)
    assert len(works.stops()) <= 60
    works.runs("a", False)
    clock.time_ns = MIDNIGHT_NS + 24 * 60 * MINUTE_NS + 5 * MINUTE_NS
    assert works.stops() == [(MIDNIGHT_NS + 24 * 60 * MINUTE_NS, MIDNIGHT_NS + 48 * 60 * MINUTE_NS)]


def test_stops_that_share_a_minute_are_one() -> None:
    minute = MINUTE_NS
    assert joined([]) == []
    assert joined([(0, 5), (10, minute), (minute + 1, 3 * minute), (4 * minute, 5 * minute)]) == [
        (0, 3 * minute),
        (4 * minute, 5 * minute),
    ]


def asked(do: Callable[[AsyncModbusTcpClient], Awaitable[None]], works: Works) -> None:
    """Ask the dosing controller at a port of this machine."""

    async def run() -> None:
        port = free_port()
        server = await serve(works, water_works.DOSING, 1, "127.0.0.1", port)
        client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=10, retries=0)
        try:
            assert await client.connect()
            await do(client)
        finally:
            client.close()
            await server.shutdown()

    asyncio.run(run())


def test_a_client_reads_and_writes() -> None:
    clock = Clock(NOON_NS)
    works = works_at(clock)
    memory = works.memory(water_works.DOSING)

    async def do(client: AsyncModbusTcpClient) -> None:
        assert (await client.read_holding_registers(0, count=6, device_id=1)).registers == list(
            memory.holding
        )
        assert (await client.read_input_registers(0, count=6, device_id=1)).registers == list(memory.inputs)
        assert (await client.read_coils(0, count=2, device_id=1)).bits[:2] == [True, True]
        assert (await client.read_discrete_inputs(0, count=2, device_id=1)).bits[:2] == [False, False]
        assert not (await client.write_register(0, 150, device_id=1)).isError()
        assert not (await client.write_registers(2, [1, 2], device_id=1)).isError()
        assert not (await client.write_coil(1, False, device_id=1)).isError()
        assert not (await client.write_coils(0, [False, True], device_id=1)).isError()
        assert (await client.read_holding_registers(0, count=4, device_id=1)).registers == [150, 0, 1, 2]
        assert (await client.read_coils(0, count=2, device_id=1)).bits[:2] == [False, True]

    asked(do, works)


@pytest.mark.parametrize("unit", [0, 2, 255])
def test_another_unit_does_not_answer(unit: int) -> None:
    async def do(client: AsyncModbusTcpClient) -> None:
        for ask in (client.read_holding_registers, client.read_coils):
            assert (await ask(0, count=1, device_id=unit)).exception_code == 11

    asked(do, works_at(Clock(NOON_NS)))


def test_what_is_not_there_is_refused_to_the_bit() -> None:
    async def do(client: AsyncModbusTcpClient) -> None:
        for ask, size in (
            (client.read_coils, 2),
            (client.read_discrete_inputs, 2),
            (client.read_holding_registers, 6),
            (client.read_input_registers, 6),
        ):
            assert not (await ask(0, count=size, device_id=1)).isError()
            assert (await ask(0, count=size + 1, device_id=1)).exception_code == 2
            assert (await ask(size, count=1, device_id=1)).exception_code == 2
        assert (await client.write_registers(5, [1, 2], device_id=1)).exception_code == 2
        assert (await client.write_coils(1, [True, True], device_id=1)).exception_code == 2
        assert (await client.read_holding_registers(5, count=1, device_id=1)).registers == [0]

    asked(do, works_at(Clock(NOON_NS)))


FORCE_LISTEN_ONLY, RESTART = b"\x08\0\4\0\0", b"\x08\0\1\0\0"
READ = modbus.read(modbus.READ_HOLDING, 0, 1)


def test_who_is_forced_to_listen_only_does_nothing_until_it_is_restarted() -> None:
    async def run() -> None:
        works = works_at(Clock(NOON_NS))
        port = free_port()
        server = await serve(works, water_works.DOSING, 1, "127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = 0

        async def answer(pdu: bytes, unit: int = 1, patience_s: float = 5) -> bytes:
            nonlocal number
            number += 1
            writer.write(modbus.adu(number, unit, pdu))
            async with asyncio.timeout(patience_s):
                head = await reader.readexactly(8)
                assert int.from_bytes(head[:2], "big") == number, "an earlier request was answered after all"
                return head[7:] + await reader.readexactly(int.from_bytes(head[4:6], "big") - 2)

        async def silent(pdu: bytes) -> None:
            with pytest.raises(TimeoutError):
                await answer(pdu, patience_s=0.3)

        before = await answer(READ)
        assert (await answer(FORCE_LISTEN_ONLY, unit=9))[0] and await answer(READ) == before
        assert await answer(RESTART) == RESTART
        await silent(FORCE_LISTEN_ONLY)
        for pdu in (READ, modbus.write_register(0, 9), b"\x63", RESTART):
            await silent(pdu)
        assert await answer(READ) == before
        writer.close()
        await server.shutdown()

    asyncio.run(run())


def test_each_controller_says_who_it_is() -> None:
    async def run() -> None:
        works = works_at(Clock(NOON_NS))
        servers, told = [], []
        for name in (water_works.INTAKE, water_works.BRANCH):
            port = free_port()
            servers.append((await serve(works, name, 1, "127.0.0.1", port), port))
        for _, port in servers:
            client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=10, retries=0)
            assert await client.connect()
            told.append((await client.read_device_information(device_id=1)).information)
            client.close()
        for server, _ in servers:
            await server.shutdown()
        assert told == [
            {0: b"Lab Water Controls", 1: b"IN-40", 2: b"3.2"},
            {0: b"Lab Telemetry", 1: b"RT-8", 2: b"1.9"},
        ]

    asyncio.run(run())


def test_a_port_that_is_taken_is_told() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(OSError, match=f"plc-dosing: 127.0.0.1:{port}"):
                await serve(works_at(Clock(NOON_NS)), water_works.DOSING, 1, "127.0.0.1", port)

    asyncio.run(run())


@pytest.mark.parametrize("plant_id", ["body-line", "food-factory", "two-factories", "water-works"])
def test_every_plant_has_a_process_that_runs_today(plant_id: str) -> None:
    plant = shipped_plant(plant_id)
    names = [one.name for one in plant.hosts if one.serves("modbus")]
    works = Works(
        lambda midnight_ns: process_of(replace(plant, midnight_ns=midnight_ns)), names, plant.timezone
    )
    for name in names:
        memory = works.memory(name)
        assert memory.holding or memory.inputs
        works.write(name, False, 0, [7])
        assert works.memory(name).identity == memory.identity
