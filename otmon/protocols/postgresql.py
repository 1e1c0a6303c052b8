"""PostgreSQL: a database behind a historian, a supervision or a line's quality records."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_ASKS: Final = (
    b"R\x00\x00\x00\x08\x00\x00\x00\x00",
    b"R\x00\x00\x00\x08\x00\x00\x00\x03",
    b"R\x00\x00\x00\x0c\x00\x00\x00\x05",
    b"R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256",
    b"R\x00\x00\x00\x2a\x00\x00\x00\x0aSCRAM-SHA-256",
)
"""Authentication: nothing more is asked, a password, its MD5, SCRAM, SCRAM also bound to the channel."""

PROTOCOL: Final = Protocol(
    id="postgresql",
    name="PostgreSQL",
    kind="it",
    tcp_ports=(5432,),
    signatures=(
        # StartupMessage: length, version 3, and the name of the first parameter.
        Signature(
            "tcp",
            (Number(0, 2, 0, 0), Length(0, 4, add=0), Text(4, b"\x00\x03\x00\x00"), Number(8, 1, 0x61, 0x7A)),
            minimum=16,
            sender="client",
        ),
        # SSLRequest and GSSENCRequest.
        *(
            Signature("tcp", (Text(0, b"\x00\x00\x00\x08\x04\xd2\x16" + code),), minimum=8, sender="client")
            for code in (b"\x2f", b"\x30")
        ),
        *(Signature("tcp", (Text(0, text),), minimum=len(text), sender="server") for text in _ASKS),
        # An error with its severity in the first field.
        Signature("tcp", (Text(0, b"E\x00\x00"), Text(5, b"S")), minimum=12, sender="server", hinted=True),
    ),
    references=(
        "PostgreSQL 17 documentation, 55.2.1 (start-up), 55.7 (message formats)",
        "IANA service names: postgresql, 5432/tcp",
    ),
)
