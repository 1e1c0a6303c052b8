"""Names of DNS (RFC 1035, 4.1.4) and of NetBIOS (RFC 1001, 14.1), and resource records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otmon.identity.claims.wire import number, part

MAX_LABELS: Final = 64
"""Labels of one name: 255 bytes hold no more than 127, and a host's has three."""
MAX_JUMPS: Final = 8
"""Pointers in one name, which may lead in circles."""
MAX_RECORDS: Final = 64
"""Records of one message that are read: what fits a frame."""
_HEADER: Final = 12


@dataclass(frozen=True, slots=True)
class Record:
    """A resource record."""

    name: tuple[bytes, ...]
    """Labels; that of NetBIOS is the first one, still encoded."""
    kind: int
    at: int
    """Where its data begins in the message."""
    data: bytes
    section: int
    """0 answer, 1 authority, 2 additional."""


def name_at(message: bytes, at: int) -> tuple[tuple[bytes, ...], int] | None:
    """Labels of a name and where it ends; None where it is none."""
    labels: list[bytes] = []
    end = -1
    jumps = 0
    while len(labels) < MAX_LABELS:
        size = number(message, at, 1)
        if size < 0:
            return None
        if size == 0:
            return tuple(labels), (at + 1 if end < 0 else end)
        if size >> 6 == 3:
            target = number(message, at, 2)
            jumps += 1
            if target < 0 or jumps > MAX_JUMPS:
                return None
            end = at + 2 if end < 0 else end
            at = target & 0x3FFF
            continue
        label = part(message, at + 1, size)
        if size >> 6 or label is None:
            return None
        labels.append(label)
        at += 1 + size
    return None


def flags_of(message: bytes) -> int:
    """The second word of the header (RFC 1035, 4.1.1); -1 where there is none."""
    return number(message, 2, 2) if len(message) >= _HEADER else -1


def questions_end(message: bytes) -> int:
    """Where the questions end; -1 where they do not."""
    at = _HEADER
    count = number(message, 4, 2)
    if count > MAX_RECORDS or len(message) < _HEADER:
        return -1
    for _ in range(count):
        found = name_at(message, at)
        if found is None:
            return -1
        at = found[1] + 4
    return at if at <= len(message) else -1


def records(message: bytes) -> Iterator[Record]:
    """The records of a message, up to the first one that is not all there."""
    at = questions_end(message)
    if at < 0:
        return
    left = MAX_RECORDS
    for section in range(3):
        for _ in range(min(number(message, 6 + 2 * section, 2), left)):
            left -= 1
            found = name_at(message, at)
            if found is None:
                return
            kind, size = number(message, found[1], 2), number(message, found[1] + 8, 2)
            data = part(message, found[1] + 10, size) if size >= 0 else None
            if data is None:
                return
            yield Record(found[0], kind, found[1] + 10, data, section)
            at = found[1] + 10 + size


def netbios(label: bytes) -> tuple[str, int] | None:
    """Name and suffix of 32 letters from A to P; None where they are none."""
    if len(label) != 32 or not all(0x41 <= one <= 0x50 for one in label):
        return None
    raw = bytes((high - 0x41) << 4 | low - 0x41 for high, low in zip(label[::2], label[1::2], strict=True))
    return raw[:15].decode("latin-1").rstrip(" \0"), raw[15]
