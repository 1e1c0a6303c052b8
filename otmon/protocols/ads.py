"""ADS: TwinCAT engineering, HMIs and controllers read, write and switch Beckhoff controllers with it."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_HEADER: Final = (
    Number(0, 2, 0, 0),
    Length(2, 4, add=6, relation="at most", little=True),
    Number(2, 4, 32, 1 << 24, little=True),
    Number(22, 2, 0, 9, little=True),
    Length(26, 4, add=38, relation="at most", little=True),
)
"""AMS/TCP: reserved, length of the rest; AMS: command, bytes of data."""
_FLAGS_AT: Final = 24

PROTOCOL: Final = Protocol(
    id="ads",
    name="ADS",
    kind="industrial",
    tcp_ports=(48898,),
    udp_ports=(48899,),
    signatures=(
        # State flags: 0x0004 an ADS command, 0x0001 its response.
        Signature("tcp", (*_HEADER, Number(_FLAGS_AT, 2, 4, 4, little=True)), minimum=38, sender="client"),
        Signature("tcp", (*_HEADER, Number(_FLAGS_AT, 2, 5, 5, little=True)), minimum=38, sender="server"),
        # Search for controllers, and routes: a cookie, the number of the call, and the service, of which
        # bit 31 is set in replies.
        Signature("udp", (Text(0, b"\x03\x66\x14\x71"), Number(11, 1, 0, 0)), minimum=12, sender="client"),
        Signature(
            "udp", (Text(0, b"\x03\x66\x14\x71"), Number(11, 1, 0x80, 0x80)), minimum=12, sender="server"
        ),
    ),
    references=(
        "Beckhoff Information System, ADS introduction: AMS/TCP packet, AMS header",
        "Beckhoff Information System, TwinCAT router: ports 48898/tcp and 48899/udp",
        "apache/plc4x, ads-discovery.mspec (search and routes over UDP)",
    ),
)
