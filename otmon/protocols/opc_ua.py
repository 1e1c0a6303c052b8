"""OPC UA: how supervision, MES and modern controllers read, write and subscribe, in binary over TCP."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Sender, Signature, Text

_MESSAGES: Final[tuple[tuple[bytes, Sender], ...]] = (
    (b"HELF", "client"),
    (b"ACKF", "server"),
    (b"RHEF", "server"),
    (b"ERRF", "server"),
    (b"OPNF", "either"),
    (b"CLOF", "client"),
    (b"MSGF", "either"),
    (b"MSGC", "either"),
    (b"MSGA", "either"),
)
"""Message types with their chunk: final, intermediate, aborted."""

PROTOCOL: Final = Protocol(
    id="opc_ua",
    name="OPC UA",
    kind="industrial",
    tcp_ports=(4840,),
    signatures=tuple(
        Signature("tcp", (Text(0, kind), Number(4, 4, 8, 1 << 28, little=True)), minimum=8, sender=sender)
        for kind, sender in _MESSAGES
    ),
    references=(
        "OPC 10000-6, 6.7.2 (message chunks), 7.1.2 (connection protocol messages)",
        "IANA service names: opcua-tcp, 4840/tcp",
    ),
)
