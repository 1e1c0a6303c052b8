"""Dialogues for the parsers, as transcripts: "c" says something, "s" answers."""

from __future__ import annotations

import hashlib
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


def ntlm_challenge(challenge: bytes) -> bytes:
    """[MS-NLMP] 2.2.1.2, with Unicode."""
    return b"NTLMSSP\0\2\0\0\0" + bytes(8) + b"\1\2\0\0" + challenge + bytes(16)


def ntlm_response(weak: bytes, strong: bytes, domain: str, user: str, flags: int = 1) -> bytes:
    """[MS-NLMP] 2.2.1.3: the fields one behind the other."""
    parts = weak, strong, domain.encode("utf-16-le"), user.encode("utf-16-le"), b"", b""
    head, body = b"NTLMSSP\0\3\0\0\0", b""
    for part in parts:
        head += len(part).to_bytes(2, "little") * 2 + (64 + len(body)).to_bytes(4, "little")
        body += part
    return head + flags.to_bytes(4, "little") + body


NTLM_CHALLENGE = bytes.fromhex("0123456789abcdef")
NTLM_V2 = bytes.fromhex(
    "68cd0ab851e51c96aabc927bebef6a1c"
    "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
    "02000c0044006f006d00610069006e0001000c00530065007200760065007200"
    "0000000000000000"
)
"""Of the user User in Domain with Password ([MS-NLMP] 4.2.4)."""


def smb2(status: int, blob: bytes, reply: bool = True, flags: int = 0) -> bytes:
    """A session setup ([MS-SMB2] 2.2.5 and 2.2.6) in a session message."""
    head = b"\xfeSMB\x40\0\0\0" + status.to_bytes(4, "little") + b"\1\0\1\0" + bytes((reply, 0, 0, 0))
    head = head.ljust(64, b"\0")
    body = b"\x09\0" + flags.to_bytes(2, "little") + b"\x48\0" + len(blob).to_bytes(2, "little") + blob
    return b"\0" + (len(head) + len(body)).to_bytes(3, "big") + head + body


def dce_rpc(kind: int, body: bytes) -> bytes:
    """A message of DCE/RPC (C706, 12.6.4) with a token of NTLM or a status behind its header."""
    head = bytes((5, 0, kind, 3)) + b"\x10\0\0\0" + (24 + len(body)).to_bytes(2, "little") + bytes(2)
    return head + (1).to_bytes(4, "little") + bytes(8) + body


def tagged(kind: bytes, body: bytes) -> bytes:
    """A message of PostgreSQL."""
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def packet(sequence: int, body: bytes) -> bytes:
    """A packet of MySQL."""
    return len(body).to_bytes(3, "little") + bytes((sequence,)) + body


def opc_ua_text(text: bytes) -> bytes:
    return len(text).to_bytes(4, "little") + text


def opc_ua(request: int, kind: int, body: bytes) -> bytes:
    """A whole message on a channel ([OPC 10000-6] 6.7.2)."""
    node = b"\1\0" + kind.to_bytes(2, "little")
    head = bytes(8) + bytes(4) + request.to_bytes(4, "little")
    return b"MSGF" + (8 + len(head) + len(node) + len(body)).to_bytes(4, "little") + head + node + body


def opc_ua_activate(kind: int, token: bytes, request: int = 3) -> bytes:
    """ActivateSession with a token of a kind."""
    header = b"\2\1\0\1\2\3\4" + bytes(8) + bytes(8) + b"\xff" * 4 + bytes(4) + bytes(3)
    signature, certificates, languages = b"\xff" * 8, b"\xff" * 4, b"\1\0\0\0" + opc_ua_text(b"en")
    extension = b"\1\0" + kind.to_bytes(2, "little") + b"\1" + opc_ua_text(token)
    return opc_ua(request, 467, header + signature + certificates + languages + extension + b"\xff" * 8)


def opc_ua_result(code: int, kind: int = 470, request: int = 3) -> bytes:
    return opc_ua(request, kind, bytes(8) + bytes(4) + code.to_bytes(4, "little") + bytes(8))


CHAP_CHALLENGE = bytes(range(100, 116))


def chap(number: int, password: bytes, challenge: bytes = CHAP_CHALLENGE) -> bytes:
    """RFC 1994, 4.1."""
    return hashlib.md5(bytes((number,)) + password + challenge).digest()


def iscsi(opcode: int, *keys: bytes, status: int = 0, flags: int = 0x81) -> bytes:
    """A login request or response (RFC 7143, 11.12 and 11.13), padded to words."""
    text = b"".join(key + b"\0" for key in keys if key)
    head = bytes((opcode, flags, 0, 0, 0)) + len(text).to_bytes(3, "big") + bytes(28)
    return head + status.to_bytes(2, "big") + bytes(10) + text + bytes(-len(text) % 4)


def ppp(protocol: str, code: int, number: int, body: bytes) -> bytes:
    """A frame of PAP (c023) or CHAP (c223) from PPP's protocol field on."""
    return bytes.fromhex(protocol) + bytes((code, number)) + (4 + len(body)).to_bytes(2, "big") + body


def radius(code: int, number: int, *attributes: tuple[int, bytes], authenticator: bytes = bytes(16)) -> bytes:
    """A packet of RFC 2865, 3 and 5."""
    body = b"".join(bytes((kind, 2 + len(value))) + value for kind, value in attributes)
    return bytes((code, number)) + (20 + len(body)).to_bytes(2, "big") + authenticator + body


def eap(code: int, number: int, kind: int = 0, body: bytes = b"") -> bytes:
    """A packet of RFC 3748, 4; of kind 0 without a type."""
    body = (bytes((kind,)) if kind else b"") + body
    return bytes((code, number)) + (4 + len(body)).to_bytes(2, "big") + body


def eapol(packet: bytes) -> bytes:
    """IEEE 802.1X-2020, 11.3."""
    return b"\2\0" + len(packet).to_bytes(2, "big") + packet


def eap_md5(password: bytes, number: int = 23, challenge: bytes = CHAP_CHALLENGE) -> tuple[bytes, bytes]:
    """MD5-Challenge and its response."""
    answer = chap(number, password, challenge)
    return eap(1, number, 4, b"\x10" + challenge), eap(2, number, 4, b"\x10" + answer)


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
    "smb": (
        ("c", smb2(0, b"NTLMSSP\0\1\0\0\0" + bytes(20), reply=False)),
        ("s", smb2(0xC0000016, b"\xa1\x82" + ntlm_challenge(NTLM_CHALLENGE))),
        ("c", smb2(0, b"\xa1\x82" + ntlm_response(bytes(24), NTLM_V2, "Domain", "User"), reply=False)),
        ("s", smb2(0, b"")),
    ),
    "dce_rpc": (
        ("c", dce_rpc(11, b"NTLMSSP\0\1\0\0\0" + bytes(20))),
        ("s", dce_rpc(12, ntlm_challenge(NTLM_CHALLENGE))),
        ("c", dce_rpc(16, ntlm_response(bytes(24), NTLM_V2, "Domain", "User"))),
        ("c", dce_rpc(0, bytes(8))),
        ("s", dce_rpc(2, bytes(8))),
    ),
    "postgresql": (
        ("c", b"\0\0\0\x08\x04\xd2\x16\x2f"),
        ("s", b"N"),
        ("c", b"\0\0\0\x17\0\3\0\0user\0operator\0\0"),
        ("s", tagged(b"R", b"\0\0\0\3")),
        ("c", tagged(b"p", b"hunter2\0")),
        ("s", tagged(b"R", bytes(4)) + tagged(b"S", b"a\0b\0")),
    ),
    "mysql": (
        (
            "s",
            packet(
                0,
                b"\x0a5.5.5-10.11\0\1\0\0\0abcdefgh\0\xff\xf7\x21\2\0\xff\x81\x15"
                + bytes(10)
                + b"ijklmnopqrst\0mysql_clear_password\0",
            ),
        ),
        (
            "c",
            packet(
                1,
                b"\x00\xa2\x28\0\0\0\0\1\x21" + bytes(23) + b"root\0\x08hunter2\0mysql_clear_password\0",
            ),
        ),
        ("s", packet(2, bytes(7))),
    ),
    "redis": (
        ("c", b"*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n"),
        ("s", b"+OK\r\n"),
    ),
    "rlogin": (
        ("c", b"\0hmi\0root\0vt100/9600\0"),
        ("s", b"\0Password: "),
        ("c", b"vizxv\r"),
        ("s", b"\r\nLast login: never\r\n# "),
    ),
    "s7comm": (
        (
            "c",
            bytes.fromhex(
                "03000025 02f080 32070000 0000 0008 000c 0001120411450100 ff090008 6467020677730206"
            ),
        ),
        ("s", bytes.fromhex("03000021 02f080 32070000 0000 000c 0004 000112081285010100000000 0a000000")),
    ),
    "slmp": (
        ("c", bytes.fromhex("5000 00 ff ff03 00 0c00 1000 3016 0000 0400") + b"1234"),
        ("s", bytes.fromhex("d000 00 ff ff03 00 0200 0000")),
    ),
    "fins": (
        ("c", bytes.fromhex("800002000100000200070305 0000 00 00000000 ffffffff") + b"1234"),
        ("s", bytes.fromhex("c00002000200000100070305 0000")),
    ),
    "opc_ua": (
        (
            "c",
            opc_ua_activate(
                324, opc_ua_text(b"p") + opc_ua_text(b"operator") + opc_ua_text(b"hunter2") + b"\xff" * 4
            ),
        ),
        ("s", opc_ua_result(0)),
    ),
    "ldap": (
        ("c", bytes.fromhex("300f020101600a0201030401618002") + b"12"),
        ("s", bytes.fromhex("300c02010161070a010004000400")),
    ),
    "iscsi": (
        ("c", iscsi(0x43, b"InitiatorName=iqn.1993-08.jp.example:hist", b"AuthMethod=CHAP,None")),
        ("s", iscsi(0x23, b"AuthMethod=CHAP", b"TargetPortalGroupTag=1")),
        ("c", iscsi(0x43, b"CHAP_A=7,5")),
        ("s", iscsi(0x23, b"CHAP_A=5", b"CHAP_I=23", b"CHAP_C=0x" + CHAP_CHALLENGE.hex().encode())),
        ("c", iscsi(0x43, b"CHAP_N=backup", b"CHAP_R=0x" + chap(23, b"hunter2").hex().encode())),
        ("s", iscsi(0x23, b"")),
    ),
    "pppoe": (
        ("s", ppp("c223", 1, 23, bytes((16,)) + CHAP_CHALLENGE + b"concentrator")),
        ("c", ppp("c223", 2, 23, bytes((16,)) + chap(23, b"hunter2") + b"plant")),
        ("s", ppp("c223", 3, 23, b"Welcome")),
    ),
    "radius": (
        ("c", radius(1, 7, (1, b"switch"), (3, b"\x17" + chap(23, b"hunter2")), (60, CHAP_CHALLENGE))),
        ("s", radius(2, 7)),
    ),
    "eapol": (
        ("s", eapol(eap(1, 22, 1))),
        ("c", eapol(eap(2, 22, 1, b"phone-7"))),
        ("s", eapol(eap_md5(b"hunter2")[0])),
        ("c", eapol(eap_md5(b"hunter2")[1])),
        ("s", eapol(eap(3, 23))),
    ),
}
