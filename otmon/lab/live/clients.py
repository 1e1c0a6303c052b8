"""Clients of a range: what SCADA, screens, historians and engineers ask of controllers, and what offices do.

Who asks whom for what is given; here it is done, with real sockets, again and again. A server that does
not answer is asked again later: a client of a plant never gives up.
"""

from __future__ import annotations

import asyncio
import struct
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from otmon.lab import ethernet_ip, messages, modbus, smb
from otmon.lab.frames import SECOND_NS
from otmon.lab.live import s7

PATIENCE_S = 3.0
"""How long a client waits for a connection and for each answer."""


@dataclass(frozen=True, slots=True)
class Poll:
    """Requests to a controller, again and again over one connection."""

    client: str
    server: str
    address: str
    port: int
    unit: int
    pdus: tuple[bytes, ...]
    """Reads of coils, inputs and registers, and of the identification (`otmon.lab.modbus`)."""
    every_s: float
    open_s: float = 0.0
    """How long the connection is open, and how long it then is not; 0 for one that is open all day."""
    closed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Errand:
    """A visit to a server that is no controller."""

    client: str
    server: str
    address: str
    port: int
    protocol: str
    every_s: float
    name: str = ""
    """What a name server is asked for, the name of who is visited, or what is read there and how much."""
    writes: bool = False
    """OPC UA: the variable `name` is written, as the process has it; else those of `name` are read."""


async def poll(one: Poll, random: Random) -> None:
    """Poll without end, in the namespace of the calling thread."""
    await asyncio.sleep(random.random() * min(one.every_s, 5.0))
    client = AsyncModbusTcpClient(one.address, port=one.port, timeout=PATIENCE_S, retries=0)
    due = opened = time.monotonic()
    task = asyncio.current_task()
    try:
        # pymodbus waits by `wait_for`, which in Python 3.11 can lose a cancellation.
        while task is None or not task.cancelling():
            with suppress(ModbusException, OSError, TimeoutError):
                if client.connected or await client.connect():
                    for pdu in one.pdus:
                        await _ask(client, pdu, one.unit)
            due = max(due + one.every_s, time.monotonic())
            if one.open_s and due >= opened + one.open_s:
                client.close()
                due = opened = time.monotonic() + one.closed_s
            await asyncio.sleep(due - time.monotonic())
    finally:
        client.close()


async def _ask(client: AsyncModbusTcpClient, pdu: bytes, unit: int) -> None:
    if pdu[0] == modbus.DEVICE_IDENTIFICATION:
        await client.read_device_information(read_code=pdu[2], object_id=pdu[3], device_id=unit)
        return
    address, count = struct.unpack(">HH", pdu[1:5])
    reads = {
        modbus.READ_COILS: client.read_coils,
        modbus.READ_DISCRETE: client.read_discrete_inputs,
        modbus.READ_HOLDING: client.read_holding_registers,
        modbus.READ_INPUT: client.read_input_registers,
    }
    await reads[pdu[0]](address, count=count, device_id=unit)


Known = Callable[[str], int]


def _unknown(name: str) -> int:
    return 0


Visit = Callable[[StreamReader, StreamWriter, Errand, Random], Awaitable[None]]


async def _turn(reader: StreamReader, writer: StreamWriter, message: bytes) -> bytes:
    writer.write(message)
    await writer.drain()
    async with asyncio.timeout(PATIENCE_S):
        return await reader.read(65_536)


async def _tls(reader: StreamReader, writer: StreamWriter, one: Errand, random: Random) -> None:
    await _turn(reader, writer, messages.client_hello(one.name or one.server, random))
    finished = messages.tls_record(messages.TLS_CHANGE_CIPHER, b"\1") + messages.tls_data(random, 69)
    await _turn(reader, writer, finished)
    for _ in range(random.randrange(1, 4)):
        await _turn(reader, writer, messages.tls_data(random, random.randrange(180, 900)))


async def _http(reader: StreamReader, writer: StreamWriter, one: Errand, random: Random) -> None:
    await _turn(reader, writer, messages.http_request("GET", "/", one.address, "Mozilla/5.0"))


async def _smb(reader: StreamReader, writer: StreamWriter, one: Errand, random: Random) -> None:
    said = smb.logon(one.client, one.server, (smb.PRINTER, smb.PRINTER), random)
    for say in said:
        if say.speaker == "client" and not await _turn(reader, writer, say.payload):
            return


async def _print(reader: StreamReader, writer: StreamWriter, one: Errand, random: Random) -> None:
    writer.write(b"\x1b%-12345X@PJL JOB\r\n" + random.randbytes(random.randrange(2_000, 20_000)))
    await writer.drain()


async def _ethernet_ip(reader: StreamReader, writer: StreamWriter, one: Errand, random: Random) -> None:
    """Reads a tag over one session, as long as it is answered."""
    tag, _, count = one.name.partition(" ")
    handle = int.from_bytes((await _turn(reader, writer, ethernet_ip.register()))[4:8], "little")
    context = 1
    while await _turn(reader, writer, ethernet_ip.read_tag(handle, context, tag, int(count))):
        context += 1
        await asyncio.sleep(one.every_s)


async def _s7(one: Errand, known: Known) -> None:
    block, _, length = one.name.partition(" ")
    await s7.read_block(one.address, one.port, int(block), int(length), one.every_s)


async def _opc_ua(one: Errand, known: Known) -> None:
    # Takes a second to load, and most plants have none.
    from otmon.lab.live import opc_ua

    if one.writes:
        await opc_ua.write_node(one.address, one.port, one.name, known(one.name))
    else:
        await opc_ua.read_nodes(one.address, one.port, one.name.split(), one.every_s)


VISITS: dict[str, Visit] = {
    "tls": _tls,
    "http": _http,
    "smb": _smb,
    "printing": _print,
    "ethernet_ip": _ethernet_ip,
}
"""By protocol, over TCP."""
STAYS: dict[str, Callable[[Errand, Known], Awaitable[None]]] = {"s7comm": _s7, "opc_ua": _opc_ua}
"""By protocol, those with a client of others that reads a controller as long as it is answered."""
QUESTIONS: dict[str, Callable[[Errand, Random], bytes]] = {
    "dns": lambda one, random: messages.dns_query(random.getrandbits(16), one.name),
    "ntp": lambda one, random: messages.ntp(3, int(time.time() * SECOND_NS)),
}
"""By protocol, over UDP."""


async def run_errand(one: Errand, random: Random, known: Known = _unknown) -> None:
    """Visit without end, in the namespace of the calling thread; `known` is what the client knows of the
    variables that it writes. Raises KeyError for a protocol that no
    client speaks."""
    if one.protocol not in {**VISITS, **STAYS, **QUESTIONS}:
        raise KeyError(one.protocol)
    await asyncio.sleep(random.random() * min(one.every_s, 10.0))
    task = asyncio.current_task()
    while task is None or not task.cancelling():
        with suppress(OSError, TimeoutError):
            if one.protocol in STAYS:
                await STAYS[one.protocol](one, known)
            elif one.protocol in QUESTIONS:
                await _ask_by_datagram(one, random)
            else:
                await _visit(one, random)
        await asyncio.sleep(one.every_s * (0.75 + random.random() / 2))


async def _visit(one: Errand, random: Random) -> None:
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(one.address, one.port)
    try:
        await VISITS[one.protocol](reader, writer, one, random)
    finally:
        writer.close()
        await writer.wait_closed()


async def _ask_by_datagram(one: Errand, random: Random) -> None:
    loop = asyncio.get_running_loop()
    answered = loop.create_future()

    class Question(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            if not answered.done():
                answered.set_result(None)

    transport, _ = await loop.create_datagram_endpoint(Question, remote_addr=(one.address, one.port))
    try:
        transport.sendto(QUESTIONS[one.protocol](one, random))
        async with asyncio.timeout(PATIENCE_S):
            await answered
    finally:
        transport.close()
