"""EtherNet/IP: CIP as Rockwell, Omron and many drives speak it: explicit messages in an encapsulation
over TCP, identities over UDP, and cyclic I/O over UDP.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Sender, Signature, Text, Transport

_OPTIONS: Final = Number(20, 4, 0, 0)
"""Last field of the encapsulation header: shall be 0."""
_STATUS: Final = Number(8, 4, 0, 0x6A, little=True)
_NO_SESSION: Final = Number(4, 4, 0, 0)
_NO_DATA: Final = Number(2, 2, 0, 0)


def _encapsulation(
    transport: Transport,
    low: int,
    high: int,
    *more: Number | Text,
    sender: Sender = "either",
    minimum: int = 24,
) -> Signature:
    """Commands `low` to `high`; several may share a segment, a datagram holds one."""
    command = Number(0, 2, low, high, little=True)
    length = Length(2, 2, add=24, relation="at most" if transport == "tcp" else "equal", little=True)
    return Signature(transport, (command, length, _STATUS, _OPTIONS, *more), minimum=minimum, sender=sender)


_BOTH: Final[tuple[Transport, Transport]] = ("tcp", "udp")
_CONNECTED: Final = (Text(30, b"\x02\x00\xa1\x00\x04\x00"), Text(40, b"\xb1\x00"))
"""SendUnitData: two items, a connected address and the connected message: a count, the service at byte 46."""
_UNCONNECTED: Final = Text(30, b"\x02\x00\x00\x00\x00\x00\xb2\x00")
"""SendRRData: two items, a null address, and the unconnected message whose CIP service is at byte 40."""

PROTOCOL: Final = Protocol(
    id="ethernet_ip",
    name="EtherNet/IP",
    kind="industrial",
    tcp_ports=(44818,),
    udp_ports=(44818, 2222),
    signatures=(
        # ListServices, ListIdentity and ListInterfaces: asked without data.
        *(_encapsulation(t, 0x04, 0x04, _NO_DATA, _NO_SESSION, sender="client") for t in _BOTH),
        *(_encapsulation(t, 0x63, 0x64, _NO_DATA, _NO_SESSION, sender="client") for t in _BOTH),
        *(_encapsulation(t, 0x04, 0x04, Number(2, 2, 2, 1500, little=True), sender="server") for t in _BOTH),
        *(_encapsulation(t, 0x63, 0x64, Number(2, 2, 2, 1500, little=True), sender="server") for t in _BOTH),
        # RegisterSession: version 1; the server chooses the session's handle.
        _encapsulation(
            "tcp", 0x65, 0x65, _NO_SESSION, Text(24, b"\x01\x00\x00\x00"), sender="client", minimum=28
        ),
        _encapsulation("tcp", 0x65, 0x65, Text(24, b"\x01\x00\x00\x00"), sender="server", minimum=28),
        _encapsulation("tcp", 0x66, 0x66, sender="client"),
        # SendRRData: the CIP service tells request from response.
        _encapsulation("tcp", 0x6F, 0x6F, _UNCONNECTED, Number(40, 1, 0, 0x7F), sender="client", minimum=41),
        _encapsulation(
            "tcp", 0x6F, 0x6F, _UNCONNECTED, Number(40, 1, 0x80, 0xFF), sender="server", minimum=41
        ),
        _encapsulation("tcp", 0x70, 0x70, *_CONNECTED, Number(46, 1, 0, 0x7F), sender="client", minimum=47),
        _encapsulation(
            "tcp", 0x70, 0x70, *_CONNECTED, Number(46, 1, 0x80, 0xFF), sender="server", minimum=47
        ),
        _encapsulation("tcp", 0x6F, 0x70),
        _encapsulation("tcp", 0x72, 0x73),
        # Cyclic I/O: two items, a sequenced address of 8 bytes and connected data.
        Signature(
            "udp",
            (Text(0, b"\x02\x00\x02\x80\x08\x00"), Text(14, b"\xb1\x00"), Length(16, 2, add=18, little=True)),
            minimum=18,
        ),
    ),
    commanded=("tcp",),
    references=(
        "ODVA, EtherNet/IP Adaptation of CIP, 2-3 and 2-4 (encapsulation), 2-6 (common packet format)",
        "IANA service names: EtherNet-IP-1, 2222; EtherNet-IP-2, 44818",
    ),
)
