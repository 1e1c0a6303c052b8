"""RADIUS: switches, access points and VPN gateways ask a server who may come in."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_HEADER: Final = 20

PROTOCOL: Final = Protocol(
    id="radius",
    name="RADIUS",
    kind="it",
    udp_ports=(1812, 1813, 1645, 1646, 3799),
    signatures=(
        # A request that begins with the name of a user, who has one of at least a letter.
        Signature(
            "udp",
            (Text(0, b"\x01"), Length(2, 2, add=0), Text(_HEADER, b"\x01"), Number(_HEADER + 1, 1, 3, 255)),
            minimum=_HEADER + 3,
            sender="client",
            hinted=True,
        ),
        # Any request, and any answer: 20 bytes or more, as many as its length says.
        *(
            Signature(
                "udp",
                (Number(0, 1, code, code), Length(2, 2, add=0)),
                minimum=_HEADER,
                sender="client" if code in (1, 4) else "server",
                hinted=True,
            )
            for code in (1, 2, 3, 4, 5, 11)
        ),
    ),
    references=(
        "RFC 2865, 3 (packet; ports 1812 and, before, 1645) and 4 (codes)",
        "RFC 2866, 3 (accounting, ports 1813 and, before, 1646)",
        "RFC 5176, 2.1 (port 3799)",
    ),
)
