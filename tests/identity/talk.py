"""Dialogues for the parsers, as transcripts: "c" says something, "s" answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from otmon.identity.login import LogIn, Piece, Seen
from otmon.identity.registry import parser_of

Turn = tuple[Literal["c", "s"], bytes]
Told = tuple[bytes, str, str, bytes | None]
"""Account, method, outcome, secret."""


def pieces(*turns: Turn) -> list[Piece]:
    """One piece for each turn, without a gap."""
    ends = {"c": 0, "s": 0}
    found = []
    for number, (who, data) in enumerate(turns, 1):
        found.append(Piece(who == "c", ends[who], data, Seen(number * 1000, number, number * 100)))
        ends[who] += len(data)
    return found


def one_by_one(*turns: Turn) -> list[Piece]:
    """Each byte in a piece of its own."""
    return pieces(*((who, data[at : at + 1]) for who, data in turns for at in range(len(data))))


def log_ins(protocol: str, *turns: Turn) -> list[LogIn]:
    """What a parser finds, whether the bytes come as turns or one by one."""
    whole = list(parser_of(protocol)(pieces(*turns)))
    single = list(parser_of(protocol)(one_by_one(*turns)))
    assert told(whole) == told(single)
    return whole


def told(found: list[LogIn]) -> list[Told]:
    return [(one.account, one.method, one.outcome, one.secret) for one in found]


def proof(one: LogIn) -> Callable[[bytes], bool]:
    assert one.proves is not None and one.secret is None
    return one.proves


TRANSCRIPTS: dict[str, tuple[Turn, ...]] = {
    "ftp": (
        ("s", b"220-Welcome\r\n220 ready\r\n"),
        ("c", b"USER sysdiag\r\n"),
        ("s", b"331 Password required\r\n"),
        ("c", b"PASS factorycast@schneider\r\n"),
        ("s", b"230 User logged in\r\n"),
    ),
    "telnet": (
        ("s", b"\xff\xfd\x18\xff\xfb\x01\r\nswitch login: "),
        ("c", b"\xff\xfc\x18"),
        ("c", b"root\r\n"),
        ("s", b"root\r\nPassword: "),
        ("c", b"vizxv\r\n"),
        ("s", b"\r\nLast login: never\r\n# "),
    ),
    "http": (
        ("c", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "s",
            b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 4\r\n\r\nabcd',
        ),
        ("c", b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWRtaW46bW94YQ==\r\n\r\n"),
        ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ),
    "rtsp": (
        ("c", b"DESCRIBE rtsp://a/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
        ("s", b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n"),
        ("c", b"DESCRIBE rtsp://a/live RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic YWRtaW46MTIzNDU=\r\n\r\n"),
        ("s", b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n$\x00\x00\x04\r\n\r\n"),
    ),
    "sip": (
        ("c", b"REGISTER sip:a SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"),
        ("s", b"SIP/2.0 401 Unauthorized\r\nCSeq: 1 REGISTER\r\n\r\n"),
        (
            "c",
            b"REGISTER sip:biloxi.example SIP/2.0\r\nCSeq: 2 REGISTER\r\n"
            b'Authorization: Digest username="bob", realm="biloxi", nonce="n1", uri="sip:biloxi",'
            b' response="ab3dbf75e5a2d1ea4e3d0c0c1ea8fc45"\r\n\r\n',
        ),
        ("s", b"SIP/2.0 200 OK\r\nCSeq: 2 REGISTER\r\n\r\n"),
    ),
    "pop3": (
        ("s", b"+OK POP3 ready\r\n"),
        ("c", b"USER bob\r\n"),
        ("s", b"+OK\r\n"),
        ("c", b"PASS 1234\r\n"),
        ("s", b"-ERR no\r\n"),
    ),
    "smtp": (
        ("s", b"220 mail ESMTP\r\n"),
        ("c", b"EHLO plc\r\n"),
        ("s", b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n"),
        ("c", b"AUTH LOGIN\r\n"),
        ("s", b"334 VXNlcm5hbWU6\r\n"),
        ("c", b"YWRtaW4=\r\n"),
        ("s", b"334 UGFzc3dvcmQ6\r\n"),
        ("c", b"MTIzNA==\r\n"),
        ("s", b"235 ok\r\n"),
    ),
    "imap": (
        ("s", b"* OK IMAP4rev1\r\n"),
        ("c", b'a1 LOGIN "bob" {4}\r\n'),
        ("s", b"+ go on\r\n"),
        ("c", b"1234\r\n"),
        ("s", b"a1 OK done\r\n"),
    ),
    "snmp": (
        (
            "c",
            bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010101000500"),
        ),
        (
            "s",
            bytes.fromhex(
                "302702010104067075626c6963a21a020101020100020100300f300d06082b06010201010100040131"
            ),
        ),
    ),
    "mqtt": (
        ("c", b"\x10\x1b\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01a\x00\x05guest\x00\x05guest"),
        ("s", b"\x20\x02\x00\x00"),
    ),
    "vnc": (
        ("s", b"RFB 003.008\n"),
        ("c", b"RFB 003.008\n"),
        ("s", b"\x01\x01"),
        ("c", b"\x01"),
        ("s", b"\x00\x00\x00\x00"),
    ),
    "ldap": (
        ("c", bytes.fromhex("300f020101600a0201030401618002") + b"12"),
        ("s", bytes.fromhex("300c02010161070a010004000400")),
    ),
}
