"""LLDP: switches, controllers and I/O tell their neighbours who they are; PROFINET names ports by it."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="lldp",
    name="LLDP",
    kind="it",
    ethertypes=(0x88CC,),
    references=("IEEE 802.1AB-2016, clause 7 (EtherType)",),
)
