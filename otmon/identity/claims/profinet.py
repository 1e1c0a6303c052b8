"""What PROFINET stations say when they are asked who is there, or call it out (DCP).

References: IEC 61158-6-10, 4.3.1 (DCP-PDU: Identify, Get, Hello; options 1 and 2 and their suboptions). A
frame begins with its id, then service, type, transaction, delay, length and blocks of option, suboption,
length, and a word before the value where the block answers. A request to identify holds the name that is
looked for: a controller's device, or the sender's own to see whether another one has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import ipv4, number, part, said
from otmon.identity.login import Piece

_FRAMES: Final = (0xFEFC, 0xFEFD, 0xFEFF)
"""Hello, Get and Set, the answer to Identify."""
_GET, _IDENTIFY, _HELLO = 3, 5, 6
_ANSWERED: Final = 1
_IP, _DEVICE = 1, 2
_MODEL, _NAME, _ID, _ROLE = 1, 2, 3, 4
ROLES: Final = ("io-device", "io-controller", "io-multidevice", "io-supervisor")
"""Bits of the role, lowest first."""
MAX_BLOCKS: Final = 32


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each frame; `Piece.data` begins behind the EtherType."""
    for piece in pieces:
        data = piece.data
        service, kind = number(data, 2, 1), number(data, 3, 1)
        answers = kind == _ANSWERED and service in (_GET, _IDENTIFY)
        if number(data, 0, 2) not in _FRAMES or not (answers or (kind == 0 and service == _HELLO)):
            continue
        size = number(data, 10, 2)
        yield from _blocks(data[12 : 12 + max(size, 0)], piece)


def _blocks(data: bytes, piece: Piece) -> Iterator[Claim]:
    at = 0
    for _ in range(MAX_BLOCKS):
        option, suboption, size = number(data, at, 1), number(data, at + 1, 1), number(data, at + 2, 2)
        value = part(data, at + 4, size) if size >= 2 else None
        if value is None:
            return
        at += 4 + size + size % 2
        told = value[2:]
        if (option, suboption) == (_DEVICE, _MODEL):
            yield from said("model", told, piece)
        elif (option, suboption) == (_DEVICE, _NAME):
            yield from said("name", told, piece)
        elif (option, suboption) == (_DEVICE, _ID) and len(told) >= 4:
            text = f"PROFINET vendor 0x{number(told, 0, 2):04x}, device 0x{number(told, 2, 2):04x}"
            yield from said("description", text, piece)
        elif (option, suboption) == (_DEVICE, _ROLE) and told:
            names = [name for bit, name in enumerate(ROLES) if told[0] >> bit & 1]
            yield from said("capability", ", ".join(names), piece)
        elif option == _IP and suboption == 2:
            yield from said("management", ipv4(part(told, 0, 4)), piece)
