"""Log-ins of SLMP: the remote password that unlocks a module (Mitsubishi SH-080008, MELSEC Communication
Protocol: 3E and 4E frames, command 1630, in binary code), in clear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.frames import frames
from otmon.identity.login import Claim, LogIn, Piece

_REQUESTS: Final = {b"\x50\x00": 2, b"\x54\x00": 6}
"""Subheader, and where the route behind it begins: 4E has a serial number between."""
_RESPONSES: Final = {b"\xd0\x00": 2, b"\xd4\x00": 6}
_UNLOCK: Final = b"\x30\x16\x00\x00"
_ROUTE: Final = 5
MAX_PASSWORD: Final = 32


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The passwords of a flow."""
    if _UNLOCK not in b"".join(piece.data for piece in pieces if piece.from_client):
        return
    claim: Claim | None = None
    for frame in frames(pieces, _size_of):
        data = frame.data
        if frame.from_client:
            if claim is not None:
                yield claim.ended("attempted")
            begin = _REQUESTS.get(data[:2], 0) + _ROUTE + 4
            size = int.from_bytes(data[begin + 4 : begin + 6], "little")
            secret = data[begin + 6 :]
            fits = data[begin : begin + 4] == _UNLOCK and size == len(secret) <= MAX_PASSWORD
            claim = Claim(b"", "plain", frame.seen, secret=secret) if fits else None
        elif claim is not None:
            begin = _RESPONSES[data[:2]] + _ROUTE + 2
            yield claim.ended("accepted" if data[begin : begin + 2] == b"\0\0" else "refused")
            claim = None
    if claim is not None:
        yield claim.ended("attempted")


def _size_of(from_client: bool, buffer: bytearray) -> int:
    if len(buffer) < 2:
        return 0
    begin = (_REQUESTS if from_client else _RESPONSES).get(bytes(buffer[:2]))
    if begin is None:
        return -1
    end = begin + _ROUTE + 2
    return end + int.from_bytes(buffer[end - 2 : end], "little") if len(buffer) >= end else 0
