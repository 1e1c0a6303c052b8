"""TeamViewer: remote maintenance by a go-between on the Internet."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="teamviewer",
    name="TeamViewer",
    kind="it",
    tcp_ports=(5938,),
    signatures=tuple(
        # Command bytes of its own protocol; known from observation alone, so the port must help.
        Signature("tcp", (Text(0, magic),), minimum=6, hinted=True)
        for magic in (b"\x17\x24", b"\x11\x30")
    ),
    references=(
        "nDPI, src/lib/protocols/teamviewer.c (first bytes), as TeamViewer publishes no specification",
        "TeamViewer, ports used (5938)",
    ),
)
