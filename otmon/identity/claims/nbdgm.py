"""What Windows hosts announce to their neighbours by datagrams of NetBIOS: name and version.

References: RFC 1002, 4.4.1 (header), 4.4.2 (datagram); [MS-BRWS] 2.2.1 (HostAnnouncement), 2.2.6
(LocalMasterAnnouncement: the same fields).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.record import name_at, netbios
from otmon.identity.claims.wire import number, part, said
from otmon.identity.login import Piece

_KINDS: Final = (0x10, 0x11, 0x12)
_HEADER: Final = 14
_BROWSE: Final = b"\\MAILSLOT\\BROWSE\0"
_ANNOUNCEMENTS: Final = (1, 15)
_SIGNATURE: Final = 0xAA55
_UNIX: Final = 0x00000800
"""SV_TYPE_XENIX_SERVER: the version is one that another program pretends."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each datagram."""
    for piece in pieces:
        data = piece.data
        if number(data, 0, 1) not in _KINDS:
            continue
        source = name_at(data, _HEADER)
        name = netbios(source[0][0]) if source is not None and source[0] else None
        if name is not None and name[1] in (0x00, 0x20):
            yield from said("name", name[0], piece)
        slot = data.find(_BROWSE)
        if slot >= 0:
            yield from _announced(data[slot + len(_BROWSE) :], piece)


def _announced(frame: bytes, piece: Piece) -> Iterator[Claim]:
    named = part(frame, 6, 16)
    kind = number(frame, 24, 4, little=True)
    if number(frame, 0, 1) not in _ANNOUNCEMENTS or named is None or kind < 0:
        return
    if number(frame, 30, 2, little=True) != _SIGNATURE:
        return
    yield from said("name", named, piece)
    if not kind & _UNIX:
        yield from said("system", f"Windows NT {frame[22]}.{frame[23]}", piece)
    yield from said("description", frame[32:], piece)
