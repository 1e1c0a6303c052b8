"""What Mitsubishi's controllers answer to Read Type Name (0101) of SLMP in binary code.

Reference: Mitsubishi SH-080956ENG, "SLMP Reference Manual", 5.9 (Read Type Name: 16 letters and a code), 4.2
(frames 3E and 4E). A response does not say what was asked: it is taken for one where its length fits and
its letters are those of a type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import number, said
from otmon.identity.login import Piece

_TYPE: Final = re.compile(rb"[A-Z][A-Z0-9./-]{3,15} *\0*")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each response."""
    for piece in pieces:
        data = piece.data
        at = {0xD000: 0, 0xD400: 4}.get(number(data, 0, 2), -1)
        if at < 0 or number(data, at + 7, 2, little=True) != 20 or number(data, at + 9, 2) != 0:
            continue
        name = data[at + 11 : at + 27]
        if len(data) >= at + 29 and _TYPE.fullmatch(name):
            yield from said("model", name, piece)
