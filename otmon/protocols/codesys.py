"""CODESYS V3: engineering of the many controllers that run its runtime (WAGO, Festo, ABB and others)."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_DATAGRAM: Final = 0xC5
"""First byte of the datagram layer."""

PROTOCOL: Final = Protocol(
    id="codesys",
    name="CODESYS V3",
    kind="industrial",
    tcp_ports=(11740, 11741, 11742, 11743),
    udp_ports=(1740, 1741, 1742, 1743),
    signatures=(
        # Block driver: magic 0xE8170100 and length of the whole, little-endian; then a datagram.
        Signature(
            "tcp",
            (
                Text(0, b"\x00\x01\x17\xe8"),
                Length(4, 4, add=0, relation="at most", little=True),
                Number(8, 1, _DATAGRAM, _DATAGRAM),
            ),
            minimum=14,
        ),
        # Header length 3 words; service: address notification, names or channels.
        *(
            Signature(
                "udp",
                (Number(0, 1, _DATAGRAM, _DATAGRAM), Number(1, 1, 3, 3, mask=0x07), Number(3, 1, low, high)),
                minimum=8,
                hinted=True,
            )
            for low, high in ((1, 4), (0x40, 0x40))
        ),
    ),
    references=(
        "Kaspersky ICS CERT, Security research: CODESYS Runtime (2019), block driver and datagram layers",
        "microsoft/ics-forensics-tools, codesysv3_protocol/structures.py and constants.py (layouts, ports)",
    ),
)
