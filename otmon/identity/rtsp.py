"""Log-ins of RTSP: Basic and Digest (RFC 2326, 14.5; RFC 7826, 19.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otmon.identity.headers import challenges
from otmon.identity.login import LogIn, Piece


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    yield from challenges(pieces)
