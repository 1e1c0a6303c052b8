"""QUIC: the encrypted transport of newer web services."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_LONG: Final = (Number(0, 1, 0xC0, 0xC0, mask=0xC0), Number(5, 1, 0, 20))
"""Long header with the fixed bit, and a connection id of at most 20 bytes."""

PROTOCOL: Final = Protocol(
    id="quic",
    name="QUIC",
    kind="it",
    udp_ports=(443,),
    signatures=(
        Signature("udp", (*_LONG, Text(1, b"\x00\x00\x00\x01")), minimum=21),
        Signature("udp", (*_LONG, Text(1, b"\x6b\x33\x43\xcf")), minimum=21),
        # Version negotiation.
        Signature(
            "udp",
            (Number(0, 1, 0x80, 0xFF), Text(1, b"\x00\x00\x00\x00"), Number(5, 1, 0, 20)),
            minimum=15,
            sender="server",
            hinted=True,
        ),
    ),
    references=("RFC 9000, 17.2 (long header)", "RFC 9369, 3.1 (version 2)"),
)
