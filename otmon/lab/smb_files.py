"""Files over SMB 1: open, read, write, close, as Windows of those years and what spread among them did.

[MS-CIFS] 2.2.4.64 (NT create), 2.2.4.42 (read), 2.2.4.43 (write), 2.2.4.5 (close).
"""

from __future__ import annotations

import struct
from random import Random

from otmon.lab.frames import MILLISECOND_NS, Say
from otmon.lab.smb import message, texts, tree_connect, tree_connected

NT_CREATE, READ, WRITE, CLOSE = 0xA2, 0x2E, 0x2F, 0x04
USER, TREE = 2048, 2049
CHUNK = 4_096
_HEAD = 32
"""Bytes of an SMB header."""
_OPENED, _CREATED = 1, 2
_NO_MORE = struct.pack("<BBH", 0xFF, 0, 0)
"""No further command in the message."""


def _body(words: bytes, data: bytes) -> bytes:
    return bytes((len(words) // 2,)) + words + struct.pack("<H", len(data)) + data


def _create(name: str, *, new: bool) -> bytes:
    data = texts(_HEAD + 1 + 48 + 2, name)
    length = 2 * len(name)
    words = _NO_MORE + struct.pack("<BHII", 0, length, 0x16, 0)
    words += struct.pack("<IQIIIIIB", 0x0012019F, 0, 0x80, 3, 5 if new else 1, 0x40, 2, 3)
    return message(NT_CREATE, 0, False, USER, TREE, _body(words, data))


def _created(file: int, size: int, *, new: bool) -> bytes:
    action = _CREATED if new else _OPENED
    words = _NO_MORE + struct.pack("<BHI4QIQQHHB", 0, file, action, 0, 0, 0, 0, 0x80, size, size, 0, 7, 0)
    return message(NT_CREATE, 0, True, USER, TREE, _body(words, b""))


def _write(file: int, offset: int, data: bytes) -> bytes:
    start = _HEAD + 1 + 28 + 2 + 1
    words = _NO_MORE + struct.pack("<HIIHHHHHI", file, offset, 0, 0, 0, 0, len(data), start, 0)
    return message(WRITE, 0, False, USER, TREE, _body(words, b"\0" + data))


def _written(count: int) -> bytes:
    words = _NO_MORE + struct.pack("<HHHH", count, 0, 0, 0)
    return message(WRITE, 0, True, USER, TREE, _body(words, b""))


def _read(file: int, offset: int, count: int) -> bytes:
    words = _NO_MORE + struct.pack("<HIHHIHI", file, offset, count, count, 0, 0, 0)
    return message(READ, 0, False, USER, TREE, _body(words, b""))


def _given(data: bytes) -> bytes:
    start = _HEAD + 1 + 24 + 2 + 1
    words = _NO_MORE + struct.pack("<HHHHHH8x", 0xFFFF, 0, 0, len(data), start, 0)
    return message(READ, 0, True, USER, TREE, _body(words, b"\0" + data))


def _close(file: int) -> bytes:
    return message(CLOSE, 0, False, USER, TREE, _body(struct.pack("<HI", file, 0), b""))


def _closed() -> bytes:
    return message(CLOSE, 0, True, USER, TREE, _body(b"", b""))


def _turn(asked: bytes, answered: bytes) -> list[Say]:
    return [Say("client", asked, 2 * MILLISECOND_NS), Say("server", answered, 3 * MILLISECOND_NS)]


def share(server: str, name: str) -> list[Say]:
    """The way from a log-on to a share of files."""
    return _turn(tree_connect(f"\\\\{server}\\{name}", USER), tree_connected(USER, TREE))


def store(file: int, name: str, data: bytes) -> list[Say]:
    """A new file; `file` is the number by which both speak of it."""
    says = _turn(_create(name, new=True), _created(file, 0, new=True))
    for offset in range(0, len(data), CHUNK):
        part = data[offset : offset + CHUNK]
        says += _turn(_write(file, offset, part), _written(len(part)))
    return says + _turn(_close(file), _closed())


def encrypt(file: int, name: str, size: int, random: Random) -> list[Say]:
    """A file is read and written back as what nobody can read."""
    says = _turn(_create(name, new=False), _created(file, size, new=False))
    for offset in range(0, size, CHUNK):
        count = min(CHUNK, size - offset)
        says += _turn(_read(file, offset, count), _given((f"{name} " * count).encode()[:count]))
        says += _turn(_write(file, offset, random.randbytes(count)), _written(count))
    return says + _turn(_close(file), _closed())
