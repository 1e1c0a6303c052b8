"""FTP: recipes, programs and logs are still carried by it, with passwords in clear."""

from __future__ import annotations

from typing import Final

from otmon.protocols.protocol import Number, Protocol, Signature, Text

_BANNERS: Final = (
    b"220 (vsFTPd",
    b"220 ProFTPD",
    b"220 Microsoft FTP",
    b"220-FileZilla",
    b"220 pyftpdlib",
    b"220---------- Welcome to Pure-FTPd",
)
_REPLIES: Final = (b"227 Entering Passive Mode", b"229 Entering Extended", b"150 Opening ")
_COMMANDS: Final = (b"PASV\r\n", b"EPSV\r\n", b"TYPE I\r\n", b"TYPE A\r\n", b"SIZE /", b"MDTM ")
_COMMON: Final = (
    b"USER ",
    b"PASS ",
    b"AUTH ",
    b"SYST\r",
    b"FEAT\r",
    b"QUIT\r",
    b"PORT ",
    b"CWD ",
    b"RETR ",
    b"STOR ",
)
"""Shared with mail, or common words: on the usual port only."""

PROTOCOL: Final = Protocol(
    id="ftp",
    name="FTP",
    kind="it",
    tcp_ports=(21,),
    signatures=(
        *(
            Signature("tcp", (Text(0, text),), minimum=len(text), sender="server")
            for text in _BANNERS + _REPLIES
        ),
        *(
            Signature("tcp", (Text(0, text, ignore_case=True),), minimum=len(text), sender="client")
            for text in _COMMANDS
        ),
        *(
            Signature(
                "tcp", (Text(0, text, ignore_case=True),), minimum=len(text), sender="client", hinted=True
            )
            for text in _COMMON
        ),
        # A reply: three digits, then a space or a dash.
        *(
            Signature(
                "tcp",
                (Number(0, 1, 0x31, 0x36), Number(1, 1, 0x30, 0x35), Number(2, 1, 0x30, 0x39), Text(3, mark)),
                minimum=5,
                sender="server",
                hinted=True,
            )
            for mark in (b" ", b"-")
        ),
    ),
    references=(
        "RFC 959, 4.1 (commands), 4.2 (replies), 8 (port 21)",
        "RFC 2428, 3 (EPSV)",
        "RFC 3659, 3 and 4 (MDTM, SIZE)",
    ),
)
