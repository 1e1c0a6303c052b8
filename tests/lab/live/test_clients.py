"""Clients ask real servers, and ask again where they get no answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any

import pytest

from otmon.lab import modbus
from otmon.lab.live import clients
from otmon.lab.live.clients import QUESTIONS, VISITS, Errand, Poll, poll, run_errand
from otmon.lab.live.servers import Device, serve_datagrams, serve_stream
from tests.listening import free_port

READ = modbus.read(modbus.READ_HOLDING, 3, 2)


async def until(holds: Callable[[], bool], work: Coroutine[Any, Any, None], seconds: float = 15) -> None:
    """Let `work` go on until something holds."""
    task = asyncio.ensure_future(work)
    try:
        async with asyncio.timeout(seconds):
            while not holds():
                if task.done():
                    task.result()
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Listener:
    """A Modbus server that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.connections = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                self.asked.append(pdu)
                answer = modbus.answer(
                    modbus.Memory(modbus.Identity("a", "b", "c"), [7] * 9, [1] * 9, [1] * 9, [0] * 9), pdu
                )
                writer.write(head[:4] + (len(answer) + 1).to_bytes(2, "big") + head[6:7] + answer)
        writer.close()


def test_a_poller_asks_all_in_order_again_and_again_over_one_connection() -> None:
    pdus = (
        READ,
        modbus.read(modbus.READ_INPUT, 0, 3),
        modbus.read(modbus.READ_COILS, 0, 2),
        modbus.read(modbus.READ_DISCRETE, 1, 2),
        modbus.read_identification(),
    )

    async def run() -> Listener:
        one = Listener()
        server = await asyncio.start_server(one.connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await until(
            lambda: len(one.asked) >= 15, poll(Poll("a", "b", "127.0.0.1", port, 1, pdus, 0.05), Random(1))
        )
        server.close()
        return one

    one = asyncio.run(run())
    assert one.connections == 1
    assert tuple(one.asked[:5]) == pdus and one.asked[5:10] == one.asked[:5]


def test_a_screen_is_closed_and_opened_again() -> None:
    async def run() -> Listener:
        one = Listener()
        server = await asyncio.start_server(one.connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        screen = Poll("a", "b", "127.0.0.1", port, 1, (READ,), 0.05, 0.2, 0.2)
        await until(lambda: one.connections >= 3, poll(screen, Random(1)))
        server.close()
        return one

    assert len(asyncio.run(run()).asked) >= 4


def test_a_poller_waits_for_a_server_that_is_not_there_yet() -> None:
    async def run() -> None:
        port, one = free_port(), Listener()

        async def later() -> None:
            await asyncio.sleep(0.3)
            await asyncio.start_server(one.connected, "127.0.0.1", port)
            await poll_it

        poll_it = asyncio.ensure_future(poll(Poll("a", "b", "127.0.0.1", port, 1, (READ,), 0.05), Random(1)))
        await until(lambda: len(one.asked) >= 3, later())

    asyncio.run(run())


NAMES = {"ethernet_ip": "Counts 2", "dns": "x.example", "tls": "x.example"}


@pytest.mark.parametrize("protocol", VISITS)
def test_a_visitor_is_served(protocol: str) -> None:
    device = Device(Random(1), tag=lambda name: (1, 2))

    async def run() -> None:
        server = await serve_stream(protocol, "127.0.0.1", 0, device)
        port = server.sockets[0].getsockname()[1]
        errand = Errand("a", "b", "127.0.0.1", port, protocol, 0.05, NAMES.get(protocol, ""))
        visit = asyncio.ensure_future(clients._visit(errand, Random(1)))
        # Those who read a controller stay as long as they are answered; the others get time to end.
        stays = protocol == "ethernet_ip"
        done, _ = await asyncio.wait([visit], timeout=1 if stays else 30)
        assert bool(done) != stays
        visit.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await visit
        server.close()

    asyncio.run(run())


@pytest.mark.parametrize("protocol", QUESTIONS)
def test_a_question_is_answered(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = 0
    once: Callable[[Errand, Random], Awaitable[None]] = clients._ask_by_datagram

    async def counted(one: Errand, random: Random) -> None:
        nonlocal answered
        await once(one, random)
        answered += 1

    async def run() -> None:
        port = free_port()
        server = await serve_datagrams(protocol, "127.0.0.1", port, {"x.example": "10.0.0.1"})
        errand = Errand("a", "b", "127.0.0.1", port, protocol, 0.05, NAMES.get(protocol, ""))
        await until(lambda: answered >= 2, run_errand(errand, Random(1)))
        server.close()

    monkeypatch.setattr(clients, "_ask_by_datagram", counted)
    asyncio.run(run())


def test_what_no_client_speaks_is_told() -> None:
    with pytest.raises(KeyError):
        asyncio.run(run_errand(Errand("a", "b", "127.0.0.1", free_port(), "gopher", 0.01), Random(5)))
