"""Log-ins of DCE/RPC over TCP: NTLM in the binding of a connection ([MS-RPCE] 2.2.1.1.7, 2.2.2.10, 2.2.2.11;
C706, 12.6.4: types of messages). Kerberos tickets are not looked at. The last message of NTLM (AUTH3) has no
answer: the first call tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.frames import frames
from otmon.identity.login import Claim, LogIn, Outcome, Piece
from otmon.identity.ntlm import SIGNATURE, Handshake

_RESPONSE, _FAULT, _BIND_NAK = 2, 3, 13
_NOT_LET_IN: Final = frozenset({0x00000005, 0x1C01000B})
"""Status of a fault: ERROR_ACCESS_DENIED ([MS-ERREF] 2.2), and nca_proto_error (C706, appendix E), by which
Samba answers the first call behind a log-in that failed."""
_STATUS: Final = 24
_HEADER: Final = 16


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The NTLM log-ins of a connection."""
    if SIGNATURE not in b"".join(piece.data for piece in pieces if piece.from_client):
        return
    handshake = Handshake()
    claim: Claim | None = None
    for frame in frames(pieces, _size_of):
        if frame.from_client:
            found = handshake.response(frame.data, frame.seen)
            if found is not None:
                if claim is not None:
                    yield claim.ended("attempted")
                claim = found
            continue
        handshake.challenge(frame.data)
        told = _told(frame.data)
        if claim is not None and told is not None:
            yield claim.ended(told)
            claim = None
    if claim is not None:
        yield claim.ended("attempted")


def _told(data: bytes) -> Outcome | None:
    """What a message of the server says of the log-in before it; None where it is no answer to a call."""
    kind = data[2]
    if kind == _RESPONSE:
        return "accepted"
    if kind == _FAULT:
        return (
            "refused" if int.from_bytes(data[_STATUS : _STATUS + 4], "little") in _NOT_LET_IN else "unknown"
        )
    return "refused" if kind == _BIND_NAK else None


def _size_of(from_client: bool, buffer: bytearray) -> int:
    """C706, 12.6.3.1: version 5, and the length of the fragment in the order of Intel."""
    if len(buffer) < _HEADER:
        return 0
    size = int.from_bytes(buffer[8:10], "little")
    return size if buffer[0] == 5 and size >= _HEADER else -1
