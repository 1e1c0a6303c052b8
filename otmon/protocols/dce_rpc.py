"""DCE/RPC over TCP: remote administration of Windows, and DCOM, on which OPC Classic stands."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Sender, Signature

_HEADER: Final = (
    Number(0, 1, 5, 5),
    Number(1, 1, 0, 1),
    Number(3, 1, 0, 0x7F),
    Number(4, 4, 0x10000000, 0x10000000),
    Length(8, 2, add=0, relation="at most", little=True),
    Number(8, 2, 16, 5840, little=True),
)
"""Version 5.0 or 5.1, flags, little-endian ASCII IEEE data, length of the fragment."""
_TYPES: Final[tuple[tuple[int, int, Sender], ...]] = (
    (0, 0, "client"),
    (2, 3, "server"),
    (11, 11, "client"),
    (12, 13, "server"),
    (14, 14, "client"),
    (15, 15, "server"),
    (16, 16, "client"),
)
"""Request; response, fault; bind; its acknowledgements; a changed context and its acknowledgement; AUTH3."""

PROTOCOL: Final = Protocol(
    id="dce_rpc",
    name="DCE/RPC",
    kind="it",
    tcp_ports=(135,),
    signatures=tuple(
        Signature("tcp", (*_HEADER, Number(2, 1, low, high)), minimum=24, sender=sender)
        for low, high, sender in _TYPES
    ),
    references=(
        "DCE 1.1: Remote Procedure Call (C706), 12.6 (connection-oriented packets)",
        "[MS-RPCE] 2.1.1.1 (port 135), 2.2.2.10 (AUTH3)",
    ),
)
