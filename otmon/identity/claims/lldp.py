"""What LLDP says: name, description, capabilities, address, and the inventory of LLDP-MED.

References: IEEE 802.1AB-2016, 8.5 (TLVs 5 to 8), 8.4 (format); ANSI/TIA-1057, 10.2.6 (inventory, subtypes 5
to 10 of organisation 00-12-BB).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, ClaimKind
from otmon.identity.claims.wire import ipv4, ipv6, number, part, said
from otmon.identity.login import Piece

_END, _CHASSIS, _NAME, _DESCRIPTION, _CAPABILITIES, _MANAGEMENT, _ORGANISATION = 0, 1, 5, 6, 7, 8, 127
_MED: Final = b"\x00\x12\xbb"
_INVENTORY: Final[dict[int, ClaimKind]] = {
    6: "firmware", 7: "software", 8: "serial", 9: "vendor", 10: "model"
}  # fmt: skip
CAPABILITIES: Final = (
    "other", "repeater", "bridge", "wlan-access-point", "router", "telephone", "docsis", "station",
)  # fmt: skip
"""Bits of the enabled capabilities, lowest first (table 8-4)."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each frame; `Piece.data` begins behind the EtherType."""
    for piece in pieces:
        yield from _frame(piece)


def _frame(piece: Piece) -> Iterator[Claim]:
    data = piece.data
    if not data or data[0] >> 1 != _CHASSIS:
        # It comes first in every frame (IEEE 802.1AB-2016, 8.2).
        return
    at = 0
    while (head := number(data, at, 2)) >= 0:
        kind, value = head >> 9, part(data, at + 2, head & 0x1FF)
        if kind == _END or value is None:
            return
        at += 2 + len(value)
        if kind == _NAME:
            yield from said("name", value, piece)
        elif kind == _DESCRIPTION:
            yield from said("description", value, piece)
        elif kind == _CAPABILITIES and len(value) >= 4:
            enabled = number(value, 2, 2)
            names = [name for bit, name in enumerate(CAPABILITIES) if enabled >> bit & 1]
            yield from said("capability", ", ".join(names), piece)
        elif kind == _MANAGEMENT and len(value) >= 2:
            address = part(value, 2, max(value[0] - 1, 0))
            yield from said("management", {1: ipv4, 2: ipv6}.get(value[1], _none)(address), piece)
        elif kind == _ORGANISATION and value[:3] == _MED and len(value) > 4 and value[3] in _INVENTORY:
            yield from said(_INVENTORY[value[3]], value[4:], piece)


def _none(address: bytes | None) -> str:
    return ""
