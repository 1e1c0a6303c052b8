"""Messages of a start line, header fields and a body: HTTP/1.1 (RFC 9112), RTSP, SIP.

A body of a known length is passed over by count, also where the capture lost a part of it. Behind any
other body the next start line is looked for.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from otmon.identity.digest import parameters, proof_of
from otmon.identity.login import MAX_TEXT, LogIn, Outcome, Piece, Seen
from otmon.identity.stream import MAX_LINE

MAX_HEAD: Final = 16_384
MAX_FIELDS: Final = 128
MAX_BODY: Final = 8_192
"""Bytes of a request's body that is kept: a form has some hundred."""
MAX_WAITING: Final = 64
"""Requests that wait for their response."""
_REQUEST: Final = re.compile(rb"[A-Z_]{3,20} \S{1,2048} (?:HTTP/1|RTSP/[12]|SIP/2)\.[0-9]\s*$")
_REPLY: Final = re.compile(rb"(?:HTTP/1|RTSP/[12]|SIP/2)\.[0-9] ([1-6][0-9]{2})(?: |\s*$)")
_INTERLEAVED: Final = 0x24
"""RFC 2326, 10.12."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response."""

    from_client: bool
    words: tuple[bytes, ...] = field(repr=False)
    """Method and target of a request; the status of a response."""
    fields: dict[bytes, bytes] = field(repr=False)
    """Names in lower case; of a field that comes twice the first."""
    seen: Seen
    body: bytes = field(default=b"", repr=False)
    """Of a request, where all of it was there and it is not longer than `MAX_BODY`."""

    @property
    def status(self) -> int:
        """0 for a request."""
        return 0 if len(self.words) > 1 else int(self.words[0])


class _Side:
    def __init__(self, from_client: bool) -> None:
        self.from_client = from_client
        self.waiting: Message | None = None
        self.wants = self.skip = self.next = 0
        self.torn = False
        self.buf = bytearray()

    def feed(self, piece: Piece) -> Iterator[Message]:
        gap = piece.at - self.next
        self.next = piece.at + len(piece.data)
        if gap:
            yield from self.give_up()
            self.torn = self.torn or gap > self.skip
            self.skip = max(self.skip - gap, 0)
            self.buf.clear()
        cut = min(self.skip, len(piece.data))
        self.skip -= cut
        self.buf += piece.data[cut:]
        yield from self.read(piece.seen)

    def give_up(self) -> Iterator[Message]:
        """The message whose body has not come, without it."""
        if self.waiting is not None:
            yield self.waiting
            self.skip = self.wants - len(self.buf)
            self.waiting = None
            self.buf.clear()

    def read(self, seen: Seen) -> Iterator[Message]:
        buf = self.buf
        while buf:
            if self.waiting is not None:
                if len(buf) < self.wants:
                    return
                yield replace(self.waiting, body=bytes(buf[: self.wants]))
                self.waiting = None
                del buf[: self.wants]
                continue
            if buf[0] in b"\r\n" and not self.torn:
                # Before a start line (RFC 9112, 2.2).
                del buf[: len(buf) - len(buf.lstrip(b"\r\n"))]
                continue
            if buf[0] == _INTERLEAVED and not self.torn:
                if len(buf) < 4:
                    return
                self.drop(4 + int.from_bytes(buf[2:4], "big"))
                continue
            line = buf.find(b"\n")
            if line < 0:
                if len(buf) > MAX_LINE:
                    self.torn = True
                    buf.clear()
                return
            known = None if self.torn else self.start(bytes(buf[:line]))
            self.torn = False
            end = buf.find(b"\n\r\n", line) if known else -1
            plain = buf.find(b"\n\n", line) if known else -1
            size = end + 3
            if plain >= 0 and not 0 <= end < plain:
                end, size = plain, plain + 2
            if known and end < 0 and len(buf) <= MAX_HEAD:
                return
            if known is None or end < 0:
                del buf[: line + 1]
                continue
            fields = _fields(bytes(buf[line + 1 : end]))
            del buf[:size]
            yield from self.message(Message(self.from_client, known, fields, seen))

    def start(self, line: bytes) -> tuple[bytes, ...] | None:
        if not self.from_client:
            found = _REPLY.match(line)
            return None if found is None else (found[1],)
        return tuple(line.split()[:2]) if len(line) <= MAX_LINE and _REQUEST.match(line) else None

    def message(self, message: Message) -> Iterator[Message]:
        length = message.fields.get(b"content-length", b"")
        size = int(length) if len(length) <= 12 and length.isdigit() else 0
        if message.from_client and 0 < size <= MAX_BODY:
            self.waiting, self.wants = message, size
            return
        yield message
        bodiless = message.status in (204, 304) or message.status // 100 == 1
        self.drop(0 if bodiless else size)

    def drop(self, size: int) -> None:
        cut = min(size, len(self.buf))
        del self.buf[:cut]
        self.skip = size - cut


def _fields(head: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for line in head.split(b"\n")[:MAX_FIELDS]:
        name, colon, value = line.partition(b":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def messages(pieces: Iterable[Piece]) -> Iterator[Message]:
    """The messages of a flow; a request stands before the response that came behind it."""
    sides = _Side(True), _Side(False)
    for piece in pieces:
        client, server = sides
        if piece.from_client:
            yield from client.feed(piece)
            continue
        for message in server.feed(piece):
            yield from client.give_up()
            yield message
    for side in sides:
        yield from side.give_up()


def exchanges(pieces: Iterable[Piece]) -> Iterator[tuple[Message, Message | None]]:
    """Each request with its final response, None where none was seen. They belong together by the number of
    the exchange (CSeq) where there is one, else by their turn."""
    waiting: list[Message] = []
    for message in messages(pieces):
        if message.from_client:
            # Without numbers a response belongs to the request before it, or to one that was lost.
            while waiting and (len(waiting) >= MAX_WAITING or b"cseq" not in message.fields):
                yield waiting.pop(0), None
            waiting.append(message)
            continue
        if message.status < 200:
            continue
        number = message.fields.get(b"cseq")
        for index, request in enumerate(waiting):
            if number is None or _same(request.fields.get(b"cseq"), number):
                yield waiting.pop(index), message
                break
    for request in waiting:
        yield request, None


def _same(one: bytes | None, other: bytes) -> bool:
    """Whether two CSeq values are of one exchange: the number, and in SIP the method."""
    return one is not None and one.split()[:2] == other.split()[:2]


def basic(value: bytes) -> tuple[bytes, bytes] | None:
    """User and password of credentials of the scheme Basic (RFC 7617), behind the scheme's name."""
    try:
        pair = b64decode(value.strip(), validate=True)
    except (Error, ValueError):
        return None
    user, colon, password = pair.partition(b":")
    return (user, password) if colon and max(len(user), len(password)) <= MAX_TEXT else None


def authorised(request: Message, outcome: Outcome, challenged: bool) -> Iterator[LogIn]:
    """The log-ins in the header fields of a request. What is accepted without a challenge before it may
    need no password: then nobody knows. A digest holds the challenge in itself."""
    for name in (b"authorization", b"proxy-authorization"):
        scheme, _, value = request.fields.get(name, b"").partition(b" ")
        if scheme.lower() == b"basic":
            pair = basic(value)
            if pair is not None:
                unasked = outcome == "accepted" and not challenged
                told: Outcome = "unknown" if unasked else outcome
                yield LogIn(pair[0], "basic", told, request.seen, secret=pair[1], unasked=unasked)
        elif scheme.lower() == b"digest":
            given = parameters(value)
            user = given.get(b"username", b"")
            proves = proof_of(given, request.words[0])
            if proves is not None and len(user) <= MAX_TEXT:
                yield LogIn(user, "digest", outcome, request.seen, proves=proves)


def outcome_of(response: Message | None, refusals: tuple[int, ...] = (401, 407)) -> Outcome:
    """What a response says of the log-in in its request."""
    if response is None:
        return "attempted"
    if response.status in refusals:
        return "refused"
    return "accepted" if response.status < 400 else "unknown"


def challenges(pieces: Iterable[Piece]) -> Iterator[LogIn]:
    """The log-ins in the header fields of all requests of a flow."""
    challenged = False
    for request, response in exchanges(pieces):
        yield from authorised(request, outcome_of(response), challenged)
        challenged = challenged or (response is not None and response.status in (401, 407))
