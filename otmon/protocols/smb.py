"""SMB: Windows file shares and remote administration; the way of most worms through a plant."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_SESSION_MESSAGE: Final = Number(0, 1, 0, 0)
"""First byte before every message, then 24 bits of length."""
_SMB1: Final = Text(4, b"\xffSMB")
_SMB2: Final = Text(4, b"\xfeSMB\x40\x00")

PROTOCOL: Final = Protocol(
    id="smb",
    name="SMB",
    kind="it",
    tcp_ports=(445, 139),
    signatures=(
        # Version 1: flag 0x80 is a reply. Version 2 and 3: flag 1 is to the redirector, which is the client.
        Signature(
            "tcp", (_SESSION_MESSAGE, _SMB1, Number(13, 1, 0, 0, mask=0x80)), minimum=36, sender="client"
        ),
        Signature(
            "tcp",
            (_SESSION_MESSAGE, _SMB1, Number(13, 1, 0x80, 0x80, mask=0x80)),
            minimum=36,
            sender="server",
        ),
        Signature(
            "tcp", (_SESSION_MESSAGE, _SMB2, Number(20, 1, 0, 0, mask=0x01)), minimum=68, sender="client"
        ),
        Signature(
            "tcp", (_SESSION_MESSAGE, _SMB2, Number(20, 1, 1, 1, mask=0x01)), minimum=68, sender="server"
        ),
        # Encrypted, and compressed.
        Signature("tcp", (_SESSION_MESSAGE, Text(4, b"\xfdSMB")), minimum=56),
        Signature("tcp", (_SESSION_MESSAGE, Text(4, b"\xfcSMB")), minimum=20),
    ),
    references=(
        "[MS-SMB2] 2.1 (ports, transport), 2.2.1 (header, flags), 2.2.41 (encrypted), 2.2.42 (compressed)",
        "[MS-CIFS] 2.2.3.1 (header, flags)",
        "RFC 1002, 4.3.1 (session message)",
    ),
)
