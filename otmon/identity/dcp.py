"""What somebody sets in a PROFINET station by DCP: its address, its name, or all of it to factory settings.

Nobody logs in for it: whoever is in the same network can (IEC 61158-6-10, 4.3.1: DCP-Set-PDU, ControlOption).
What a frame looks like `otmon.identity.claims.profinet` tells; the answer has a block for each that
was set, with an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from otmon.identity.login import Piece, Seen

AccessClass = Literal["configure", "identify"]
"""Of those of `otmon.protocols`."""
SET: Final = 4
"""The service."""
_FRAME: Final = 0xFEFD
_REQUEST, _ANSWER = 0, 1
_BLOCKS: Final = 12
MAX_BLOCKS: Final = 32
_RESPONSE: Final = (5, 4)
_BRACKETS: Final = frozenset(((5, 1), (5, 2)))
"""Begin and end of a transaction."""
SERVICES: Final[dict[tuple[int, int], tuple[str, AccessClass]]] = {
    (1, 2): ("Set IP Address", "configure"),
    (1, 3): ("Set IP Address", "configure"),
    (2, 2): ("Set Name", "configure"),
    (5, 3): ("Signal", "identify"),
    (5, 5): ("Reset to Factory", "configure"),
    (5, 6): ("Reset to Factory", "configure"),
}
"""By option and suboption; a signal lets a lamp of the station blink. All others are settings."""
OTHER: Final = ("Set Parameter", "configure")


class Setting(NamedTuple):
    """One thing that was set."""

    option: int
    suboption: int
    service: str
    access: AccessClass
    error: int
    """0 where the station did it, above 0 where it refused, -1 where no answer was seen."""
    response_ns: int
    """-1 without an answer."""
    seen: Seen


def settings(pieces: Sequence[Piece]) -> Iterator[Setting]:
    """What the client of a flow set; `Piece.data` begins behind the EtherType."""
    answers: dict[bytes, list[tuple[int, dict[tuple[int, int], int]]]] = {}
    for piece in pieces:
        if not piece.from_client and _is(piece.data, _ANSWER):
            errors = {
                (value[0], value[1]): value[2]
                for block, value in _blocks(piece.data)
                if block == _RESPONSE and len(value) >= 3
            }
            answers.setdefault(piece.data[4:8], []).append((piece.seen.time_ns, errors))
    for piece in pieces:
        if not piece.from_client or not _is(piece.data, _REQUEST):
            continue
        asked_ns = piece.seen.time_ns
        answer = next((one for one in answers.get(piece.data[4:8], ()) if one[0] >= asked_ns), None)
        for block, _ in _blocks(piece.data):
            if block in _BRACKETS:
                continue
            service, access = SERVICES.get(block, OTHER)
            error = -1 if answer is None else answer[1].get(block, 0)
            response_ns = -1 if answer is None else answer[0] - asked_ns
            yield Setting(*block, service, access, error, response_ns, piece.seen)


def _is(data: bytes, kind: int) -> bool:
    return len(data) >= _BLOCKS and data[:4] == bytes((_FRAME >> 8, _FRAME & 0xFF, SET, kind))


def _blocks(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Option and suboption of each block that is all there, and its value."""
    at, end = _BLOCKS, min(_BLOCKS + int.from_bytes(data[10:12], "big"), len(data))
    for _ in range(MAX_BLOCKS):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if at + 4 + size > end or at + 4 > end:
            return
        yield (data[at], data[at + 1]), data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
