"""Log-ins of iSCSI (RFC 7143, 6 and 12.1.3): CHAP (`chap.py`) between a host and the disks that it uses.

Where both sides log in, the answer of the disks is left out: it is theirs, not the host's.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error, unhexlify
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.chap import Response, claim_of
from otmon.identity.frames import Frame, frames
from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Piece

_HEADER: Final = 48
_REQUEST, _RESPONSE = 0x03, 0x23
_CONTINUES: Final = 0x40
_MAX_TEXT: Final = 16_384
"""Bytes of keys that are put together (RFC 7143, 6.1: at least 8,192 in a sequence of requests)."""
_DENIED: Final = (0x0201, 0x0202)
"""Authentication failure, authorisation failure (RFC 7143, 11.13.5)."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-in of a connection."""
    texts = {True: b"", False: b""}
    algorithm = number = -1
    challenge = b""
    claim: Claim | None = None
    for frame in frames(pieces, _size_of):
        kind = frame.data[0] & 0x3F
        if kind != (_REQUEST if frame.from_client else _RESPONSE):
            break
        if claim is not None and not frame.from_client:
            yield claim.ended(_told(frame))
            return
        side = frame.from_client
        texts[side] = (texts[side] + _text(frame))[:_MAX_TEXT]
        if frame.data[1] & _CONTINUES:
            continue
        keys, texts[side] = _keys(texts[side]), b""
        if side and b"CHAP_R" in keys and challenge:
            answer = Response(keys.get(b"CHAP_N", b""), number, _binary(keys[b"CHAP_R"]), frame.seen)
            claim = claim_of(answer, challenge, algorithm)
        elif not side and b"CHAP_C" in keys:
            algorithm, number = (_number(keys.get(name, b"")) for name in (b"CHAP_A", b"CHAP_I"))
            challenge = _binary(keys[b"CHAP_C"])
    if claim is not None:
        yield claim.ended("attempted")


def _size_of(from_client: bool, buffer: bytearray) -> int:
    """Header, further header segments, and data in words of four bytes (RFC 7143, 11.2)."""
    if len(buffer) < _HEADER:
        return 0
    data = int.from_bytes(buffer[5:8], "big")
    return _HEADER + 4 * buffer[4] + (data + 3) // 4 * 4


def _told(frame: Frame) -> Outcome:
    status = int.from_bytes(frame.data[36:38], "big")
    return "accepted" if status == 0 else "refused" if status in _DENIED else "unknown"


def _text(frame: Frame) -> bytes:
    begin = _HEADER + 4 * frame.data[4]
    return frame.data[begin : begin + int.from_bytes(frame.data[5:8], "big")]


def _keys(text: bytes) -> dict[bytes, bytes]:
    """The ``key=value`` pairs, each ended by a zero byte (RFC 7143, 6.1)."""
    pairs = (one.partition(b"=") for one in text.split(b"\0"))
    return {key: value for key, mark, value in pairs if mark and len(value) <= 4 * MAX_TEXT}


def _number(value: bytes) -> int:
    """A decimal or hexadecimal number (RFC 7143, 6.1); -1 for anything else."""
    try:
        return int(value, 16 if value[:2].lower() == b"0x" else 10) if len(value) <= 8 else -1
    except ValueError:
        return -1


def _binary(value: bytes) -> bytes:
    """A binary value in hexadecimal or Base64 (RFC 7143, 6.1); b"" for anything else."""
    try:
        if value[:2].lower() == b"0x":
            digits = value[2:]
            return unhexlify(digits.rjust(len(digits) + len(digits) % 2, b"0"))
        if value[:2].lower() == b"0b":
            return b64decode(value[2:], validate=True)
    except (Error, ValueError):
        pass
    return b""
