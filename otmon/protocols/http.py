"""HTTP: web pages of controllers, drives and switches, and interfaces of higher systems."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_METHODS: Final = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
)
_TARGETS: Final = (b"/", b"http://")
"""What a request is about: a path, or an address for a proxy."""

PROTOCOL: Final = Protocol(
    id="http",
    name="HTTP",
    kind="it",
    tcp_ports=(80, 8080, 8000, 8008),
    signatures=(
        *(
            Signature(
                "tcp", (Text(0, method.encode() + b" " + target),), minimum=len(method) + 9, sender="client"
            )
            for method in _METHODS
            for target in _TARGETS
        ),
        Signature("tcp", (Text(0, b"OPTIONS * HTTP/1."),), minimum=18, sender="client"),
        Signature("tcp", (Text(0, b"CONNECT "), Number(8, 1, 0x21, 0x7A)), minimum=18, sender="client"),
        Signature(
            "tcp", (Text(0, b"HTTP/1."), Number(7, 1, 0x30, 0x31), Text(8, b" ")), minimum=12, sender="server"
        ),
        Signature("tcp", (Text(0, b"PRI * HTTP/2.0\r\n"),), minimum=16, sender="client"),
    ),
    references=(
        "RFC 9112, 3 (request line), 4 (status line)",
        "RFC 9113, 3.4 (preface of version 2)",
        "RFC 9110, 9 (methods)",
        "RFC 4918, 9.1 (PROPFIND)",
        "UPnP Device Architecture 2.0, 4.1 (SUBSCRIBE, UNSUBSCRIBE)",
    ),
)
