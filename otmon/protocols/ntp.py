"""NTP: clocks are set; logs and certificates depend on it."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Sender, Signature

_CALM: Final = (Number(2, 1, 0, 17), Number(4, 2, 0, 1))
"""Poll exponent up to the largest, root delay below two seconds."""
_VERSION: Final = Number(0, 1, 0x08, 0x20, mask=0x38)
_MODES: Final[tuple[tuple[int, int, Sender], ...]] = ((3, 3, "client"), (4, 5, "server"), (0, 2, "either"))
"""Client; server and broadcast; symmetric."""

PROTOCOL: Final = Protocol(
    id="ntp",
    name="NTP",
    kind="it",
    udp_ports=(123,),
    signatures=(
        # Version 3 or 4 of 48 bytes: mode 3 is a client's, 4 a server's with a stratum.
        Signature(
            "udp",
            (Number(0, 1, 0x1B, 0x1B, mask=0x3F), Number(1, 1, 0, 16), *_CALM, Number(8, 1, 0, 0)),
            minimum=48,
            maximum=48,
            sender="client",
        ),
        Signature(
            "udp",
            (Number(0, 1, 0x23, 0x23, mask=0x3F), Number(1, 1, 0, 16), *_CALM, Number(8, 1, 0, 0)),
            minimum=48,
            maximum=48,
            sender="client",
        ),
        Signature(
            "udp",
            (
                Number(0, 1, 0x04, 0x04, mask=0x07),
                Number(0, 1, 0x18, 0x20, mask=0x38),
                Number(1, 1, 1, 16),
                *_CALM,
                Number(8, 1, 0, 0),
            ),
            minimum=48,
            maximum=48,
            sender="server",
        ),
        # Any version 1 to 4, with extensions or a code; modes 6 and 7 ask about the server itself.
        *(
            Signature(
                "udp",
                (_VERSION, Number(0, 1, low, high, mask=0x07), Number(1, 1, 0, 16), Number(2, 1, 0, 17)),
                minimum=48,
                sender=sender,
                hinted=True,
            )
            for low, high, sender in _MODES
        ),
        Signature(
            "udp", (_VERSION, Number(0, 1, 6, 6, mask=0x07), Number(10, 2, 0, 468)), minimum=12, hinted=True
        ),
        Signature(
            "udp", (_VERSION, Number(0, 1, 7, 7, mask=0x07), Number(2, 1, 0, 3)), minimum=8, hinted=True
        ),
    ),
    references=("RFC 5905, 7.2 (limits), 7.3 (header; port 123)", "RFC 9327, 2 (control messages)"),
)
