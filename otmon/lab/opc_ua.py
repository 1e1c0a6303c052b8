"""OPC UA as the lab speaks it: a session in the clear, of a user whose password alone is encrypted, in which
16-bit variables are read and written.

OPC 10000-6: 5.2 (binary encoding), 6.7 (secure conversation), 7.1 (connection protocol); OPC 10000-4: 5.5.2
(OpenSecureChannel), 5.6.2 and 5.6.3 (CreateSession, ActivateSession), 5.10.2 (Read), 5.10.4 (Write). Numbers
of encodings are those of OPC 10000-6, annex A.3 (NodeIds.csv).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from random import Random

PORT = 4840
NAMESPACE = 2
"""Of a server's own nodes: 0 is the standard's, 1 the server's."""
URI = "urn:lab:line"
"""Of that namespace."""
NO_SECURITY = "http://opcfoundation.org/UA/SecurityPolicy#None"
_OPEN_REQUEST, _OPEN_RESPONSE = 446, 449
_CREATE_REQUEST, _CREATE_RESPONSE = 461, 464
_ACTIVATE_REQUEST, _ACTIVATE_RESPONSE = 467, 470
_READ_REQUEST, _READ_RESPONSE = 631, 634
_WRITE_REQUEST, _WRITE_RESPONSE = 673, 676
_NAMED = 324
"""A user's token with name and password."""
USER = "mes"
_ENCRYPTED_BY = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
_ENCRYPTED_BYTES = 256
"""Of a password, encrypted for the server's key of 2048 bits (OPC 10000-4, 7.40.2.2)."""
_VALUE = 13
"""The attribute that holds a variable's value (OPC 10000-6, annex A.1)."""
_UINT16 = 5
_BUFFER = 65_536
_HOUR_MS = 3_600_000
_NOTHING = struct.pack("<i", -1)
"""A string, byte string or array that is null."""
_NO_OBJECT = b"\0\0\0"
_EPOCH_100NS = 116_444_736_000_000_000
"""1970 in units of 100 ns since 1601 (OPC 10000-6, 5.2.2.5)."""

Exchange = tuple[bytes, bytes]
"""A request and its answer."""


def url(address: str, port: int = PORT) -> str:
    """The URL of a server's endpoint."""
    return f"opc.tcp://{address}:{port}/"


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<i", len(data)) + data


def _number(value: int) -> bytes:
    """A numeric node id in namespace 0."""
    return struct.pack("<BBH", 1, 0, value)


def _name(node: str) -> bytes:
    """The node id of one of the server's own nodes: a string."""
    return struct.pack("<BH", 3, NAMESPACE) + _text(node)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + b"F" + struct.pack("<I", 8 + len(body)) + body


class Conversation:
    """One session of a client with a server, message by message; `time_ns` is nanoseconds since 1970 UTC."""

    def __init__(self, url: str, handle: int) -> None:
        """`handle` (16 bits) is what the server calls channel and session by."""
        self._url = url
        self._channel, self._token = handle + 1, handle
        self.number = 1
        """Of the next request."""

    def opening(self, time_ns: int) -> list[Exchange]:
        """Hello, channel, session."""
        sizes = struct.pack("<IIIII", 0, _BUFFER, _BUFFER, 0, 0)
        hello = (_chunk(b"HEL", sizes + _text(self._url)), _chunk(b"ACK", sizes))
        asked = struct.pack("<Iii", 0, 0, 1) + _NOTHING + struct.pack("<I", _HOUR_MS)
        token = struct.pack("<IIqI", self._channel, 1, _moment(time_ns), _HOUR_MS)
        told = struct.pack("<I", 0) + token + _NOTHING
        opened = self._exchange(b"OPN", time_ns, (_OPEN_REQUEST, asked), (_OPEN_RESPONSE, told))
        return [hello, opened, self._create(time_ns), self._activate(time_ns)]

    def _create(self, time_ns: int) -> Exchange:
        about = _text("urn:lab:client") + _text("urn:lab") + b"\2" + _text("client")
        asked = about + struct.pack("<i", 1) + _NOTHING * 3
        asked += _NOTHING + _text(self._url) + _text("session") + _NOTHING * 2
        asked += struct.pack("<dI", _HOUR_MS, 0)
        told = _number(self._token) + _number(self._token) + struct.pack("<d", _HOUR_MS)
        told += _NOTHING * 6 + struct.pack("<I", 0)
        return self._exchange(b"MSG", time_ns, (_CREATE_REQUEST, asked), (_CREATE_RESPONSE, told))

    def _activate(self, time_ns: int) -> Exchange:
        secret = Random(f"{self._token} {time_ns}").randbytes(_ENCRYPTED_BYTES)
        token = _text("username") + _text(USER) + struct.pack("<i", len(secret)) + secret
        token += _text(_ENCRYPTED_BY)
        who = _number(_NAMED) + b"\1" + struct.pack("<i", len(token)) + token
        asked = _NOTHING * 4 + who + _NOTHING * 2
        return self._exchange(b"MSG", time_ns, (_ACTIVATE_REQUEST, asked), (_ACTIVATE_RESPONSE, _NOTHING * 3))

    def read(self, time_ns: int, values: Mapping[str, int]) -> Exchange:
        """The variables are read, and hold these values."""
        wanted = [_name(node) + struct.pack("<I", _VALUE) + _NOTHING + b"\0\0" + _NOTHING for node in values]
        asked = struct.pack("<di", 0.0, 3) + _array(wanted)
        told = _array([b"\1" + _variant(value) for value in values.values()]) + _NOTHING
        return self._exchange(b"MSG", time_ns, (_READ_REQUEST, asked), (_READ_RESPONSE, told))

    def write(self, time_ns: int, node: str, value: int) -> Exchange:
        """A value is written to a variable, and accepted."""
        wanted = _name(node) + struct.pack("<I", _VALUE) + _NOTHING + b"\1" + _variant(value)
        told = _array([struct.pack("<I", 0)]) + _NOTHING
        return self._exchange(b"MSG", time_ns, (_WRITE_REQUEST, _array([wanted])), (_WRITE_RESPONSE, told))

    def _exchange(
        self, kind: bytes, time_ns: int, asked: tuple[int, bytes], told: tuple[int, bytes]
    ) -> Exchange:
        number, self.number = self.number, self.number + 1
        token = b"\0\0" if kind == b"OPN" or asked[0] == _CREATE_REQUEST else _number(self._token)
        request = token + struct.pack("<qII", _moment(time_ns), number, 0) + _NOTHING
        request += struct.pack("<I", 4_000) + _NO_OBJECT
        response = struct.pack("<qIIB", _moment(time_ns), number, 0, 0) + _NOTHING + _NO_OBJECT
        first = kind == b"OPN"
        return (
            self._sealed(kind, 0 if first else self._channel, number, _number(asked[0]) + request + asked[1]),
            self._sealed(kind, self._channel, number, _number(told[0]) + response + told[1]),
        )

    def _sealed(self, kind: bytes, channel: int, number: int, body: bytes) -> bytes:
        """In the channel, whose security is none."""
        security = _text(NO_SECURITY) + _NOTHING * 2 if kind == b"OPN" else struct.pack("<I", 1)
        head = struct.pack("<I", channel) + security + struct.pack("<II", number, number)
        return _chunk(kind, head + body)


def _moment(time_ns: int) -> int:
    return time_ns // 100 + _EPOCH_100NS


def _variant(value: int) -> bytes:
    return struct.pack("<BH", _UINT16, value)


def _array(parts: Sequence[bytes]) -> bytes:
    return struct.pack("<i", len(parts)) + b"".join(parts)
