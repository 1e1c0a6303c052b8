"""RTSP: the pictures of cameras are asked for."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_METHODS: Final = (
    "OPTIONS",
    "DESCRIBE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "TEARDOWN",
    "ANNOUNCE",
    "RECORD",
    "GET_PARAMETER",
    "SET_PARAMETER",
)

PROTOCOL: Final = Protocol(
    id="rtsp",
    name="RTSP",
    kind="it",
    tcp_ports=(554, 8554),
    signatures=(
        *(
            Signature("tcp", (Text(0, method.encode() + b" rtsp"),), minimum=len(method) + 8, sender="client")
            for method in _METHODS
        ),
        Signature("tcp", (Text(0, b"OPTIONS * RTSP/"),), minimum=18, sender="client"),
        Signature(
            "tcp", (Text(0, b"RTSP/"), Number(5, 1, 0x31, 0x32), Text(6, b".")), minimum=12, sender="server"
        ),
    ),
    references=("RFC 7826, 7.1 (request line), 8.1 (status line)", "RFC 2326, 6.1, 7.1, 3.2 (port 554)"),
)
