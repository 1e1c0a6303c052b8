"""SLMP, before that MC protocol: HMIs and other controllers read and write Mitsubishi controllers with it;
CC-Link IE Field Basic and CC-Link IE TSN use it too.
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
        "Mitsubishi, MR-J4-GF manual for CC-Link IE Field Network Basic, 1.5 and 3.2"
        " (ports 61450, 61451, 45237; binary frames)",
        "nttcom/zeek-parser-CCLinkTSNSLMP, test capture (CC-Link IE TSN, port 45238)",
    ),
)
