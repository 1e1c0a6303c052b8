"""Spanning tree (STP, RSTP, MSTP, PVST+): switches agree on which links they use."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol

PROTOCOL: Final = Protocol(
    id="stp",
    name="Spanning Tree",
    kind="it",
    llc=(b"\x42\x42\x03", bytes.fromhex("aaaa0300000c010b")),
    references=(
        "IEEE 802.1D-2004, 9.2 (LLC address 42)",
        "Cisco: PVST+, SNAP 00000C 010B",
    ),
)
