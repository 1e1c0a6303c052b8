"""MySQL and MariaDB: a database behind a historian, a supervision or a line's quality records."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_WHOLE: Final = (Length(0, 2, add=4, little=True), Number(2, 1, 0, 0))
"""One packet of less than 64 KiB."""

PROTOCOL: Final = Protocol(
    id="mysql",
    name="MySQL",
    kind="it",
    tcp_ports=(3306,),
    signatures=(
        # Greeting: sequence 0, protocol 10, and a version that begins with a number.
        Signature(
            "tcp",
            (*_WHOLE, Number(3, 2, 10, 10), Number(5, 1, 0x31, 0x39), Number(6, 1, 0x2E, 0x39)),
            minimum=45,
            sender="server",
        ),
        # Response: sequence 1, and 19 bytes that are reserved.
        Signature("tcp", (*_WHOLE, Number(3, 1, 1, 1), Text(13, bytes(19))), minimum=36, sender="client"),
    ),
    references=(
        "MySQL Internals, Client/Server Protocol: packets, HandshakeV10, HandshakeResponse41",
        "MariaDB Knowledge Base, Connecting: initial handshake packet, reserved bytes",
        "IANA service names: mysql, 3306/tcp",
    ),
)
