"""Log-ins of MySQL and MariaDB (MySQL Internals, Connection Phase): the plugins mysql_native_password,
caching_sha2_password and mysql_clear_password. What follows an agreed TLS is encrypted, and gives nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from otmon.identity.frames import Frame, one_log_in
from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Piece

_PROTOCOL_41: Final = 0x00000200
_TLS: Final = 0x00000800
_SECURE: Final = 0x00008000
_WITH_DATABASE: Final = 0x00000008
_PLUGIN: Final = 0x00080000
_LENGTH_ENCODED: Final = 0x00200000
_FIXED: Final = 32
"""Bytes of a handshake response before the name."""
_SCRAMBLE: Final = 20
_OK, _MORE, _SWITCH, _ERROR = 0x00, 0x01, 0xFE, 0xFF
_DENIED: Final = (1045, 1698)
"""ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR."""
_NATIVE: Final = b"mysql_native_password"


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-in of a connection from its first byte on."""
    return one_log_in(pieces, _size_of, _Connection())


def _size_of(from_client: bool, buffer: bytearray) -> int:
    return 4 + int.from_bytes(buffer[:3], "little") if len(buffer) >= 4 else 0


class _Connection:
    def __init__(self) -> None:
        self.over = False
        self.claim: Claim | None = None
        self._greeted = self._switched = False
        self._account: bytes | None = None
        self._scramble = b""
        self._plugin = _NATIVE

    def server(self, data: bytes) -> Outcome | None:
        """What this packet says of the claim, None where nothing."""
        body = data[4:]
        kind = body[0] if body else -1
        if not self._greeted:
            self._greeted = True
            self.over = kind != 10 or not self._greet(body)
            return None
        if kind == _ERROR:
            self.over = True
            return "refused" if int.from_bytes(body[1:3], "little") in _DENIED else "unknown"
        if kind == _OK:
            self.over = True
            return "accepted"
        if kind == _SWITCH:
            name, _, rest = body[1:].partition(b"\0")
            self._plugin, self._scramble = name, rest[:_SCRAMBLE]
            self._switched, self.claim = True, None
        elif kind != _MORE:
            self.over = True
        return None

    def _greet(self, body: bytes) -> bool:
        _, mark, rest = body[1:].partition(b"\0")
        if not mark or len(rest) < 31:
            return False
        self._scramble = rest[4:12] + rest[31:43]
        name = rest[44:].partition(b"\0")[0]
        self._plugin = name or _NATIVE
        return len(self._scramble) == _SCRAMBLE

    def client(self, frame: Frame) -> None:
        body = frame.data[4:]
        if self._switched and self._account is not None:
            self._switched = False
            self._answer(body, frame)
        elif self._account is None:
            self._respond(body, frame)

    def _respond(self, body: bytes, frame: Frame) -> None:
        """HandshakeResponse41, or the request for TLS that is its beginning."""
        flags = int.from_bytes(body[:4], "little")
        if not self._greeted or not flags & _PROTOCOL_41 or len(body) <= _FIXED:
            self.over = True
            return
        name, mark, rest = body[_FIXED:].partition(b"\0")
        if not mark or not rest or (flags & _TLS and not name) or len(name) > MAX_TEXT:
            self.over = True
            return
        self._account = name
        if flags & (_LENGTH_ENCODED | _SECURE):
            size, answer = rest[0], rest[1 : 1 + rest[0]]
            rest = rest[1 + size :]
        else:
            answer, _, rest = rest.partition(b"\0")
        if flags & _WITH_DATABASE:
            rest = rest.partition(b"\0")[2]
        if flags & _PLUGIN:
            self._plugin = rest.partition(b"\0")[0] or self._plugin
        self._answer(answer, frame)

    def _answer(self, answer: bytes, frame: Frame) -> None:
        account, seen = self._account or b"", frame.seen
        proves = _proof(self._plugin, answer, self._scramble)
        if not answer.strip(b"\0"):
            self.claim = Claim(account, "plain", seen, secret=b"")
        elif self._plugin == b"mysql_clear_password" and len(answer) <= MAX_TEXT:
            self.claim = Claim(account, "plain", seen, secret=answer.removesuffix(b"\0"))
        elif proves is not None:
            self.claim = Claim(account, self._plugin.decode(), seen, proves=proves)


def _proof(plugin: bytes, answer: bytes, scramble: bytes) -> Callable[[bytes], bool] | None:
    def native(password: bytes) -> bool:
        once = hashlib.sha1(password).digest()
        mask = hashlib.sha1(scramble + hashlib.sha1(once).digest()).digest()
        return bytes(a ^ b for a, b in zip(once, mask, strict=True)) == answer

    def sha2(password: bytes) -> bool:
        once = hashlib.sha256(password).digest()
        mask = hashlib.sha256(hashlib.sha256(once).digest() + scramble).digest()
        return bytes(a ^ b for a, b in zip(once, mask, strict=True)) == answer

    return {(_NATIVE, 20): native, (b"caching_sha2_password", 32): sha2}.get((plugin, len(answer)))
