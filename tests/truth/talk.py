"""A Modbus conversation as its two ends know it: what they say, in which order, and how it is cut
into segments. What becomes of the segments on their way is added by functions from segments to
segments; which packet brings a message is computed in `tests.truth.capture`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from tests.truth.frames import ACK, FIN, PSH, RST, SYN
from tests.truth.messages import Message, mbap, rtu

CLIENT, SERVER = 0, 1
MICROSECOND, MILLISECOND, SECOND = 1_000, 1_000_000, 1_000_000_000
START_NS = 1_700_000_000 * SECOND
RESPONSE_NS = 2 * MILLISECOND
POLL_NS = 20 * MILLISECOND
MASTER_PORT = 49_152


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment, or a UDP datagram, before it has addresses. It brings the sender's bytes from
    `start` up to `end`; -1 is the place of a SYN."""

    time_ns: int
    sender: int
    start: int
    end: int
    acknowledged: int = 0
    """Bytes of the other end that had arrived when it was sent."""
    flags: int = ACK | PSH
    window: int = 8192
    payload: bytes | None = None
    """Other bytes than the sender's own, such as a keep-alive's."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what it asks for. `subfunction` and so on are the row's."""

    message: Message
    unit: int
    transaction: int
    exception: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its sender's stream a message lies."""

    exchange: int
    sender: int
    start: int
    end: int


@dataclass
class Talk:
    """One conversation. `ask` and `answer` write messages behind each other into the two streams,
    a segment for each, at the time `now`."""

    name: str
    client_port: int = MASTER_PORT
    client: str = "10.0.1.10"
    server: str = "10.0.2.17"
    server_port: int = 502
    transport: Literal["tcp", "udp"] = "tcp"
    framing: Literal["mbap", "rtu"] = "mbap"
    isn: tuple[int, int] = (1_000_000, 77_000_000)
    now: int = START_NS
    streams: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    segments: list[Segment] = field(default_factory=list)
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)

    def ask(self, message: Message, unit: int = 1, transaction: int | None = None) -> int:
        """The request; its number names it to `answer`."""
        number = len(self.exchanges)
        identity = (number + 1) % 65_536 if transaction is None else transaction
        self.exchanges[number] = Exchange(message, unit, identity, 0)
        self._send(CLIENT, number, message.request)
        return number

    def answer(self, number: int, exception: int = 0) -> None:
        """The response to request `number`."""
        exchange = self.exchanges[number]
        message = exchange.message
        self.exchanges[number] = replace(exchange, exception=exception)
        self._send(SERVER, number, message.refusal(exception) if exception else message.response)

    def poll(
        self, message: Message, unit: int = 1, transaction: int | None = None, exception: int = 0
    ) -> None:
        """A request, its response after RESPONSE_NS, and the pause up to the next one."""
        number = self.ask(message, unit, transaction)
        self.now += RESPONSE_NS
        self.answer(number, exception)
        self.now += POLL_NS - RESPONSE_NS

    def say(self, sender: int, data: bytes) -> None:
        """Bytes that are no message of a transaction."""
        stream = self.streams[sender]
        arrived = len(self.streams[1 - sender])
        self.segments.append(Segment(self.now, sender, len(stream), len(stream) + len(data), arrived))
        stream += data

    def _send(self, sender: int, number: int, pdu: bytes) -> None:
        exchange = self.exchanges[number]
        if self.framing == "mbap":
            data = mbap(exchange.transaction, exchange.unit, pdu)
        else:
            data = rtu(exchange.unit, pdu)
        start = len(self.streams[sender])
        self.places.append(Place(number, sender, start, start + len(data)))
        self.say(sender, data)


def handshake(talk: Talk, first_ns: int | None = None) -> list[Segment]:
    """SYN, SYN and ACK, ACK: in front of the first segment."""
    begin = (talk.segments[0].time_ns if talk.segments else talk.now) if first_ns is None else first_ns
    return [
        Segment(begin - 3 * MILLISECOND, CLIENT, -1, -1, -1, SYN),
        Segment(begin - 2 * MILLISECOND, SERVER, -1, -1, 0, SYN | ACK),
        Segment(begin - MILLISECOND, CLIENT, 0, 0, 0, ACK),
    ]


def ending(talk: Talk) -> list[Segment]:
    """FIN from both, and the last ACK."""
    ends = (len(talk.streams[CLIENT]), len(talk.streams[SERVER]))
    return [
        Segment(talk.now, CLIENT, ends[0], ends[0], ends[1], FIN | ACK),
        Segment(talk.now + MILLISECOND, SERVER, ends[1], ends[1], ends[0] + 1, FIN | ACK),
        Segment(talk.now + 2 * MILLISECOND, CLIENT, ends[0] + 1, ends[0] + 1, ends[1] + 1, ACK),
    ]


def reset(talk: Talk, sender: int) -> Segment:
    ends = (len(talk.streams[CLIENT]), len(talk.streams[SERVER]))
    return Segment(talk.now, sender, ends[sender], ends[sender], ends[1 - sender], RST | ACK)


def whole(talk: Talk, segments: Iterable[Segment] | None = None) -> list[Segment]:
    """The segments, the talk's own by default, with a handshake and an ending."""
    inner = list(talk.segments if segments is None else segments)
    return handshake(talk) + inner + ending(talk)


def acknowledgment(of: Segment) -> Segment:
    """The receiver's bare ACK of everything up to the segment's end."""
    return Segment(
        of.time_ns + 100 * MICROSECOND, 1 - of.sender, of.acknowledged, of.acknowledged, of.end, ACK
    )


def cut(segment: Segment, positions: Iterable[int]) -> Iterator[Segment]:
    """The segment in pieces, a few microseconds apart, cut at `positions` counted from its start."""
    edges = [segment.start, *(segment.start + p for p in sorted(set(positions))), segment.end]
    pairs = [(a, b) for a, b in pairwise(edges) if a < b]
    for i, (start, end) in enumerate(pairs):
        flags = segment.flags if i == len(pairs) - 1 else segment.flags & ~PSH
        yield replace(
            segment, time_ns=segment.time_ns + 5 * MICROSECOND * i, start=start, end=end, flags=flags
        )


def join(segments: Iterable[Segment]) -> list[Segment]:
    """Neighbours of one sender as one segment, sent with the last of them."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and joined[-1].sender == segment.sender and joined[-1].end == segment.start:
            joined[-1] = replace(segment, start=joined[-1].start)
        else:
            joined.append(segment)
    return joined


def reordered(segments: list[Segment], order: Iterable[int]) -> list[Segment]:
    """The segments in another order at the same times."""
    return [
        replace(segments[place], time_ns=segment.time_ns)
        for segment, place in zip(segments, order, strict=True)
    ]
