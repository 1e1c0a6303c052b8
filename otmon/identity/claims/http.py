"""The program of each side by HTTP/1.1, and the name by which the server is asked.

Reference: RFC 9110, 7.2 (Host), 10.1.5 (User-Agent), 10.2.4 (Server).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, line
from otmon.identity.claims.certificate import is_host
from otmon.identity.claims.wire import software_fields
from otmon.identity.login import Piece

_HEADS: Final = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"PROPFIND ", b"HTTP/1.")
_HOST: Final = re.compile(rb"\nhost *: *([^\s:]{1,255})(?::[0-9]{1,5})?[ \t]*\r?\n", re.IGNORECASE)


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a flow."""
    yield from software_fields(pieces, _HEADS)
    for piece in pieces:
        if piece.from_client and piece.data.startswith(_HEADS[:-1]):
            head, end, _ = piece.data.partition(b"\r\n\r\n")
            found = _HOST.search(head + end[:2])
            name = line(found[1]) if found is not None else ""
            if is_host(name):
                yield Claim("called", name.rstrip("."), piece.seen, from_client=False)
                return
