"""POP3: a mailbox is emptied."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Protocol, Signature, Text

_COMMANDS: Final = (
    b"USER ",
    b"PASS ",
    b"APOP ",
    b"AUTH",
    b"CAPA\r\n",
    b"STLS\r\n",
    b"STAT\r\n",
    b"LIST",
    b"UIDL",
    b"RETR ",
    b"QUIT\r\n",
)

PROTOCOL: Final = Protocol(
    id="pop3",
    name="POP3",
    kind="it",
    tcp_ports=(110,),
    signatures=(
        Signature("tcp", (Text(0, b"+OK POP3", ignore_case=True),), minimum=8, sender="server"),
        Signature("tcp", (Text(0, b"+OK"),), minimum=5, sender="server", hinted=True),
        Signature("tcp", (Text(0, b"-ERR"),), minimum=6, sender="server", hinted=True),
        *(
            Signature(
                "tcp", (Text(0, text, ignore_case=True),), minimum=len(text), sender="client", hinted=True
            )
            for text in _COMMANDS
        ),
    ),
    references=(
        "RFC 1939, 3 (port 110, replies), 5 to 7 (commands)",
        "RFC 2449, 5 (CAPA)",
        "RFC 2595, 4 (STLS)",
    ),
)
