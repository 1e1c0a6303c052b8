"""What an FTP server greets with (RFC 959, 5.4: reply 220): mostly its program and version."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece

_READY: Final = re.compile(rb"220[- ]([^\r\n]{1,400})\r?\n")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a control connection."""
    for piece in pieces:
        if not piece.from_client and piece.at == 0:
            found = _READY.match(piece.data)
            if found is not None:
                yield from said("software", found[1], piece)
