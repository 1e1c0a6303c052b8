"""DHCPv6: addresses and settings for stations that speak IPv6, often without anybody having planned it."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature

_OPTION: Final = Number(4, 2, 1, 150)
"""Code of the first option; codes in use end there."""
_ASKED: Final = ((1, 1), (3, 6), (8, 9), (11, 11))
_ANSWERED: Final = ((2, 2), (7, 7), (10, 10))
"""Message types of clients and of servers."""

PROTOCOL: Final = Protocol(
    id="dhcpv6",
    name="DHCPv6",
    kind="it",
    udp_ports=(547, 546),
    signatures=(
        *(
            Signature("udp", (Number(0, 1, low, high), _OPTION), minimum=8, sender="client", hinted=True)
            for low, high in _ASKED
        ),
        *(
            Signature("udp", (Number(0, 1, low, high), _OPTION), minimum=8, sender="server", hinted=True)
            for low, high in _ANSWERED
        ),
        # Relayed: type and number of hops.
        Signature("udp", (Number(0, 1, 12, 13), Number(1, 1, 0, 8)), minimum=38, hinted=True),
    ),
    references=("RFC 8415, 7.2 (ports), 7.3 (message types), 8 and 9 (formats)", "IANA, DHCPv6 option codes"),
)
