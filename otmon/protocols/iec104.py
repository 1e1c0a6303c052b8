"""IEC 60870-5-104: control centres watch and command substations and other remote stations."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Sender, Signature, Text

_START: Final = Number(0, 1, 0x68, 0x68)
_UNNUMBERED: Final[tuple[tuple[int, Sender], ...]] = (
    (0x07, "client"),
    (0x0B, "server"),
    (0x13, "client"),
    (0x23, "server"),
    (0x43, "either"),
    (0x83, "either"),
)
"""STARTDT, STOPDT and TESTFR, each activation and confirmation; the controlling station is the client."""
_INFORMATION: Final = (
    _START,
    Number(1, 1, 10, 253),
    Number(2, 1, 0, 0, mask=0x01),
    Number(4, 1, 0, 0, mask=0x01),
    Number(6, 1, 1, 127),
    Number(7, 1, 1, 0xFF),
    Number(8, 1, 1, 47, mask=0x3F),
)
"""An I frame: type identification, number of objects, cause of transmission."""

PROTOCOL: Final = Protocol(
    id="iec104",
    name="IEC 60870-5-104",
    kind="industrial",
    tcp_ports=(2404,),
    signatures=(
        *(
            Signature("tcp", (_START, Text(1, bytes((4, code, 0, 0, 0)))), minimum=6, sender=sender)
            for code, sender in _UNNUMBERED
        ),
        # An S frame: acknowledges only.
        Signature("tcp", (_START, Text(1, b"\x04\x01\x00"), Number(4, 1, 0, 0, mask=0x01)), minimum=6),
        # An I frame that fills the segment and has no originator; elsewhere the port must help.
        Signature("tcp", (*_INFORMATION, Length(1, 1, add=2), Number(9, 1, 0, 0)), minimum=12),
        Signature("tcp", (*_INFORMATION, Length(1, 1, add=2)), minimum=12, hinted=True),
        Signature("tcp", _INFORMATION, minimum=12, hinted=True),
    ),
    commanded=("tcp",),
    references=(
        "IEC 60870-5-104:2006, 5 (APCI; I, S and U format)",
        "IEC 60870-5-101:2003, 7.2 (type identification, cause of transmission)",
        "IANA service names: iec-104, 2404",
    ),
)
