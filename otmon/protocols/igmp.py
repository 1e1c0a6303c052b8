"""IGMP: hosts tell switches and routers which groups they listen to."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="igmp",
    name="IGMP",
    kind="it",
    ip_protocols=(2,),
    references=("RFC 3376, 4 (protocol 2)",),
)
