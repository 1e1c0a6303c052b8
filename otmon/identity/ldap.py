"""Log-ins of LDAP: simple binds (RFC 4511, 4.2; RFC 4513, 5.1: anonymous, without a password, with one)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.ber import element
from otmon.identity.login import ANONYMOUS, MAX_TEXT, Claim, LogIn, Outcome, Piece

_SEQUENCE, _INTEGER, _OCTETS, _ENUMERATED = 0x30, 0x02, 0x04, 0x0A
_BIND, _BIND_RESPONSE, _SIMPLE = 0x60, 0x61, 0x80
_INVALID_CREDENTIALS: Final = 49
_MAX: Final = 65_536


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The simple binds of a connection."""
    buffers = bytearray(), bytearray()
    ends = [0, 0]
    waiting: dict[bytes, Claim] = {}
    for piece in pieces:
        side = 0 if piece.from_client else 1
        buffer = buffers[side]
        if piece.at != ends[side]:
            # The next message begins with a segment, or is lost too.
            buffer.clear()
        ends[side] = piece.at + len(piece.data)
        buffer += piece.data
        while (whole := element(buffer, 0)) is not None:
            message = bytes(buffer[: whole[2]])
            del buffer[: whole[2]]
            number = element(message, whole[1]) if whole[0] == _SEQUENCE else None
            operation = element(message, number[2]) if number is not None else None
            if number is None or operation is None:
                continue
            name = message[number[1] : number[2]]
            if piece.from_client and operation[0] == _BIND:
                claim = _bind(message, operation[1], piece)
                if claim is not None:
                    waiting[name] = claim
            elif not piece.from_client and operation[0] == _BIND_RESPONSE and name in waiting:
                yield waiting.pop(name).ended(_told(message, operation[1]))
        if len(buffer) > _MAX or (buffer and buffer[0] != _SEQUENCE):
            buffer.clear()
    for claim in waiting.values():
        yield claim.ended("attempted")


def _bind(message: bytes, at: int, piece: Piece) -> Claim | None:
    version = element(message, at)
    name = None if version is None else element(message, version[2])
    choice = None if name is None else element(message, name[2])
    if name is None or choice is None or name[0] != _OCTETS or choice[0] != _SIMPLE:
        return None
    account, secret = message[name[1] : name[2]], message[choice[1] : choice[2]]
    if max(len(account), len(secret)) > MAX_TEXT:
        return None
    return Claim(account, "simple" if account or secret else ANONYMOUS, piece.seen, secret=secret)


def _told(message: bytes, at: int) -> Outcome:
    code = element(message, at)
    if code is None or code[0] != _ENUMERATED:
        return "unknown"
    value = int.from_bytes(message[code[1] : code[2]], "big")
    return "accepted" if value == 0 else "refused" if value == _INVALID_CREDENTIALS else "unknown"
