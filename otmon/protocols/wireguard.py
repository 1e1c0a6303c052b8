"""WireGuard: a tunnel; what goes through it cannot be seen."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="wireguard",
    name="WireGuard",
    kind="it",
    udp_ports=(51820,),
    signatures=(
        # Type and three bytes of 0; handshake messages have one size each.
        Signature("udp", (Text(0, b"\x01\x00\x00\x00"),), minimum=148, maximum=148, sender="client"),
        Signature("udp", (Text(0, b"\x02\x00\x00\x00"),), minimum=92, maximum=92, sender="server"),
        Signature("udp", (Text(0, b"\x03\x00\x00\x00"),), minimum=64, maximum=64, hinted=True),
        Signature("udp", (Text(0, b"\x04\x00\x00\x00"),), minimum=32, hinted=True),
    ),
    references=("Donenfeld: WireGuard: Next Generation Kernel Network Tunnel (NDSS 2017), 5.4 (messages)",),
)
