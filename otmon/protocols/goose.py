"""GOOSE: trips and interlocks that protection relays and bay controllers multicast to each other."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="goose",
    name="GOOSE",
    kind="industrial",
    ethertypes=(0x88B8,),
    references=(
        "IEC 61850-8-1, annex C (EtherType and APPID)",
        "IEEE Registration Authority, EtherType 0x88B8",
    ),
)
