"""HART-IP: asset management reads and sets transmitters and valves through gateways and I/O."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Sender, Signature, Transport

_BOTH: Final[tuple[Transport, Transport]] = ("tcp", "udp")
_HEADER: Final = (
    Number(0, 1, 1, 2),
    Number(2, 1, 0, 5),
    Number(6, 2, 8, 1500),
    Length(6, 2, add=0, relation="at most"),
)
"""Version, message id (open, close, keep alive, token-passing PDU, direct PDU, audit log), bytes."""
_KINDS: Final[tuple[tuple[int, Sender], ...]] = ((0, "client"), (1, "server"), (2, "server"), (15, "server"))
"""Message types: request, response, published data, refusal."""

PROTOCOL: Final = Protocol(
    id="hart_ip",
    name="HART-IP",
    kind="industrial",
    tcp_ports=(5094,),
    udp_ports=(5094,),
    signatures=(
        *(
            Signature(t, (*_HEADER, Number(1, 1, kind, kind), Length(6, 2, add=0)), minimum=8, sender=sender)
            for t in _BOTH
            for kind, sender in _KINDS
        ),
        # Several messages in a segment.
        *(
            Signature("tcp", (*_HEADER, Number(1, 1, kind, kind)), minimum=8, sender=sender, hinted=True)
            for kind, sender in _KINDS
        ),
    ),
    references=(
        "FieldComm Group FCG TS20085, Network Management Specification (HART-IP messages)",
        "IANA service names: hart-ip, 5094",
    ),
)
