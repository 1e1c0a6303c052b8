"""What Omron's controllers answer to CONTROLLER DATA READ (05 01): model and version.

Reference: Omron W342, "CS/CJ Series Communications Commands", 5-3-16; W420, 7-4 (header of FINS/TCP).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import number, said
from otmon.identity.login import Piece

_TCP: Final = b"FINS"
_TCP_HEADER: Final = 16
_ANSWER: Final = 0x40
_DATA_READ: Final = 0x0501
_TEXT: Final = 20
"""Letters of the model, and of the version behind it."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each response."""
    for piece in pieces:
        data = piece.data[_TCP_HEADER:] if piece.data[:4] == _TCP else piece.data
        if len(data) < 14 + 2 * _TEXT or not data[0] & _ANSWER or number(data, 10, 2) != _DATA_READ:
            continue
        # The end code is 0; its highest bits may tell of warnings.
        if number(data, 12, 2) & 0x7F3F == 0:
            yield from said("model", data[14 : 14 + _TEXT], piece)
            yield from said("firmware", data[14 + _TEXT : 14 + 2 * _TEXT], piece)
