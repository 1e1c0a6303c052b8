"""The program of each side by SIP: telephones and exchanges.

Reference: RFC 3261, 20.35 (Server), 20.41 (User-Agent).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import software_fields
from otmon.identity.login import Piece

_HEADS: Final = (b"REGISTER ", b"INVITE ", b"OPTIONS ", b"NOTIFY ", b"SIP/2.0 ")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a flow."""
    yield from software_fields(pieces, _HEADS)
