"""BACnet/IP: air conditioning, clean rooms, energy and fire systems of the building around the plant."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_TYPE: Final = Number(0, 1, 0x81, 0x81)
_LENGTH: Final = Length(2, 2, add=0)
_NPDU: Final = Number(4, 1, 1, 1)
_FORWARDED: Final = Number(10, 1, 1, 1)
"""Version of the network layer's header, also behind the address of who sent it first."""

PROTOCOL: Final = Protocol(
    id="bacnet",
    name="BACnet/IP",
    kind="industrial",
    udp_ports=(47808,),
    signatures=(
        # Confirmed request in a plain NPDU that expects a reply; simple and complex acknowledgement, error.
        Signature(
            "udp",
            (_TYPE, Number(1, 1, 10, 10), _LENGTH, Text(4, b"\x01\x04"), Number(6, 1, 0, 0, mask=0xF0)),
            minimum=10,
            sender="client",
        ),
        Signature(
            "udp",
            (_TYPE, Number(1, 1, 10, 10), _LENGTH, Text(4, b"\x01\x00"), Number(6, 1, 0x20, 0x70, mask=0xF0)),
            minimum=9,
            sender="server",
        ),
        # Distribute-broadcast and original NPDUs; forwarded ones have the sender's address before.
        Signature(
            "udp",
            (_TYPE, Number(1, 1, 9, 11), _LENGTH, _NPDU),
            minimum=6,
        ),
        Signature(
            "udp",
            (_TYPE, Number(1, 1, 4, 4), _LENGTH, _FORWARDED),
            minimum=12,
        ),
        # The same where the length is another one, which receivers do not look at.
        Signature("udp", (_TYPE, Number(1, 1, 9, 11), _NPDU), minimum=6, hinted=True),
        Signature("udp", (_TYPE, Number(1, 1, 4, 4), _FORWARDED), minimum=12, hinted=True),
        # Results, tables of broadcast devices and foreign devices, secured messages.
        Signature("udp", (_TYPE, Number(1, 1, 0, 12), _LENGTH), minimum=4),
    ),
    commanded=("udp",),
    references=(
        "ANSI/ASHRAE 135-2020, J.2 (BVLL messages), 6.2 (NPDU), 20.1.2 (APDU types)",
        "IANA service names: bacnet, 47808/udp",
    ),
)
