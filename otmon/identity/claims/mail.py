"""What the mail protocols have alike: a server's greeting, and NTLM in lines of Base64.

References: [MS-SMTPNTLM], [MS-POP3], [MS-OXIMAP4]: a challenge stands behind "334 " or "+ ", a
message of the client on a line of its own or behind the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece
from otmon.identity.ntlm import told_by
from otmon.identity.sasl import decoded

_TOKEN = re.compile(rb"(?:^|[ \n])(TlRMTVNTUA[A-Za-z0-9+/]{8,8192}=*)\r?\n")
"""Base64 of NTLM's signature, and what follows."""


def claims_of(pieces: Sequence[Piece], ready: re.Pattern[bytes]) -> Iterator[Claim]:
    """The claims of a connection whose server greets with `ready`: its first group is the program."""
    for piece in pieces:
        greeting = ready.match(piece.data) if piece.at == 0 and not piece.from_client else None
        if greeting is not None:
            yield from said("software", greeting[1], piece)
        for found in _TOKEN.finditer(piece.data):
            for kind, value in told_by(decoded(found[1])):
                yield Claim(kind, value, piece.seen, piece.from_client)
