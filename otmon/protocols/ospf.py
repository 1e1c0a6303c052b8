"""OSPF: routers tell each other the networks that they reach."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="ospf",
    name="OSPF",
    kind="it",
    ip_protocols=(89,),
    references=("RFC 2328, A.1 (protocol 89)",),
)
