"""DLR: beacons and announcements of a redundant ring of EtherNet/IP devices."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="dlr",
    name="Device Level Ring",
    kind="industrial",
    ethertypes=(0x80E1,),
    references=(
        "ODVA, EtherNet/IP Adaptation of CIP, chapter 9 (Device Level Ring)",
        "IEEE Registration Authority, EtherType 0x80E1",
    ),
)
