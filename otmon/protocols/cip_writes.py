"""Which tags of a Logix controller EtherNet/IP writes, which words of data files PCCC writes, and what.

References: Rockwell 1756-PM020, "Logix 5000 Controllers Data Access" (Write Tag, Write Tag Fragmented, Read
Modify Write Tag; symbolic segments and members of arrays; types); The CIP Networks Library, volume 1, C-1.4
(segments), C-6.1 (types). For PCCC: Rockwell 1770-6.5.16, chapter 7 (protected typed logical write with two
and three address fields, with mask) and chapter 13 (types of files).

Values are numbers in binary32, in which whole ones of more than 24 bits are rounded. Structures, tags by the
number of their instance, and addresses of PLC-2 and PLC-5 are not followed.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from otmon.protocols.cip import cip_services
from otmon.protocols.pccc import EXECUTE, TO_OBJECT, pccc_parts
from otmon.protocols.protocol import Run, Written, real_bits

_WRITE_TAG, _MODIFY_TAG, _FRAGMENT = 0x4D, 0x4E, 0x53
_SYMBOL: Final = 0x91
_MEMBERS: Final = {0x28: (1, 2), 0x29: (2, 4), 0x2A: (4, 6)}
"""By the segment of a member: bytes of its number, and of the segment."""
_TYPES: Final = {
    0xC1: "<B", 0xC2: "<b", 0xC3: "<h", 0xC4: "<i", 0xC5: "<q", 0xC6: "<B", 0xC7: "<H", 0xC8: "<I",
    0xC9: "<Q", 0xCA: "<f", 0xCB: "<d", 0xD1: "<B", 0xD2: "<H", 0xD3: "<I", 0xD4: "<Q",
}  # fmt: skip
_BOOL: Final = 0xC1
_NAME: Final = re.compile(rb"[A-Za-z_][A-Za-z0-9_:]{0,99}")
"""Of a tag, a member, a program or a module."""
_LONGEST: Final = 200
_TWO_FIELDS, _THREE_FIELDS, _MASKED = 0x0FA9, 0x0FAA, 0x0FAB
_FILES: Final = {0x89: ("N", "<h"), 0x8A: ("F", "<f"), 0x91: ("L", "<i")}
"""Types of data files whose elements are numbers."""
_OTHER_FILES: Final = range(0x82, 0x94)
_LONG_FIELD: Final = 0xFF
"""What a field of an address begins with that has two bytes more."""


class _CutOff(Exception):
    """The message ends before what it says there is."""


def cip_written(message: bytes, function: int) -> Written:
    """What the services with this number in a message of EtherNet/IP write, which `otmon.protocols.commands`
    has read as writes."""
    runs: list[Run] = []
    parts: list[bool] = []
    data, places = cip_services(message)
    for at in places:
        service, words = data[at], data[at + 1] if at + 1 < len(data) else 0
        behind = at + 2 + 2 * words
        path = data[at + 2 : behind]
        try:
            if service == function and service in (_WRITE_TAG, _MODIFY_TAG, _FRAGMENT):
                parts.append(_tag(service, path, data[behind:], runs))
            elif service == EXECUTE and path.startswith(TO_OBJECT):
                for command, rest in pccc_parts(data[behind:]):
                    if command == function:
                        parts.append(_file(function, rest, runs))
        except _CutOff:
            parts.append(False)
    # That there is none is not read either.
    return Written(tuple(runs), bool(parts) and all(parts))


def _tag(service: int, path: bytes, data: bytes, runs: list[Run]) -> bool:
    """Add what a service writes to a tag; whether all of it could be read. Raises _CutOff."""
    name, index = _name(path)
    if not name:
        return False
    if service == _MODIFY_TAG:
        # Bits of it: a part of a number that nobody knows.
        runs.append(Run(name, index, (0,), "word", mask=1))
        return True
    kind, count = (int.from_bytes(_taken(data, n, 2), "little") for n in (0, 2))
    form = _TYPES.get(kind)
    if form is None:
        return False
    size, at = struct.calcsize(form), 4
    if service == _FRAGMENT:
        offset = int.from_bytes(_taken(data, 4, 4), "little")
        at = 8
        if offset % size:
            return False
        index, count = index + offset // size, min(count - offset // size, (len(data) - at) // size)
    there = min(count, (len(data) - at) // size)
    values = [struct.unpack_from(form, data, at + n * size)[0] for n in range(there)]
    bits = tuple(real_bits(bool(one) if kind == _BOOL else one) for one in values)
    if bits:
        runs.append(Run(name, index, bits, "real"))
    return there == count and count > 0


def _name(path: bytes) -> tuple[str, int]:
    """The tag that a path names, in capital letters, as the programs take them to be the same, and the number
    of the element in it; "" for what is no name. Raises _CutOff."""
    name, indices, at = "", list[int](), 0
    while at < len(path):
        if path[at] == _SYMBOL:
            size = _taken(path, at + 1, 1)[0]
            part = _taken(path, at + 2, size)
            if _NAME.fullmatch(part) is None:
                return "", 0
            name += f"{_in_brackets(indices)}{'.' if name else ''}{part.decode('ascii').upper()}"
            indices = []
            at += 2 + size + size % 2
        elif path[at] in _MEMBERS and name:
            width, size = _MEMBERS[path[at]]
            indices.append(int.from_bytes(_taken(path, at, size)[size - width :], "little"))
            at += size
        else:
            return "", 0
    index = indices.pop() if indices else 0
    name += _in_brackets(indices)
    return (name, index) if len(name) <= _LONGEST else ("", 0)


def _in_brackets(indices: list[int]) -> str:
    return f"[{','.join(map(str, indices))}]" if indices else ""


def _file(function: int, rest: bytes, runs: list[Run]) -> bool:
    """Add what a command of PCCC writes to a data file; whether all of it could be read. Raises _CutOff."""
    if function not in (_TWO_FIELDS, _THREE_FIELDS, _MASKED):
        return False
    size, at = _taken(rest, 0, 1)[0], 1
    number, at = _field(rest, at)
    kind, at = _taken(rest, at, 1)[0], at + 1
    element, at = _field(rest, at)
    part = 0
    if function != _TWO_FIELDS:
        part, at = _field(rest, at)
    if kind not in _FILES:
        return kind in _OTHER_FILES
    letter, form = _FILES[kind]
    mask = 0xFFFF
    if function == _MASKED:
        mask, at = int.from_bytes(_taken(rest, at, 2), "little"), at + 2
    if part:
        return False
    if mask != 0xFFFF:
        runs.append(Run(f"{letter}{number}", element, (0,), "word", mask=1))
        return True
    width = struct.calcsize(form)
    octets = rest[at : at + size]
    values = tuple(
        real_bits(one) for (one,) in struct.iter_unpack(form, octets[: len(octets) // width * width])
    )
    if values:
        runs.append(Run(f"{letter}{number}", element, values, "real"))
    return len(octets) == size and size % width == 0


def _field(rest: bytes, at: int) -> tuple[int, int]:
    """A field of an address, and where the next one begins. Raises _CutOff."""
    first = _taken(rest, at, 1)[0]
    if first != _LONG_FIELD:
        return first, at + 1
    return int.from_bytes(_taken(rest, at + 1, 2), "little"), at + 3


def _taken(data: bytes, at: int, size: int) -> bytes:
    part = data[at : at + size]
    if len(part) < size:
        raise _CutOff
    return part
