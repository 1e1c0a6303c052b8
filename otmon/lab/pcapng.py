"""A capture file (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3): one section, one interface, nanoseconds."""

from __future__ import annotations

import struct
from collections.abc import Iterable

SECTION, INTERFACE, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
LINKTYPE_ETHERNET = 1
SNAP_LENGTH = 262_144
_IF_NAME, _IF_DESCRIPTION, _IF_TSRESOL = 2, 3, 9
_SHB_APPLICATION = 4


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = 12 + len(body)
    return struct.pack("<II", kind, total) + body + struct.pack("<I", total)


def _options(*options: tuple[int, bytes]) -> bytes:
    parts = [struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in options]
    return b"".join(parts) + struct.pack("<HH", 0, 0)


def pcapng(packets: Iterable[tuple[int, bytes]], application: str, interface: str, place: str) -> bytes:
    """The file with `packets` of (nanoseconds since 1970 UTC, frame), seen by `interface` at `place`."""
    header = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options((_SHB_APPLICATION, application.encode()))
    blocks = [_block(SECTION, header)]
    names = _options(
        (_IF_NAME, interface.encode()), (_IF_DESCRIPTION, place.encode()), (_IF_TSRESOL, b"\x09")
    )
    blocks.append(_block(INTERFACE, struct.pack("<HHI", LINKTYPE_ETHERNET, 0, SNAP_LENGTH) + names))
    for time_ns, data in packets:
        times = (time_ns >> 32, time_ns & 0xFFFFFFFF)
        head = struct.pack("<IIIII", 0, *times, len(data), len(data))
        blocks.append(_block(ENHANCED_PACKET, head + data))
    return b"".join(blocks)
