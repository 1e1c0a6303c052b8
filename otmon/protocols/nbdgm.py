"""NetBIOS datagrams: old Windows stations announce themselves and their workgroup by broadcast."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature

PROTOCOL: Final = Protocol(
    id="nbdgm",
    name="NetBIOS datagram service",
    kind="it",
    udp_ports=(138,),
    signatures=(
        # Unique, group or broadcast; the sender's port; its name, encoded in 32 letters.
        Signature(
            "udp",
            (
                Number(0, 1, 0x10, 0x12),
                Number(8, 2, 138, 138),
                Number(12, 2, 0, 0),
                Number(14, 1, 0x20, 0x20),
                Number(15, 1, 0x41, 0x50),
                Number(47, 1, 0, 0),
            ),
            minimum=82,
        ),
    ),
    references=("RFC 1002, 4.4 (datagram packets), 6 (port 138)",),
)
