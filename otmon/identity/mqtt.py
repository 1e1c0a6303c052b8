"""Log-ins of MQTT: user name and password of CONNECT, and CONNACK (MQTT 3.1.1 and 5.0, 3.1 and 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.cursor import Cursor
from otmon.identity.login import ANONYMOUS, MAX_TEXT, Claim, LogIn, Outcome, Piece

_CONNECT, _CONNACK = b"\x10", b"\x20"
_NAMES: Final = (b"MQTT", b"MQIsdp")
_MOST: Final = 65_536
"""Bytes of a packet: a will may stand before the name."""
_USER, _PASSWORD, _WILL = 0x80, 0x40, 0x04


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-in of a connection: its first packet, and the broker's first."""
    asked = _first(pieces, True)
    if asked is None or asked[1][:1] != _CONNECT:
        return
    piece, data = asked
    claim = _connect(piece, data)
    if claim is None:
        return
    answer = _first(pieces, False)
    outcome: Outcome = "attempted"
    if answer is not None:
        told = answer[1]
        outcome = "unknown"
        if told[:1] == _CONNACK and len(told) >= 4:
            outcome = "accepted" if told[3] == 0 else "refused"
    yield claim.ended(outcome)


def _first(pieces: Sequence[Piece], from_client: bool) -> tuple[Piece, bytes] | None:
    """The bytes of one side up to a gap, with the piece that begins them."""
    own = [piece for piece in pieces if piece.from_client == from_client]
    if not own or own[0].at != 0:
        return None
    data = bytearray()
    for piece in own:
        if piece.at != len(data) or len(data) > _MOST:
            break
        data += piece.data
    return own[0], bytes(data)


def _connect(piece: Piece, data: bytes) -> Claim | None:
    size, at = 0, 1
    while True:
        if at >= len(data) or at > 4:
            return None
        size |= (data[at] & 0x7F) << 7 * (at - 1)
        at += 1
        if not data[at - 1] & 0x80:
            break
    if at + size > len(data):
        return None
    reader = _Reader(data[at : at + size])
    if reader.text() not in _NAMES:
        return None
    head = reader.take(4)
    if len(head) < 4:
        return None
    level, flags = head[0], head[1]
    # Authentication Method (3.1.2.11.9), or a byte that looks like it: not nobody.
    otherwise = level >= 5 and b"\x15" in reader.properties()
    reader.text()
    if flags & _WILL:
        if level >= 5:
            reader.properties()
        reader.text()
        reader.text()
    user = reader.text() if flags & _USER else b""
    password = reader.text() if flags & _PASSWORD else b""
    if reader.short or max(len(user), len(password)) > MAX_TEXT:
        return None
    if not flags & (_USER | _PASSWORD):
        return None if otherwise else Claim(b"", ANONYMOUS, piece.seen, secret=b"")
    return Claim(user, "plain", piece.seen, secret=password)


class _Reader(Cursor):
    def text(self) -> bytes:
        return self.take(int.from_bytes(self.take(2), "big"))

    def properties(self) -> bytes:
        size = 0
        for place in range(4):
            byte = self.take(1)
            size |= (byte[0] & 0x7F) << 7 * place if byte else 0
            if not byte or not byte[0] & 0x80:
                break
        return self.take(size)
