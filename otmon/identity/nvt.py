"""The network virtual terminal of Telnet (RFC 854, RFC 855), which FTP has, too (RFC 959, 4.1): commands and
options stand between the bytes of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from otmon.identity.login import Piece

_IAC, _SB, _SE = 255, 250, 240
_OPTION: Final = (251, 252, 253, 254)


def without_commands(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces without commands and options, also of those that are cut across pieces: as if only the text
    had been sent. What is missing between them is missing still."""
    states = ["", ""]
    left_out = [0, 0]
    for piece in pieces:
        side = 0 if piece.from_client else 1
        at = piece.at - left_out[side]
        if not states[side] and _IAC not in piece.data:
            yield piece._replace(at=at) if left_out[side] else piece
            continue
        found = bytearray()
        states[side] = _text(piece.data, states[side], found)
        left_out[side] += len(piece.data) - len(found)
        yield piece._replace(at=at, data=bytes(found))


def _text(data: bytes, state: str, found: bytearray) -> str:
    """Add the text of the data to what was found; what state its end leaves."""
    for byte in data:
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
    return state
