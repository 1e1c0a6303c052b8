"""IMAP: a mailbox is read where it lies."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_GREETINGS: Final = (b"* OK [CAPABILITY ", b"* PREAUTH [CAPABILITY ", b"* OK IMAP4")

PROTOCOL: Final = Protocol(
    id="imap",
    name="IMAP",
    kind="it",
    tcp_ports=(143,),
    signatures=(
        *(
            Signature("tcp", (Text(0, text, ignore_case=True),), minimum=len(text), sender="server")
            for text in _GREETINGS
        ),
        # Untagged responses.
        Signature(
            "tcp", (Text(0, b"* "), Number(-2, 2, 0x0D0A, 0x0D0A)), minimum=6, sender="server", hinted=True
        ),
        # A tagged line: a letter first, and an end of line.
        Signature(
            "tcp",
            (Number(0, 1, 0x41, 0x5A, mask=0xDF), Number(-2, 2, 0x0D0A, 0x0D0A)),
            minimum=6,
            hinted=True,
        ),
    ),
    references=("RFC 9051, 2.1 (port 143), 2.2 (commands and responses), 7.1 (greeting)",),
)
