"""What EtherNet/IP devices answer to ListIdentity.

References: The CIP Networks Library, volume 2, 2-4.2 (ListIdentity, table 2-4.4), 2-3.1 (encapsulation
header), volume 1, 5A-2 (identity object), 6-7 (device types).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import number, part, said
from otmon.identity.login import Piece

_LIST_IDENTITY: Final = 0x0063
_IDENTITY: Final = 0x000C
DEVICE_TYPES: Final = {
    0x02: "ac-drive", 0x0C: "communications-adapter", 0x0E: "plc", 0x18: "hmi", 0x25: "cip-motion-drive",
    0x2C: "managed-switch",
}  # fmt: skip
MAX_ITEMS: Final = 8


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each answer."""
    for piece in pieces:
        data = piece.data
        if number(data, 0, 2, little=True) != _LIST_IDENTITY or number(data, 8, 4) != 0:
            continue
        at = 26
        for _ in range(min(number(data, 24, 2, little=True), MAX_ITEMS)):
            kind, size = number(data, at, 2, little=True), number(data, at + 2, 2, little=True)
            item = part(data, at + 4, size) if size >= 0 else None
            if item is None:
                break
            at += 4 + size
            if kind == _IDENTITY and len(item) > 33:
                yield from _identity(item, piece)


def _identity(item: bytes, piece: Piece) -> Iterator[Claim]:
    """Behind version and socket address: vendor, type, product, revision, status, serial, name."""
    vendor, kind = number(item, 18, 2, little=True), number(item, 20, 2, little=True)
    yield from said("vendor", f"CIP vendor {vendor}", piece)
    yield from said("capability", DEVICE_TYPES.get(kind, ""), piece)
    yield from said("firmware", f"{item[24]}.{item[25]:03}", piece)
    yield from said("serial", f"{number(item, 28, 4, little=True):08X}", piece)
    yield from said("model", part(item, 33, item[32]) or b"", piece)
