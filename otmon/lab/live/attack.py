"""A scenario played in a range that is up: real sockets where there is a real peer, frames elsewhere.

What the attack is comes from the scenario, as the lab's captures of it do. A connection is made by the
attacker's machine: where the plant really serves, the plant answers, and what is written to a controller
changes the process. Where nobody serves, the other side is played as the scenario has it. Frames leave by
the port of the one who sends them. Nothing leaves the range, and floods are limited in rate.
"""

from __future__ import annotations

import asyncio
import socket
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal

from otmon.lab import s7
from otmon.lab.form import Words
from otmon.lab.frames import SECOND_NS, Speaker
from otmon.lab.live.dialogue import Dialogue, Frame, Script
from otmon.lab.live.namespace import asked_inside, inside, serving

PATIENCE_S = 2.0
"""How long a side waits for a word that is due, and a client for a connection."""
IMPATIENT_S = 0.05
MOST_FRAMES_A_SECOND = 2_000
_ARP, _IPV4, _ICMP = b"\x08\x06", b"\x08\x00", b"\x01"

Outcome = Literal["done", "partly", "tried", "nothing"]
TRIED: Final = "tried"
NOTHING: Final = "nothing"


@dataclass(slots=True)
class Played:
    """What became of a step."""

    first_ns: int = 0
    last_ns: int = 0
    """Wall times of its first and last word, in nanoseconds since 1970 UTC; 0 where nothing was said."""
    connections: int = 0
    """Tried."""
    answered: int = 0
    """Of them, those that the server accepted."""
    unanswered: int = 0
    """Of them, those that it should have accepted, and did not: the router stopped them, or it is down."""
    refused: int = 0
    """Connections on which the server said no to something that it should have done."""
    frames: int = 0
    told: list[Words] = field(default_factory=list)
    """What of it could not be played."""

    @property
    def outcome(self) -> Outcome:
        """Whether what the step says has happened: done, in part, only tried, or not a word was said."""
        if not self.first_ns:
            return NOTHING
        if self.unanswered and not self.answered:
            return TRIED
        return "partly" if self.unanswered or self.refused else "done"

    def spoke(self) -> None:
        self.last_ns = time.time_ns()
        self.first_ns = self.first_ns or self.last_ns


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine is: its namespace, and what it is known by."""

    namespace: str
    address: str
    mac: str


class Stage:
    """The machines of a range, and a clock that may run faster than the scenario's."""

    def __init__(self, range_name: str, places: Mapping[str, Place], begin_ns: int, speed: float) -> None:
        """`places` by name; `begin_ns` is the scenario's time at which the play begins now."""
        self.places = dict(places)
        self.by_address = {place.address: place for place in places.values() if place.address}
        self.by_mac = {place.mac: place for place in places.values()}
        self._begin_ns = begin_ns
        self._speed = speed
        self._began = time.monotonic()
        self._began_ns = time.time_ns()
        self._open_ports: dict[tuple[str, str], set[int]] = {}

    def in_s(self, time_ns: int) -> float:
        """Seconds from now until a time of the scenario."""
        return (time_ns - self._begin_ns) / SECOND_NS / self._speed - (time.monotonic() - self._began)

    def wall_ns(self, time_ns: int) -> int:
        """Nanoseconds since 1970 UTC at which a time of the scenario comes."""
        return self._began_ns + int((time_ns - self._begin_ns) / self._speed)

    async def until(self, time_ns: int) -> None:
        wait_s = self.in_s(time_ns)
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def lasts_s(self, span_ns: int) -> float:
        return span_ns / SECOND_NS / self._speed

    def should_answer(self, dialogue: Dialogue) -> bool:
        """Whether the other side accepts, if it is reached."""
        return dialogue.answered or self.serves(dialogue)

    def serves(self, dialogue: Dialogue) -> bool:
        """Whether the plant itself serves there."""
        place = self.by_address.get(dialogue.server)
        if place is None:
            return False
        key = (place.namespace, dialogue.transport)
        if key not in self._open_ports:
            self._open_ports[key] = asked_inside(place.namespace, partial(serving, dialogue.transport))
        return dialogue.port in self._open_ports[key]


async def play(stage: Stage, script: Script, actor: str, played: Played) -> None:
    """Play a step; `actor` is who sends the frames that carry another's address. Raises LiveError where the
    range is gone, OSError where this machine has no more sockets."""
    async with AsyncExitStack() as kept:
        halls = await _halls(stage, script.dialogues, played, kept)
        async with asyncio.TaskGroup() as tasks:
            for dialogue in script.dialogues:
                if dialogue.transport == "tcp":
                    hall = halls.get((dialogue.server, dialogue.port))
                    tasks.create_task(_converse(stage, dialogue, hall, played))
                else:
                    tasks.create_task(_exchange(stage, dialogue, played))
            tasks.create_task(_send(stage, script.frames, actor, played))


class _Hall:
    """Where a machine listens for this scenario alone: connections that came in, by the client's end."""

    def __init__(self) -> None:
        self._came: dict[tuple[str, int], asyncio.Future[tuple[StreamReader, StreamWriter]]] = {}

    def came(self, address: str, port: int) -> asyncio.Future[tuple[StreamReader, StreamWriter]]:
        return self._came.setdefault((address, port), asyncio.get_running_loop().create_future())

    async def enter(self, reader: StreamReader, writer: StreamWriter) -> None:
        future = self.came(*writer.get_extra_info("peername")[:2])
        if not future.done():
            future.set_result((reader, writer))


async def _halls(
    stage: Stage, dialogues: Sequence[Dialogue], played: Played, kept: AsyncExitStack
) -> dict[tuple[str, int], _Hall]:
    """Listeners for what the plant does not serve, and the scenario has answered."""
    halls: dict[tuple[str, int], _Hall] = {}
    for one in dialogues:
        place, key = stage.by_address.get(one.server), (one.server, one.port)
        if one.transport != "tcp" or not one.answered or place is None or key in halls or stage.serves(one):
            continue
        listener = _bound(place, socket.SOCK_STREAM, one.port)
        if listener is None:
            where = f"{one.server}:{one.port}"
            played.told.append(Words(ja=f"{where} は使われている", en=f"{where} was taken"))
            continue
        halls[key] = hall = _Hall()
        server = await asyncio.start_server(hall.enter, sock=listener)
        kept.callback(server.close)
    return halls


def _bound(place: Place, kind: socket.SocketKind, port: int) -> socket.socket | None:
    """A socket of the machine at a port of its address; None where that is taken."""
    with inside(place.namespace):
        made = socket.socket(socket.AF_INET, kind)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((place.address, port))
    except OSError:
        made.close()
        return None
    return made


async def _converse(stage: Stage, one: Dialogue, hall: _Hall | None, played: Played) -> None:
    """A connection over TCP, on both sides where only the scenario serves."""
    await stage.until(one.start_ns)
    client = _bound(stage.by_address[one.client], socket.SOCK_STREAM, 0)
    assert client is not None
    played.connections += 1
    played.unanswered += (awaited := stage.should_answer(one))
    played.spoke()
    try:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE_S):
            await loop.sock_connect(client, (one.server, one.port))
        own = client.getsockname()
        reader, writer = await asyncio.open_connection(sock=client)
    except (OSError, TimeoutError):
        client.close()
        played.spoke()
        return
    played.answered += 1
    played.unanswered -= awaited
    sides = [_side(stage, one, "client", reader, writer, hall is None, played)]
    if hall is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                there = await hall.came(*own)
            sides.append(_side(stage, one, "server", *there, False, played))
    await asyncio.gather(*sides)


async def _side(
    stage: Stage,
    one: Dialogue,
    me: Speaker,
    reader: StreamReader,
    writer: StreamWriter,
    alive: bool,
    played: Played,
) -> None:
    """What one side says and hears. An `alive` peer may answer something else, or nothing."""
    before_ns, patience_s, refused = 0, PATIENCE_S, False
    try:
        for line in one.lines:
            if line.speaker == me:
                await stage.until(one.start_ns + line.after_ns)
                writer.write(line.payload)
                await writer.drain()
                played.spoke()
            else:
                if alive or not line.payload:
                    try:
                        async with asyncio.timeout(patience_s):
                            said = await reader.read(65_536)
                        if not said:
                            break
                        refused |= one.port == s7.PORT and s7.refuses(said) and not s7.refuses(line.payload)
                    except TimeoutError:
                        # It speaks otherwise than the scenario has it: no more waiting for each word.
                        patience_s = IMPATIENT_S
                else:
                    wait_s = PATIENCE_S + stage.lasts_s(line.after_ns - before_ns)
                    async with asyncio.timeout(wait_s):
                        await reader.readexactly(len(line.payload))
            before_ns = line.after_ns
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        # The other side hung up, or the router let nothing more through.
        pass
    finally:
        played.refused += refused
        writer.close()


async def _exchange(stage: Stage, one: Dialogue, played: Played) -> None:
    """Datagrams, of both sides where only the scenario serves."""
    await stage.until(one.start_ns)
    client_at, server_at = stage.by_address[one.client], stage.by_address.get(one.server)
    client = _bound(client_at, socket.SOCK_DGRAM, one.client_port) or _bound(client_at, socket.SOCK_DGRAM, 0)
    server = None
    if server_at is not None and one.answered and not stage.serves(one):
        server = _bound(server_at, socket.SOCK_DGRAM, one.port)
    assert client is not None
    played.connections += 1
    played.unanswered += (awaited := stage.should_answer(one))
    with closing(client), closing(server) if server is not None else nullcontext():
        for line in one.lines:
            await stage.until(one.start_ns + line.after_ns)
            sender, to = client, (one.server, one.port)
            if line.speaker == "server":
                if server is None:
                    continue
                sender, to = server, client.getsockname()
            with suppress(OSError):
                sender.sendto(line.payload, to)
                played.spoke()
        # The last answer finds its socket still open.
        await asyncio.sleep(0.2)
        with suppress(OSError):
            client.recv(1)
            played.answered += 1
            played.unanswered -= awaited


async def _send(stage: Stage, frames: Sequence[Frame], actor: str, played: Played) -> None:
    """Frames out of the ports of those who send them, at a limited rate."""
    ports: dict[str, socket.socket] = {}
    try:
        for frame in frames:
            place = stage.by_mac.get(frame.source_mac)
            if answered_by_itself(frame, stage.by_mac):
                continue
            await stage.until(frame.time_ns)
            namespace = place.namespace if place is not None else stage.places[actor].namespace
            if namespace not in ports:
                with inside(namespace):
                    ports[namespace] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                    ports[namespace].bind(("eth0", 0))
            with suppress(OSError):
                ports[namespace].send(frame.data)
                played.frames += 1
                played.spoke()
            await asyncio.sleep(1 / MOST_FRAMES_A_SECOND)
    finally:
        for port in ports.values():
            port.close()


def answered_by_itself(frame: Frame, machines: Mapping[str, Place]) -> bool:
    """Whether a machine of the range says this of its own accord: the answer to an ARP request for its own
    address, or to an echo request."""
    data = frame.data
    place = machines.get(frame.source_mac)
    if place is None or not place.address:
        return False
    own = socket.inet_aton(place.address)
    if data[12:14] == _ARP and data[20:22] == b"\0\2":
        return data[28:32] == own
    return data[12:14] == _IPV4 and data[23:24] == _ICMP and data[34:35] == b"\0" and data[26:30] == own
