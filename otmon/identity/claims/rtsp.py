"""The program of each side by RTSP: cameras and who watches them.

Reference: RFC 7826, 18.46 (Server), 18.55 (User-Agent).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import software_fields
from otmon.identity.login import Piece

_HEADS: Final = (b"OPTIONS ", b"DESCRIBE ", b"SETUP ", b"RTSP/")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a flow."""
    yield from software_fields(pieces, _HEADS)
