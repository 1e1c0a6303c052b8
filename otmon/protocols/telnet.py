"""Telnet: consoles of old controllers, switches and terminal servers, with passwords in clear."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature

_COMMAND: Final = (Number(0, 1, 255, 255), Number(1, 1, 250, 254), Number(2, 1, 0, 49))
"""IAC; SB, WILL, WON'T, DO or DON'T; an option."""

PROTOCOL: Final = Protocol(
    id="telnet",
    name="Telnet",
    kind="it",
    tcp_ports=(23,),
    signatures=(
        # Two commands in a row, or one on the usual port.
        Signature(
            "tcp",
            (*_COMMAND, Number(1, 1, 251, 254), Number(3, 1, 255, 255), Number(4, 1, 240, 254)),
            minimum=6,
        ),
        Signature("tcp", _COMMAND, minimum=3, hinted=True),
    ),
    references=("RFC 854, commands and codes; port 23", "IANA, Telnet options"),
)
