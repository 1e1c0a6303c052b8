"""LLMNR: Windows asks its neighbours for a name that DNS does not know, which attackers like to answer."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature

_ONE_QUESTION: Final = (Number(4, 2, 1, 1), Number(8, 2, 0, 0))

PROTOCOL: Final = Protocol(
    id="llmnr",
    name="LLMNR",
    kind="it",
    udp_ports=(5355,),
    signatures=(
        # Opcode and Z are 0; the bits between are conflict, truncated and tentative.
        Signature(
            "udp", (Number(2, 2, 0, 0, mask=0xF8F0), *_ONE_QUESTION), minimum=17, sender="client", hinted=True
        ),
        Signature(
            "udp",
            (Number(2, 2, 0x8000, 0x8000, mask=0xF8F0), *_ONE_QUESTION),
            minimum=17,
            sender="server",
            hinted=True,
        ),
    ),
    references=("RFC 4795, 2 (port 5355), 2.1.1 (header)",),
)
