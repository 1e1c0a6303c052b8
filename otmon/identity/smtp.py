"""Log-ins of SMTP: AUTH (RFC 4954)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otmon.identity.login import Claim, LogIn, Piece
from otmon.identity.sasl import Exchange
from otmon.identity.stream import lines


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    exchange: Exchange | None = None
    claim: Claim | None = None
    for line in lines(pieces):
        if line.from_client:
            words = line.text.split(b" ")
            if words[0].upper() == b"AUTH" and len(words) in (2, 3):
                if claim is not None:
                    yield claim.ended("attempted")
                exchange = Exchange(words[1])
                claim = exchange.response(words[2], line.seen) if len(words) == 3 else None
            elif exchange is not None and claim is None:
                claim = exchange.response(line.text, line.seen)
            continue
        code = line.text[:3]
        if code == b"334" and exchange is not None:
            exchange.challenge(line.text[4:])
        elif exchange is not None and line.text[3:4] != b"-" and code[:1] in (b"2", b"4", b"5"):
            if claim is not None:
                yield claim.ended(
                    "accepted" if code == b"235" else "refused" if code[:1] > b"2" else "unknown"
                )
            exchange = claim = None
    if claim is not None:
        yield claim.ended("attempted")
