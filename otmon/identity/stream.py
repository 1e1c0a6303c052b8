"""The order of what was said: by sequence numbers, each byte once, and gaps told.

TCP may bring a segment twice, late, or cut in another way (RFC 9293, 3.4 and 3.10.7.4). Of bytes that
came twice the first ones count. Who spoke first of the two sides is told by what each had received
(the acknowledgment number), and where that leaves it open by the order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from otmon.identity.login import Piece, Seen

MAX_LINE: Final = 4_096
"""Bytes of a line; RFC 5321, 4.5.3.1 allows 512, SASL in it 12,288 that no password needs."""
MAX_LINES: Final = 128
"""Lines of one piece that are told: who logs in sends a few, and who sends a thousand empty ones would have
Python look at each."""


class Segment(NamedTuple):
    """A payload as it was copied, in the order of arrival. A tuple, as very many are made."""

    from_client: bool
    seq: int
    """Sequence number of its first byte, modulo 2**32."""
    ack: int
    """Of the next byte that its sender waits for."""
    data: bytes
    seen: Seen

    def __repr__(self) -> str:
        """Without the bytes: they may hold a secret."""
        return f"Segment({self.from_client}, {self.seq}, {self.ack}, {len(self.data)} bytes, {self.seen})"


def in_order(segments: Sequence[Segment], isn: tuple[int, int]) -> list[Piece]:
    """The pieces of a TCP connection. `isn` has the sequence number of each side's SYN, the client's
    first, or -1; without one the first byte is the lowest that was seen."""
    client, server = isn
    firsts = (
        client + 1 if client >= 0 else _first(segments, True),
        server + 1 if server >= 0 else _first(segments, False),
    )
    undisturbed = _undisturbed(segments, firsts)
    return _sorted_out(segments, firsts) if undisturbed is None else undisturbed


def _undisturbed(segments: Iterable[Segment], firsts: Sequence[int]) -> list[Piece] | None:
    """The pieces as they came, where each side's bytes came once and in order, and nobody had received
    what had not come yet; else None. So it is with most connections."""
    found: list[Piece] = []
    # Of the server and the client.
    ends, (client_first, server_first) = [0, 0], firsts
    begins = server_first, client_first
    for from_client, seq, ack, data, seen in segments:
        at, other = ends[from_client], not from_client
        # As `_ahead`, without its call.
        if (seq - begins[from_client]) & 0xFFFFFFFF != at:
            return None
        if ends[other] < (ack - begins[other]) & 0xFFFFFFFF < 1 << 31:
            return None
        if data:
            # As the class does it, in a third of the time.
            found.append(tuple.__new__(Piece, (from_client, at, data, seen)))
            ends[from_client] = at + len(data)
    return found


def _sorted_out(segments: Sequence[Segment], firsts: Sequence[int]) -> list[Piece]:
    client = _side(segments, True, firsts)
    server = _side(segments, False, firsts)
    found: list[Piece] = []
    while client and server:
        one, other = client[-1], server[-1]
        if one.acknowledges > other.piece.at:
            server_first = True
        elif other.acknowledges > one.piece.at:
            server_first = False
        else:
            server_first = other.turn < one.turn
        found.append((server if server_first else client).pop().piece)
    found += [one.piece for one in reversed(client or server)]
    return found


@dataclass(frozen=True, slots=True)
class _Placed:
    piece: Piece
    acknowledges: int
    """Position in the other direction up to which its sender had everything."""
    turn: int


def _first(segments: Sequence[Segment], from_client: bool) -> int:
    """The lowest sequence number of a side."""
    own = [one.seq for one in segments if one.from_client == from_client]
    return own[0] + min(_ahead(one, own[0]) for one in own) if own else 0


def _side(segments: Sequence[Segment], from_client: bool, firsts: Sequence[int]) -> list[_Placed]:
    """The pieces of one direction, last one first."""
    first, other = firsts if from_client else reversed(firsts)
    own = enumerate(segments)
    placed = sorted(
        (_ahead(one.seq, first), turn, one) for turn, one in own if one.from_client == from_client
    )
    found = []
    end = latest = 0
    for at, turn, one in placed:
        fresh = one.data[max(end - at, 0) :]
        if at < 0 or not fresh:
            continue
        latest = max(latest, turn)
        begin = max(at, end)
        piece = Piece(from_client, begin, fresh, one.seen)
        found.append(_Placed(piece, _ahead(one.ack, other), latest))
        end = begin + len(fresh)
    return found[::-1]


def _ahead(seq: int, first: int) -> int:
    """How far a sequence number lies ahead of another; below 0 behind it."""
    ahead = (seq - first) & 0xFFFFFFFF
    return ahead - (1 << 32) if ahead >> 31 else ahead


def datagrams(segments: Iterable[Segment]) -> list[Piece]:
    """The pieces of a UDP flow: each datagram stands for itself."""
    ends = [0, 0]
    pieces = []
    for one in segments:
        side = 0 if one.from_client else 1
        pieces.append(Piece(one.from_client, ends[side], one.data, one.seen))
        ends[side] += len(one.data)
    return pieces


def chosen(segments: Iterable[Segment]) -> list[Piece]:
    """The pieces of messages that were chosen out of a flow: something lies between two of them, so that none
    goes on in the next, whatever its length says."""
    return [piece._replace(at=piece.at + between) for between, piece in enumerate(datagrams(segments))]


class Line(NamedTuple):
    """One whole line without its end."""

    from_client: bool
    text: bytes
    seen: Seen
    """The packet in which it ended."""

    def __repr__(self) -> str:
        return f"Line(from_client={self.from_client}, seen={self.seen})"


def lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    """The lines of both sides, as they end. A line that misses bytes, or is longer than `MAX_LINE`, is
    left out; so are those behind the first `MAX_LINES` of a piece."""
    parts = bytearray(), bytearray()
    ends = [0, 0]
    torn = [False, False]
    for piece in pieces:
        side = 0 if piece.from_client else 1
        part = parts[side]
        if piece.at != ends[side]:
            torn[side] = True
        ends[side] = piece.at + len(piece.data)
        *whole, rest = piece.data.split(b"\n", MAX_LINES)
        rest = rest.rpartition(b"\n")[2]
        for text in whole:
            if not torn[side] and len(part) + len(text) <= MAX_LINE:
                line = bytes(part) + text if part else text
                yield Line(piece.from_client, line.removesuffix(b"\r"), piece.seen)
            torn[side] = False
            part.clear()
        if len(part) + len(rest) > MAX_LINE:
            torn[side] = True
        else:
            part += rest
