"""Log-ins of Telnet: what stands behind the prompts for a name and a password (`prompts.py`), as Telnet knows
no log-in itself. Options are left out (RFC 854, RFC 855).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from otmon.identity.login import LogIn, Piece
from otmon.identity.prompts import typed_log_ins

_IAC, _SB, _SE = 255, 250, 240
_OPTION: Final = (251, 252, 253, 254)


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    yield from typed_log_ins(_text(pieces))


def _text(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, bytes]]:
    """The text of each piece without commands and options, also of those that are cut across pieces."""
    states = ["", ""]
    for piece in pieces:
        side = 0 if piece.from_client else 1
        state = states[side]
        found = bytearray()
        for byte in piece.data:
            if state == "":
                if byte == _IAC:
                    state = "command"
                else:
                    found.append(byte)
            elif state == "command":
                if byte == _IAC:
                    found.append(byte)
                    state = ""
                elif byte == _SB:
                    state = "option"
                else:
                    state = "name" if byte in _OPTION else ""
            elif state == "name":
                state = ""
            elif state == "option":
                state = "option end" if byte == _IAC else "option"
            else:
                state = "" if byte == _SE else "option"
        states[side] = state
        yield piece, bytes(found)
