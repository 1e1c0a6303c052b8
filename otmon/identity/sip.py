"""Log-ins of SIP: Digest (RFC 3261, 22). A response says by its CSeq which request it answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otmon.identity.headers import challenges
from otmon.identity.login import LogIn, Piece


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a flow."""
    yield from challenges(pieces)
