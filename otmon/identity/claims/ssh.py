"""The program of each side of SSH, which both say first (RFC 4253, 4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece

_VERSION: Final = re.compile(rb"SSH-[12]\.[0-9]{1,2}-([^\r\n]{1,250})\r?\n")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims at the beginning of a connection."""
    for piece in pieces:
        found = _VERSION.match(piece.data) if piece.at == 0 else None
        if found is not None:
            yield from said("software", found[1], piece)
