"""The program of each side by RTSP: cameras and who watches them; and at which ports both take the stream
that they agree on.

Reference: RFC 7826, 18.46 (Server), 18.54 (Transport), 18.55 (User-Agent); RFC 2326, 12.39.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.transfer import expected
from otmon.identity.claims.wire import software_fields
from otmon.identity.login import Piece

_HEADS: Final = (b"OPTIONS ", b"DESCRIBE ", b"SETUP ", b"RTSP/")
_TRANSPORT: Final = re.compile(rb"\nTransport *: *([^\r\n]{1,400})\r?\n", re.IGNORECASE)
_PORTS: Final = re.compile(rb"; *(client|server)_port *= *([0-9]{1,5})(?:-([0-9]{1,5}))?", re.IGNORECASE)
_DESTINATION: Final = re.compile(rb"; *destination *= *\"?([0-9A-Fa-f:.]{2,45})", re.IGNORECASE)


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a flow."""
    yield from software_fields(pieces, _HEADS)
    for piece in pieces:
        # The answer has what both agreed on.
        if not piece.from_client and piece.data.startswith(b"RTSP/"):
            for field in _TRANSPORT.finditer(piece.data):
                yield from _streams(field[1], piece)


def _streams(transport: bytes, piece: Piece) -> Iterator[Claim]:
    """Of a stream over UDP the ports of its data and of what controls it (RFC 3550, 11)."""
    if b"/tcp" in transport.lower() or b"multicast" in transport.lower():
        return
    destination = _DESTINATION.search(transport)
    for found in _PORTS.finditer(transport):
        from_client = found[1].lower() == b"client"
        address = destination[1].decode() if destination is not None and from_client else ""
        first = int(found[2])
        last = int(found[3]) if found[3] is not None else first
        for port in {first: None, last: None}:
            yield from expected("udp", port, address, piece.seen, from_client)
