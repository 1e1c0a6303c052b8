"""SMTP: mail, as alarm servers and printers send it."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_COMMANDS: Final = (b"EHLO ", b"HELO ", b"MAIL FROM:", b"RCPT TO:", b"STARTTLS\r\n")

PROTOCOL: Final = Protocol(
    id="smtp",
    name="SMTP",
    kind="it",
    tcp_ports=(25, 587),
    signatures=(
        *(
            Signature("tcp", (Text(0, text, ignore_case=True),), minimum=len(text) + 1, sender="client")
            for text in _COMMANDS[:4]
        ),
        Signature(
            "tcp", (Text(0, _COMMANDS[4], ignore_case=True),), minimum=10, sender="client", hinted=True
        ),
        # A reply: three digits, then a space or a dash.
        *(
            Signature(
                "tcp",
                (Number(0, 1, 0x32, 0x35), Number(1, 1, 0x30, 0x35), Number(2, 1, 0x30, 0x39), Text(3, mark)),
                minimum=5,
                sender="server",
                hinted=True,
            )
            for mark in (b" ", b"-")
        ),
    ),
    references=(
        "RFC 5321, 4.1.1 (commands), 4.2 (replies), 4.5.4.2 (port 25)",
        "RFC 6409, 3.1 (port 587)",
        "RFC 3207, 4 (STARTTLS)",
    ),
)
