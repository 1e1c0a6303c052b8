"""Log-ins of OPC UA over TCP: the user's token in ActivateSession where nothing encrypts it.

That is a channel with the policy None, and a token without an algorithm (OPC 10000-4, 5.7.3 and 7.40; OPC
10000-6, 5.2 and 6.7.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.cursor import Cursor
from otmon.identity.frames import frames
from otmon.identity.login import ANONYMOUS, MAX_TEXT, Claim, LogIn, Outcome, Piece, Seen

_HEADER: Final = 24
"""Message, channel, token, sequence number and request id."""
_KINDS: Final = (b"HEL", b"ACK", b"ERR", b"RHE", b"OPN", b"MSG", b"CLO")
_ACTIVATE, _ACTIVATED, _FAULT = 467, 470, 397
_NOBODY, _NAMED = 321, 324
"""Ids of the binary encoding (OPC 10000-6, A.1): requests and tokens."""
_REFUSALS: Final = frozenset((0x801F0000, 0x80200000, 0x80210000, 0x80130000))
"""Bad_UserAccessDenied, Bad_IdentityTokenInvalid, Bad_IdentityTokenRejected, Bad_SecurityChecksFailed."""
_ENCRYPTED: Final = (b"\1\0\x89\x44\1", b"\1\0\x8a\x44\1")
"""How a password begins that is an RsaEncryptedSecret or an EccEncryptedSecret (OPC 10000-4, 7.40.2.3): the
id of its type (17545, 17546; OPC 10000-6, A.1) and a binary body. It says its algorithm in itself."""
_MAX_ITEMS: Final = 64


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    waiting: dict[bytes, Claim] = {}
    for frame in frames(pieces, _size_of):
        if frame.data[:4] != b"MSGF" or len(frame.data) < _HEADER:
            continue
        number, reader = frame.data[20:24], _Reader(frame.data[_HEADER:])
        kind = reader.node()
        if frame.from_client and kind == _ACTIVATE:
            claim = _token(reader, frame.seen)
            if claim is not None and len(waiting) < _MAX_ITEMS:
                waiting[number] = claim
        elif not frame.from_client and kind in (_ACTIVATED, _FAULT) and number in waiting:
            reader.take(12)
            yield waiting.pop(number).ended(_told(reader.take(4)))
    for claim in waiting.values():
        yield claim.ended("attempted")


def _told(code: bytes) -> Outcome:
    value = int.from_bytes(code, "little")
    if len(code) < 4 or value not in _REFUSALS:
        return "accepted" if code == bytes(4) else "unknown"
    return "refused"


def _token(reader: _Reader, seen: Seen) -> Claim | None:
    """The token of an ActivateSessionRequest behind its type."""
    reader.node()
    reader.take(16)
    reader.text()
    reader.take(4)
    reader.extension()
    # The client's signature, its certificates, its languages.
    reader.text()
    reader.text()
    for _ in range(reader.count()):
        reader.text()
        reader.text()
    for _ in range(reader.count()):
        reader.text()
    kind, body = reader.extension()
    if reader.short or body is None:
        return None
    token = _Reader(body)
    token.text()
    if kind == _NOBODY:
        return None if token.short else Claim(b"", ANONYMOUS, seen, secret=b"")
    if kind != _NAMED:
        return None
    user, password, algorithm = token.text(), token.text(), token.text()
    hidden = algorithm or password.startswith(_ENCRYPTED)
    if token.short or hidden or max(len(user), len(password)) > MAX_TEXT:
        return None
    return Claim(user, "plain", seen, secret=password)


def _size_of(from_client: bool, buffer: bytearray) -> int:
    if len(buffer) < 8:
        return 0
    size = int.from_bytes(buffer[4:8], "little")
    return size if bytes(buffer[:3]) in _KINDS and size >= 8 else -1


class _Reader(Cursor):
    def text(self) -> bytes:
        """A String or ByteString; one that is null is empty."""
        size = int.from_bytes(self.take(4), "little", signed=True)
        return self.take(size) if size > 0 else b""

    def count(self) -> int:
        """Elements of an array; more than there is room for are none, and the rest is not there."""
        count = int.from_bytes(self.take(4), "little", signed=True)
        self.short = self.short or count > _MAX_ITEMS
        return 0 if self.short else max(count, 0)

    def node(self) -> int:
        """A NodeId (5.2.2.9); its number where it is one of the standard's, else -1."""
        form = self.take(1)
        if form == b"\0":
            return int.from_bytes(self.take(1), "little")
        if form == b"\1":
            space, number = self.take(1), self.take(2)
            return int.from_bytes(number, "little") if space == b"\0" else -1
        space = self.take(2)
        if form == b"\2":
            number = self.take(4)
            return int.from_bytes(number, "little") if space == b"\0\0" else -1
        if form in (b"\3", b"\5"):
            self.text()
        elif form == b"\4":
            self.take(16)
        else:
            self.short = True
        return -1

    def extension(self) -> tuple[int, bytes | None]:
        """An ExtensionObject (5.2.2.15): its type, and its body where that is binary."""
        kind = self.node()
        coded = self.take(1)
        body = None if coded == b"\0" else self.text()
        return kind, body if coded == b"\1" else None
