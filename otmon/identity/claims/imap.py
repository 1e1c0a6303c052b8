"""What an IMAP server greets with, and what both sides say of themselves where they log in by NTLM.

Reference: RFC 9051, 7.1.1 (greeting "* OK") and 6.2.2 (AUTHENTICATE); [MS-OXIMAP4] (NTLM in it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.mail import claims_of
from otmon.identity.login import Piece

_READY: Final = re.compile(rb"\* OK (?:\[[^\]\r\n]{0,400}\] *)?([^\r\n]{1,400})\r?\n")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a connection."""
    yield from claims_of(pieces, _READY)
