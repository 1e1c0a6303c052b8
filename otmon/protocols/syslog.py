"""Syslog: what devices write about themselves."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Check, Number, Protocol, Signature, Text, Transport

_BOTH: Final[tuple[Transport, Transport]] = ("tcp", "udp")
_DIGIT: Final = (0x30, 0x39)


def _priority(digits: int) -> tuple[Check, ...]:
    """The number in angle brackets before every message."""
    return (Text(0, b"<"), *(Number(1 + i, 1, *_DIGIT) for i in range(digits)), Text(1 + digits, b">"))


def _dated(digits: int) -> tuple[Check, ...]:
    """The same with a date of RFC 3164: "Oct 11 22:14:15 "."""
    at = 2 + digits
    blanks = tuple(Text(at + i, b" ") for i in (3, 6, 15))
    colons = tuple(Text(at + i, b":") for i in (9, 12))
    return (*_priority(digits), *blanks, *colons, Number(at + 7, 1, 0x30, 0x32), Number(at, 1, 0x41, 0x53))


PROTOCOL: Final = Protocol(
    id="syslog",
    name="Syslog",
    kind="it",
    tcp_ports=(514, 601),
    udp_ports=(514,),
    signatures=(
        *(Signature(t, _dated(n), minimum=n + 18, sender="client") for t in _BOTH for n in (1, 2, 3)),
        # RFC 5424: version 1 and a year.
        *(
            Signature(t, (*_priority(n), Text(2 + n, b"1 2")), minimum=n + 12, sender="client")
            for t in _BOTH
            for n in (1, 2, 3)
        ),
        *(
            Signature(t, _priority(n), minimum=n + 3, sender="client", hinted=True)
            for t in _BOTH
            for n in (1, 2, 3)
        ),
    ),
    references=(
        "RFC 5424, 6 (message)",
        "RFC 3164, 4.1 (date)",
        "RFC 5426, 3.3 (port 514/udp)",
        "RFC 6587, 3.4 (TCP)",
    ),
)
