"""A capture file to write (draft-ietf-opsawg-pcapng, sections 4.1 to 4.3): one section, one interface,
nanoseconds."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

SECTION, INTERFACE, ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
LINKTYPE_ETHERNET = 1
SNAP_LENGTH = 262_144
_COMMENT = 1
_IF_NAME, _IF_DESCRIPTION, _IF_TSRESOL = 2, 3, 9
_SHB_APPLICATION = 4


NOTHING: Mapping[int, int] = MappingProxyType({})
NO_COMMENTS: Mapping[int, str] = MappingProxyType({})


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    total = 12 + len(body)
    return struct.pack("<II", kind, total) + body + struct.pack("<I", total)


def _options(*options: tuple[int, bytes]) -> bytes:
    parts = [struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in options]
    return b"".join(parts) + struct.pack("<HH", 0, 0)


def pcapng(
    packets: Iterable[tuple[int, bytes]],
    application: str,
    interface: str,
    place: str,
    *,
    linktype: int = LINKTYPE_ETHERNET,
    wire_lengths: Mapping[int, int] = NOTHING,
    comments: Mapping[int, str] = NO_COMMENTS,
) -> bytes:
    """The file with `packets` of (nanoseconds since 1970 UTC, frame), seen by `interface` at `place`.

    By index of the packet: `wire_lengths` of those that were cut, in bytes, and `comments`.
    """
    commented = ((time_ns, data, comments.get(index, "")) for index, (time_ns, data) in enumerate(packets))
    blocks = pcapng_blocks(
        commented, application, interface, place, linktype=linktype, wire_lengths=wire_lengths
    )
    return b"".join(blocks)


def pcapng_blocks(
    packets: Iterable[tuple[int, bytes, str]],
    application: str,
    interface: str,
    place: str,
    *,
    linktype: int = LINKTYPE_ETHERNET,
    wire_lengths: Mapping[int, int] = NOTHING,
) -> Iterator[bytes]:
    """The same file block by block, for captures too long to be held: `packets` of (nanoseconds since 1970
    UTC, frame, comment or "")."""
    header = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options((_SHB_APPLICATION, application.encode()))
    yield _block(SECTION, header)
    names = _options(
        (_IF_NAME, interface.encode()), (_IF_DESCRIPTION, place.encode()), (_IF_TSRESOL, b"\x09")
    )
    yield _block(INTERFACE, struct.pack("<HHI", linktype, 0, SNAP_LENGTH) + names)
    for index, (time_ns, data, comment) in enumerate(packets):
        times = (time_ns >> 32, time_ns & 0xFFFFFFFF)
        head = struct.pack("<IIIII", 0, *times, len(data), wire_lengths.get(index, len(data)))
        body = head + data + bytes(-len(data) % 4)
        if comment:
            body += _options((_COMMENT, comment.encode()))
        yield _block(ENHANCED_PACKET, body)
