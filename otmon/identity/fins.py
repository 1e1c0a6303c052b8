"""Log-ins of FINS: the password that protects the program of an Omron controller, in clear (Omron W227, "FINS
Commands Reference Manual": PROGRAM AREA PROTECT, 03 04, sets it; PROGRAM AREA PROTECT CLEAR, 03 05, gives it;
response codes). Wireshark's dissector "omron" reads it alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.login import Claim, LogIn, Outcome, Piece

_TCP: Final = b"FINS"
_TCP_HEADER: Final = 16
_ANSWER: Final = 0x40
_COMMANDS: Final = (b"\x03\x04", b"\x03\x05")
_SIZE: Final = 27
"""Header and command; number of the program, code, first and last word; password."""
_PASSWORD: Final = 4
_WARNINGS: Final = 0x7F3F
"""What is left of a response code without the bits of a relay and of warnings."""
_CODES: Final[dict[int, Outcome]] = {0: "accepted", 0x2602: "refused"}
"""Normal completion; incorrect password. Others tell nothing of the password, as nothing is protected."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The passwords of a flow. Who may change the program is not asked for a name."""
    claim: Claim | None = None
    asked = b""
    for piece in pieces:
        data = piece.data[_TCP_HEADER:] if piece.data[:4] == _TCP else piece.data
        if len(data) < 14 or data[10:12] not in _COMMANDS or bool(data[0] & _ANSWER) == piece.from_client:
            continue
        # The service id says which request a response belongs to.
        about = data[9:12]
        if piece.from_client:
            if claim is not None:
                yield claim.ended("attempted")
            secret = data[_SIZE - _PASSWORD : _SIZE].rstrip(b" \0")
            claim = Claim(b"", "plain", piece.seen, secret=secret) if len(data) == _SIZE else None
            asked = about
        elif claim is not None and about == asked:
            yield claim.ended(_CODES.get(int.from_bytes(data[12:14], "big") & _WARNINGS, "unknown"))
            claim = None
    if claim is not None:
        yield claim.ended("attempted")
