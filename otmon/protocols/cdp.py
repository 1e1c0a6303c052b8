"""CDP: switches and telephones of Cisco tell their neighbours who they are."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="cdp",
    name="CDP",
    kind="it",
    llc=(bytes.fromhex("aaaa0300000c2000"),),
    references=("Cisco: Cisco Discovery Protocol, SNAP 00000C 2000",),
)
