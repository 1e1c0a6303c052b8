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
    # Answers that are to come, and the place among them of that to AUTH: a client need not wait for others,
    # nor for the greeting.
    owed = place = 0
    for line in lines(pieces):
        if line.from_client:
            owed += exchange is None
            words = line.text.split(b" ")
            if words[0].upper() == b"AUTH" and len(words) in (2, 3):
                if claim is not None:
                    yield claim.ended("attempted")
                owed += exchange is not None
                place = owed
                exchange = Exchange(words[1])
                claim = exchange.response(words[2], line.seen) if len(words) == 3 else None
            elif exchange is not None and claim is None:
                claim = exchange.response(line.text, line.seen)
            continue
        code = line.text[:3]
        if code == b"334" and exchange is not None:
            exchange.challenge(line.text[4:])
            place = 1
        elif line.text[3:4] != b"-" and code[:1] in (b"2", b"3", b"4", b"5") and code != b"220":
            owed = max(owed - 1, 0)
            place = max(place - 1, 0)
            if exchange is None or (place and code not in (b"235", b"535")):
                continue
            if claim is not None:
                yield claim.ended(
                    "accepted" if code == b"235" else "refused" if code[:1] > b"2" else "unknown"
                )
            exchange = claim = None
    if claim is not None:
        yield claim.ended("attempted")
