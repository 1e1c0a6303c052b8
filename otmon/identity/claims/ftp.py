"""What an FTP server greets with (RFC 959, 5.4: reply 220): mostly its program and version; and where both
sides wait for the data of a transfer: PORT and reply 227 (RFC 959, 4.1.2 and 4.2), EPRT and reply 229 (RFC
2428, 2 and 3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.transfer import expected
from otmon.identity.claims.wire import said
from otmon.identity.login import Piece
from otmon.identity.nvt import without_commands
from otmon.identity.stream import Line, lines

_READY: Final = re.compile(rb"220[- ]([^\r\n]{1,400})\r?\n")
_SIX: Final = rb"([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3}),([0-9]{1,3})(?![0-9,])"
_PORT: Final = re.compile(rb"PORT[ \t]+" + _SIX, re.IGNORECASE)
_PASSIVE: Final = re.compile(rb"227[ -][^0-9]{0,80}" + _SIX)
_EXTENDED: Final = re.compile(
    rb"EPRT[ \t]+([!-~])([12])\1([0-9A-Fa-f:.]{2,45})\1([0-9]{1,5})\1", re.IGNORECASE
)
_EXTENDED_PASSIVE: Final = re.compile(rb"229[ -][^(]{0,80}\(([!-~])\1\1([0-9]{1,5})\1\)")


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a control connection."""
    for piece in pieces:
        if not piece.from_client and piece.at == 0:
            found = _READY.match(piece.data)
            if found is not None:
                yield from said("software", found[1], piece)
    for line in lines(without_commands(pieces)):
        yield from _waiting(line)


def _waiting(line: Line) -> Iterator[Claim]:
    six = (_PORT if line.from_client else _PASSIVE).match(line.text)
    if six is not None:
        *octets, high, low = map(int, six.groups())
        if max(*octets, high, low) < 256:
            address = ".".join(map(str, octets))
            yield from expected("tcp", high << 8 | low, address, line.seen, line.from_client)
        return
    if line.from_client:
        extended = _EXTENDED.match(line.text)
        if extended is not None:
            yield from expected("tcp", int(extended[4]), extended[3].decode(), line.seen, True)
        return
    port = _EXTENDED_PASSIVE.match(line.text)
    if port is not None:
        yield from expected("tcp", int(port[2]), "", line.seen, False)
