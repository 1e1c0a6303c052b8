"""S7comm: how engineering stations and HMIs read, write, program and stop Siemens S7-300 and S7-400
controllers, and S7-1200 and S7-1500 ones where it is allowed; in COTP data units.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Sender, Signature, Text

_DATA: Final = (
    Number(0, 1, 3, 3),
    Text(4, b"\x02\xf0"),
    Number(6, 1, 0, 0, mask=0x7F),
    Number(7, 1, 0x32, 0x32),
)
"""TPKT, COTP data, protocol id 0x32. Reserved fields are not looked at, as by those who receive them."""


def _connect(code: int, header: bytes) -> tuple[Text | Number, ...]:
    """A COTP connection whose called TSAP says PG (1), OP (2) or S7 basic (3) and a rack and slot."""
    first = 11 + len(header)
    return (
        Text(0, b"\x03\x00"),
        Number(5, 1, code, code, mask=0xF0),
        Text(11, header + b"\xc1\x02"),
        Text(first + 4, b"\xc2\x02"),
        Number(first + 6, 1, 1, 3),
    )


_CONNECTIONS: Final[tuple[tuple[int, Sender], ...]] = ((0xE0, "client"), (0xD0, "server"))
"""Connection request and confirm."""
_TPDU_SIZES: Final = (b"\xc0\x01\x0a", b"\xc0\x01\x09", b"")
"""The parameter that may stand before the TSAPs: 1024 bytes, 512 bytes, none."""

PROTOCOL: Final = Protocol(
    id="s7comm",
    name="S7comm",
    kind="industrial",
    tcp_ports=(102,),
    signatures=(
        # ROSCTR 1 job, 2 and 3 acknowledgement without and with data, 7 user data.
        Signature("tcp", (*_DATA, Number(8, 1, 1, 1)), minimum=17, sender="client"),
        Signature("tcp", (*_DATA, Number(8, 1, 2, 3)), minimum=19, sender="server"),
        Signature("tcp", (*_DATA, Number(8, 1, 7, 7)), minimum=17),
        # The first of several data units that have one message.
        Signature("tcp", (Number(0, 1, 3, 3), Text(4, b"\x02\xf0\0\x32")), minimum=8, hinted=True),
        # The same where TPKT came in a segment of its own.
        Signature(
            "tcp",
            (Text(0, b"\x02\xf0\x80\x32"), Number(4, 1, 1, 7), Number(5, 2, 0, 0)),
            minimum=13,
            hinted=True,
        ),
        *(
            Signature("tcp", _connect(code, size), minimum=18 + len(size), sender=sender, provisional=True)
            for code, sender in _CONNECTIONS
            for size in _TPDU_SIZES
        ),
    ),
    commanded=("tcp",),
    references=(
        "RFC 1006, 6 (TPKT)",
        "ITU-T X.224 (1995), 13.3, 13.4, 13.7 (COTP connection and data units)",
        "Wireshark packet-s7comm.c (protocol id, ROSCTR), as Siemens publishes no specification",
        "Snap7 documentation, Siemens communications overview (meaning of TSAPs)",
        "IANA service names: iso-tsap, 102/tcp",
    ),
)
