"""DNP3: masters poll outstations (pumps, switchgear, wells) for events and command them."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Crc16, Number, Protocol, Signature, Text, Transport

_HEADER: Final = (
    Text(0, b"\x05\x64"),
    Number(2, 1, 5, 255),
    Crc16(8, 0, 8, polynomial=0xA6BC, inverted=True),
)
"""Start bytes, length from the control byte on, and the CRC of the link header."""
_TRANSPORTS: Final[tuple[Transport, Transport]] = ("tcp", "udp")

PROTOCOL: Final = Protocol(
    id="dnp3",
    name="DNP3",
    kind="industrial",
    tcp_ports=(20000,),
    udp_ports=(20000,),
    signatures=(
        # The direction bit of the control byte is set by the master.
        *(
            Signature(t, (*_HEADER, Number(3, 1, 0x80, 0xFF)), minimum=10, sender="client")
            for t in _TRANSPORTS
        ),
        *(Signature(t, (*_HEADER, Number(3, 1, 0, 0x7F)), minimum=10, sender="server") for t in _TRANSPORTS),
    ),
    commanded=_TRANSPORTS,
    references=(
        "IEEE 1815-2012, 9.2 (link header, direction bit, CRC), 13 (TCP and UDP)",
        "IANA service names: dnp, 20000",
    ),
)
