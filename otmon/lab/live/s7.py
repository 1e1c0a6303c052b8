"""S7 controllers of a range, and their clients: snap7's server and client, and the plant's process.

The server answers the whole of S7 that snap7 knows: data blocks, who it is, stop and start, blocks of
program. Each cycle of the program the blocks are set to what the process says now; what a client writes
stays. What a stop stops is the plant's (`Works`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from snap7.async_client import AsyncClient
from snap7.error import S7Error
from snap7.server import Server
from snap7.type import SrvArea

from otmon.lab.live.controllers import Works
from otmon.lab.s7 import OPERATOR_PANEL

CYCLE_S = 0.2
MOST_CONNECTIONS = 64
"""At a controller at a time: each takes a thread."""
RACK, SLOT = 0, 2
"""Where the CPU is, as in the lab's captures."""

Block = Callable[[int], bytes | None]
"""What a data block holds now, by its number; None for one that is not there."""


class _Server(Server):
    """snap7's, in which only a start starts: it takes a block that is made part of the program for one."""

    def _handle_plc_control(self, request: dict[str, Any], client_address: tuple[str, int]) -> bytes:
        before = self.cpu_state
        answer = super()._handle_plc_control(request, client_address)
        if "restart_type" not in request.get("parameters", {}):
            self.cpu_state = before
        return answer


class Cpu:
    """A controller that serves from `start` to `stop`."""

    def __init__(self, works: Works, name: str, block: Block, numbers: Iterable[int]) -> None:
        """`numbers` are those of the data blocks that there are."""
        self._works, self._name, self._block = works, name, block
        self._server = _Server(log=False, max_clients=MOST_CONNECTIONS)
        self._areas = {number: bytearray(block(number) or b"") for number in numbers}
        self._shown = {number: bytes(area) for number, area in self._areas.items()}
        self._written: dict[int, dict[int, int]] = {number: {} for number in self._areas}
        for number, area in self._areas.items():
            self._server.register_area(SrvArea.DB, number, area)

    def start(self, address: str, port: int) -> None:
        """Listen, in the namespace of the calling thread. Raises OSError where the port is taken."""
        try:
            self._server.start_to(address, port)
        except S7Error as error:
            raise OSError(f"{self._name}: {address}:{port}: {error}") from None

    def stop(self) -> None:
        self._server.stop()

    def cycle(self) -> None:
        """One cycle: whether the program runs, and what it says in the blocks."""
        self._works.runs(self._name, self._server.get_status()[1] != "Stop")
        for number, area in self._areas.items():
            value = self._block(number) or b""
            self._server.lock_area(SrvArea.DB, number)
            try:
                written = self._written[number]
                shown = zip(area, self._shown[number], strict=True)
                written.update({at: new for at, (new, old) in enumerate(shown) if new != old})
                area[:] = bytes(written.get(at, byte) for at, byte in enumerate(value))
                self._shown[number] = bytes(area)
            finally:
                self._server.unlock_area(SrvArea.DB, number)

    async def run(self) -> None:
        """Cycle after cycle, without end."""
        while True:
            self.cycle()
            await asyncio.sleep(CYCLE_S)


def _client() -> AsyncClient:
    client = AsyncClient()
    client.set_connection_type(OPERATOR_PANEL)
    return client


async def read_block(address: str, port: int, block: int, length: int, every_s: float) -> None:
    """Read a data block over one connection, as long as it is answered. Raises OSError when it is not any
    more."""
    client = _client()
    try:
        await client.connect(address, RACK, SLOT, port)
        task = asyncio.current_task()
        # snap7 waits by `wait_for`, which in Python 3.11 can lose a cancellation.
        while task is None or not task.cancelling():
            await client.db_read(block, 0, length)
            await asyncio.sleep(every_s)
    except S7Error as error:
        raise OSError(str(error)) from None
    finally:
        await client.disconnect()


async def write_block(address: str, port: int, block: int, value: bytes) -> None:
    """Write a data block from its first byte, over a connection of its own. Raises OSError."""
    client = _client()
    try:
        await client.connect(address, RACK, SLOT, port)
        await client.db_write(block, 0, bytearray(value))
    except S7Error as error:
        raise OSError(str(error)) from None
    finally:
        await client.disconnect()
