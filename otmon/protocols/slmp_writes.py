"""Which devices SLMP writes, and what: in a row, here and there, and in blocks, in frames 3E, 4E and 1E,
binary and in ASCII code.

References: Mitsubishi SH-080956ENG, "SLMP Reference Manual", 4.2 (frames), 5.2 (device codes and numbers;
Write, Write Random, Write Block); for frames 1E "FX3U-ENET User's Manual", 9.1.2 and 9.3 (device codes,
writes in a row and tests, which write here and there).

A word that is written to bit devices is 16 of them, the lowest bit the first one. Labels, and devices by the
way of another one (subcommands 008x), are not followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from otmon.protocols.protocol import NOTHING_WRITTEN, UNREAD_WRITTEN, Run, Written


class _Device(NamedTuple):
    name: str
    bit: bool
    base: int
    """In which its number is written in ASCII code; 0 where controllers differ."""


_DEVICES: Final[dict[int, _Device]] = {
    0x91: _Device("SM", True, 10),
    0xA9: _Device("SD", False, 10),
    0x9C: _Device("X", True, 16),
    0x9D: _Device("Y", True, 16),
    0x90: _Device("M", True, 10),
    0x92: _Device("L", True, 10),
    0x93: _Device("F", True, 10),
    0x94: _Device("V", True, 10),
    0xA0: _Device("B", True, 16),
    0xA8: _Device("D", False, 10),
    0xB4: _Device("W", False, 16),
    0xC1: _Device("TS", True, 10),
    0xC0: _Device("TC", True, 10),
    0xC2: _Device("TN", False, 10),
    0xC7: _Device("STS", True, 10),
    0xC6: _Device("STC", True, 10),
    0xC8: _Device("STN", False, 10),
    0xC4: _Device("CS", True, 10),
    0xC3: _Device("CC", True, 10),
    0xC5: _Device("CN", False, 10),
    0xA1: _Device("SB", True, 16),
    0xB5: _Device("SW", False, 16),
    0x98: _Device("S", True, 10),
    0xA2: _Device("X", True, 16),
    0xA3: _Device("Y", True, 16),
    0xCC: _Device("Z", False, 10),
    0xAF: _Device("ZR", False, 10),
    0xB0: _Device("ZR", False, 0),
    0x2C: _Device("RD", False, 10),
}
"""By the code in binary frames. Inputs and outputs past the process image are what they are in it, and file
registers of block 0 have two names."""
_TEXTS: Final[dict[bytes, _Device]] = {one.name.encode(): one for one in _DEVICES.values()} | {
    b"SS": _DEVICES[0xC7], b"SC": _DEVICES[0xC6], b"SN": _DEVICES[0xC8], b"DX": _DEVICES[0xA2],
    b"DY": _DEVICES[0xA3], b"R": _DEVICES[0xAF], b"ZR": _DEVICES[0xB0],
}  # fmt: skip
"""By the code in ASCII frames, without the asterisks or blanks behind it."""
SLMP_TABLES: Final[dict[str, tuple[bool, int]]] = {
    one.name: (one.bit, one.base or 10) for one in _DEVICES.values()
}
"""Names of devices: whether each is a bit, and in which base people write its number."""
_ROW, _HERE_AND_THERE, _BLOCKS = 0x1401, 0x1402, 0x1406
_OF_NONE: Final = (0x1601, 0x1613)
"""Writes to memory in which there are no devices: of modules, and of the CPU's own buffer."""
_BITS, _LONG = 1, 2
"""Bits of the subcommand: units of bits; numbers of devices with 32 bits (iQ-R)."""
_BINARY: Final = {b"\x50\x00": 2, b"\x54\x00": 6}
_ASCII: Final = {b"5000": 4, b"5400": 12}
"""Subheader of a request, and where the route behind it begins."""
_OLD_BITS, _OLD_WORDS, _OLD_BIT_TEST, _OLD_WORD_TEST, _OLD_MEMORY = 2, 3, 4, 5, 15
_DIGITS: Final = b"0123456789ABCDEFabcdef"


class _CutOff(Exception):
    """There is no such field: the message ends before it, or other signs than digits are there."""


class _Fields:
    """The fields of a message one by one: numbers with the lower byte first, or in hexadecimal digits."""

    def __init__(self, message: bytes, at: int, ascii: bool) -> None:
        self._message, self.at, self.ascii = message, at, ascii

    def number(self, size: int) -> int:
        """A number of `size` bytes. Raises _CutOff."""
        if not self.ascii:
            return int.from_bytes(self._taken(size), "little")
        return _hexadecimal(self._taken(2 * size))

    def device(self, long: bool) -> tuple[_Device | None, int]:
        """A device with its number: None for one that nobody knows. Raises _CutOff."""
        if not self.ascii:
            number = self.number(4 if long else 3)
            return _DEVICES.get(self.number(2 if long else 1)), number
        device = _TEXTS.get(self._taken(4 if long else 2).rstrip(b"* ").upper())
        digits = self._taken(8 if long else 6).strip(b" ")
        if device is None or not device.base:
            return None, 0
        if device.base == 10 and not digits.isdigit():
            raise _CutOff
        return device, int(digits) if device.base == 10 else _hexadecimal(digits)

    def bits(self, count: int) -> tuple[int, ...]:
        """As many bits as there are, at most `count`: half a byte, or a digit, for each."""
        if self.ascii:
            digits = self._message[self.at : self.at + count]
            self.at += len(digits)
            return tuple(digit & 1 for digit in digits)
        octets = self._message[self.at : self.at + (count + 1) // 2]
        self.at += len(octets)
        return tuple(half & 1 for octet in octets for half in (octet >> 4, octet))[:count]

    def words(self, count: int) -> tuple[int, ...]:
        """As many words as there are, at most `count`."""
        left = (len(self._message) - self.at) // (4 if self.ascii else 2)
        found = []
        for _ in range(min(count, left)):
            found.append(self.number(2))
        return tuple(found)

    def _taken(self, size: int) -> bytes:
        part = self._message[self.at : self.at + size]
        if len(part) < size:
            raise _CutOff
        self.at += size
        return part


def _hexadecimal(digits: bytes) -> int:
    if not digits or not all(digit in _DIGITS for digit in digits):
        raise _CutOff
    return int(digits, 16)


def slmp_written(message: bytes, function: int) -> Written:
    """What a request of SLMP writes, which `otmon.protocols.commands` has read as a write."""
    runs: list[Run] = []
    begin, ascii = _BINARY.get(message[:2], 0), False
    if not begin:
        begin, ascii = _ASCII.get(message[:4], 0), True
    try:
        if not begin:
            whole = all(_old(message, runs))
        elif function in _OF_NONE:
            return NOTHING_WRITTEN
        else:
            # Route of five bytes, length, timer, command.
            fields = _Fields(message, begin + 11 * (2 if ascii else 1), ascii)
            whole = all(_read(fields, function, runs))
    except _CutOff:
        whole = False
    return Written(tuple(runs), whole) if runs or whole else UNREAD_WRITTEN


def _read(fields: _Fields, function: int, runs: list[Run]) -> Iterator[bool]:
    """Add what is written to `runs`, and tell of each part whether it was read."""
    how = fields.number(2)
    if how & ~(_BITS | _LONG) or function not in (_ROW, _HERE_AND_THERE, _BLOCKS):
        yield False
        return
    long, bits = bool(how & _LONG), bool(how & _BITS)
    if function == _ROW:
        device, number = fields.device(long)
        yield _row(fields, device, number, fields.number(2), bits, runs)
    elif function == _BLOCKS:
        for _ in range(fields.number(1) + fields.number(1)):
            device, number = fields.device(long)
            yield _row(fields, device, number, fields.number(2), False, runs)
    elif bits:
        for _ in range(fields.number(1)):
            device, number = fields.device(long)
            yield _element(device, number, fields.number(2 if long else 1) & 1, runs)
    else:
        words, pairs = fields.number(1), fields.number(1)
        for n in range(words + pairs):
            device, number = fields.device(long)
            held = (fields.number(2),) if n < words else (fields.number(2), fields.number(2))
            if n >= words and fields.ascii:
                # The digits of a number of 32 bits begin with its higher word.
                held = held[::-1]
            yield _words(device, number, held, runs)


def _row(
    fields: _Fields, device: _Device | None, number: int, count: int, bits: bool, runs: list[Run]
) -> bool:
    """A row of `count` units of bits or words; whether all of it could be read."""
    if device is None or (bits and not device.bit):
        if bits:
            fields.bits(count)
        else:
            fields.words(count)
        return False
    if bits:
        values = fields.bits(count)
        if values:
            runs.append(Run(device.name, number, values, "bit"))
    else:
        values = fields.words(count)
        _words(device, number, values, runs)
    return len(values) == count


def _words(device: _Device | None, number: int, words: tuple[int, ...], runs: list[Run]) -> bool:
    if device is None:
        return False
    if words and device.bit:
        values = tuple(word >> n & 1 for word in words for n in range(16))
        runs.append(Run(device.name, number, values, "bit"))
    elif words:
        runs.append(Run(device.name, number, words, "word"))
    return True


def _element(device: _Device | None, number: int, bit: int, runs: list[Run]) -> bool:
    if device is None or not device.bit:
        return False
    runs.append(Run(device.name, number, (bit,), "bit"))
    return True


def _old(message: bytes, runs: list[Run]) -> Iterator[bool]:
    """The same of a frame 1E."""
    ascii = message[:1] == b"0"
    fields = _Fields(message, 0, ascii)
    command = fields.number(1)
    # Behind the number of the controller and a time to wait.
    fields.at += 6 if ascii else 3
    if command in (_OLD_BITS, _OLD_WORDS):
        device, number = _old_device(fields)
        count = fields.number(1) or 256
        fields.number(1)
        yield _row(fields, device, number, count, command == _OLD_BITS, runs)
    elif command in (_OLD_BIT_TEST, _OLD_WORD_TEST):
        count = fields.number(1) or 256
        fields.number(1)
        for _ in range(count):
            device, number = _old_device(fields)
            if command == _OLD_BIT_TEST:
                yield _element(device, number, fields.number(1) & 1, runs)
            else:
                yield _words(device, number, (fields.number(2),), runs)
    else:
        yield command == _OLD_MEMORY


def _old_device(fields: _Fields) -> tuple[_Device | None, int]:
    """A device of a frame 1E: two letters, of which the second may be a blank, and its number; in binary code
    the other way round and the lower byte first."""
    if fields.ascii:
        letters = fields.number(2)
        number = fields.number(4)
    else:
        number = fields.number(4)
        letters = fields.number(2)
    return _TEXTS.get(letters.to_bytes(2, "big").rstrip(b" ")), number
