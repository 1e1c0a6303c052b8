"""DNS: names to addresses; what a controller looks up tells what it wants to reach."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature

_QUERY: Final = (
    Number(2, 2, 0, 0, mask=0xFECF),
    Number(4, 2, 1, 1),
    Number(6, 4, 0, 0),
    Number(10, 2, 0, 1),
    Number(12, 1, 0, 63),
)
"""A standard query of one question: flags but RD, AD and CD are 0; at most one additional record."""
_RESPONSE: Final = (
    Number(2, 2, 0x8000, 0x8000, mask=0xF840),
    Number(4, 2, 1, 1),
    Number(6, 1, 0, 0),
    Number(8, 1, 0, 0),
    Number(10, 1, 0, 0),
    Number(12, 1, 0, 63),
)
_MESSAGE: Final = (Number(2, 2, 0, 0x3000, mask=0x7840), Number(4, 2, 0, 1), Number(6, 1, 0, 1))
"""Any opcode up to update, as on the usual port."""


def _after_length(checks: tuple[Number, ...]) -> tuple[Number | Length, ...]:
    """The same in TCP, where two bytes of length come first."""
    shifted = tuple(Number(c.at + 2, c.size, c.low, c.high, c.mask) for c in checks)
    return (Length(0, 2, add=2, relation="at most"), *shifted)


PROTOCOL: Final = Protocol(
    id="dns",
    name="DNS",
    kind="it",
    tcp_ports=(53,),
    udp_ports=(53,),
    signatures=(
        Signature("udp", _QUERY, minimum=17, sender="client"),
        Signature("udp", _RESPONSE, minimum=17, sender="server"),
        Signature("udp", _MESSAGE, minimum=12, hinted=True),
        Signature("tcp", _after_length(_QUERY), minimum=19, sender="client"),
        Signature("tcp", _after_length(_RESPONSE), minimum=19, sender="server"),
        Signature("tcp", _after_length(_MESSAGE), minimum=14, hinted=True),
    ),
    references=(
        "RFC 1035, 4.1 (header, question), 4.2 (transport)",
        "RFC 4035, 3.2 (AD and CD)",
        "RFC 6891, 6.1 (the additional record of EDNS)",
        "RFC 2136, 2 (update)",
    ),
)
