"""VRRP: routers that share an address tell each other who is there."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="vrrp",
    name="VRRP",
    kind="it",
    ip_protocols=(112,),
    references=("RFC 9568, 5.1.1.4 (protocol 112)",),
)
