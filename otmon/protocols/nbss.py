"""NetBIOS sessions: what opens the way to file shares on port 139; SMB follows in the same connection."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_ENCODED_NAME: Final = (Number(4, 1, 0x20, 0x20), Number(5, 1, 0x41, 0x50), Number(6, 1, 0x41, 0x50))

PROTOCOL: Final = Protocol(
    id="nbss",
    name="NetBIOS session service",
    kind="it",
    tcp_ports=(139,),
    signatures=(
        # Session request with two encoded names; positive and negative response, keep-alive.
        Signature(
            "tcp",
            (Text(0, b"\x81\x00"), Length(2, 2, add=4), *_ENCODED_NAME, Number(38, 1, 0x20, 0x20)),
            minimum=72,
            sender="client",
            provisional=True,
        ),
        Signature(
            "tcp",
            (Text(0, b"\x82\x00\x00\x00"),),
            minimum=4,
            maximum=4,
            sender="server",
            hinted=True,
            provisional=True,
        ),
        Signature(
            "tcp",
            (Text(0, b"\x83\x00\x00\x01"),),
            minimum=5,
            maximum=5,
            sender="server",
            hinted=True,
            provisional=True,
        ),
        Signature(
            "tcp", (Text(0, b"\x85\x00\x00\x00"),), minimum=4, maximum=4, hinted=True, provisional=True
        ),
    ),
    references=("RFC 1002, 4.3 (session packets), 6 (port 139)",),
)
