"""iSCSI: disks of a storage unit, used over the network."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Length, Number, Protocol, Signature

_HEADER: Final = 48
_KEYS: Final = (
    # No further header segments, and less than 64 KiB of keys, of which the last may be in the next segment.
    Number(4, 2, 0, 0),
    Length(6, 2, add=_HEADER, relation="at most"),
    # The first key begins with a capital letter.
    Number(_HEADER, 1, 0x41, 0x5A),
)

PROTOCOL: Final = Protocol(
    id="iscsi",
    name="iSCSI",
    kind="it",
    tcp_ports=(3260, 860),
    signatures=(
        # A login request, to be handled at once, of versions up to 0, in the first two stages.
        Signature(
            "tcp",
            (Number(0, 1, 0x43, 0x43), Number(1, 1, 0, 0x07, mask=0x3F), Number(2, 2, 0, 0), *_KEYS),
            minimum=_HEADER + 8,
            sender="client",
        ),
        # Its response without an error.
        Signature(
            "tcp",
            (Number(0, 1, 0x23, 0x23), Number(2, 2, 0, 0), Number(36, 2, 0, 0), *_KEYS),
            minimum=_HEADER + 8,
            sender="server",
        ),
    ),
    references=(
        "RFC 7143, 11.12 and 11.13 (login request and response)",
        "RFC 7143, 6.1 (keys)",
        "IANA service names: iscsi-target, 3260/tcp; iscsi, 860/tcp",
    ),
)
