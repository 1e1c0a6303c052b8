"""What both sides of DCE/RPC say of themselves where they log in by NTLM: OPC Classic and the administration
of Windows stand on it.

References: [MS-RPCE] 2.2.2.11 (token of a message), 2.2.1.1.7 (NTLM, also in SPNEGO); [MS-NLMP] 2.2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import wholes
from otmon.identity.login import Piece
from otmon.identity.ntlm import SIGNATURE, told_in

MAX_MESSAGES: Final = 16
"""Of NTLM, of one side: a connection begins with one or two."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims at the beginning of a connection."""
    for whole in wholes(pieces):
        at = whole.data.find(SIGNATURE)
        for _ in range(MAX_MESSAGES):
            if at < 0:
                break
            for kind, value in told_in(whole.data[at:]):
                yield Claim(kind, value, whole.seen, whole.from_client)
            at = whole.data.find(SIGNATURE, at + 1)
