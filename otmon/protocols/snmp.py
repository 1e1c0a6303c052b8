"""SNMP: switches, power supplies and drives are watched and configured."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature, Text

_FORMS: Final = ((b"", 2), (b"\x81", 3), (b"\x82", 4))
"""BER lengths: one byte, or a first byte that says how many follow; and where the value begins."""


def _message(form: bytes, at: int) -> tuple[Signature, ...]:
    """A SEQUENCE that fills the datagram: version 1 or 2c and community, or version 3 and its header."""
    length = Length(at - 1 if at < 4 else 2, 1 if at < 4 else 2, add=at)
    head = (Text(0, b"\x30" + form), length, Text(at, b"\x02\x01"))
    return (
        Signature("udp", (*head, Number(at + 2, 1, 0, 1), Text(at + 3, b"\x04")), minimum=at + 8),
        Signature("udp", (*head, Text(at + 2, b"\x03\x30")), minimum=at + 8),
    )


PROTOCOL: Final = Protocol(
    id="snmp",
    name="SNMP",
    kind="it",
    udp_ports=(161, 162),
    signatures=(
        *(signature for form, at in _FORMS for signature in _message(form, at)),
        # Lengths of other forms, or a datagram that is cut.
        Signature("udp", (Number(0, 1, 0x30, 0x30), Number(1, 1, 0x02, 0x84)), minimum=10, hinted=True),
    ),
    references=(
        "RFC 1157, 4 (message; ports 161 and 162)",
        "RFC 3416, 3 (version 2)",
        "RFC 3412, 6 (version 3)",
        "ITU-T X.690, 8.1.3 (lengths)",
    ),
)
