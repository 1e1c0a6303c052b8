"""EtherNet/IP as the lab speaks it: sessions, identity, and reading a controller's tags.

ODVA, EtherNet/IP Adaptation of CIP, 2-3 and 2-4 (encapsulation), 2-6 (common packet format); CIP volume 1,
2-4 (message router), 5-2 (identity object), appendix C (data types, paths); Rockwell 1756-PM020 (tags).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

from otmon.lab.frames import MILLISECOND_NS, Say

PORT = 44818
LIST_IDENTITY, REGISTER, UNREGISTER, SEND_RR_DATA = 0x63, 0x65, 0x66, 0x6F
READ_TAG = 0x4C
REPLY = 0x80
INT = 0x00C3
"""CIP's type code of a 16-bit number."""
NULL_ADDRESS, UNCONNECTED = 0x0000, 0x00B2
LISTED = 0x000C
"""Item of an identity."""


def _encapsulated(command: int, session: int, data: bytes, context: int) -> bytes:
    head = struct.pack("<HHII", command, len(data), session, 0)
    return head + struct.pack("<QI", context, 0) + data


def list_identity() -> bytes:
    return _encapsulated(LIST_IDENTITY, 0, b"", 0)


def identity(address: str, vendor: int, product: int, serial: int, name: str) -> bytes:
    """A controller's answer: device type 14 (programmable logic controller), revision 20.11, running."""
    text = name.encode()
    body = struct.pack(">hH4s8x", 2, PORT, IPv4Address(address).packed)
    body += struct.pack("<HHHBBHI", vendor, 14, product, 20, 11, 0x0060, serial)
    body = struct.pack("<H", 1) + body + bytes((len(text),)) + text + b"\x03"
    return _encapsulated(LIST_IDENTITY, 0, struct.pack("<HHH", 1, LISTED, len(body)) + body, 0)


def register(session: int = 0) -> bytes:
    """A client's request for a session; with a handle, the server's answer."""
    return _encapsulated(REGISTER, session, struct.pack("<HH", 1, 0), 0)


def unregister(session: int) -> bytes:
    return _encapsulated(UNREGISTER, session, b"", 0)


def _message(session: int, context: int, cip: bytes) -> bytes:
    items = struct.pack("<HHHHH", 2, NULL_ADDRESS, 0, UNCONNECTED, len(cip))
    return _encapsulated(SEND_RR_DATA, session, struct.pack("<IH", 0, 10) + items + cip, context)


def _symbol(tag: str) -> bytes:
    """A tag's name as a path: an ANSI extended symbol, padded to whole words."""
    text = tag.encode()
    return bytes((0x91, len(text))) + text + bytes(len(text) % 2)


def read_tag(session: int, context: int, tag: str, count: int) -> bytes:
    path = _symbol(tag)
    return _message(session, context, bytes((READ_TAG, len(path) // 2)) + path + struct.pack("<H", count))


def answer_tag(session: int, context: int, values: Sequence[int]) -> bytes:
    """The tag's elements as 16-bit numbers."""
    head = struct.pack("<BBBBH", READ_TAG | REPLY, 0, 0, 0, INT)
    return _message(session, context, head + struct.pack(f"<{len(values)}h", *values))


def session(handle: int, tags: Mapping[str, Sequence[int]]) -> list[Say]:
    """A session in which a client reads every one of `tags`, which have these values."""
    says = [
        Say("client", register(), MILLISECOND_NS),
        Say("server", register(handle), 4 * MILLISECOND_NS),
    ]
    for context, (tag, values) in enumerate(tags.items(), start=1):
        says.append(Say("client", read_tag(handle, context, tag, len(values)), 2 * MILLISECOND_NS))
        says.append(Say("server", answer_tag(handle, context, values), 6 * MILLISECOND_NS))
    says.append(Say("client", unregister(handle), 2 * MILLISECOND_NS))
    return says
