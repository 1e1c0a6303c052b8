"""Kerberos: users and computers of a domain prove who they are."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Check, Number, Protocol, Sender, Signature, Text, Transport

_TAGS: Final[tuple[tuple[int, int, Sender], ...]] = (
    (10, 1, "client"), (11, 0, "server"), (12, 1, "client"), (13, 0, "server"), (30, 0, "server"),
)  # fmt: skip
"""Message type, the context tag of the version before it, and who sends it: AS and TGS exchange, error."""
_TRANSPORTS: Final[tuple[tuple[Transport, int], ...]] = (("udp", 0), ("tcp", 4))
_FORMS: Final = ((b"", 2), (b"\x81", 3), (b"\x82", 4))
"""BER lengths and where the value begins."""


def _checks(start: int, form: bytes, step: int, kind: int, version_tag: int) -> tuple[Check, ...]:
    """[APPLICATION kind] SEQUENCE { [n] version 5, [n + 1] type }, after `start` bytes of length."""
    version = bytes((0xA0 | version_tag, 3, 2, 1, 5, 0xA1 + version_tag, 3, 2, 1, kind))
    length = (Number(0, 2, 0, 0),) if start else ()
    return (
        *length,
        Text(start, bytes((0x60 | kind,)) + form),
        Text(start + step, b"\x30" + form),
        Text(start + 2 * step, version),
    )


PROTOCOL: Final = Protocol(
    id="kerberos",
    name="Kerberos",
    kind="it",
    tcp_ports=(88,),
    udp_ports=(88,),
    signatures=tuple(
        Signature(
            transport, _checks(start, form, step, kind, tag), minimum=start + 2 * step + 10, sender=sender
        )
        # In TCP four bytes of length come first.
        for transport, start in _TRANSPORTS
        for form, step in _FORMS
        for kind, tag, sender in _TAGS
    ),
    references=(
        "RFC 4120, 5.4 and 5.9.1 (messages), 5.10 (tags), 7.2 (ports, length in TCP)",
        "ITU-T X.690, 8.1.3 (lengths)",
    ),
)
