"""Sampled Values: currents and voltages that merging units stream to protection relays."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="sampled_values",
    name="Sampled Values",
    kind="industrial",
    ethertypes=(0x88BA,),
    references=(
        "IEC 61850-9-2 (frames)",
        "IEEE Registration Authority, EtherType 0x88BA",
    ),
)
