"""What EtherNet/IP devices answer to ListIdentity, and to who reads their identity object.

References: The CIP Networks Library, volume 2, 2-4.2 (ListIdentity, table 2-4.4), 2-3.1 (encapsulation
header), 2-4.7 and 2-4.8 (SendRRData, SendUnitData), 2-6 (common packet format); volume 1, 2-4 (message
router request and response), 3-5.5.2 (Unconnected_Send), 5A-2 (identity object: attributes 1 vendor, 2 type,
4 revision, 6 serial number, 7 name), 6-7 (device types), appendix C-1.4 (paths). Wireshark's dissector "cip"
reads them alike.

A response does not say what was asked: it belongs to the request with the same sender context, or in a
connection with the same sequence count. What a controller's modules answer through its backplane (port 1 of
an Unconnected_Send, one hop) is told of the device that holds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim
from otmon.identity.claims.wire import number, part, said
from otmon.identity.login import Piece

_HEADER: Final = 24
_LIST_IDENTITY: Final = 0x0063
_SEND_RR_DATA, _SEND_UNIT_DATA = 0x006F, 0x0070
_IDENTITY: Final = 0x000C
_CONNECTED, _UNCONNECTED = 0x00B1, 0x00B2
"""Items: an identity; data of a connection, with a sequence count before it, and without one."""
_ALL, _SINGLE, _ROUTED = 0x01, 0x0E, 0x52
"""Services: Get_Attributes_All, Get_Attribute_Single, Unconnected_Send of the connection manager."""
_REPLY: Final = 0x80
_OBJECT: Final = bytes.fromhex("20012401")
_MANAGER: Final = bytes.fromhex("20062401")
"""Paths: class 1, the identity object, and class 6, the connection manager; instance 1."""
_BACKPLANE: Final = 1
_VENDOR, _TYPE, _REVISION, _SERIAL, _NAME = 1, 2, 4, 6, 7
_EVERY: Final = 0
DEVICE_TYPES: Final = {
    0x02: "ac-drive", 0x0C: "communications-adapter", 0x0E: "plc", 0x18: "hmi", 0x25: "cip-motion-drive",
    0x2C: "managed-switch",
}  # fmt: skip
MAX_ITEMS: Final = 8
MAX_WAITING: Final = 16
"""Requests that wait for their response; of more the first one gives way."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each answer."""
    asked: dict[bytes, int] = {}
    for piece in pieces:
        data = piece.data
        command = number(data, 0, 2, little=True)
        if number(data, 8, 4) != 0:
            continue
        if command == _LIST_IDENTITY:
            for kind, item in _items(data, _HEADER):
                # A version and a socket address come first.
                if kind == _IDENTITY:
                    yield from _object(item[18:], piece)
        elif command in (_SEND_RR_DATA, _SEND_UNIT_DATA):
            # Behind the handle of the interface and a time-out.
            for kind, item in _items(data, _HEADER + 6):
                if kind == _UNCONNECTED:
                    yield from _message(item, data[12:20], asked, piece)
                elif kind == _CONNECTED and len(item) > 2:
                    yield from _message(item[2:], item[:2], asked, piece)


def _items(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Kind and value of each item of the common packet format, up to one that is not all there."""
    count = number(data, at, 2, little=True)
    at += 2
    for _ in range(min(count, MAX_ITEMS)):
        kind, size = number(data, at, 2, little=True), number(data, at + 2, 2, little=True)
        item = part(data, at + 4, size) if size >= 0 else None
        if item is None:
            return
        at += 4 + size
        yield kind, item


def _message(data: bytes, key: bytes, asked: dict[bytes, int], piece: Piece) -> Iterator[Claim]:
    """A request is remembered, a response told by what was asked."""
    service = number(data, 0, 1)
    if piece.from_client:
        asked.pop(key, None)
        wanted = _wanted(_inner(data) if service == _ROUTED else data)
        if wanted >= 0:
            asked[key] = wanted
            if len(asked) > MAX_WAITING:
                del asked[next(iter(asked))]
        return
    wanted = asked.pop(key, -1)
    if wanted < 0 or number(data, 2, 1) != 0 or number(data, 3, 1) != 0:
        return
    value = data[4:]
    if wanted == _EVERY and service == _ALL | _REPLY:
        yield from _object(value, piece)
    elif wanted != _EVERY and service == _SINGLE | _REPLY:
        yield from _attribute(wanted, value, piece)


def _inner(data: bytes) -> bytes:
    """What an Unconnected_Send carries to a module at the backplane; b"" for another one."""
    size = number(data, 8, 2, little=True)
    message = part(data, 10, size) if data[1:6] == b"\x02" + _MANAGER and size > 0 else None
    at = 10 + size + (size & 1)
    path = data[at : at + 4]
    return (
        message if message is not None and path[:3] == bytes((1, 0, _BACKPLANE)) and len(path) == 4 else b""
    )


def _wanted(data: bytes) -> int:
    """The attribute of the identity object that a request reads, `_EVERY` for all of them; -1 for another
    request."""
    service, words = number(data, 0, 1), number(data, 1, 1)
    if data[2:6] != _OBJECT:
        return -1
    if service == _ALL and words == 2:
        return _EVERY
    if service == _SINGLE and words == 3 and data[6:7] == b"\x30" and len(data) > 7:
        return data[7] or -1
    return -1


def _object(data: bytes, piece: Piece) -> Iterator[Claim]:
    """Vendor, type, product, revision, status, serial number, name."""
    if len(data) < 15:
        return
    for attribute, at in ((_VENDOR, 0), (_TYPE, 2), (_REVISION, 6), (_SERIAL, 10), (_NAME, 14)):
        yield from _attribute(attribute, data[at:], piece)


def _attribute(attribute: int, data: bytes, piece: Piece) -> Iterator[Claim]:
    """One attribute, with which the bytes begin."""
    if attribute == _VENDOR and len(data) >= 2:
        yield from said("vendor", f"CIP vendor {number(data, 0, 2, little=True)}", piece)
    elif attribute == _TYPE:
        yield from said("capability", DEVICE_TYPES.get(number(data, 0, 2, little=True), ""), piece)
    elif attribute == _REVISION and len(data) >= 2:
        yield from said("firmware", f"{data[0]}.{data[1]:03}", piece)
    elif attribute == _SERIAL and len(data) >= 4:
        yield from said("serial", f"{number(data, 0, 4, little=True):08X}", piece)
    elif attribute == _NAME and data:
        yield from said("model", part(data, 1, data[0]) or b"", piece)
