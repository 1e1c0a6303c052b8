"""S7 controllers over real sockets: snap7's client asks, the process answers, a stop stops the line."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from random import Random

import pytest
import snap7
from snap7.error import S7Error

from otmon.lab import s7_program
from otmon.lab.body_line import production
from otmon.lab.frames import MINUTE_NS
from otmon.lab.live.controllers import Works
from otmon.lab.live.hosts import block_now
from otmon.lab.live.s7 import MOST_CONNECTIONS, Cpu, read_block, write_block
from otmon.lab.plant import shipped_plant
from otmon.lab.process import blocks_of, process_of
from otmon.lab.s7 import connect, setup
from otmon.lab.s7 import read as asks_for
from tests.lab.live.test_controllers import Clock
from tests.listening import free_port

logging.getLogger("snap7").setLevel(logging.CRITICAL)
PLANT = shipped_plant("body-line")
TEN_NS = PLANT.midnight_ns + 9 * 60 * MINUTE_NS
"""In the first shift."""


def works_at(clock: Clock) -> Works:
    return Works(
        lambda midnight_ns: process_of(replace(PLANT, midnight_ns=midnight_ns)), [], PLANT.timezone, clock
    )


@contextmanager
def serving(works: Works) -> Iterator[tuple[Cpu, int]]:
    """The line's controller, and its port."""
    cpu = Cpu(works, "line-plc", partial(block_now, PLANT, works), blocks_of(PLANT))
    port = free_port()
    cpu.start("127.0.0.1", port)
    try:
        yield cpu, port
    finally:
        cpu.stop()


@contextmanager
def asking(port: int) -> Iterator[snap7.Client]:
    client = snap7.Client()
    client.connect("127.0.0.1", 0, 2, port)
    try:
        yield client
    finally:
        client.disconnect()


def test_blocks_follow_the_process_and_keep_what_is_written() -> None:
    clock = Clock(TEN_NS)
    works = works_at(clock)
    with serving(works) as (cpu, port), asking(port) as client:
        first = client.db_read(10, 0, 10)
        assert first == production(9 * 60)
        clock.time_ns += 30 * MINUTE_NS
        cpu.cycle()
        later = client.db_read(10, 0, 10)
        assert later == production(9 * 60 + 30) and later[2:4] > first[2:4]
        client.db_write(20, 0, bytearray(b"\x12\x34"))
        for _ in range(2):
            clock.time_ns += 30 * MINUTE_NS
            cpu.cycle()
            assert client.db_read(20, 0, 2) == b"\x12\x34"
            assert client.db_read(20, 2, 2) == (block_now(PLANT, works, 20) or b"")[2:]
        for block, start, size in ((99, 0, 1), (10, 8, 4)):
            with pytest.raises(S7Error):
                client.db_read(block, start, size)


def test_a_stop_stops_the_line_until_a_start() -> None:
    clock = Clock(TEN_NS)
    works = works_at(clock)
    with serving(works) as (cpu, port), asking(port) as client:
        before = client.db_read(10, 0, 10)
        client.plc_stop()
        cpu.cycle()
        assert works.stands("line-plc") and not works.stands("safety-plc")
        clock.time_ns += 20 * MINUTE_NS
        cpu.cycle()
        stopped = client.db_read(10, 0, 10)
        assert stopped[:2] == b"\0\0" and stopped[2:4] == before[2:4]
        client.plc_cold_start()
        cpu.cycle()
        assert not works.stands("line-plc")
        clock.time_ns += 20 * MINUTE_NS
        cpu.cycle()
        after = client.db_read(10, 0, 10)
        assert after[:2] == b"\0\1" and before[2:4] < after[2:4] < production(9 * 60 + 40)[2:4]


def said(port: int, *messages: bytes) -> list[bytes]:
    """What is answered to each message."""
    with socket.create_connection(("127.0.0.1", port), 5) as one:
        one.settimeout(30)
        answers = []
        for message in messages:
            one.sendall(message)
            answers.append(one.recv(4096))
        return answers


def test_a_block_that_is_inserted_is_no_start() -> None:
    works = works_at(Clock(TEN_NS))
    with serving(works) as (cpu, port):
        said(port, connect(1), setup(1), s7_program.stop(2), s7_program.insert(3, 1))
        cpu.cycle()
        assert works.stands("line-plc")
        *_, identified = said(port, connect(1), setup(1), s7_program.identification(2)[0][1])
        assert b"6ES7" in identified
        said(port, connect(1), setup(1), s7_program.start(2, cold=True))
        cpu.cycle()
        assert not works.stands("line-plc")


def test_nothing_that_comes_in_harms_a_controller() -> None:
    random = Random(3)
    with serving(works_at(Clock(TEN_NS))) as (cpu, port):
        for _ in range(40):
            with socket.create_connection(("127.0.0.1", port), 5) as one, suppress(OSError):
                one.sendall(connect(1))
                one.recv(100)
                whole = asks_for(2, 10, 0, 4)
                cut = random.randrange(len(whole))
                one.sendall(whole[:cut] + random.randbytes(random.choice((0, 1, 30, 2_000))))
        cpu.cycle()
        with asking(port) as client:
            assert len(client.db_read(10, 0, 10)) == 10


def test_a_flood_is_refused_and_then_forgotten() -> None:
    with serving(works_at(Clock(TEN_NS))) as (_, port):
        many: list[socket.socket] = []
        try:
            for _ in range(MOST_CONNECTIONS):
                many.append(socket.create_connection(("127.0.0.1", port), 5))
                many[-1].sendall(connect(1))
                assert many[-1].recv(100)
            many.append(socket.create_connection(("127.0.0.1", port), 5))
            assert many[-1].recv(1) == b""
        finally:
            for one in many:
                one.close()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with suppress(S7Error), asking(port) as client:
                assert client.db_read(50, 0, 4)
                return
            time.sleep(0.02)
        raise AssertionError("nobody is let in any more")


async def cancelled_after(work: Awaitable[None], holds: Callable[[], bool]) -> None:
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_clients_read_again_and_again_and_write() -> None:
    works = works_at(Clock(TEN_NS))
    read: list[int] = []

    def block(number: int) -> bytes | None:
        read.append(number)
        return block_now(PLANT, works, number)

    cpu = Cpu(works, "line-plc", block, blocks_of(PLANT))
    port = free_port()
    cpu.start("127.0.0.1", port)

    async def run() -> None:
        await write_block("127.0.0.1", port, 20, b"\x43\x21")
        read.clear()
        cycles = asyncio.ensure_future(cpu.run())
        await cancelled_after(read_block("127.0.0.1", port, 20, 4, 0.05), lambda: len(read) > 12)
        cycles.cancel()

    try:
        asyncio.run(run())
        with asking(port) as client:
            assert client.db_read(20, 0, 2) == b"\x43\x21"
    finally:
        cpu.stop()
    with pytest.raises(OSError):
        asyncio.run(read_block("127.0.0.1", port, 20, 4, 1))
    with pytest.raises(OSError):
        asyncio.run(write_block("127.0.0.1", port, 20, b"x"))


def test_a_port_that_is_taken_is_told() -> None:
    works = works_at(Clock(TEN_NS))
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        cpu = Cpu(works, "line-plc", partial(block_now, PLANT, works), blocks_of(PLANT))
        with pytest.raises(OSError, match="line-plc: "):
            cpu.start("127.0.0.1", taken.getsockname()[1])
