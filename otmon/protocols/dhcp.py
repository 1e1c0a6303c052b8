"""DHCP and BOOTP: stations ask for an address and say their name, maker and class."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_COOKIE: Final = Text(236, b"\x63\x82\x53\x63")

PROTOCOL: Final = Protocol(
    id="dhcp",
    name="DHCP",
    kind="it",
    udp_ports=(67, 68),
    signatures=(
        Signature("udp", (Number(0, 1, 1, 1), Number(2, 1, 0, 16), _COOKIE), minimum=240, sender="client"),
        Signature("udp", (Number(0, 1, 2, 2), Number(2, 1, 0, 16), _COOKIE), minimum=240, sender="server"),
    ),
    references=("RFC 2131, 2 (message), 3 (magic cookie), 4.1 (ports 67 and 68)", "RFC 951, 3 (BOOTP)"),
)
