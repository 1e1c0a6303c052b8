"""The certificate of an RDP server, whose subject is the name of its host.

References: [MS-RDPBCGR] 2.2.1.1 and 2.2.1.2 (one message of each side, then TLS where both agree on it) and
5.4.5 (security by TLS); RFC 1006, 6 (TPKT). Who logs in is encrypted with it, NTLM in CredSSP too ([MS-CSSP]
3.1.5). The account in a cookie of the first message is a person's, and left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.handshake import told
from otmon.identity.claims.wire import number, wholes
from otmon.identity.login import Piece

_TPKT: Final = 0x0300
_CODES: Final = {True: 0xE0, False: 0xD0}
"""X.224: connection request of the client, confirm of the server."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims at the beginning of a connection."""
    runs = wholes(pieces)
    before = {
        one.from_client: number(one.data, 2, 2)
        for one in runs
        if not one.at
        and number(one.data, 0, 2) == _TPKT
        and number(one.data, 5, 1) == _CODES[one.from_client]
    }
    return told((one for one in runs if before.get(one.from_client, -1) >= 0), before)
