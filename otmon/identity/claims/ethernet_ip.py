"""What EtherNet/IP devices answer to ListIdentity, and to who reads their identity object.

References: The CIP Networks Library, volume 2, 2-4.2 (ListIdentity, table 2-4.4), 2-3.1 (encapsulation
header), 2-4.7 and 2-4.8 (SendRRData, SendUnitData), 2-6 (common packet format); volume 1, 2-4 (message
router request and response), 3-5.5 (Forward_Open, Unconnected_Send), 5A-2 (identity object: attributes
1 vendor, 2 type, 3 product code, 4 revision, 5 status, 6 serial number, 7 name), 6-7 (device types),
appendix A-4 (Get_Attributes_All, Get_Attribute_List, Multiple_Service_Packet, Get_Attribute_Single),
appendix C-1.4 (paths). Wireshark's dissector "cip" reads them alike.

A response does not say what was asked: it belongs to the request with the same sender context, or in a
connection with the same sequence count. What a controller's modules answer through its backplane (port 1,
one hop, of an Unconnected_Send or a connection) is told of the device that holds them; what is fetched by
its way from another network is told of nobody.
"""

from __future__ import annotations

from collections import deque
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
_ADDRESS: Final = 0x00A1
"""The item with the number that the receiver gave its connection."""
_ALL, _LIST, _PACKED, _SINGLE = 0x01, 0x03, 0x0A, 0x0E
"""Services: Get_Attributes_All, Get_Attribute_List, Multiple_Service_Packet, Get_Attribute_Single."""
_ROUTED, _OPEN, _LARGE_OPEN = 0x52, 0x54, 0x5B
"""Of the connection manager: Unconnected_Send, Forward_Open, Large_Forward_Open."""
_REPLY: Final = 0x80
_OK, _LIST_ERROR, _EMBEDDED_ERROR = 0x00, 0x0A, 0x1E
"""Status: all is there, or without some attributes, or without some of the services."""
_CLASS, _INSTANCE, _ATTRIBUTE = 0x20, 0x24, 0x30
_OBJECT, _ROUTER, _MANAGER = 1, 2, 6
"""Classes: identity object, message router, connection manager."""
_BACKPLANE: Final = 1
_VENDOR, _TYPE, _REVISION, _SERIAL, _NAME = 1, 2, 4, 6, 7
_SIZES: Final = {_VENDOR: 2, _TYPE: 2, 3: 2, _REVISION: 2, 5: 2, _SERIAL: 4, 8: 1, 9: 2, 10: 1, 11: 3}
"""Bytes of the attributes; a name says its own."""
DEVICE_TYPES: Final = {
    0x02: "ac-drive", 0x0C: "communications-adapter", 0x0E: "plc", 0x18: "hmi", 0x25: "cip-motion-drive",
    0x2C: "managed-switch",
}  # fmt: skip
MAX_ITEMS: Final = 8
MAX_WAITING: Final = 16
"""Requests that wait for their response, and connections that lead elsewhere; of more the first gives way."""
MAX_PACKED: Final = 32
"""Services of one packet, and attributes of one list."""

_Asked = tuple[int, "tuple[_Asked | None, ...] | int"]
"""A service; with the attribute of Get_Attribute_Single, or what each service of a packet asks."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of each answer."""
    asked: dict[bytes, _Asked] = {}
    elsewhere: deque[bytes] = deque(maxlen=MAX_WAITING)
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
            connection = b""
            # Behind the handle of the interface and a time-out.
            for kind, item in _items(data, _HEADER + 6):
                if kind == _ADDRESS:
                    connection = item
                elif kind == _UNCONNECTED:
                    if piece.from_client and (away := _leads_away(item)):
                        elsewhere.append(away)
                    yield from _message(item, data[12:20], asked, piece)
                elif kind == _CONNECTED and len(item) > 2 and connection not in elsewhere:
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


def _message(data: bytes, key: bytes, asked: dict[bytes, _Asked], piece: Piece) -> Iterator[Claim]:
    """A request is remembered, a response told by what was asked."""
    if piece.from_client:
        asked.pop(key, None)
        wanted = _wanted(_inner(data) if data[:1] == bytes((_ROUTED,)) else data)
        if wanted is not None:
            asked[key] = wanted
            if len(asked) > MAX_WAITING:
                del asked[next(iter(asked))]
        return
    answered = asked.pop(key, None)
    if answered is not None:
        yield from _response(answered, data, piece)


def _response(asked: _Asked, data: bytes, piece: Piece) -> Iterator[Claim]:
    """What a response says to a request."""
    service, about = asked
    status = number(data, 2, 1)
    if number(data, 0, 1) != service | _REPLY or number(data, 3, 1) != 0:
        return
    value = data[4:]
    if isinstance(about, tuple):
        if status in (_OK, _EMBEDDED_ERROR):
            for one, packed in zip(about, _packed(value), strict=False):
                if one is not None:
                    yield from _response(one, packed, piece)
    elif service == _LIST:
        if status in (_OK, _LIST_ERROR):
            yield from _listed(value, piece)
    elif status != _OK:
        return
    elif service == _ALL:
        yield from _object(value, piece)
    else:
        yield from _attribute(about, value, piece)


def _inner(data: bytes) -> bytes:
    """What an Unconnected_Send carries to this device or a module at its backplane; b"" for another one."""
    at = _behind(data, 2, _MANAGER)
    size = number(data, at + 2, 2, little=True)
    message = part(data, at + 4, size) if at and size > 0 else None
    # The length of the route in words, and a reserved byte.
    at += 4 + size + (size & 1)
    route = part(data, at + 2, 2 * number(data, at, 1)) if message is not None and len(data) > at else None
    inside = route is not None and (not route or (len(route) == 2 and route[0] == _BACKPLANE))
    return message if message is not None and inside else b""


def _leads_away(data: bytes) -> bytes:
    """The number of the connection that a Forward_Open wants for what comes back, where its path leads to
    another network; b"" for other requests and paths."""
    service = number(data, 0, 1)
    at = _behind(data, 2, _MANAGER)
    if service not in (_OPEN, _LARGE_OPEN) or not at:
        return b""
    # Numbers, time-outs, and for each direction an interval and parameters of 2 or 4 bytes.
    path = part(data, at + (36 if service == _OPEN else 40), 4)
    if path is None or not _is_port(path[0]) or (path[0] == _BACKPLANE and not _is_port(path[2])):
        return b""
    return data[at + 6 : at + 10]


def _is_port(segment: int) -> bool:
    return segment >> 5 == 0


def _behind(data: bytes, at: int, of: int) -> int:
    """Where the path to instance 1 of a class ends; 0 for another path."""
    found, at = _segment(data, at, _CLASS)
    if found != of:
        return 0
    found, at = _segment(data, at, _INSTANCE)
    return at if found == 1 else 0


def _segment(data: bytes, at: int, kind: int) -> tuple[int, int]:
    """The value of a logical segment of 8, 16 or 32 bits, and where it ends; -1 for another one."""
    form = number(data, at, 1) - kind
    if form == 0:
        return number(data, at + 1, 1), at + 2
    size = {1: 2, 2: 4}.get(form, 0)
    value = number(data, at + 2, size, little=True) if size and number(data, at + 1, 1) == 0 else -1
    return value, at + 2 + size


def _wanted(data: bytes, packed: bool = False) -> _Asked | None:
    """What a request asks the identity object, alone or among the services of one packet; None for another
    request."""
    service, end = number(data, 0, 1), 2 + 2 * number(data, 1, 1)
    if service == _PACKED and not packed and _behind(data, 2, _ROUTER) == end:
        about = tuple(_wanted(one, packed=True) for one in _packed(data[end:]))
        return (service, about) if any(about) else None
    at = _behind(data, 2, _OBJECT)
    if at and service in (_ALL, _LIST) and at == end:
        return service, 0
    if at and service == _SINGLE:
        attribute, at = _segment(data, at, _ATTRIBUTE)
        if attribute > 0 and at == end:
            return service, attribute
    return None


def _packed(data: bytes) -> list[bytes]:
    """The services of one packet, b"" for one whose place lies outside of it."""
    count = min(number(data, 0, 2, little=True), MAX_PACKED + 1)
    places = [number(data, 2 + 2 * n, 2, little=True) for n in range(count)]
    ends = [*places[1:], len(data)]
    return [data[at:end] if 2 <= at < end else b"" for at, end in zip(places, ends, strict=True)][:MAX_PACKED]


def _listed(data: bytes, piece: Piece) -> Iterator[Claim]:
    """Attributes, each with number, status and, where that is 0, value; up to one of unknown length."""
    at = 2
    for _ in range(min(number(data, 0, 2, little=True), MAX_PACKED)):
        attribute, status = number(data, at, 2, little=True), number(data, at + 2, 2, little=True)
        at += 4
        if status != 0:
            continue
        size = 1 + number(data, at, 1) if attribute == _NAME else _SIZES.get(attribute, 0)
        if size <= 0 or len(data) < at + size:
            return
        yield from _attribute(attribute, data[at : at + size], piece)
        at += size


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
