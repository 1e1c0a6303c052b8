"""OPC UA over real sockets: asyncua's client reads what the process says, and what was written stays."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random

import pytest
from asyncua.client.client import Client
from asyncua.ua.uaerrors import UaError

from otmon.lab.live import opc_ua
from otmon.lab.live.opc_ua import PASSWORD, Gateway, read_nodes, write_node
from otmon.lab.opc_ua import USER, Conversation, url
from tests.listening import free_port

for _name in ("asyncua", "asyncio"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class Line:
    """A process of two numbers."""

    def __init__(self) -> None:
        self.bodies, self.order = 7, 4_100
        self.asked = 0

    def now(self) -> int:
        self.asked += 1
        return self.bodies


@asynccontextmanager
async def serving(line: Line) -> AsyncIterator[int]:
    gateway, port = Gateway({"Line.Bodies": line.now, "Order.Number": lambda: line.order}), free_port()
    await gateway.start("127.0.0.1", port)
    cycles = asyncio.ensure_future(gateway.run())
    try:
        yield port
    finally:
        cycles.cancel()
        with suppress(asyncio.CancelledError):
            await cycles
        await gateway.stop()


async def read(port: int, name: str) -> int:
    async with opc_ua._client("127.0.0.1", port) as client:
        return int(await client.get_node(opc_ua._id(name)).read_value())


async def until(port: int, name: str, value: int) -> None:
    async with asyncio.timeout(20):
        while await read(port, name) != value:
            await asyncio.sleep(0.05)


def test_variables_follow_the_process_and_keep_what_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opc_ua, "REFRESH_S", 0.05)

    async def run() -> None:
        line = Line()
        async with serving(line) as port:
            assert (await read(port, "Line.Bodies"), await read(port, "Order.Number")) == (7, 4_100)
            line.bodies = 8
            await until(port, "Line.Bodies", 8)
            await write_node("127.0.0.1", port, "Order.Number", 9)
            line.order, line.bodies, asked = 4_101, 9, line.asked
            await until(port, "Line.Bodies", 9)
            while line.asked < asked + 5:
                await asyncio.sleep(0.05)
            assert await read(port, "Order.Number") == 9
            for name, value in (("No.Such", 1), ("Line.Bodies", 65_536)):
                with pytest.raises(OSError):
                    await write_node("127.0.0.1", port, name, value)

    asyncio.run(run())


def test_who_has_no_password_is_not_let_in_and_who_has_one_does_not_show_it() -> None:
    async def run() -> None:
        async with serving(Line()) as port:
            for user, password in ((None, None), (USER, "wrong"), ("other", PASSWORD)):
                client = Client(url("127.0.0.1", port))
                if user is not None and password is not None:
                    client.set_user(user)
                    client.set_password(password)
                with pytest.raises(UaError):
                    await client.connect()
            said: list[bytes] = []

            async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                to, there = await asyncio.open_connection("127.0.0.1", port)

                async def one_way(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                    while data := await source.read(65_536):
                        said.append(data)
                        sink.write(data)
                    sink.close()

                await asyncio.gather(one_way(reader, there), one_way(to, writer))

            middle = await asyncio.start_server(passed_on, "127.0.0.1", 0)
            assert await read(middle.sockets[0].getsockname()[1], "Line.Bodies") == 7
            middle.close()
            assert any(USER.encode() in data for data in said)
            assert not any(PASSWORD.encode() in data for data in said)

    asyncio.run(run())


def test_a_reader_reads_until_it_is_cancelled_or_not_answered() -> None:
    async def run() -> None:
        async with serving(Line()) as port:
            reader = asyncio.ensure_future(read_nodes("127.0.0.1", port, ["Line.Bodies"], 0.05))
            done, _ = await asyncio.wait([reader], timeout=1.5)
            assert not done
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
            with pytest.raises(OSError):
                await read_nodes("127.0.0.1", port, ["No.Such"], 0.05)
        with pytest.raises(OSError):
            await read_nodes("127.0.0.1", port, ["Line.Bodies"], 0.05)

    asyncio.run(run())


def test_the_lab_s_own_session_is_served() -> None:
    """What captures show a client say, asyncua's server answers."""

    async def run() -> None:
        async with serving(Line()) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            own = Conversation(url("127.0.0.1", port), 1)
            for asked, told in own.opening(1_700_000_000 * 10**9)[:2]:
                writer.write(asked)
                async with asyncio.timeout(10):
                    answer = await reader.read(65_536)
                assert answer[:4] == told[:4]
            writer.close()

    asyncio.run(run())


def test_nothing_that_comes_in_harms_it() -> None:
    random = Random(5)

    async def run() -> None:
        async with serving(Line()) as port:
            (hello, _), (opened, _), *_ = Conversation(url("127.0.0.1", port), 1).opening(10**18)
            for start in (b"", b"HEL", b"HELF\xff\xff\xff\xff", hello, hello + opened[:30], hello + b"MSGF"):
                for size in (0, 5, 500):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.write(start + random.randbytes(size))
                    with suppress(OSError, TimeoutError):
                        await writer.drain()
                        async with asyncio.timeout(0.1):
                            await reader.read(1_000)
                    writer.close()
            assert await read(port, "Line.Bodies") == 7

    asyncio.run(run())


def test_a_port_that_is_taken_is_told() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
            await Gateway({"Line.Bodies": lambda: 1}).start("127.0.0.1", taken.getsockname()[1])

    asyncio.run(run())
