"""PROFINET IO: the controller's cyclic data and names (DCP) in frames of their own, and over UDP the DCE/RPC
calls of the context manager that open and close the relation.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_REQUEST, _RESPONSE, _WORKING, _FAULT = 0, 2, 4, 3
"""Packet types of connectionless DCE/RPC."""
_INTERFACE: Final = Text(32, bytes.fromhex("827100a02442df7d"))
"""The end of DEA0000x-6C97-11D1-8271-00A02442DF7D, the same in either byte order."""
_VERSION: Final = Number(0, 1, 4, 4)

PROTOCOL: Final = Protocol(
    id="profinet",
    name="PROFINET IO",
    kind="industrial",
    udp_ports=(34964,),
    ethertypes=(0x8892,),
    signatures=(
        Signature(
            "udp", (_VERSION, Number(1, 1, _REQUEST, _REQUEST), _INTERFACE), minimum=80, sender="client"
        ),
        Signature(
            "udp", (_VERSION, Number(1, 1, _RESPONSE, _FAULT), _INTERFACE), minimum=80, sender="server"
        ),
        # Either end sends acknowledgements of fragments: the next packet tells who serves.
        Signature("udp", (_VERSION, Number(1, 1, _REQUEST, 10), _INTERFACE), minimum=80, provisional=True),
    ),
    references=(
        "IEC 61158-6-10 (RPC interfaces of PROFINET IO)",
        "DCE 1.1: Remote Procedure Call (C706), 12.5 (connectionless packets)",
        "IEEE Registration Authority, EtherType 0x8892",
        "IANA service names: profinet-cm, 34964/udp",
    ),
)
