"""FINS: Omron controllers read and write each other, and HMIs and CX-Programmer them."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_COMMAND: Final = (Number(0, 1, 0x80, 0x80, mask=0xFE), Number(10, 1, 1, 0x2F))
_RESPONSE: Final = (Number(0, 1, 0xC0, 0xC0, mask=0xFE), Number(10, 1, 1, 0x2F))
"""Information control field: bit 7 a gateway may be used, bit 6 response; then the command's class."""
_HEADER: Final = (Number(1, 1, 0, 0), Number(2, 1, 0, 7), Number(3, 1, 0, 0x7F), Number(6, 1, 0, 0x7F))
"""Reserved, gateway count, destination and source network."""
_ANY_HEADER: Final = (Number(0, 1, 0, 0, mask=0x7E), Number(3, 1, 0, 0x7F), Number(6, 1, 0, 0x7F))
"""The same of a command without what controllers need not look at: that bit 7 is always 1, reserved, and
the gateway count."""
_STOPPING: Final = ((0x0304, 0x0308), (0x0401, 0x0403), (0x2203, 0x2205))
"""Commands: protection and exchange of a program, modes of operation, files."""
_TCP: Final = Text(0, b"FINS\x00\x00")
"""Header of FINS over TCP: magic, length of the rest, command, error code."""

PROTOCOL: Final = Protocol(
    id="fins",
    name="FINS",
    kind="industrial",
    tcp_ports=(9600,),
    udp_ports=(9600,),
    signatures=(
        Signature("udp", (*_COMMAND, *_HEADER), minimum=12, sender="client"),
        Signature("udp", (*_RESPONSE, *_HEADER), minimum=14, sender="server"),
        *(
            Signature("udp", (*_ANY_HEADER, Number(10, 2, *one)), minimum=12, sender="client", hinted=True)
            for one in _STOPPING
        ),
        # Node address: the client asks for its number, the server gives both.
        Signature("tcp", (_TCP, Number(8, 4, 0, 0)), minimum=16, sender="client"),
        Signature("tcp", (_TCP, Number(8, 4, 1, 1)), minimum=16, sender="server"),
        # A FINS frame, and its refusal.
        Signature(
            "tcp",
            (_TCP, Number(8, 4, 2, 2), Number(16, 1, 0x80, 0x80, mask=0xFE)),
            minimum=28,
            sender="client",
        ),
        Signature(
            "tcp",
            (_TCP, Number(8, 4, 2, 2), Number(16, 1, 0xC0, 0xC0, mask=0xFE)),
            minimum=28,
            sender="server",
        ),
        Signature("tcp", (_TCP, Number(8, 4, 2, 6)), minimum=16),
    ),
    commanded=("tcp", "udp"),
    references=(
        "Omron W227-E1, FINS Commands Reference Manual (header, command codes)",
        "Omron W421-E1, CS/CJ Ethernet Units (FINS over UDP and TCP, port 9600)",
    ),
)
