"""Log-ins of SMB: NTLM in the session setups of version 2 and 3 ([MS-SMB2] 2.2.5, 2.2.6, 3.3.5.5), and of
version 1 with extended security ([MS-SMB] 2.2.4.6). Kerberos tickets are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.frames import frames
from otmon.identity.login import Claim, LogIn, Outcome, Piece
from otmon.identity.ntlm import SIGNATURE, Handshake

_MARKS: Final = (b"\xffSMB", b"\xfeSMB")
_SETUP_1: Final = 0x73
_SETUP_2: Final = 1
_HEADER_2: Final = 64
_GOES_ON: Final = 0xC0000016
_GUEST_OR_NOBODY: Final = 0x3
"""[MS-SMB2] 2.2.6, SessionFlags."""
_REFUSALS: Final = frozenset((
    0xC000006A, 0xC000006D, 0xC000006E, 0xC000006F, 0xC0000070, 0xC0000071, 0xC0000072, 0xC0000064,
    0xC0000022, 0xC0000193, 0xC0000224, 0xC0000234, 0xC000015B,
))  # fmt: skip
"""[MS-ERREF] 2.3.1: wrong password, log-on failure, restrictions, unknown user, access denied, account
expired, password to be changed, locked out, log-on type not granted."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The NTLM log-ins of a connection."""
    if SIGNATURE not in b"".join([piece.data for piece in pieces if piece.from_client]):
        return
    handshake = Handshake()
    claim: Claim | None = None
    for frame in frames(pieces, _size_of):
        message = frame.data[4:]
        if not _is_setup(message):
            continue
        if frame.from_client:
            if claim is not None:
                yield claim.ended("attempted")
            claim = handshake.response(message, frame.seen)
            continue
        status = int.from_bytes(message[5:9] if message[:1] == b"\xff" else message[8:12], "little")
        if status == _GOES_ON:
            handshake.challenge(message)
        elif claim is not None:
            yield claim.ended(_told(message, status))
            claim = None
    if claim is not None:
        yield claim.ended("attempted")


def _size_of(from_client: bool, buffer: bytearray) -> int:
    """Of a session message with its header (RFC 1002, 4.3.1, with 24 bits of length on port 445)."""
    if len(buffer) < 4:
        return 0
    return 4 + int.from_bytes(buffer[1:4], "big") if buffer[0] in (0x00, 0x85, 0x81, 0x82) else -1


def _is_setup(message: bytes) -> bool:
    if message[:4] not in _MARKS or len(message) < 32:
        return False
    if message[0] == 0xFF:
        return message[4] == _SETUP_1
    return len(message) >= _HEADER_2 and int.from_bytes(message[12:14], "little") == _SETUP_2


def _told(message: bytes, status: int) -> Outcome:
    if status in _REFUSALS:
        return "refused"
    if status:
        return "unknown"
    if message[0] == 0xFF:
        # SMB_SETUP_GUEST ([MS-CIFS] 2.2.4.53.2): Action behind the AndX block.
        action = int.from_bytes(message[37:39], "little") if len(message) >= 39 and message[32] >= 3 else 0
        return "unknown" if action & 1 else "accepted"
    flags = int.from_bytes(message[_HEADER_2 + 2 : _HEADER_2 + 4], "little")
    return "unknown" if flags & _GUEST_OR_NOBODY else "accepted"
