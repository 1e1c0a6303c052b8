"""MMS: values, reports, commands and files of IEC 61850 substation devices, of ICCP control centres and of
older cell controllers, over the OSI layers session, presentation and association.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Sender, Signature, Text

_DATA: Final = (Text(0, b"\x03\x00"), Text(4, b"\x02\xf0"), Number(6, 1, 0, 0, mask=0x7F))
"""TPKT and COTP data; what follows begins at byte 7."""
_GIVE_TOKENS: Final = b"\x01\x00\x01\x00"
"""Session units "give tokens" and "data transfer", before every presentation unit."""
_CLIENT_TAGS: Final = ((0xA0, 0xA0), (0xA8, 0xA8), (0x8B, 0x8B))
_SERVER_TAGS: Final = ((0xA1, 0xA3), (0xA9, 0xA9), (0x8C, 0x8C))
"""MMS units: confirmed request, initiate request, conclude request; confirmed response and error,
unconfirmed, initiate response, conclude response."""
_CONNECTIONS: Final[tuple[tuple[int, Sender], ...]] = ((0xE0, "client"), (0xD0, "server"))
"""COTP connection request and confirm."""
_FORMS: Final = ((b"", 2), (b"\x81", 3), (b"\x82", 4))
"""BER lengths, and the bytes of a tag with such a length."""


def _unit(form: bytes, step: int, low: int, high: int) -> tuple[Text | Number, ...]:
    """An MMS unit in presentation context 3, all lengths in one BER form."""
    inner = 11 + 2 * step
    return (
        *_DATA,
        Text(7, _GIVE_TOKENS),
        Text(11, b"\x61" + form),
        Text(11 + step, b"\x30" + form),
        Text(inner, b"\x02\x01\x03\xa0" + form),
        Number(inner + 3 + step, 1, low, high),
    )


def _units(sender: Sender, tags: tuple[tuple[int, int], ...]) -> tuple[Signature, ...]:
    return tuple(
        Signature("tcp", checks, minimum=checks[-1].at + 1, sender=sender)
        for form, step in _FORMS
        for low, high in tags
        for checks in (_unit(form, step, low, high),)
    )


PROTOCOL: Final = Protocol(
    id="mms",
    name="MMS",
    kind="industrial",
    tcp_ports=(102,),
    signatures=(
        *_units("client", _CLIENT_TAGS),
        *_units("server", _SERVER_TAGS),
        # Lengths in several forms: still a presentation unit, and in a plant that is MMS.
        Signature("tcp", (*_DATA, Text(7, _GIVE_TOKENS + b"\x61")), minimum=20),
        # The same where TPKT came in a segment of its own.
        Signature("tcp", (Text(0, b"\x02\xf0\x80" + _GIVE_TOKENS + b"\x61"),), minimum=16, hinted=True),
        Signature(
            "tcp",
            (Text(0, b"\x02\xf0\x80\x0d"), Text(5, b"\x05\x06\x13\x01")),
            minimum=36,
            sender="client",
            hinted=True,
        ),
        Signature(
            "tcp",
            (Text(0, b"\x02\xf0\x80\x0e"), Text(5, b"\x05\x06\x13\x01")),
            minimum=36,
            sender="server",
            hinted=True,
        ),
        # Initiate request and response without the layers between, as small stacks send them.
        Signature(
            "tcp", (*_DATA, Number(7, 1, 0xA8, 0xA8), Number(9, 1, 0x80, 0x80)), minimum=24, sender="client"
        ),
        Signature(
            "tcp", (*_DATA, Number(7, 1, 0xA9, 0xA9), Number(9, 1, 0x80, 0x80)), minimum=24, sender="server"
        ),
        # Session connect and accept, with the connect item's protocol options.
        Signature(
            "tcp", (*_DATA, Number(7, 1, 13, 13), Text(9, b"\x05\x06\x13\x01")), minimum=40, sender="client"
        ),
        Signature(
            "tcp", (*_DATA, Number(7, 1, 14, 14), Text(9, b"\x05\x06\x13\x01")), minimum=40, sender="server"
        ),
        # COTP connection request and confirm of class 0: shared with S7comm until data follows.
        *(
            Signature(
                "tcp",
                (
                    Text(0, b"\x03\x00"),
                    Length(2, 2, add=0),
                    Length(4, 1, add=5),
                    Number(5, 1, code, code, mask=0xF0),
                    Number(10, 1, 0, 0x40, mask=0xF0),
                    Number(11, 1, 0xC0, 0xC2),
                ),
                minimum=14,
                sender=sender,
                provisional=True,
            )
            for code, sender in _CONNECTIONS
        ),
    ),
    references=(
        "RFC 1006, 6 (TPKT)",
        "ITU-T X.224 (1995), 13.3, 13.4, 13.7 (COTP connection and data units)",
        "ITU-T X.225 (1995), 8.3 (session units)",
        "ITU-T X.226 (1994), 8 (presentation data values)",
        "ISO 9506-2, 7 (MMS units and their tags)",
        "IEC 61850-8-1 (the profile of substations)",
    ),
)
