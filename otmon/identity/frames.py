"""Messages that say how long they are, taken out of ordered pieces.

Contract: `size_of` says how many bytes the message at the beginning of a buffer has, 0 where it cannot tell
yet, and below 0 where there is none: then the rest is dropped up to the next piece. Of a message only the
first `MAX_FRAME` bytes are kept; the rest is passed over by count, also where the capture lost it. Behind
other lost bytes the next message begins with a piece, or is lost too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from otmon.identity.login import Claim, LogIn, Outcome, Piece, Seen

MAX_FRAME: Final = 8_192
"""Bytes of a message that are kept: those that log in are shorter."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, or its first `MAX_FRAME` bytes."""

    from_client: bool
    data: bytes = field(repr=False)
    seen: Seen
    """The packet in which what is kept of it ended."""


SizeOf = Callable[[bool, bytearray], int]


class _Side:
    def __init__(self) -> None:
        self.buffer = bytearray()
        self.next = self.skip = 0


def frames(pieces: Iterable[Piece], size_of: SizeOf) -> Iterator[Frame]:
    """The messages of both sides, each as soon as what is kept of it is there."""
    sides = _Side(), _Side()
    for piece in pieces:
        side = sides[0 if piece.from_client else 1]
        gap = piece.at - side.next
        side.next = piece.at + len(piece.data)
        if gap:
            side.buffer.clear()
            side.skip = max(side.skip - gap, 0)
        cut = min(side.skip, len(piece.data))
        side.skip -= cut
        side.buffer += piece.data[cut:]
        while side.buffer:
            size = size_of(piece.from_client, side.buffer)
            if size < 0 or (size == 0 and len(side.buffer) > MAX_FRAME):
                side.buffer.clear()
                break
            kept = min(size, MAX_FRAME)
            if size == 0 or len(side.buffer) < kept:
                break
            data = bytes(side.buffer[:kept])
            del side.buffer[:kept]
            rest = size - kept
            cut = min(rest, len(side.buffer))
            del side.buffer[:cut]
            side.skip = rest - cut
            yield Frame(piece.from_client, data, piece.seen)


class Dialogue(Protocol):
    """A connection in which at most one log-in is read."""

    over: bool
    """Whether nothing more is to be read."""
    claim: Claim | None
    """Who the client says that it is, once it has said so."""

    def client(self, frame: Frame) -> None:
        """Take in what the client sent."""

    def server(self, data: bytes) -> Outcome | None:
        """Take in what the server sent: what it says of the claim, None where nothing."""


def one_log_in(pieces: Iterable[Piece], size_of: SizeOf, one: Dialogue) -> Iterator[LogIn]:
    """The log-in of a connection from its first byte on."""
    for frame in frames(pieces, size_of):
        if frame.from_client:
            one.client(frame)
        else:
            told = one.server(frame.data)
            if told is not None and one.claim is not None:
                yield one.claim.ended(told)
                return
        if one.over:
            return
    if one.claim is not None:
        yield one.claim.ended("attempted")
