"""What has to be said, found back in the packets that the lab makes: connections, datagrams, and frames.

The lab makes an attack as packets. To play it with real sockets the range needs to know who connects to
whom, and who says what when; acknowledgments, checksums and port numbers of clients are the machines' own.
What no socket says (ARP, a flood, a segment out of nowhere, another's address) stays a frame.

The packets are the lab's own, so IPv4 headers are whole and without options.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import islice

from otmon.lab import modbus
from otmon.lab.frames import ACK, SYN, Packet, Speaker
from otmon.lab.sessions import MODBUS_PORT, Session

MOST_CONNECTIONS = 400
"""Of a step that are made in earnest; a flood beyond that is sent as frames."""
_TCP, _UDP = 6, 17


@dataclass(frozen=True, slots=True)
class Line:
    """One message, at a time from the beginning of its dialogue."""

    after_ns: int
    speaker: Speaker
    payload: bytes
    """Of a server's line without bytes whatever it really answers is right."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A conversation between two addresses over TCP or UDP."""

    start_ns: int
    client: str
    server: str
    transport: str
    port: int
    client_port: int
    lines: tuple[Line, ...] = ()
    answered: bool = True
    """Whether the lab has the server accept."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes as they go over the wire."""

    time_ns: int
    data: bytes

    @property
    def source_mac(self) -> str:
        return self.data[6:12].hex(":")


@dataclass(slots=True)
class _Open:
    start_ns: int
    lines: list[Line] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """All of a step."""

    dialogues: tuple[Dialogue, ...]
    frames: tuple[Frame, ...]


Ends = tuple[str, int, str, int]
"""Address and port of the client and of the server."""


def script_of(packets: Iterable[Packet], machines: dict[str, str]) -> Script:
    """The dialogues between `machines`, the addresses at which somebody is in the range with their MAC
    addresses, and what else is on the wire. Packets are in order of time."""
    streams: dict[Ends, _Open] = {}
    datagrams: dict[Ends, _Open] = {}
    frames: list[Frame] = []
    for packet in packets:
        frame = Frame(packet.time_ns, packet.data)
        found = _transport(packet.data)
        if found is None or machines.get(found.source) != frame.source_mac or _to_many(found.destination):
            frames.append(frame)
        elif found.protocol == _UDP:
            _take_datagram(datagrams, found, frame)
        elif not _take_segment(streams, found, frame):
            frames.append(frame)
    dialogues = [_dialogue("tcp", ends, one) for ends, one in islice(streams.items(), MOST_CONNECTIONS)]
    for one in islice(streams.values(), MOST_CONNECTIONS, None):
        frames += one.frames
    dialogues += [_dialogue("udp", ends, one) for ends, one in islice(datagrams.items(), MOST_CONNECTIONS)]
    for one in islice(datagrams.values(), MOST_CONNECTIONS, None):
        frames += one.frames
    dialogues.sort(key=lambda one: (one.start_ns, one.client, one.client_port))
    frames.sort(key=lambda one: one.time_ns)
    return Script(tuple(dialogues), tuple(frames))


def dialogue_of(session: Session) -> Dialogue:
    """A session with a controller, whose answers are the controller's own."""
    lines, after_ns = [], 0
    for number, (wait_ns, pdu) in enumerate(session.requests, start=1):
        after_ns += wait_ns
        if pdu:
            request = modbus.adu(number & 0xFFFF, session.unit, pdu)
            lines += [Line(after_ns, "client", request), Line(after_ns, "server", b"")]
    ends = (session.client.address, session.server.address)
    return Dialogue(session.start_ns, *ends, "tcp", MODBUS_PORT, 0, tuple(lines))


@dataclass(frozen=True, slots=True)
class _Headers:
    source: str
    destination: str
    protocol: int
    ports: tuple[int, int]
    flags: int
    payload: bytes


def _transport(frame: bytes) -> _Headers | None:
    """The headers of a frame with TCP or UDP in IPv4, without a VLAN tag; None for any other."""
    if len(frame) < 42 or frame[12:15] != b"\x08\x00\x45" or frame[23] not in (_TCP, _UDP):
        return None
    end = 14 + int.from_bytes(frame[16:18], "big")
    tcp = frame[23] == _TCP
    begin = 34 + (frame[46] >> 4) * 4 if tcp and len(frame) > 47 else 42
    return _Headers(
        str(IPv4Address(frame[26:30])),
        str(IPv4Address(frame[30:34])),
        frame[23],
        struct.unpack(">HH", frame[34:38]),
        frame[47] if tcp and len(frame) > 47 else 0,
        frame[begin:end],
    )


def _to_many(address: str) -> bool:
    """Broadcast and multicast: nobody in particular answers."""
    return IPv4Address(address).is_multicast or address.endswith(".255")


def _take_segment(streams: dict[Ends, _Open], found: _Headers, frame: Frame) -> bool:
    """Add a segment to its connection; False for one of none that was opened."""
    mine = (found.source, found.ports[0], found.destination, found.ports[1])
    theirs = (found.destination, found.ports[1], found.source, found.ports[0])
    if found.flags & (SYN | ACK) == SYN:
        streams.setdefault(mine, _Open(frame.time_ns)).frames.append(frame)
        return True
    ends = mine if mine in streams else theirs
    one = streams.get(ends)
    if one is None:
        return False
    one.answered |= bool(found.flags & SYN)
    if found.payload:
        speaker: Speaker = "client" if ends == mine else "server"
        one.lines.append(Line(frame.time_ns - one.start_ns, speaker, found.payload))
    return True


def _take_datagram(datagrams: dict[Ends, _Open], found: _Headers, frame: Frame) -> None:
    mine = (found.source, found.ports[0], found.destination, found.ports[1])
    theirs = (found.destination, found.ports[1], found.source, found.ports[0])
    ends = theirs if theirs in datagrams else mine
    one = datagrams.setdefault(ends, _Open(frame.time_ns))
    speaker: Speaker = "client" if ends == mine else "server"
    one.lines.append(Line(frame.time_ns - one.start_ns, speaker, found.payload))
    one.frames.append(frame)
    one.answered |= speaker == "server"


def _dialogue(transport: str, ends: Ends, one: _Open) -> Dialogue:
    client, client_port, server, port = ends
    lines = tuple(one.lines) if transport == "udp" else _whole(one.lines)
    return Dialogue(one.start_ns, client, server, transport, port, client_port, lines, one.answered)


def _whole(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Segments of one message as one line: what follows from the same side within a millisecond."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        if last is not None and last.speaker == line.speaker and line.after_ns - last.after_ns < 1_000_000:
            joined[-1] = Line(last.after_ns, last.speaker, last.payload + line.payload)
        else:
            joined.append(line)
    return tuple(joined)
