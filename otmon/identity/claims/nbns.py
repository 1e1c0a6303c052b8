"""Names of NetBIOS that hosts register, those that they list when they are asked (node status), and names for
which they answer others, with the address that they give.

References: RFC 1002, 4.2.1.1 (header), 4.2.2 (registration), 4.2.13 (positive name query response), 4.2.18
(node status response); [MS-NBTE] 2.2.1 and Microsoft's list of suffixes: 00 workstation or workgroup, 20 file
server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, ClaimKind
from otmon.identity.claims.record import flags_of, netbios, records
from otmon.identity.claims.wire import ipv4, number, part, said
from otmon.identity.login import Piece

_OPCODE: Final = 0xF800
_REGISTRATIONS: Final = (0x2800, 0x4000, 0x4800, 0x7800)
"""Requests to register, refresh (two codes) and register under several addresses."""
_RESPONSE: Final = 0x8000
_ANSWERED: Final = 0xF80F
"""A response, the operation (0 for a query) and the code (0 for no error)."""
_NB, _STATUS = 0x20, 0x21
_GROUP: Final = 0x8000
_WORKSTATION, _SERVER = 0x00, 0x20
MAX_NAMES: Final = 32
"""Names of one node status."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each datagram."""
    for piece in pieces:
        flags = flags_of(piece.data)
        registers = flags >= 0 and flags & _OPCODE in _REGISTRATIONS
        for record in records(piece.data):
            if registers and record.kind == _NB and record.name:
                name = netbios(record.name[0])
                yield from _named(name, number(record.data, 0, 2), piece)
            elif flags & _ANSWERED == _RESPONSE and record.kind == _NB and record.section == 0:
                found = netbios(record.name[0]) if record.name else None
                address = ipv4(part(record.data, 2, 4))
                if found is not None and address and not number(record.data, 0, 2) & _GROUP:
                    yield from said("answers", f"{found[0].replace(' ', '_')} {address}", piece)
            elif flags & _RESPONSE and record.kind == _STATUS and record.section == 0:
                for at in range(1, 18 * min(number(record.data, 0, 1), MAX_NAMES), 18):
                    raw = part(record.data, at, 18)
                    if raw is not None:
                        name = raw[:15].decode("latin-1").rstrip(" \0"), raw[15]
                        yield from _named(name, number(raw, 16, 2), piece)


def _named(name: tuple[str, int] | None, flags: int, piece: Piece) -> Iterator[Claim]:
    if name is None or flags < 0:
        return
    text, suffix = name
    kind: ClaimKind = "domain" if flags & _GROUP else "name"
    if suffix == _WORKSTATION or (suffix == _SERVER and kind == "name"):
        yield from said(kind, text, piece)
