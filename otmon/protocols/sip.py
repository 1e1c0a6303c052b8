"""SIP: telephones, door stations and loudspeakers are called."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol, Signature, Text, Transport

_BOTH: Final[tuple[Transport, Transport]] = ("tcp", "udp")
_METHODS: Final = (
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "PUBLISH",
    "INFO",
    "UPDATE",
    "PRACK",
    "REFER",
)

PROTOCOL: Final = Protocol(
    id="sip",
    name="SIP",
    kind="it",
    tcp_ports=(5060,),
    udp_ports=(5060,),
    signatures=(
        *(
            Signature(t, (Text(0, method.encode() + b" sip"),), minimum=len(method) + 6, sender="client")
            for t in _BOTH
            for method in _METHODS
        ),
        *(Signature(t, (Text(0, b"SIP/2.0 "),), minimum=12, sender="server") for t in _BOTH),
    ),
    references=("RFC 3261, 7.1 and 7.2 (request and status line), 19.1.2 (port 5060)", "IANA, SIP methods"),
)
