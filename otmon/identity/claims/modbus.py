"""What Modbus servers say of themselves: Read Device Identification and Report Server ID.

References: MODBUS Application Protocol Specification V1.1b3, 6.21 (43/14: objects) and 6.13 (17). A piece
is a response's PDU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, ClaimKind
from otmon.identity.claims.wire import number, part, said
from otmon.identity.login import Piece

_REPORT, _ENCAPSULATED, _IDENTIFICATION = 17, 43, 14
OBJECTS: Final[dict[int, ClaimKind]] = {
    0: "vendor", 1: "model", 2: "firmware", 4: "model", 5: "model", 6: "name"
}  # fmt: skip
"""Numbers of objects: vendor, product code, revision, product and model name, name of the application."""
MAX_OBJECTS: Final = 32
_SHORTEST: Final = 4
"""Letters of a server's id that are a text and no number."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each response."""
    for piece in pieces:
        data = piece.data
        if data[:2] == bytes((_ENCAPSULATED, _IDENTIFICATION)):
            at = 7
            for _ in range(min(number(data, 6, 1), MAX_OBJECTS)):
                value = part(data, at + 2, number(data, at + 1, 1)) if at + 1 < len(data) else None
                if value is None:
                    break
                if data[at] in OBJECTS:
                    yield from said(OBJECTS[data[at]], value, piece)
                at += 2 + len(value)
        elif data[:1] == bytes((_REPORT,)):
            # Id and run indicator are of no fixed length: the longest text is told.
            said_there = part(data, 2, number(data, 1, 1)) if len(data) > 1 else None
            runs = "".join(chr(one) if 0x20 <= one < 0x7F else "\n" for one in said_there or b"").split("\n")
            text = max(runs, key=len, default="")
            if len(text) >= _SHORTEST:
                yield from said("description", text, piece)
