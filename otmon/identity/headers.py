"""Messages of a start line, header fields and a body: HTTP/1.1 (RFC 9112), RTSP, SIP.

A body of a known length is passed over by count, also where the capture lost a part of it; that of a request
in chunks is put together (RFC 9112, 7.1). Behind any other body the next start line is looked for, as it is
behind a length that a request without a body has, or that was answered before so much came: some servers take
no notice of it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from otmon.identity.digest import parameters, proof_of
from otmon.identity.login import MAX_TEXT, LogIn, Outcome, Piece, Seen
from otmon.identity.stream import MAX_LINE, is_whole

MAX_HEAD: Final = 32_768
MAX_START: Final = 8_192
"""Bytes of a start line: RFC 9112, 3 recommends that 8,000 are taken."""
MAX_FIELDS: Final = 1_024
MAX_BODY: Final = 32_768
"""Bytes of a request's body that is kept: a form has some hundred, and no more of a flow is copied."""
AUTHORISATIONS: Final = (b"authorization", b"proxy-authorization")
MAX_WAITING: Final = 64
"""Requests that wait for their response."""
_REQUEST: Final = re.compile(rb"[A-Z_]{3,20}[ \t]+\S+[ \t]+(?:HTTP/1|RTSP/[12]|SIP/2)\.[0-9]\s*$")
_REPLY: Final = re.compile(rb"(?:HTTP/1|RTSP/[12]|SIP/2)\.[0-9] ([1-6][0-9]{2})(?: |\s*$)")
_QUOTED: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_BODILESS: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"DESCRIBE"))
"""Methods whose requests have no body that means anything (RFC 9110, 9.3)."""
_CHUNKED: Final = -1
"""In place of the length of a body."""
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")
_LAST_CHUNK: Final = re.compile(rb"0+[ \t]*(?:;[^\n]*)?\r?\n(?:[^\n]*:[^\n]*\n)*\r?\n")
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
    again: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False, kw_only=True)
    """The fields that come again: some servers take the last one."""
    seen: Seen
    body: bytes = field(default=b"", repr=False)
    """Of a request, where all of it was there and it is not longer than `MAX_BODY`."""

    @property
    def status(self) -> int:
        """The status code of a response, 0 for a request."""
        return 0 if len(self.words) > 1 else int(self.words[0])


class _Side:
    def __init__(self, from_client: bool) -> None:
        self.from_client = from_client
        self.waiting: Message | None = None
        self.wants = self.skip = self.next = 0
        self.torn = False
        self.heads = False
        """It answers a request that asks for no body (RFC 9110, 9.3.2)."""
        self.buf = bytearray()

    def feed(self, piece: Piece) -> Iterator[Message]:
        gap = piece.at - self.next
        self.next = piece.at + len(piece.data)
        if gap:
            yield from self.give_up()
            # A whole start line at the beginning of a segment is no rest of what was lost.
            whole = self.start(piece.data.partition(b"\n")[0]) is not None
            self.torn = (self.torn or gap > self.skip) and not whole
            self.skip = 0 if whole else max(self.skip - gap, 0)
            self.buf.clear()
        cut = min(self.skip, len(piece.data))
        self.skip -= cut
        self.buf += piece.data[cut:]
        yield from self.read(piece.seen)

    def give_up(self) -> Iterator[Message]:
        """The message whose body has not come, without it."""
        if self.waiting is not None:
            yield self.waiting
            self.skip = max(self.wants - len(self.buf), 0)
            self.waiting = None
            self.buf.clear()

    def read(self, seen: Seen) -> Iterator[Message]:
        buf = self.buf
        while buf:
            if self.waiting is not None:
                found = _whole_body(buf, self.wants)
                if found is None:
                    return
                body, size = found
                yield replace(self.waiting, body=body)
                self.waiting = None
                del buf[:size]
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
                if len(buf) > MAX_START:
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
            fields, again = _fields(bytes(buf[line + 1 : end]))
            del buf[:size]
            yield from self.message(Message(self.from_client, known, fields, seen, again=again))

    def start(self, line: bytes) -> tuple[bytes, ...] | None:
        if not self.from_client:
            found = _REPLY.match(line)
            return None if found is None else (found[1],)
        return tuple(line.split()[:2]) if len(line) <= MAX_START and _REQUEST.match(line) else None

    def message(self, message: Message) -> Iterator[Message]:
        length = message.fields.get(b"content-length", b"")
        size = int(length) if len(length) <= 12 and length.isdigit() else 0
        chunked = message.from_client and b"chunked" in message.fields.get(b"transfer-encoding", b"").lower()
        bodiless = message.status in (204, 304) or message.status // 100 == 1
        bodiless = bodiless or self.heads or (message.from_client and message.words[0] in _BODILESS)
        if message.from_client and not bodiless and (chunked or 0 < size <= MAX_BODY):
            self.waiting, self.wants = message, _CHUNKED if chunked else size
            return
        yield message
        self.drop(0 if bodiless else size)

    def drop(self, size: int) -> None:
        cut = min(size, len(self.buf))
        del self.buf[:cut]
        self.skip = size - cut


def _fields(head: bytes) -> tuple[dict[bytes, bytes], tuple[tuple[bytes, bytes], ...]]:
    """The fields of a head, and those that come again. A line that begins with a space goes on with the one
    before it (RFC 9112, 5.2)."""
    told: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n")[:MAX_FIELDS]:
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and told:
            told[-1] = told[-1][0], (told[-1][1] + b" " + line.strip()).strip()
        elif colon:
            told.append((name.strip().lower(), value.strip()))
    found: dict[bytes, bytes] = {}
    again = tuple(one for one in told if found.setdefault(*one) is not one[1])
    return found, again


def _whole_body(buf: bytearray, size: int) -> tuple[bytes, int] | None:
    """A body of `size`, or `_CHUNKED`, at the beginning of a buffer, and how far it reaches; None where not
    all of it has come. Of one that is too long, or in no chunks, what has come."""
    if size != _CHUNKED:
        return None if len(buf) < size else (bytes(buf[:size]), size)
    body = bytearray()
    at = 0
    while len(body) <= MAX_BODY:
        last = _LAST_CHUNK.match(buf, at)
        if last is not None:
            return bytes(body), last.end()
        chunk = _CHUNK.match(buf, at)
        if chunk is None:
            return None if len(buf) - at <= MAX_LINE and b"\n" not in buf[at:] else (bytes(body), at)
        begin, length = chunk.end(), int(chunk[1], 16)
        if begin + length > len(buf) or length == 0:
            return None
        body += buf[begin : begin + length]
        at = begin + length
        at += 2 if buf[at : at + 2] == b"\r\n" else int(buf[at : at + 1] == b"\n")
    return bytes(body), at


def messages(pieces: Iterable[Piece]) -> Iterator[Message]:
    """The messages of a flow; a request stands before the response that came behind it."""
    client, server = _Side(True), _Side(False)
    answered = False
    for piece in pieces:
        if piece.from_client:
            for message in client.feed(piece):
                # Some may have been asked for before the first answer.
                server.heads = message.words[0] == b"HEAD" or (server.heads and not answered)
                answered = False
                yield message
            continue
        for message in server.feed(piece):
            if message.status >= 200:
                yield from client.give_up()
                client.skip = 0
                answered = True
            yield message
    for side in (client, server):
        yield from side.give_up()


def exchanges(pieces: Sequence[Piece]) -> Iterator[tuple[Message, Message | None]]:
    """Each request with its final response, None where none was seen. They belong together by the number of
    the exchange (CSeq) where there is one, else by their turn."""
    waiting: list[Message] = []
    asked_last = False
    whole = is_whole(pieces)
    for message in messages(pieces):
        if message.from_client:
            # Without numbers a response belongs to the request before it, or to one that was lost; where
            # nothing was, several may wait, and are answered in their turn (RFC 9112, 9.3.2).
            in_turn = whole and asked_last
            while waiting and (
                len(waiting) >= MAX_WAITING or (b"cseq" not in message.fields and not in_turn)
            ):
                yield waiting.pop(0), None
            waiting.append(message)
            asked_last = True
            continue
        if message.status < 200:
            continue
        asked_last = False
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


def unquoted(text: bytes) -> bytes:
    """What quoted bytes of an address stand for (RFC 3986, 2.1)."""
    return _QUOTED.sub(lambda found: bytes((int(found[1], 16),)), text)


def basic(value: bytes) -> tuple[bytes, bytes] | None:
    """User and password of credentials of the scheme Basic (RFC 7617), behind the scheme's name."""
    # As servers read it that are not strict: other characters are left out, and so may be what fills it up.
    text = re.sub(rb"[^A-Za-z0-9+/]", b"", value.partition(b"=")[0])
    try:
        pair = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (Error, ValueError):
        return None
    user, colon, password = pair.partition(b":")
    return (user, password) if colon and max(len(user), len(password)) <= MAX_TEXT else None


def authorised(request: Message, outcome: Outcome, challenged: bool) -> Iterator[LogIn]:
    """The log-ins in the header fields of a request. What is accepted without a challenge before it may
    need no password: then nobody knows. A digest holds the challenge in itself."""
    for name, field_value in (*request.fields.items(), *request.again):
        if name not in AUTHORISATIONS:
            continue
        scheme, value = (*field_value.split(None, 1), b"", b"")[:2]
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


def challenges(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins in the header fields of all requests of a flow."""
    challenged = False
    for request, response in exchanges(pieces):
        yield from authorised(request, outcome_of(response), challenged)
        challenged = challenged or (response is not None and response.status in (401, 407))
