"""EAPOL: a station proves to a switch port who it is (802.1X)."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="eapol",
    name="EAP over LAN",
    kind="it",
    ethertypes=(0x888E,),
    references=("IEEE 802.1X-2020, clause 11 (frames)",),
)
