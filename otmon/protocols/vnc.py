"""VNC: the screen of an HMI from afar, often without a password."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="vnc",
    name="VNC",
    kind="it",
    tcp_ports=(5900, 5901, 5902, 5903, 5800),
    signatures=(
        # Both sides begin with their version: "RFB 003.008\n".
        Signature(
            "tcp",
            (Text(0, b"RFB 00"), Number(6, 1, 0x33, 0x35), Text(7, b".00"), Text(11, b"\n")),
            minimum=12,
        ),
        # Some makers count on: "RFB 003.889\n".
        Signature("tcp", (Text(0, b"RFB 00"), Text(7, b"."), Text(11, b"\n")), minimum=12),
    ),
    references=(
        "RFC 6143, 7.1.1 (version)",
        "IANA service names: rfb, 5900/tcp",
    ),
)
