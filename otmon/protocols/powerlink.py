"""Ethernet POWERLINK: the cycle of a managing node that polls drives and I/O, as B&R uses it."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="powerlink",
    name="Ethernet POWERLINK",
    kind="industrial",
    ethertypes=(0x88AB,),
    references=(
        "EPSG DS 301 V1.5.1 (frames)",
        "IEC 61158-3-13",
    ),
)
