"""Which bytes of data blocks, flags and outputs S7comm writes, and what.

References: Wireshark packet-s7comm.c (items of Write Var: S7ANY addresses, transport sizes and lengths of
their data, areas), as Siemens publishes no specification; Snap7 documentation, Cli_WriteArea and
Cli_WriteMultiVars.

Bytes are told as words that begin at even addresses, the higher byte first. What begins or ends in the middle
of one, and a single bit, is a part of it.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import UNREAD_WRITTEN, Run, Written

_WRITE: Final = 5
_S7: Final = 0x32
_COTP_DATA: Final = b"\x02\xf0"
_ANY: Final = b"\x12\x0a\x10"
"""Specification, length and syntax of an address."""
_ITEM: Final = 12
_BIT: Final = 1
_IN_BITS: Final = (3, 4, 5)
"""Transport sizes of data whose length is told in bits."""
_BLOCKS: Final = (0x84, 0x85)
_AREAS: Final = {0x80: "Q", 0x82: "Q", 0x83: "M"}
"""Outputs past the process image are what they are in it."""
_OTHERS: Final = (0x1C, 0x1D, 0x81)
"""Counters, timers and inputs: none that can be limited."""


def s7_written(message: bytes, function: int) -> Written:
    """What a job of S7comm writes, which `otmon.protocols.commands` has read as a write."""
    begin = 0 if message[:1] == bytes((_S7,)) else 3 if message[:2] == _COTP_DATA else 7
    head = message[begin : begin + 12]
    if function != _WRITE or len(head) < 12:
        return UNREAD_WRITTEN
    end = behind = begin + 10 + int.from_bytes(head[6:8], "big")
    runs: list[Run] = []
    whole = True
    at = begin + 12
    for _ in range(head[11]):
        item, data = message[at : at + _ITEM], message[behind : behind + 4]
        if item[:3] != _ANY or len(item) < _ITEM or at + _ITEM > end:
            # Others have another length: what follows nobody can find.
            return Written(tuple(runs), whole=False)
        size = int.from_bytes(data[2:4], "big")
        if data[1:2] and data[1] in _IN_BITS:
            size = (size + 7) // 8
        octets = message[behind + 4 : behind + 4 + size]
        whole = _item(item, octets, size, runs) and len(data) == 4 and whole
        at += _ITEM
        behind += 4 + size + size % 2
    return Written(tuple(runs), whole)


def _item(item: bytes, octets: bytes, size: int, runs: list[Run]) -> bool:
    """Add what one item writes to `runs`; whether all of it could be read."""
    area, address = item[8], int.from_bytes(item[9:12], "big")
    if area in _OTHERS:
        return True
    table = f"DB{int.from_bytes(item[6:8], 'big')}" if area in _BLOCKS else _AREAS.get(area, "")
    if not table:
        return False
    first = address // 8
    if item[3] == _BIT:
        if size != 1 or not octets:
            return False
        mask = 1 << address % 8 << (0 if first % 2 else 8)
        runs.append(Run(table, first & ~1, (mask if octets[0] & 1 else 0,), "word", 2, mask))
        return True
    if first % 2 and octets:
        runs.append(Run(table, first - 1, (octets[0],), "word", 2, 0x00FF))
        first, octets = first + 1, octets[1:]
        size -= 1
    words = tuple(int.from_bytes(octets[n : n + 2], "big") for n in range(0, len(octets) - 1, 2))
    if words:
        runs.append(Run(table, first, words, "word", 2))
    if len(octets) % 2:
        runs.append(Run(table, first + len(octets) - 1, (octets[-1] << 8,), "word", 2, 0xFF00))
    return len(octets) == size
