"""What Cisco's devices say to their neighbours (CDP versions 1 and 2).

Reference: Cisco, "Understanding Link-Layer Discovery: CDP frame formats" (TLV types 1, 2, 4, 5, 6 and 20);
Wireshark and tcpdump agree with it. A frame is LLC and SNAP (00-00-0C, 0x2000), version, time to live,
checksum, then values of type, length with their own four bytes, and data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, ClaimKind
from otmon.identity.claims.wire import ipv4, number, part, said
from otmon.identity.login import Piece

_SNAP: Final = bytes.fromhex("aaaa0300000c2000")
_ADDRESSES, _CAPABILITIES = 2, 4
_TEXTS: Final[dict[int, ClaimKind]] = {1: "name", 5: "description", 6: "model", 20: "name"}
_IPV4: Final = bytes.fromhex("0101cc0004")
"""Protocol type NLPID of one byte, 0xCC, and an address of four."""
CAPABILITIES: Final = ("router", "bridge", "bridge", "bridge", "station", "bridge", "repeater", "telephone")
"""Lowest bit first: router, two kinds of bridge, switch, host, IGMP, repeater, telephone."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each frame; `Piece.data` begins with LLC."""
    for piece in pieces:
        if piece.data[:8] == _SNAP:
            yield from _frame(piece)


def _frame(piece: Piece) -> Iterator[Claim]:
    data = piece.data
    at = 12
    while (kind := number(data, at, 2)) >= 0:
        size = number(data, at + 2, 2)
        value = part(data, at + 4, size - 4) if size >= 4 else None
        if value is None:
            return
        at += size
        if kind in _TEXTS:
            yield from said(_TEXTS[kind], value, piece)
        elif kind == _CAPABILITIES and len(value) == 4:
            bits = number(value, 0, 4)
            names = dict.fromkeys(name for bit, name in enumerate(CAPABILITIES) if bits >> bit & 1)
            yield from said("capability", ", ".join(names), piece)
        elif kind == _ADDRESSES and value[4:9] == _IPV4:
            yield from said("management", ipv4(part(value, 9, 4)), piece)
