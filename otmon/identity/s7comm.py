"""Log-ins of S7comm: the password of a session with an S7-300 or S7-400 (thc-hydra, hydra-s7-300.c, and
Wireshark packet-s7comm.c, as Siemens publishes no specification): user data of the function group security.
Eight characters, each turned by a fixed pattern and by the one before the last: what is sent is readable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.frames import frames
from otmon.identity.login import Claim, LogIn, Outcome, Piece

_USER_DATA: Final = 7
_SECURITY: Final = 5
_SET: Final = 1
_REQUEST, _RESPONSE = 4, 8
_LENGTH: Final = 8
_PATTERN: Final = 0x55
_CODES: Final[dict[bytes, Outcome]] = {b"\0\0": "accepted", b"\xd6\x02": "refused"}
"""Others are of a controller without a password (0xD605), or tell something else."""
_COTP_DATA: Final = b"\x02\xf0"


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The passwords of a connection."""
    claim: Claim | None = None
    for frame in frames(pieces, _size_of):
        message = frame.data[7:]
        if frame.data[4:6] != _COTP_DATA or message[:2] != bytes((0x32, _USER_DATA)) or len(message) < 10:
            continue
        size = int.from_bytes(message[6:8], "big")
        parameter, data = message[10 : 10 + size], message[10 + size :]
        if len(parameter) < 8 or parameter[:3] != b"\0\1\x12" or parameter[5] & 0x0F != _SECURITY:
            continue
        kind = parameter[5] >> 4
        if frame.from_client and kind == _REQUEST:
            if claim is not None:
                yield claim.ended("attempted")
            claim = None
            if parameter[6] == _SET and data[2:4] == bytes((0, _LENGTH)) and len(data) >= 4 + _LENGTH:
                claim = Claim(b"", "plain", frame.seen, secret=_plain(data[4 : 4 + _LENGTH]))
        elif not frame.from_client and kind == _RESPONSE and claim is not None:
            yield claim.ended(_told(parameter))
            claim = None
    if claim is not None:
        yield claim.ended("attempted")


def _told(parameter: bytes) -> Outcome:
    """By the error code, with which a response's parameter ends."""
    if len(parameter) < 12:
        return "unknown"
    return _CODES.get(parameter[10:12], "unknown")


def _plain(data: bytes) -> bytes:
    found = bytearray()
    for place, byte in enumerate(data):
        found.append(byte ^ _PATTERN ^ (data[place - 2] if place >= 2 else 0))
    return bytes(found).rstrip(b" ")


def _size_of(from_client: bool, buffer: bytearray) -> int:
    """The length of a TPKT (RFC 1006, 6)."""
    if len(buffer) < 4:
        return 0
    size = int.from_bytes(buffer[2:4], "big")
    return size if buffer[0] == 3 and size >= 7 else -1
