"""Who calls itself a router of IPv6.

Reference: RFC 4861, 4.2 (Router Advertisement): type, code, checksum, hop limit, flags, lifetime in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import number, said
from otmon.identity.login import Piece

_ADVERTISES: Final = 134
_HEAD: Final = 16
ROUTER, PREFIXES = "IPv6 router", "IPv6 prefixes"
"""A lifetime of 0 says that it routes for nobody; addresses and name servers may stand in it all the same."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each message."""
    for piece in pieces:
        if len(piece.data) >= _HEAD and piece.data[0] == _ADVERTISES and piece.data[1] == 0:
            yield from said("capability", ROUTER if number(piece.data, 6, 2) else PREFIXES, piece)
