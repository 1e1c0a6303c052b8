"""LACP, and what else the EtherType of slow protocols carries: switches bundle their links."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="lacp",
    name="Slow Protocols (LACP)",
    kind="it",
    ethertypes=(0x8809,),
    references=(
        "IEEE 802.1AX-2014, 6.4.2 (frames)",
        "IEEE 802.3-2018, annex 57A (slow protocols, EtherType 0x8809)",
    ),
)
