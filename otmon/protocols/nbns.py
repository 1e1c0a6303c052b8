"""NetBIOS name service: old Windows stations announce and look up names by broadcast."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature

_NAME: Final = (
    Number(12, 1, 0x20, 0x20),
    Number(13, 1, 0x41, 0x50),
    Number(14, 1, 0x41, 0x50),
    Number(45, 1, 0, 0),
)
"""A name of 16 bytes in 32 letters from A to P, without scope."""
_CLASS_IN: Final = Number(48, 2, 1, 1)
_REQUEST: Final = (
    Number(2, 2, 0, 0x7800, mask=0xF84F),
    Number(4, 2, 1, 1),
    Number(6, 4, 0, 0),
    Number(10, 2, 0, 1),
    Number(46, 2, 0x20, 0x21),
)
"""One question (NB or NBSTAT); a registration has one additional record."""
_RESPONSE: Final = (
    Number(2, 2, 0x8000, 0xFFFF),
    Number(4, 2, 0, 0),
    Number(6, 2, 0, 1),
    Number(46, 2, 0x0A, 0x21),
)

PROTOCOL: Final = Protocol(
    id="nbns",
    name="NetBIOS name service",
    kind="it",
    udp_ports=(137,),
    signatures=(
        Signature("udp", (*_REQUEST, *_NAME, _CLASS_IN), minimum=50, sender="client"),
        Signature("udp", (*_RESPONSE, *_NAME, _CLASS_IN), minimum=54, sender="server"),
        # A name of another form, or a message that is cut.
        Signature(
            "udp",
            (Number(4, 1, 0, 0), Number(6, 1, 0, 0), Number(12, 1, 0x20, 0x20)),
            minimum=13,
            hinted=True,
        ),
    ),
    references=(
        "RFC 1002, 4.2.1 (header, names), 4.2.2 to 4.2.18 (packets), 6 (port 137)",
        "RFC 1001, 14.1 (encoding of names)",
    ),
)
