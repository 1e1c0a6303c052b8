"""What both sides of SMTP greet with: a server its name and program, a client its name; and what they say of
themselves where they log in by NTLM.

Reference: RFC 5321, 4.1.1.1 (EHLO, HELO), 4.2 and 4.3.1 (greeting 220); [MS-SMTPNTLM].
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.mail import claims_of
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece

_READY: Final = re.compile(rb"220[- ]([^\r\n]{1,400})\r?\n")
_HELLO: Final = re.compile(rb"(?:EHLO|HELO) ([A-Za-z0-9._-]{1,64})\r?\n", re.IGNORECASE)


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a connection."""
    yield from claims_of(pieces, _READY)
    for piece in pieces:
        found = _HELLO.match(piece.data) if piece.at == 0 and piece.from_client else None
        if found is not None:
            yield from said("name", found[1], piece)
