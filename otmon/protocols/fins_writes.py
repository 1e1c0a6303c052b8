"""Which words of a controller's memory FINS writes, and what.

References: Omron W342-E1, "Communications Commands Reference Manual", 5-2-2 (memory areas of CS and CJ),
5-3-3 (MEMORY AREA WRITE), 5-3-4 (MEMORY AREA FILL), 5-3-6 (MEMORY AREA TRANSFER).

Single bits are parts of the words that they stand in. What a transfer copies nobody can read in it.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import MOST_WRITTEN, UNREAD_WRITTEN, Run, Written

_WRITE, _FILL = 0x0102, 0x0103
_BANKS: Final = range(0x19)
_WORDS: Final[dict[int, str]] = {
    0xB0: "CIO",
    0xB1: "W",
    0xB2: "H",
    0xB3: "A",
    0x82: "D",
    **{0x90 + bank: f"E{bank}_" for bank in range(8)},
    **{(0xA0 + bank if bank < 0x10 else 0x50 + bank): f"E{bank:X}_" for bank in _BANKS},
}
_BITS: Final[dict[int, str]] = {
    0x30: "CIO",
    0x31: "W",
    0x32: "H",
    0x33: "A",
    0x02: "D",
    **{(0x20 + bank if bank < 0x10 else 0xD0 + bank): f"E{bank:X}_" for bank in _BANKS},
}
"""By the code of an area: as CX-Programmer names the addresses in it, such as D200, W10 and E0_100."""
FINS_TABLES: Final = frozenset(_WORDS.values())
_OTHERS: Final = frozenset((0x06, 0x07, 0x09, 0x46, 0x49, 0xBC, 0xDC))
"""Flags of tasks, pulses, timers and counters, data and index registers: no words of the areas above."""
_COUNTERS, _PRESENT = 0x8000, 0x89
"""From which address on present values are those of counters; before it they are of timers."""
FINS_PRESENT: Final = ("T", "C")
_TCP_HEADER: Final = 16
_COMMAND: Final = 10


def fins_written(message: bytes, function: int) -> Written:
    """What a command of FINS writes, which `otmon.protocols.commands` has read as a write."""
    begin = (_TCP_HEADER if message[:4] == b"FINS" else 0) + _COMMAND + 2
    head, data = message[begin : begin + 6], message[begin + 6 :]
    if function not in (_WRITE, _FILL) or len(head) < 6:
        return UNREAD_WRITTEN
    area, address, bit = head[0], int.from_bytes(head[1:3], "big"), head[3]
    count = int.from_bytes(head[4:6], "big")
    if area in _OTHERS:
        return Written(())
    if area in _BITS and function == _WRITE:
        return _bits(_BITS[area], address, bit, data, count)
    table = _WORDS.get(area, "")
    if area == _PRESENT:
        table, address = FINS_PRESENT[address >= _COUNTERS], address % _COUNTERS
    if not table:
        return UNREAD_WRITTEN
    if function == _FILL:
        if len(data) < 2:
            return UNREAD_WRITTEN
        values = (int.from_bytes(data[:2], "big"),) * min(count, MOST_WRITTEN)
    else:
        there = min(count, len(data) // 2)
        values = tuple(int.from_bytes(data[2 * n : 2 * n + 2], "big") for n in range(there))
    runs = (Run(table, address, values, "word"),) if values else ()
    return Written(runs, len(values) == count)


def _bits(table: str, address: int, bit: int, data: bytes, count: int) -> Written:
    """Bits from one of a word on, a byte for each."""
    if bit > 15:
        return UNREAD_WRITTEN
    words: dict[int, tuple[int, int]] = {}
    there = data[:count]
    for n, octet in enumerate(there, bit):
        mask, value = words.get(address + n // 16, (0, 0))
        one = 1 << n % 16
        words[address + n // 16] = mask | one, value | (one if octet & 1 else 0)
    runs = tuple(Run(table, at, (value,), "word", mask=mask) for at, (mask, value) in words.items())
    return Written(runs, len(there) == count)
