"""Log-ins of rlogin (RFC 1282): the names come first, then what stands behind a prompt (`prompts.py`).
Whom the server trusts by its address types nothing, and gives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from otmon.identity.login import MAX_TEXT, LogIn, Piece
from otmon.identity.prompts import typed_log_ins

_NAMES: Final = 4
"""An empty one, the user's name here, the name there, and the terminal, each with a zero behind it."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection from its first byte on."""
    said = b""
    for piece in pieces:
        if piece.from_client:
            if piece.at != len(said) or said.count(b"\0") >= _NAMES or len(said) > 3 * MAX_TEXT:
                break
            said += piece.data
    names = said.split(b"\0", _NAMES)
    if len(names) <= _NAMES or names[0] or not 0 < len(names[2]) <= MAX_TEXT:
        return
    yield from typed_log_ins(_behind(pieces, sum(map(len, names[:_NAMES])) + _NAMES), names[2])


def _behind(pieces: Iterable[Piece], begin: int) -> Iterator[tuple[Piece, bytes]]:
    """The text of each piece without the first bytes of the client, and the server's zero."""
    for piece in pieces:
        if piece.from_client:
            data = piece.data[max(begin - piece.at, 0) :]
        else:
            data = piece.data[1:] if piece.at == 0 and piece.data[:1] == b"\0" else piece.data
        yield piece, data
