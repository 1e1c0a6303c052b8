"""SERCOS III: the motion cycle between a control and its drives."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="sercos_iii",
    name="SERCOS III",
    kind="industrial",
    ethertypes=(0x88CD,),
    references=(
        "IEC 61158-3-19 (telegrams)",
        "IEEE Registration Authority, EtherType 0x88CD",
    ),
)
