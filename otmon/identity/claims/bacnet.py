"""What BACnet devices say of themselves: I-Am, and the properties of their device object.

References: ANSI/ASHRAE 135-2020, J.2 (BVLL), 6.2 (NPDU), 16.10.3 (I-Am), 15.5 (ReadProperty), 20.1
(APDUs), 20.2 (tags), 21 (numbers of properties). What a router passes on is about a device behind it, and
left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, ClaimKind
from otmon.identity.claims.wire import number, part, said
from otmon.identity.login import Piece

_BVLL: Final = 0x81
_ORIGINAL: Final = (9, 10, 11)
"""Distribute-Broadcast and the original NPDUs; a forwarded one is another's."""
_MESSAGE, _FOR_NETWORK, _FROM_NETWORK = 0x80, 0x20, 0x08
_DEVICE: Final = 8
_OBJECT, _UNSIGNED, _ENUMERATED, _TEXT = 12, 2, 9, 7
PROPERTIES: Final[dict[int, ClaimKind]] = {
    77: "name", 121: "vendor", 70: "model", 44: "firmware", 12: "software", 28: "description", 372: "serial",
}  # fmt: skip
_CHARACTERS: Final = {0: "utf-8", 4: "utf-16-be", 5: "latin-1"}


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each datagram."""
    for piece in pieces:
        at = _apdu(piece.data)
        if number(piece.data, at, 2) == 0x1000:
            yield from _i_am(piece, at + 2)
        elif number(piece.data, at, 1) == 0x30 and number(piece.data, at + 2, 1) == 12:
            yield from _property(piece, at + 3)


def _apdu(data: bytes) -> int:
    """Where the APDU of a device's own message begins, -1 for none."""
    control = number(data, 5, 1)
    if control < 0 or data[0] != _BVLL or data[1] not in _ORIGINAL or data[4] != 1:
        return -1
    if control & (_MESSAGE | _FROM_NETWORK):
        return -1
    if not control & _FOR_NETWORK:
        return 6
    size = number(data, 8, 1)
    return 6 + 3 + size + 1 if size >= 0 else -1


def _tag(data: bytes, at: int) -> tuple[int, bool, bytes, int] | None:
    """Number, class (True for context), contents and end of a primitive element."""
    head = number(data, at, 1)
    if head < 0 or head >> 4 == 15 or head & 7 > 5:
        return None
    size, begin = head & 7, at + 1
    if size == 5:
        size, begin = number(data, begin, 1), begin + 1
        if size == 254:
            size, begin = number(data, begin, 2), begin + 2
        elif size == 255:
            return None
    contents = part(data, begin, size) if size >= 0 else None
    return None if contents is None else (head >> 4, bool(head & 8), contents, begin + size)


def _i_am(piece: Piece, at: int) -> Iterator[Claim]:
    values = []
    for wanted in (_OBJECT, _UNSIGNED, _ENUMERATED, _UNSIGNED):
        found = _tag(piece.data, at)
        if found is None or found[:2] != (wanted, False):
            return
        values.append(int.from_bytes(found[2][:4], "big"))
        at = found[3]
    if values[0] >> 22 == _DEVICE:
        yield from said("description", f"BACnet device {values[0] & 0x3FFFFF}", piece)
        yield from said("vendor", f"BACnet vendor {values[3]}", piece)


def _property(piece: Piece, at: int) -> Iterator[Claim]:
    data = piece.data
    of, which = _tag(data, at), None
    if of is not None and of[:2] == (0, True) and int.from_bytes(of[2][:4], "big") >> 22 == _DEVICE:
        which = _tag(data, of[3])
    if which is None or which[:2] != (1, True) or number(data, which[3], 1) != 0x3E:
        return
    kind = PROPERTIES.get(int.from_bytes(which[2][:4], "big"))
    value = _tag(data, which[3] + 1)
    if kind is None or value is None or value[:2] != (_TEXT, False) or not value[2]:
        return
    characters = _CHARACTERS.get(value[2][0])
    if characters is not None:
        yield from said(kind, value[2][1:].decode(characters, "replace"), piece)
