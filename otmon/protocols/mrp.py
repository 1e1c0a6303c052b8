"""MRP: the test and topology frames of a redundant ring of switches."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="mrp",
    name="MRP",
    kind="industrial",
    ethertypes=(0x88E3,),
    references=(
        "IEC 62439-2 (frames)",
        "IEEE Registration Authority, EtherType 0x88E3",
    ),
)
