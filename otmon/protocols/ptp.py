"""PTP: the common clock of motion control, Sampled Values and TSN."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="ptp",
    name="Precision Time Protocol",
    kind="it",
    udp_ports=(319, 320),
    ethertypes=(0x88F7,),
    signatures=(
        # Version 2: type in the low 4 bits, version 2, length of the message.
        Signature(
            "udp",
            (Number(1, 1, 2, 2, mask=0x0F), Length(2, 2, add=0, relation="at most"), Number(2, 2, 44, 1500)),
            minimum=44,
            hinted=True,
        ),
        # Version 1: versionPTP 1, versionNetwork 1.
        Signature("udp", (Text(0, b"\x00\x01\x00\x01"),), minimum=44, hinted=True),
    ),
    references=(
        "IEEE 1588-2019, 13.3 (header), annex C (UDP ports), annex E (EtherType)",
        "IEEE 1588-2002, 8.2 (version 1 header)",
    ),
)
