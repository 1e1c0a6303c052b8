"""RDP: the desktop of a Windows station from afar."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_CONNECT: Final = (Text(0, b"\x03\x00"), Length(2, 2, add=0), Length(4, 1, add=5))
"""TPKT, and the length of the X.224 unit."""
_REQUEST: Final = (*_CONNECT, Number(5, 1, 0xE0, 0xE0), Number(6, 2, 0, 0))
_CONFIRM: Final = (*_CONNECT, Number(5, 1, 0xD0, 0xD0))
_NEGOTIATION_BYTES: Final = Text(13, b"\x08\x00")
_OUTPUT: Final = (
    Number(0, 1, 0, 0, mask=0x3F),
    Number(1, 1, 0x80, 0xFF),
    Length(1, 2, add=0, mask=0x7FFF),
)
"""Action 0, reserved bits, two flags of encryption; then the length of the whole in 15 bits."""

PROTOCOL: Final = Protocol(
    id="rdp",
    name="Remote Desktop",
    kind="it",
    tcp_ports=(3389,),
    signatures=(
        Signature("tcp", (*_REQUEST, Text(11, b"Cookie: ")), minimum=19, sender="client"),
        Signature("tcp", (*_REQUEST, Text(11, b"tsv://")), minimum=17, sender="client"),
        # Negotiation: request (1); response (2) or failure (3).
        Signature("tcp", (*_REQUEST, Number(11, 1, 1, 1), _NEGOTIATION_BYTES), minimum=19, sender="client"),
        Signature("tcp", (*_CONFIRM, Number(11, 1, 2, 3), _NEGOTIATION_BYTES), minimum=19, sender="server"),
        # Without anything, as version 5.2 and before connect.
        Signature("tcp", _REQUEST, minimum=11, sender="client", hinted=True),
        Signature("tcp", _CONFIRM, minimum=11, sender="server", hinted=True),
        # Of a session that began before: data, and fast-path output that fills the segment. Where TLS is
        # around them nothing tells them from other TLS.
        Signature("tcp", (Text(0, b"\x03\x00"), Text(4, b"\x02\xf0\x80")), minimum=8, hinted=True),
        Signature("tcp", _OUTPUT, minimum=16, sender="server", hinted=True),
    ),
    references=(
        "[MS-RDPBCGR] 2.2.1.1 and 2.2.1.2 (connection request and confirm), 2.2.9.1.2 (fast-path output)",
        "RFC 1006, 6 (TPKT)",
        "ITU-T X.224 (1995), 13.3",
    ),
)
