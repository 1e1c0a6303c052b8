"""Set points of IEC 104, analog outputs of DNP3, and present values of BACnet: which are written, and what.

References for IEC 104: IEC 60870-5-101:2003, 7.2.2 (structure qualifier), 7.2.6.6 to 7.2.6.8 (values),
7.2.6.39 (qualifier of set points), 7.3.2 (C_SE types); IEC 60870-5-104:2006, 8 (the same with time). For
DNP3: IEEE 1815-2012, 4.2.2 (object headers), A.20 (group 41), A.8 (group 12). For BACnet:
ANSI/ASHRAE 135-2020, 15.9 (WriteProperty), 15.10 (WritePropertyMultiple), 20.2 (tags), 21 (object types,
properties).

Values are numbers in binary32, in which whole ones of more than 24 bits are rounded. What is selected only is
not written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from otmon.protocols.protocol import NOTHING_WRITTEN, UNREAD_WRITTEN, Run, Written, real_bits
from otmon.protocols.stations import bacnet_apdu, dnp3_crc

_NORMALIZED, _SCALED, _FLOAT = 0, 1, 2
_SET_POINTS: Final = {48: _NORMALIZED, 49: _SCALED, 50: _FLOAT, 61: _NORMALIZED, 62: _SCALED, 63: _FLOAT}
_TIMED: Final = 61
"""From which type on seven octets of time follow."""
_DEACTIVATION: Final = 8
_OBJECTS_AT: Final = 12
_SEQUENCE, _SELECTS = 0x80, 0x80
"""Bits of the structure qualifier, and of the qualifier of a set point."""

_LINK_HEADER: Final = 10
_OPERATES: Final = (4, 5, 6)
_OUTPUTS: Final = {1: "<i", 2: "<h", 3: "<f", 4: "<d"}
"""By the variation of an analog output block; a status follows each."""
_RELAYS: Final = 12
_RELAY_SIZE: Final = 11
_ANALOG: Final = 41
_FIN: Final = 0x80

_PRESENT_VALUE: Final = 85
_WRITE, _WRITE_MULTIPLE, _GROUP = 15, 16, 0x10A
BACNET_TABLES: Final[dict[int, str]] = {
    0: "AI", 1: "AO", 2: "AV", 3: "BI", 4: "BO", 5: "BV", 13: "MSI", 14: "MSO", 19: "MSV", 45: "IV",
    46: "LAV", 48: "PIV",
}  # fmt: skip
"""By the type of the object."""
_PACKED: Final = 4_096
"""Tags of a message that are looked at."""


class _CutOff(Exception):
    """The message ends before what it says there is."""


def iec104_written(message: bytes, function: int) -> Written:
    """What a command of IEC 104 sets, which `otmon.protocols.stations` has read."""
    kind = _SET_POINTS.get(function)
    if kind is None or (message[8:9] and message[8] & 0x3F == _DEACTIVATION):
        return NOTHING_WRITTEN
    if len(message) < _OBJECTS_AT:
        return UNREAD_WRITTEN
    count, station = message[7] & 0x7F, int.from_bytes(message[10:12], "little")
    in_row = bool(message[7] & _SEQUENCE)
    size = (4 if kind == _FLOAT else 2) + 1 + (7 if function >= _TIMED else 0)
    runs: list[Run] = []
    at, address = _OBJECTS_AT, 0
    for n in range(count):
        if n == 0 or not in_row:
            address = int.from_bytes(message[at : at + 3], "little")
            at += 3
        part = message[at : at + size]
        if len(part) < size:
            return Written(tuple(runs), whole=False)
        value: float = struct.unpack_from("<f" if kind == _FLOAT else "<h", part)[0]
        if kind == _NORMALIZED:
            value /= 1 << 15
        if not part[4 if kind == _FLOAT else 2] & _SELECTS:
            runs.append(Run("IOA", address, (real_bits(value),), "real", unit=station))
        address += 1
        at += size
    return Written(tuple(runs))


def dnp3_written(message: bytes, function: int) -> Written:
    """What a command of DNP3 sets, in the link frame that `otmon.protocols.stations` has read."""
    if function not in _OPERATES:
        return NOTHING_WRITTEN
    if len(message) < _LINK_HEADER:
        return UNREAD_WRITTEN
    data, sound = _user_data(message)
    station = int.from_bytes(message[4:6], "little")
    runs: list[Run] = []
    try:
        # Behind transport header, application control and function.
        whole = all(_objects(data, 3, station, runs))
    except _CutOff:
        whole = False
    return Written(tuple(runs), whole and sound and bool(data[:1] and data[0] & _FIN))


def _user_data(frame: bytes) -> tuple[bytes, bool]:
    """The user data of a link frame as far as its blocks have the right CRC, and whether that is all."""
    size = frame[2] - 5
    found, at = b"", _LINK_HEADER
    while len(found) < size:
        length = min(16, size - len(found))
        block = frame[at : at + length]
        if len(block) < length or dnp3_crc(block) != frame[at + length : at + length + 2]:
            return found, False
        found += block
        at += length + 2
    return found, True


def _objects(data: bytes, at: int, station: int, runs: list[Run]) -> Iterator[bool]:
    """Add the analog outputs to `runs`, and tell of each object header whether it was read. Raises
    _CutOff."""
    while at < len(data):
        group, variation, qualifier = _taken(data, at, 3)
        at += 3
        width = {0x00: 1, 0x01: 2, 0x17: 1, 0x28: 2}.get(qualifier)
        form = _OUTPUTS.get(variation) if group == _ANALOG else None
        if width is None or not (form or (group == _RELAYS and variation in (1, 2))):
            yield False
            return
        first = int.from_bytes(_taken(data, at, width), "little")
        at += width
        count, prefixed = first, qualifier >> 4 != 0
        if not prefixed:
            count = int.from_bytes(_taken(data, at, width), "little") - first + 1
            at += width
        for n in range(count):
            index = first + n
            if prefixed:
                index = int.from_bytes(_taken(data, at, width), "little")
                at += width
            size = struct.calcsize(form) + 1 if form else _RELAY_SIZE
            part = _taken(data, at, size)
            at += size
            if form:
                value = struct.unpack_from(form, part)[0]
                runs.append(Run("AO", index, (real_bits(value),), "real", unit=station))
        yield True


def _taken(data: bytes, at: int, size: int) -> bytes:
    part = data[at : at + size]
    if len(part) < size:
        raise _CutOff
    return part


def bacnet_written(message: bytes, function: int) -> Written:
    """What a request of BACnet sets, which `otmon.protocols.stations` has read."""
    if function == _GROUP:
        # Of channels, whose members nobody can see.
        return UNREAD_WRITTEN
    if function not in (_WRITE, _WRITE_MULTIPLE):
        return NOTHING_WRITTEN
    begin = bacnet_apdu(message)
    apdu = message[begin:]
    if not apdu:
        return UNREAD_WRITTEN
    segmented = bool(apdu[0] & 0x08)
    runs: list[Run] = []
    try:
        tags = _tags(apdu, 6 if segmented else 4)
        read = _one(tags) if function == _WRITE else _several(tags)
        parts = [_set(*one, _station(message), runs) for one in read]
        whole = bool(parts) and all(parts)
    except _CutOff:
        whole = False
    return Written(tuple(runs), whole and not segmented)


_Tag = tuple[int, bool, str, bytes]
"""Number, whether it is of the context, "open", "close" or "", and content."""


def _tags(data: bytes, at: int) -> Iterator[_Tag]:
    """The tags of a request (20.2.1). Raises _CutOff."""
    for _ in range(_PACKED):
        if at >= len(data):
            return
        head = data[at]
        number, context, length = head >> 4, bool(head & 0x08), head & 0x07
        at += 1
        if number == 15:
            number = _taken(data, at, 1)[0]
            at += 1
        if context and length in (6, 7):
            yield number, True, "open" if length == 6 else "close", b""
            continue
        if not context and number == 1:
            # A boolean is in its tag.
            yield number, False, "", bytes((length,))
            continue
        if length == 5:
            length = _taken(data, at, 1)[0]
            at += 1
            if length >= 254:
                raise _CutOff
        yield number, context, "", _taken(data, at, length)
        at += length
    raise _CutOff


_Property = tuple[bytes, int, list[_Tag]]
"""An object, the number of a property, and the value."""


def _one(tags: Iterator[_Tag]) -> Iterator[_Property]:
    """What WriteProperty sets. Raises _CutOff."""
    target, number = _content(next(tags, None), 0), _content(next(tags, None), 1)
    yield target, int.from_bytes(number, "big"), _value(tags, 3)


def _several(tags: Iterator[_Tag]) -> Iterator[_Property]:
    """What WritePropertyMultiple sets. Raises _CutOff."""
    for tag in tags:
        target = _content(tag, 0)
        if next(tags, None) != (1, True, "open", b""):
            raise _CutOff
        for inner in tags:
            if inner == (1, True, "close", b""):
                break
            if inner[:3] == (3, True, ""):
                # A priority, behind the value that it is of.
                continue
            yield target, int.from_bytes(_content(inner, 0), "big"), _value(tags, 2)
        else:
            raise _CutOff


def _content(tag: _Tag | None, number: int) -> bytes:
    if tag is None or tag[:3] != (number, True, ""):
        raise _CutOff
    return tag[3]


def _value(tags: Iterator[_Tag], number: int) -> list[_Tag]:
    """The tags between the opening and the closing one of a number; an index of an array may precede them."""
    tag = next(tags, None)
    if tag is not None and tag[1:3] == (True, ""):
        tag = next(tags, None)
    if tag != (number, True, "open", b""):
        raise _CutOff
    found: list[_Tag] = []
    depth = 1
    for tag in tags:
        depth += {"open": 1, "close": -1}.get(tag[2], 0)
        if not depth:
            return found
        found.append(tag)
    raise _CutOff


def _set(target: bytes, number: int, value: list[_Tag], station: int, runs: list[Run]) -> bool:
    """Add the value of a property, if it is a present one; whether it could be read."""
    where = int.from_bytes(target, "big")
    table = BACNET_TABLES.get(where >> 22)
    if number != _PRESENT_VALUE or table is None:
        return True
    if len(target) != 4 or len(value) != 1 or value[0][1]:
        return False
    kind, _, _, content = value[0]
    if kind == 0:
        runs.append(Run(table, where & 0x3FFFFF, (0,), "real", mask=0, unit=station))
        return True
    if kind in (1, 2, 9) and content:
        read: float = int.from_bytes(content, "big")
    elif kind == 3 and content:
        read = int.from_bytes(content, "big", signed=True)
    elif (kind, len(content)) in ((4, 4), (5, 8)):
        read = struct.unpack(">f" if kind == 4 else ">d", content)[0]
    else:
        return False
    runs.append(Run(table, where & 0x3FFFFF, (real_bits(read),), "real", unit=station))
    return True


def _station(message: bytes) -> int:
    """The network behind a router and the number of the device in it, as one; -1 for the server itself
    (6.2.2)."""
    at = 10 if message[1] == 4 else 4
    if not message[at + 1] & 0x20:
        return -1
    network, length = int.from_bytes(message[at + 2 : at + 4], "big"), message[at + 4]
    mac = message[at + 5 : at + 5 + length]
    return network << 8 | (mac[3] if length == 6 else mac[-1] if mac else 0)
