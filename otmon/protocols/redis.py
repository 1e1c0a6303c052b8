"""Redis: values kept in memory, between the programs of a gateway or a supervision."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_ERRORS: Final = (b"-NOAUTH ", b"-WRONGPASS ", b"-WRONGTYPE ")
_ANSWERS: Final = (b"+OK\r\n", b"+PONG\r\n", b"-ERR ", b"$-1\r\n", b":1\r\n", b":0\r\n")
_INLINE: Final = (b"AUTH ", b"PING\r", b"INFO\r", b"QUIT\r")

PROTOCOL: Final = Protocol(
    id="redis",
    name="Redis",
    kind="it",
    tcp_ports=(6379,),
    signatures=(
        # An array of strings: every command, and some answers.
        Signature(
            "tcp",
            (Text(0, b"*"), Number(1, 1, 0x31, 0x39), Text(2, b"\r\n$"), Number(5, 1, 0x30, 0x39)),
            minimum=8,
        ),
        *(Signature("tcp", (Text(0, text),), minimum=len(text), sender="server") for text in _ERRORS),
        *(
            Signature("tcp", (Text(0, text),), minimum=len(text), sender="server", hinted=True)
            for text in _ANSWERS
        ),
        *(
            Signature(
                "tcp", (Text(0, text, ignore_case=True),), minimum=len(text), sender="client", hinted=True
            )
            for text in _INLINE
        ),
    ),
    references=(
        "Redis documentation, Redis serialization protocol: arrays, simple errors, inline commands",
        "IANA service names: redis, 6379/tcp",
    ),
)
