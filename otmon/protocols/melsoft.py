"""MELSOFT: GX Works programs, starts, stops and searches for Mitsubishi controllers with it."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Sender, Signature, Text, Transport

_BOTH: Final[tuple[Transport, Transport]] = ("tcp", "udp")
_ROUTES: Final[tuple[tuple[int, bytes, Sender], ...]] = (
    (0x57, b"\x11\x11\x07", "client"),
    (0xD7, b"\x11\x11\x7f", "server"),
)
"""Request and response."""

PROTOCOL: Final = Protocol(
    id="melsoft",
    name="MELSOFT",
    kind="industrial",
    tcp_ports=(5007,),
    udp_ports=(5006, 5560),
    signatures=(
        # Serial number, then a fixed route; bytes of the rest.
        *(
            Signature(
                t,
                (
                    Number(0, 1, first, first),
                    Text(5, route),
                    Length(19, 2, add=21, relation="at most", little=True),
                ),
                minimum=21,
                sender=sender,
            )
            for t in _BOTH
            for first, route, sender in _ROUTES
        ),
        # Search by broadcast.
        Signature("udp", (Text(0, b"\x5a\x00\x00"),), minimum=4, maximum=4, sender="client", hinted=True),
        Signature("udp", (Text(0, b"\xda\x00\x00"),), minimum=8, sender="server", hinted=True),
    ),
    references=(
        "Z-0ne/ICS-Discovery-Tools, melsecq-discover{,-udp}.nse (header; 5007/tcp, 5006/udp),"
        " as Mitsubishi publishes no specification",
        "ITI/ICS-Security-Tools, capture melsoft_UDP_clean_2 (5560/udp, search)",
    ),
)
