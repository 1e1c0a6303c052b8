"""LDAP: users and computers of a domain are looked up."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Check, Number, Protocol, Sender, Signature, Text, Transport

_LAYOUTS: Final = (
    (b"\x30", 2, 2),
    (b"\x30\x81", 3, 2),
    (b"\x30\x81", 3, 3),
    (b"\x30\x82", 4, 4),
    (b"\x30\x84\x00\x00", 6, 6),
)
"""How a message begins, where its id is, and the bytes of the operation's tag and length: in BER with
one byte of length, two, three, and five as Windows always writes."""
_OPERATIONS: Final[tuple[tuple[int, bytes, Sender], ...]] = (
    (0x60, b"\x02\x01\x03", "client"),
    (0x61, b"\x0a\x01", "server"),
    (0x63, b"\x04", "client"),
    (0x64, b"\x04", "server"),
    (0x65, b"\x0a\x01", "server"),
)
"""Bind request and response, search request, entry and end; and what each begins with."""


def _signatures(transport: Transport, id_bytes: int) -> tuple[Signature, ...]:
    found = []
    for start, at, step in _LAYOUTS:
        for tag, body, sender in _OPERATIONS:
            kind = at + 2 + id_bytes
            checks: tuple[Check, ...] = (
                Text(0, start),
                Text(at, bytes((2, id_bytes))),
                Number(kind, 1, tag, tag),
                Text(kind + step, body),
            )
            found.append(Signature(transport, checks, minimum=kind + step + 4, sender=sender))
    return tuple(found)


PROTOCOL: Final = Protocol(
    id="ldap",
    name="LDAP",
    kind="it",
    tcp_ports=(389, 3268),
    udp_ports=(389,),
    signatures=(
        *_signatures("tcp", 1),
        *_signatures("tcp", 2),
        *_signatures("udp", 1),
        *_signatures("udp", 2),
    ),
    references=(
        "RFC 4511, 4.1.1 (message), 4.2 (bind), 4.5 (search), 5.2 (port 389)",
        "ITU-T X.690, 8.1.3 (lengths)",
        "[MS-ADTS] 6.3.3 (search over UDP)",
        "IANA service names: msft-gc, 3268/tcp",
    ),
)
