"""What S7 controllers answer when their system status list is read: order number, name, serial number.

References: Siemens, "System Software for S7-300/400, System and Standard Functions" (A5E02789976), 33.2
(SZL-ID 11, module identification) and 33.6 (SZL-ID 1C, component identification); the frame is TPKT (RFC
1006), COTP (ITU-T X.224) and S7 userdata as Wireshark's dissector "s7comm" has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, ClaimKind
from otmon.identity.claims.wire import number, part, said
from otmon.identity.login import Piece

_RESPONSE_OF_CPU: Final = 0x84
_MODULE, _COMPONENT = 0x11, 0x1C
_FIRMWARE: Final = 7
COMPONENTS: Final[dict[int, ClaimKind]] = {1: "name", 2: "description", 4: "vendor", 5: "serial", 7: "model"}
"""Index of a component: name of the station, of the module, manufacturer, serial number, type of module."""
MAX_RECORDS: Final = 32


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each response."""
    for piece in pieces:
        data = piece.data
        if number(data, 7, 2) != 0x3207 or number(data, 22, 1) != _RESPONSE_OF_CPU:
            continue
        # Return code, transport size, length; then the list's id, index, size and number of records.
        at = 17 + number(data, 13, 2)
        kind, size, count = number(data, at + 4, 2), number(data, at + 8, 2), number(data, at + 10, 2)
        if number(data, at, 1) != 0xFF or count < 0 or size <= 2:
            continue
        for place in range(min(count, MAX_RECORDS)):
            record = part(data, at + 12 + place * size, size)
            if record is None:
                break
            if kind & 0xFF == _MODULE and size >= 28:
                yield from _module(record, piece)
            elif kind & 0xFF == _COMPONENT and number(record, 0, 2) & 0xFF in COMPONENTS:
                yield from said(COMPONENTS[number(record, 0, 2) & 0xFF], record[2:34], piece)


def _module(record: bytes, piece: Piece) -> Iterator[Claim]:
    index = number(record, 0, 2)
    if index == 1:
        yield from said("model", record[2:22], piece)
    elif index == _FIRMWARE and record[24:25] == b"V":
        yield from said("firmware", f"V{record[25]}.{record[26]}.{record[27]}", piece)
