"""Names that hosts answer to by LLMNR, each for itself.

Reference: RFC 4795, 2.1.1 (header), 2.3 (a responder answers for names that it is authoritative for).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.record import flags_of, records
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece

_RESPONSE: Final = 0x8000
_ADDRESSES: Final = (1, 28)
"""A and AAAA."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each response."""
    for piece in pieces:
        flags = flags_of(piece.data)
        if flags < 0 or not flags & _RESPONSE:
            continue
        names = [one.name for one in records(piece.data) if one.kind in _ADDRESSES and one.section == 0]
        for name in dict.fromkeys(names):
            yield from said("name", b".".join(name), piece)
