"""Multicast DNS: printers, cameras and engineering tools find each other without a server."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature

PROTOCOL: Final = Protocol(
    id="mdns",
    name="Multicast DNS",
    kind="it",
    udp_ports=(5353,),
    signatures=(
        # Opcode, Z and response code 0.
        Signature(
            "udp",
            (Number(2, 2, 0, 0, mask=0x784F), Number(4, 1, 0, 0), Number(6, 1, 0, 0)),
            minimum=12,
            hinted=True,
        ),
    ),
    references=("RFC 6762, 5 (port 5353), 18 (header)",),
)
