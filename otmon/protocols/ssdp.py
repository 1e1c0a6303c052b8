"""SSDP: cameras, routers and gateways announce themselves and are searched for (UPnP)."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="ssdp",
    name="SSDP",
    kind="it",
    udp_ports=(1900,),
    signatures=(
        Signature("udp", (Text(0, b"M-SEARCH * HTTP/1."),), minimum=20, sender="client"),
        Signature("udp", (Text(0, b"NOTIFY * HTTP/1."),), minimum=18, sender="server"),
        Signature("udp", (Text(0, b"HTTP/1."), Text(8, b" 200 ")), minimum=15, sender="server"),
    ),
    references=("UPnP Device Architecture 2.0, 1.2 (NOTIFY), 1.3 (M-SEARCH and its response; port 1900)",),
)
