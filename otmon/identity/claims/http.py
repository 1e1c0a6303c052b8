"""The program of each side by HTTP/1.1.

Reference: RFC 9110, 10.1.5 (User-Agent), 10.2.4 (Server).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import software_fields
from otmon.identity.login import Piece

_HEADS: Final = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"PROPFIND ", b"HTTP/1.")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a flow."""
    yield from software_fields(pieces, _HEADS)
