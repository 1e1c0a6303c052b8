"""Log-ins of stations at a switch port by 802.1X, which carries EAP (`eap.py`; IEEE 802.1X-2020, 11.3, 11.4).

Frames begin with version, type and length; those of type 0 hold a packet of EAP. The station is the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.eap import Station, packet
from otmon.identity.login import LogIn, Piece

_HEADER: Final = 4
_EAP_PACKET: Final = 0


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """One for each proof of a password."""
    station = Station()
    for piece in pieces:
        data = piece.data
        size = int.from_bytes(data[2:4], "big")
        one = packet(data[_HEADER : _HEADER + size])
        if one is None or data[1] != _EAP_PACKET:
            continue
        yield from station.says(one, piece.seen) if piece.from_client else station.hears(one)
    yield from station.ends("attempted")
