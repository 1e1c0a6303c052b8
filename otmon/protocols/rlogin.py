"""rlogin: a shell on old Unix and real-time systems, with passwords in clear or none at all."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature

PROTOCOL: Final = Protocol(
    id="rlogin",
    name="rlogin",
    kind="it",
    tcp_ports=(513,),
    signatures=(
        # The client begins with a zero, two names and a terminal, each with a zero behind it.
        Signature(
            "tcp",
            (Number(0, 1, 0, 0), Number(1, 1, 0x21, 0x7E), Number(-1, 1, 0, 0)),
            minimum=8,
            sender="client",
            hinted=True,
        ),
    ),
    references=(
        "RFC 1282 (the first bytes)",
        "IANA service names: login, 513/tcp",
    ),
)
