"""FL-net: controllers of many Japanese makers share a common memory by passing a token."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="fl_net",
    name="FL-net",
    kind="industrial",
    udp_ports=(55000, 55001, 55002, 55003),
    signatures=(
        # Header type, and the length of the frame in bytes.
        Signature("udp", (Text(0, b"FACN"), Length(4, 4, add=0, relation="at most")), minimum=64),
    ),
    references=(
        "JEM 1479 (JIS B 3521), FL-net protocol specification, header format",
        "Omron, CJ1W-FLN22 manual, appendix C (header with a worked frame)",
        "Sharp JW-20FLT manual, 15 [7] (ports 55000 to 55003)",
    ),
)
