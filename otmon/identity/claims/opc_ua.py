"""What OPC UA servers say of themselves where a client asks for their endpoints.

References: OPC 10000-6 (1.05), 5.2.2 (encodings), 6.7.2 (message chunks); OPC 10000-4, 5.5.4 (GetEndpoints),
7.2 (ApplicationDescription), 7.14 (EndpointDescription), 7.33 (ResponseHeader); node id 431 is that of
GetEndpointsResponse in binary encoding. Chunks that are encrypted say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import number, part, said, wholes
from otmon.identity.login import Piece

_RESPONSE: Final = b"\x01\x00\xaf\x01"
_HEADER: Final = 24
"""Message header, security header and sequence header."""
_NO_EXTENSION: Final = b"\x00\x00\x00"
MAX_CHUNKS: Final = 16


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims at the beginning of a connection."""
    for whole in wholes(pieces):
        if whole.from_client or whole.at:
            continue
        at = 0
        for _ in range(MAX_CHUNKS):
            size = number(whole.data, at + 4, 4, little=True)
            if size < 8:
                break
            if whole.data[at : at + 3] == b"MSG":
                yield from _endpoints(whole.data[at + _HEADER : at + size], whole)
            at += size


def _endpoints(data: bytes, piece: Piece) -> Iterator[Claim]:
    """Of the first endpoint, as all are of one application."""
    if data[:4] != _RESPONSE or number(data, 16, 5) != 0:
        return
    # Behind time, handle, result and diagnostics: the texts of these, and the additional header.
    at = 25
    if number(data, 21, 4, little=True) not in (0, 0xFFFFFFFF) or part(data, at, 3) != _NO_EXTENSION:
        return
    at += 3
    if not 0 < number(data, at, 4, little=True) < 1 << 16:
        return
    at += 4
    texts: list[bytes] = []
    # URL of the endpoint, URI of the application, URI of the product.
    for _ in range(3):
        found = _text(data, at)
        if found is None:
            return
        texts.append(found[0])
        at = found[1]
    mask = number(data, at, 1)
    at += 1
    for bit in (1, 2):
        if mask >= 0 and mask & bit:
            found = _text(data, at)
            if found is None:
                return
            at = found[1]
            if bit == 2:
                yield from said("software", found[0], piece)
    yield from said("model", texts[2], piece)


def _text(data: bytes, at: int) -> tuple[bytes, int] | None:
    """A text and where it ends; a length of -1 is none."""
    size = number(data, at, 4, little=True)
    if size == 0xFFFFFFFF:
        return b"", at + 4
    found = part(data, at + 4, size) if size >= 0 else None
    return None if found is None else (found, at + 4 + size)
