"""PPP over Ethernet: how a router reaches its provider; what it carries of IP has flows of its own."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="pppoe",
    name="PPP over Ethernet",
    kind="it",
    ethertypes=(0x8863, 0x8864),
    references=("RFC 2516, 4 (discovery 8863, session 8864)",),
)
