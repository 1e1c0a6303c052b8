"""OpenVPN: a tunnel, as remote maintenance routers open it; what goes through it cannot be seen."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_CLIENT, _SERVER = 7 << 3, 8 << 3
"""P_CONTROL_HARD_RESET_CLIENT_V2 and _SERVER_V2 with key id 0, the first messages of each side."""
_NOTHING_YET: Final = b"\x00\x00\x00\x00\x00"
"""No acknowledgements, message number 0."""

PROTOCOL: Final = Protocol(
    id="openvpn",
    name="OpenVPN",
    kind="it",
    tcp_ports=(1194,),
    udp_ports=(1194,),
    signatures=(
        Signature(
            "udp",
            (Number(0, 1, _CLIENT, _CLIENT), Text(9, _NOTHING_YET)),
            minimum=14,
            maximum=14,
            sender="client",
        ),
        Signature(
            "tcp",
            (Length(0, 2, add=2), Number(2, 1, _CLIENT, _CLIENT), Text(11, _NOTHING_YET)),
            minimum=16,
            sender="client",
        ),
        # With tls-auth or tls-crypt a code stands between; then the port must help.
        Signature(
            "udp", (Number(0, 1, _CLIENT, _CLIENT),), minimum=42, maximum=86, sender="client", hinted=True
        ),
        Signature(
            "udp", (Number(0, 1, _SERVER, _SERVER),), minimum=26, maximum=98, sender="server", hinted=True
        ),
        Signature(
            "tcp",
            (Length(0, 2, add=2), Number(2, 1, _CLIENT, _CLIENT)),
            minimum=44,
            sender="client",
            hinted=True,
        ),
        Signature(
            "tcp",
            (Length(0, 2, add=2), Number(2, 1, _SERVER, _SERVER)),
            minimum=28,
            sender="server",
            hinted=True,
        ),
    ),
    references=(
        "OpenVPN, doc/doxygen/doc_protocol_overview.h (opcodes, formats)",
        "IANA service names: openvpn, 1194",
    ),
)
