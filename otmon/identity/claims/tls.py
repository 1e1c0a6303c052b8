"""Whom a client asks for by TLS, and the certificates of both sides up to version 1.2 (`handshake.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otmon.identity.claim import Claim
from otmon.identity.claims.handshake import told
from otmon.identity.claims.wire import wholes
from otmon.identity.login import Piece


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims at the beginning of a connection."""
    return told(wholes(pieces))
