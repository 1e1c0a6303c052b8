"""SSH: remote shells and file transfer, encrypted."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

PROTOCOL: Final = Protocol(
    id="ssh",
    name="SSH",
    kind="it",
    tcp_ports=(22,),
    signatures=(
        # Both sides begin with their version.
        Signature("tcp", (Text(0, b"SSH-"), Number(4, 1, 0x31, 0x32), Text(5, b".")), minimum=8),
    ),
    references=("RFC 4253, 4.1 (port 22), 4.2 (version exchange)",),
)
