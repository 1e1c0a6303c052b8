"""PIM: routers tell each other where the listeners of a group are."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="pim",
    name="PIM",
    kind="it",
    ip_protocols=(103,),
    references=("RFC 7761, 4.9 (protocol 103)",),
)
