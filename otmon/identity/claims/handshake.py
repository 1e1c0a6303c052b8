"""What the beginning of a TLS connection says in clear: which host is asked for, and certificates.

References: RFC 8446, 4 and 5.1 (handshake messages and records); RFC 6066, 3 (server name); RFC 5246, 7.4.2
(Certificate, which version 1.3 encrypts).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from struct import Struct
from typing import Final

from otmon.identity.claim import Claim, line
from otmon.identity.claims.certificate import first_of, is_host, told_in
from otmon.identity.login import Piece

_HANDSHAKE: Final = 22
_CLIENT_HELLO, _CERTIFICATE = 1, 11
_SERVER_NAME: Final = 0
_RECORD: Final = Struct("!BBBH")
"""Type, version, and size of a record."""
_EXTENSION: Final = Struct("!HH")
"""Type and size of an extension."""
MAX_RECORD: Final = (1 << 14) + 256
MAX_MESSAGES: Final = 16
"""Messages of one side that are read: a handshake has fewer before it is encrypted."""


def told(wholes: Iterable[Piece], skipped: dict[bool, int] | None = None) -> Iterator[Claim]:
    """The claims of runs of bytes that begin a connection; `skipped` says how many bytes of each side stand
    before TLS."""
    for whole in wholes:
        if whole.at:
            continue
        data = whole.data[skipped.get(whole.from_client, 0) :] if skipped else whole.data
        for kind, message in _messages(data):
            if kind == _CLIENT_HELLO and whole.from_client:
                name = _called(_server_name(message))
                if name:
                    # As the class makes it, in a third of the time.
                    yield tuple.__new__(Claim, ("called", name, whole.seen, False, "", ""))
            elif kind == _CERTIFICATE:
                for of, value in told_in(first_of(message)):
                    yield Claim(of, value, whole.seen, whole.from_client)


@lru_cache(maxsize=1 << 10)
def _called(name: bytes) -> str:
    """The name of a server as a claim has it, "" for none: a thousand connections ask for the same few."""
    text = line(name)
    return text.rstrip(".") if is_host(text) else ""


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    """Type and body of the messages up to what is no handshake in clear; the last one may be cut off."""
    records = []
    at, end = 0, len(data)
    while at + _RECORD.size <= end:
        kind, major, _, size = _RECORD.unpack_from(data, at)
        if kind != _HANDSHAKE or major != 3 or not 0 < size <= MAX_RECORD:
            break
        at += _RECORD.size
        records.append(data[at : at + size])
        at += size
    stream = records[0] if len(records) == 1 else b"".join(records)
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(stream)
    while at + 4 <= end and len(found) < MAX_MESSAGES:
        size = stream[at + 1] << 16 | stream[at + 2] << 8 | stream[at + 3]
        found.append((stream[at], stream[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def _server_name(hello: bytes) -> bytes:
    """The host that a ClientHello asks for, b"" where it names none."""
    try:
        # Session, cipher suites, compression: behind each one's size; then the size of the extensions.
        at = 35 + hello[34]
        at += 2 + (hello[at] << 8 | hello[at + 1])
        at += 3 + hello[at]
    except IndexError:
        return b""
    while at + _EXTENSION.size <= len(hello):
        kind, size = _EXTENSION.unpack_from(hello, at)
        at += _EXTENSION.size
        if kind == _SERVER_NAME:
            return _host(hello[at : at + size]) if at + size <= len(hello) else b""
        at += size
    return b""


def _host(names: bytes) -> bytes:
    """Of a list of names the first, where it is that of a host (type 0) and whole."""
    if len(names) < 5 or names[2] != 0:
        return b""
    size = names[3] << 8 | names[4]
    name = names[5 : 5 + size]
    return name if len(name) == size else b""
