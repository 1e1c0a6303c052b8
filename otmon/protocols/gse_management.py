"""GSE management: how a relay asks another one what its GOOSE messages contain."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="gse_management",
    name="GSE management",
    kind="industrial",
    ethertypes=(0x88B9,),
    references=(
        "IEC 61850-8-1, annex C",
        "IEEE Registration Authority, EtherType 0x88B9",
    ),
)
