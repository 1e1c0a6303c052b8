"""SLMP, before that MC protocol: HMIs and other controllers read and write Mitsubishi controllers with it,
older ones in frames 1E; CC-Link IE Field Basic and CC-Link IE TSN use it too.
"""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Sender, Signature, Text, Transport

_BOTH: Final[tuple[Transport, Transport]] = ("tcp", "udp")
_IO_HIGH: Final = 0x03
"""High byte of the module I/O number: 0x03FF is the CPU itself, 0x03E0 to 0x03D3 CPUs of a system."""

_TSN: Final[tuple[tuple[bytes, Sender], ...]] = ((b"\x68\x00", "client"), (b"\xe8\x00", "server"))


def _binary(subheader: bytes, head: int, sender: Sender) -> tuple[Signature, ...]:
    """Network, station, I/O number, multidrop station, length of the rest; all little-endian."""
    checks = (
        Text(0, subheader),
        Number(head + 3, 1, _IO_HIGH, _IO_HIGH),
        Length(head + 5, 2, head + 7, little=True),
    )
    return tuple(Signature(t, checks, minimum=head + 9, sender=sender) for t in _BOTH)


def _first(subheader: bytes, head: int, sender: Sender) -> tuple[Signature, ...]:
    """The same where others follow in the segment, or anything in a datagram: then to the station itself, as
    is usual."""
    checks = (
        Text(0, subheader),
        Text(head, b"\x00\xff\xff\x03\x00"),
        Length(head + 5, 2, head + 7, relation="at most", little=True),
    )
    return tuple(Signature(t, checks, minimum=head + 9, sender=sender) for t in _BOTH)


def _ascii(subheader: bytes, head: int, sender: Sender) -> tuple[Signature, ...]:
    """The same in hexadecimal digits, of which the I/O number's first two are compared."""
    checks = (Text(0, subheader), Text(head + 4, b"03"), Number(head + 10, 1, 0x30, 0x46))
    return tuple(Signature(t, checks, minimum=head + 18, sender=sender) for t in _BOTH)


def _old(transport: Transport) -> tuple[Signature, ...]:
    """Frames 1E to the station itself: values, read or written, of devices that are letters; and remote RUN,
    STOP and type of the CPU, which are nothing but a header."""
    header = Text(1, b"\xff"), Number(3, 1, 0, 0)
    device = Number(6, 2, 0, 0), Number(8, 1, 0x20, 0x53), Number(9, 1, 0x41, 0x5A), Number(11, 1, 0, 0)
    text = Text(2, b"FF00")
    named = Text(0, b"0"), Number(1, 1, 0x30, 0x33), text, Number(8, 1, 0x34, 0x35), Text(12, b"0000")
    remote = Text(0, b"1"), Number(1, 1, 0x33, 0x35), text
    return (
        Signature(transport, (Number(0, 1, 0, 3), *header, *device), minimum=12, sender="client"),
        Signature(transport, (Number(0, 1, 0x13, 0x15), *header), minimum=4, maximum=4, sender="client"),
        Signature(transport, (*named, Text(22, b"00")), minimum=24, sender="client"),
        Signature(transport, remote, minimum=8, maximum=8, sender="client"),
    )


PROTOCOL: Final = Protocol(
    id="slmp",
    name="SLMP",
    kind="industrial",
    tcp_ports=(61451,),
    udp_ports=(61451, 61450, 45237, 45238),
    signatures=(
        # 3E frames; 4E frames have a serial number after the subheader.
        *_binary(b"\x50\x00", 2, "client"),
        *_binary(b"\xd0\x00", 2, "server"),
        *_binary(b"\x54\x00", 6, "client"),
        *_binary(b"\xd4\x00", 6, "server"),
        *_first(b"\x50\x00", 2, "client"),
        *_first(b"\x54\x00", 6, "client"),
        *_ascii(b"5000", 4, "client"),
        *_ascii(b"D000", 4, "server"),
        *_ascii(b"5400", 12, "client"),
        *_ascii(b"D400", 12, "server"),
        *_old("tcp"),
        *_old("udp"),
        # CC-Link IE TSN: request and response with a wider length.
        *(
            Signature(
                "udp",
                (Text(0, subheader), Number(9, 1, _IO_HIGH, _IO_HIGH), Length(14, 2, add=16, little=True)),
                minimum=20,
                sender=sender,
            )
            for subheader, sender in _TSN
        ),
    ),
    commanded=_BOTH,
    references=(
        "CLPA, SLMP Specification (message format)",
        "Mitsubishi SH-080008, MELSEC Communication Protocol, 4.2 and 4.3 (3E and 4E frames, ASCII)",
        "Mitsubishi, FX3U-ENET User's Manual, 9.1.2, 9.3 and 9.4 (1E frames)",
        "Mitsubishi, MR-J4-GF manual for CC-Link IE Field Network Basic, 1.5 and 3.2"
        " (ports 61450, 61451, 45237; binary frames)",
        "nttcom/zeek-parser-CCLinkTSNSLMP, test capture (CC-Link IE TSN, port 45238)",
    ),
)
