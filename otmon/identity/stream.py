"""The order of what was said: by sequence numbers, each byte once, and gaps told.

TCP may bring a segment twice, late, or cut in another way (RFC 9293, 3.4 and 3.10.7.4). Of bytes that
came twice the first ones count. Who spoke first of the two sides is told by what each had received
(the acknowledgment number), and where that leaves it open by the order of arrival.

A capture may show segments that the receiver never took, for a time to live, a checksum or a number that was
made so. Where some contradict each other `readings` gives what he may have read instead, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from otmon.identity.login import Piece, Seen

_NO_MARK: Final = (-1, -1)
_WAYS: Final = (
    ((0, 0), (0, 0)), ((1, 1), (0, 0)), ((0, 1), (0, 0)), ((1, 0), (0, 0)), (_NO_MARK, (0, 0)),
    (_NO_MARK, (-1, -1)), (_NO_MARK, (0, -1)), (_NO_MARK, (-1, 0)), (_NO_MARK, (1, 1)),
)  # fmt: skip
"""In which ways the client and the server may have chosen (`_Side.kept`): by marks, and by places."""
_WINDOW: Final = 1 << 16
"""Bytes that a receiver takes at the beginning of a connection (RFC 9293, 3.1): a larger window is agreed on
and opened later (RFC 7323, 2)."""
MAX_LINE: Final = 4_096
"""Bytes of a line; RFC 5321, 4.5.3.1 allows 512, SASL in it 12,288 that no password needs."""
MAX_LINES: Final = 128
"""Lines of one piece that are told: who logs in sends a few, and who sends a thousand empty ones would have
Python look at each."""
_BEGINS: Final = re.compile(
    rb"^(?:(?:USER|PASS|AUTH|APOP|EHLO|HELO)[ \t]|[1-5][0-9]{2}[ -]|\+OK|-ERR)", re.I | re.M
)
"""Beginnings of lines that log in, or answer to that: what begins so is no rest of a line."""


class Segment(NamedTuple):
    """A payload as it was copied, in the order of arrival. A tuple, as very many are made."""

    from_client: bool
    seq: int
    """Sequence number of its first byte, modulo 2**32."""
    ack: int
    """Of the next byte that its sender waits for."""
    data: bytes
    seen: Seen
    mark: int = 0
    """What its headers say of who made it and whether it is taken (`otmon.ledger.copying.messages.mark_of`):
    forged segments mostly differ there."""

    def __repr__(self) -> str:
        """Without the bytes: they may hold a secret."""
        return f"Segment({self.from_client}, {self.seq}, {self.ack}, {len(self.data)} bytes, {self.seen})"


def in_order(segments: Sequence[Segment], isn: tuple[int, int]) -> list[Piece]:
    """The pieces of a TCP connection. `isn` has the sequence number of each side's SYN, the client's
    first, or -1; without one, or with one of another connection, the first byte is the lowest that was
    seen."""
    return readings(segments, isn)[0]


def readings(segments: Sequence[Segment], isn: tuple[int, int]) -> tuple[list[Piece], Iterable[list[Piece]]]:
    """What `in_order` gives, and what the receivers may have read instead, where segments contradict each
    other or lie apart. Of each side only the longest run without a gap counts then, from its first byte on.
    Of segments that begin alike those were taken that have one of the most frequent marks, or the first, the
    second or the last one, of others that overlap the first or the last: by both sides in the same way, or by
    each in another. Who mixes these ways, and forges without a mark, is not followed."""
    client, server = isn
    firsts = (
        client + 1 if client >= 0 else _first(segments, True),
        server + 1 if server >= 0 else _first(segments, False),
    )
    undisturbed = _undisturbed(segments, firsts)
    if undisturbed is not None:
        return undisturbed, ()
    begins = _begin(segments, True, client), _begin(segments, False, server)
    return _sorted_out(segments, begins), _others(segments, firsts)


def _others(segments: Sequence[Segment], firsts: Sequence[int]) -> Iterator[list[Piece]]:
    """The other ways to read what was said, as `readings` gives them."""
    sides = [_Side(segments, True, firsts[0]), _Side(segments, False, firsts[1])]
    ways = _WAYS if any(one.is_contradicted for one in sides) else _WAYS[:1]
    told: list[list[Segment]] = []
    for marks, picks in ways if len(ways) > 1 or any(one.lies_apart for one in sides) else ():
        client_kept, server_kept = map(_Side.kept, sides, marks, picks)
        kept = sorted(client_kept + server_kept, key=_arrived)
        if kept not in told:
            told.append(kept)
            yield _sorted_out(kept, (sides[0].first, sides[1].first))


def _arrived(one: Segment) -> Seen:
    return one.seen


class _Side:
    """One direction, in which segments contradict each other or lie apart."""

    def __init__(self, segments: Sequence[Segment], from_client: bool, begin: int) -> None:
        own = [one for one in segments if one.from_client == from_client and one.data]
        self._run = _longest_run(own)
        self.first = min(self._run, key=lambda one: _ahead(one.seq, self._run[0].seq)).seq if own else begin
        self.end = max((self._at(one) + len(one.data) for one in self._run), default=0)
        text = self._painted(self._run)
        self.is_contradicted = any(
            text[self._at(one) : self._at(one) + len(one.data)] != one.data for one in self._run
        )
        self.lies_apart = len(self._run) < len(own) or (bool(own) and _ahead(self.first, begin) != 0)
        self._marks = [mark for mark, _ in Counter(one.mark for one in self._run).most_common(2)]

    def _at(self, one: Segment) -> int:
        return _ahead(one.seq, self.first)

    def _painted(self, run: Iterable[Segment]) -> bytearray:
        """Their bytes, of which later ones replace earlier ones."""
        found = bytearray(self.end)
        for one in run:
            at = self._at(one)
            found[at : at + len(one.data)] = one.data
        return found

    def kept(self, mark: int, pick: int) -> list[Segment]:
        """The segments of the run of which those that begin alike are one, with what is read there: that with
        the mark that has this place, if `mark` is none below 0, else that with this place."""
        wanted = self._marks[mark] if 0 <= mark < len(self._marks) else -1
        alike: dict[int, list[Segment]] = {}
        for one in self._run:
            same = alike.setdefault(one.seq, [])
            if all(one.data != other.data for other in same):
                same.append(one)
        chosen = [
            next((one for one in same if one.mark == wanted), same[min(pick, len(same) - 1)])
            for same in alike.values()
        ]
        chosen.sort(key=_arrived)
        chosen.sort(key=lambda one: one.mark != wanted)
        # What the one that was taken leaves open may stand in another one.
        under = self._run if pick < 0 else self._run[::-1]
        text = self._painted([*under, *(chosen if pick < 0 else chosen[::-1])])
        found: list[Segment] = []
        end = 0
        for one in sorted(chosen, key=self._at):
            at = self._at(one)
            if at > end:
                # Only in another one, that nobody took from its beginning on.
                found.append(found[-1]._replace(seq=self.first + end, data=bytes(text[end:at])))
            found.append(one._replace(data=bytes(text[at : at + len(one.data)])))
            end = max(end, at + len(one.data))
        return found


def _longest_run(own: Sequence[Segment]) -> list[Segment]:
    """Of the segments of one side those that follow each other without a gap over the most bytes, in the
    order of arrival."""
    if not own:
        return []
    best: list[int] = []
    longest = -1
    run: list[int] = []
    begin = end = 0
    for at, turn in sorted((_ahead(one.seq, own[0].seq), turn) for turn, one in enumerate(own)):
        if not run or at > end:
            run, begin, end = [], at, at
        run.append(turn)
        end = max(end, at + len(own[turn].data))
        if end - begin > longest:
            best, longest = run, end - begin
    return [own[turn] for turn in sorted(best)]


def _undisturbed(segments: Iterable[Segment], firsts: Sequence[int]) -> list[Piece] | None:
    """The pieces as they came, where each side's bytes came once and in order, and nobody had received
    what had not come yet; else None. So it is with most connections."""
    found: list[Piece] = []
    # As the class makes it, in a third of the time.
    made = tuple.__new__
    client_first, server_first = firsts
    # What each side says next, and where in its bytes that is.
    client_next, server_next = client_first, server_first
    client_at = server_at = 0
    for from_client, seq, ack, data, seen, _ in segments:
        if from_client:
            if seq != client_next and (seq - client_next) & 0xFFFFFFFF:
                return None
            if ack != server_next and server_at < (ack - server_first) & 0xFFFFFFFF < 1 << 31:
                return None
            if data:
                found.append(made(Piece, (True, client_at, data, seen)))
                client_at += len(data)
                client_next = (client_first + client_at) & 0xFFFFFFFF
        else:
            if seq != server_next and (seq - server_next) & 0xFFFFFFFF:
                return None
            if ack != client_next and client_at < (ack - client_first) & 0xFFFFFFFF < 1 << 31:
                return None
            if data:
                found.append(made(Piece, (False, server_at, data, seen)))
                server_at += len(data)
                server_next = (server_first + server_at) & 0xFFFFFFFF
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


def _begin(segments: Sequence[Segment], from_client: bool, isn: int) -> int:
    """The sequence number of a side's first byte: that behind its SYN, unless what was seen lies before it,
    or farther behind than a window of that time may reach: such a SYN is of another connection, or nobody
    took it."""
    lowest = _first(segments, from_client)
    if isn >= 0 and not any(one.from_client == from_client for one in segments):
        return isn + 1
    return isn + 1 if isn >= 0 and -1 <= _ahead(lowest, isn + 1) < _WINDOW else lowest


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


def is_whole(pieces: Iterable[Piece]) -> bool:
    """Whether no bytes are missing between the pieces."""
    ends = [0, 0]
    for piece in pieces:
        if piece.at != ends[piece.from_client]:
            return False
        ends[piece.from_client] += len(piece.data)
    return True


class Line(NamedTuple):
    """One whole line without its end."""

    from_client: bool
    text: bytes
    seen: Seen
    """The packet in which it ended."""

    def __repr__(self) -> str:
        return f"Line(from_client={self.from_client}, seen={self.seen})"


def _telling(text: bytes) -> Iterator[bytes]:
    """The first `MAX_LINES` of many lines that begin with one of `_BEGINS`."""
    for match in islice(_BEGINS.finditer(text), MAX_LINES):
        end = text.find(b"\n", match.start())
        yield text[match.start() : end if end >= 0 else len(text)]


def lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    """The lines of both sides, as they end. A line that misses bytes, or is longer than `MAX_LINE`, is
    left out, unless a piece begins with one of `_BEGINS` behind what is missing; so are those behind the
    first `MAX_LINES` of a piece, unless they do."""
    parts = bytearray(), bytearray()
    ends = [0, 0]
    torn = [False, False]
    for piece in pieces:
        side = 0 if piece.from_client else 1
        part = parts[side]
        if piece.at != ends[side]:
            torn[side] = _BEGINS.match(piece.data) is None
            part.clear()
        ends[side] = piece.at + len(piece.data)
        *whole, rest = piece.data.split(b"\n", MAX_LINES)
        others, _, rest = rest.rpartition(b"\n")
        for text in (*whole, *_telling(others)):
            if not torn[side] and len(part) + len(text) <= MAX_LINE:
                line = bytes(part) + text if part else text
                yield Line(piece.from_client, line.removesuffix(b"\r"), piece.seen)
            torn[side] = False
            part.clear()
        if len(part) + len(rest) > MAX_LINE:
            torn[side] = True
        else:
            part += rest
