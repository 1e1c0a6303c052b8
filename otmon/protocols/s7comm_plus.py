"""S7comm-plus: what TIA Portal and newer HMIs speak with S7-1200 and S7-1500 controllers: values, programs,
alarms, from version 3 on with integrity protection.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Sender, Signature, Text

_DATA: Final = (
    Text(0, b"\x03\x00"),
    Text(4, b"\x02\xf0"),
    Number(6, 1, 0, 0, mask=0x7F),
    Number(7, 1, 0x72, 0x72),
)
"""TPKT, COTP data, protocol id 0x72; then the version and the length of what follows."""
_ROOT: Final = b"SIMATIC-ROOT-"
"""How the called TSAP of a controller begins."""
_CONNECTIONS: Final[tuple[tuple[int, Sender], ...]] = ((0xE0, "client"), (0xD0, "server"))
"""Connection request and confirm."""
_ROOT_AT: Final = (17, 20)
"""Where it is: after the calling TSAP of two bytes, the size of data units before both or behind."""

PROTOCOL: Final = Protocol(
    id="s7comm_plus",
    name="S7comm-plus",
    kind="industrial",
    tcp_ports=(102,),
    signatures=(
        Signature("tcp", (*_DATA, Number(8, 1, 1, 3)), minimum=11),
        # System events and keep-alive.
        Signature("tcp", (*_DATA, Number(8, 1, 0xFE, 0xFF)), minimum=11),
        *(
            Signature(
                "tcp",
                (Text(0, b"\x03\x00"), Number(5, 1, code, code, mask=0xF0), Text(at, _ROOT)),
                minimum=at + len(_ROOT),
                sender=sender,
            )
            for code, sender in _CONNECTIONS
            for at in _ROOT_AT
        ),
    ),
    references=(
        "RFC 1006, 6 (TPKT)",
        "ITU-T X.224 (1995), 13.3, 13.4, 13.7 (COTP connection and data units)",
        "Wireshark plugin s7comm_plus (protocol id, versions), as Siemens publishes no specification",
        "Lei et al.: The Spear to Break the Security Wall of S7CommPlus, Black Hat Europe 2017",
    ),
)
