"""Where a TFTP client waits for the transfer: at the port from which it asked; the server answers from a new
one (RFC 1350, 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.login import Piece

_REQUEST: Final = re.compile(rb"\0[\1\2][ -~]{1,255}\0[A-Za-z]{4,8}\0")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a flow: one for each read or write request."""
    for piece in pieces:
        if piece.from_client and _REQUEST.match(piece.data):
            yield Claim("expects", "udp", piece.seen, True)
