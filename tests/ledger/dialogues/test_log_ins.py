"""Log-ins behind what nobody took: segments of other content, forged handshakes, other protocols.

Each attack is made of the same log-ins, and each is found as if there were none.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.ntlm import nt_hash
from otmon.lab.frames import ACK, PSH, RST, SECOND_NS, SYN, Segment, ip_packet, tcp
from otmon.ledger.dialogues.dialogues import IDLE_NS
from otmon.ledger.dialogues.log_ins import _MARKS
from otmon.ledger.merge import merge_all
from otmon.ledger.packets.observe import observe
from tests.identity.talk import (
    CHAP_CHALLENGE,
    NTLM_CHALLENGE,
    chap,
    dce_rpc,
    iscsi,
    ntlm_challenge,
    ntlm_response,
    opc_ua_activate,
    opc_ua_result,
    opc_ua_text,
    smb2,
    tagged,
)
from tests.identity.talk import packet as mysql_packet
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, WIRE
from tests.ledger.seen import SIGNATURES, Seen


def md5(data: bytes) -> bytes:
    return hashlib.md5(data).hexdigest().encode()


def ntlm_v2(password: bytes) -> bytes:
    """The response of the user admin of no domain ([MS-NLMP] 3.3.2)."""
    key = nt_hash(password)
    assert key is not None
    own = hmac.digest(key, "ADMIN".encode("utf-16-le"), "md5")
    blob = b"\1\1" + bytes(14) + b"\xaa" * 8 + bytes(8)
    return hmac.digest(own, NTLM_CHALLENGE + blob, "md5") + blob


Turns = list[tuple[str, bytes]]
FORM: Final = b"username=admin&password=admin"
SIP_DIGEST: Final = b'Digest username="admin", realm="a", nonce="n", uri="sip:a", response="%s"' % md5(
    md5(b"admin:a:admin") + b":n:" + md5(b"REGISTER:sip:a")
)
LOG_INS: Final[dict[str, tuple[int, Turns]]] = {
    "http": (80, [
        ("c", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("s", b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nabcd"),
        ("c", b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWRtaW46YWRtaW4=\r\n\r\n"),
        ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ]),
    "http form": (80, [
        ("c", b"POST /in HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(FORM), FORM)),
        ("s", b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
    ]),
    "telnet": (23, [
        ("s", b"\xff\xfd\x18\xff\xfb\x01\r\nswitch login: "), ("c", b"\xff\xfc\x18"), ("c", b"root\r\n"),
        ("s", b"root\r\nPassword: "), ("c", b"vizxv\r\n"), ("s", b"\r\nLast login: never\r\n# "),
    ]),
    "telnet without options": (23, [
        ("s", b"\r\nswitch login: "), ("c", b"root\r\n"), ("s", b"root\r\nPassword: "),
        ("c", b"vizxv\r\n"), ("s", b"\r\nLast login: never\r\n# "),
    ]),
    "ftp": (21, [
        ("s", b"220 ready\r\n"), ("c", b"USER sysdiag\r\n"), ("s", b"331 Password required\r\n"),
        ("c", b"PASS factorycast@schneider\r\n"), ("s", b"230 in\r\n"),
    ]),
    "pop3": (110, [
        ("s", b"+OK POP3 ready\r\n"), ("c", b"USER admin\r\n"), ("s", b"+OK\r\n"),
        ("c", b"PASS 1234\r\n"), ("s", b"+OK in\r\n"),
    ]),
    "rtsp": (554, [
        ("c", b"DESCRIBE rtsp://a/live RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
        ("s", b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n"),
        ("c", b"DESCRIBE rtsp://a/ RTSP/1.0\r\nCSeq: 2\r\nAuthorization: Basic YWRtaW46MTIzNDU=\r\n\r\n"),
        ("s", b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n"),
    ]),
    "mqtt": (1883, [
        ("c", b"\x10\x1b\x00\x04MQTT\x04\xc2\x00\x3c\x00\x01a\x00\x05guest\x00\x05guest"),
        ("s", b"\x20\x02\x00\x00"),
    ]),
    "postgresql": (5432, [
        ("c", b"\0\0\0\x17\0\3\0\0user\0postgres\0\0"), ("s", tagged(b"R", b"\0\0\0\3")),
        ("c", tagged(b"p", b"postgres\0")), ("s", tagged(b"R", bytes(4))),
    ]),
    "opc_ua": (4840, [
        ("c", opc_ua_activate(
            324, opc_ua_text(b"p") + opc_ua_text(b"admin") + opc_ua_text(b"admin") + b"\xff" * 4
        )),
        ("s", opc_ua_result(0)),
    ]),
    "ldap": (389, [
        ("c", bytes.fromhex("3016020101601102010304056d6f78616180056d6f786161").replace(b"moxaa", b"admin")),
        ("s", bytes.fromhex("300c02010161070a010004000400")),
    ]),
    "sip": (5060, [
        ("c", b"REGISTER sip:a SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n"),
        ("s", b"SIP/2.0 401 Unauthorized\r\nCSeq: 1 REGISTER\r\n\r\n"),
        ("c", b"REGISTER sip:a SIP/2.0\r\nCSeq: 2 REGISTER\r\nAuthorization: " + SIP_DIGEST + b"\r\n\r\n"),
        ("s", b"SIP/2.0 200 OK\r\nCSeq: 2 REGISTER\r\n\r\n"),
    ]),
    "smb": (445, [
        ("c", smb2(0, b"NTLMSSP\0\1\0\0\0" + bytes(20), reply=False)),
        ("s", smb2(0xC0000016, ntlm_challenge(NTLM_CHALLENGE))),
        ("c", smb2(0, ntlm_response(bytes(24), ntlm_v2(b"admin"), "", "admin"), reply=False)),
        ("s", smb2(0, b"")),
    ]),
    "dce_rpc": (135, [
        ("c", dce_rpc(11, b"NTLMSSP\0\1\0\0\0" + bytes(20))),
        ("s", dce_rpc(12, ntlm_challenge(NTLM_CHALLENGE))),
        ("c", dce_rpc(16, ntlm_response(bytes(24), ntlm_v2(b"admin"), "", "admin"))),
        ("c", dce_rpc(0, bytes(8))), ("s", dce_rpc(2, bytes(8))),
    ]),
    "smtp": (25, [
        ("s", b"220 mail ESMTP\r\n"), ("c", b"EHLO plc\r\n"), ("s", b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n"),
        ("c", b"AUTH LOGIN\r\n"), ("s", b"334 VXNlcm5hbWU6\r\n"), ("c", b"YWRtaW4=\r\n"),
        ("s", b"334 UGFzc3dvcmQ6\r\n"), ("c", b"MTIzNA==\r\n"), ("s", b"235 ok\r\n"),
    ]),
    "imap": (143, [
        ("s", b"* OK IMAP4rev1\r\n"), ("c", b"a1 LOGIN admin admin\r\n"), ("s", b"a1 OK done\r\n"),
    ]),
    "redis": (6379, [
        ("c", b"*3\r\n$4\r\nAUTH\r\n$5\r\nadmin\r\n$5\r\nadmin\r\n"), ("s", b"+OK\r\n"),
    ]),
    "rlogin": (513, [
        ("c", b"\0hmi\0admin\0vt100/9600\0"), ("s", b"\0Password: "), ("c", b"admin\r"),
        ("s", b"\r\nLast login: never\r\n# "),
    ]),
    "mysql": (3306, [
        ("s", mysql_packet(0, b"\x0a5.5.5-10.11\0\1\0\0\0abcdefgh\0\xff\xf7\x21\2\0\xff\x81\x15" + bytes(10)
                           + b"ijklmnopqrst\0mysql_clear_password\0")),
        ("c", mysql_packet(1, b"\x00\xa2\x28\0\0\0\0\1\x21" + bytes(23)
                           + b"admin\0\x06admin\0mysql_clear_password\0")),
        ("s", mysql_packet(2, bytes(7))),
    ]),
    "iscsi": (3260, [
        ("c", iscsi(0x43, b"InitiatorName=iqn.1993-08.jp.example:hist", b"AuthMethod=CHAP,None")),
        ("s", iscsi(0x23, b"AuthMethod=CHAP", b"TargetPortalGroupTag=1")), ("c", iscsi(0x43, b"CHAP_A=7,5")),
        ("s", iscsi(0x23, b"CHAP_A=5", b"CHAP_I=23", b"CHAP_C=0x" + CHAP_CHALLENGE.hex().encode())),
        ("c", iscsi(0x43, b"CHAP_N=admin", b"CHAP_R=0x" + chap(23, b"admin").hex().encode())),
        ("s", iscsi(0x23, b"")),
    ]),
}  # fmt: skip
each = pytest.mark.parametrize("name", LOG_INS)
DIALOGUES: Final = ("telnet", "telnet without options", "rlogin", "smb", "dce_rpc", "iscsi")
"""In which the client has to hear what it answers."""
OTHERS: Final = {
    "tls": bytes.fromhex("160301002e0100002a0303") + bytes(32) + bytes.fromhex("000002c02f0100"),
    "vnc": b"RFB 003.008\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "smb": b"\0\0\0\x2f\xffSMB\x72\0\0\0\0\x18\1\x28" + bytes(20),
    "s7comm": bytes.fromhex("0300001611e00000000100c0010ac1020100c2020102"),
    "telnet": b"\xff\xfb\x01\xff\xfb\x03",
    "modbus": bytes.fromhex("0001000000060105000aff00"),
}
"""Beginnings of other protocols."""


class Wiretap:
    """What a mirror shows of one connection, whatever its ends took of it. The client is 0, the server 1."""

    def __init__(self, port: int, client_port: int = 50_000) -> None:
        self.ports = client_port, port
        self.isn = (1_000, 900_000)
        self.due = [one + 1 for one in self.isn]
        self.now = START_NS
        self.frames: list[tuple[int, bytes]] = []

    def sends(
        self, who: int, seq: int, data: bytes, flags: int = PSH | ACK, ack: int = -1, wrong: bool = False
    ) -> Wiretap:
        """A segment, `wrong` with a checksum that is not right."""
        self.now += 1_000_000
        hosts, ports = (CLIENT, SERVER), self.ports
        if who == 1:
            hosts, ports = hosts[::-1], ports[::-1]
        segment = Segment(seq, self.due[1 - who] if ack < 0 else ack, flags, data)
        body = tcp(*hosts, ports, segment)
        if wrong:
            body = body[:16] + bytes((body[16] ^ 0x5A,)) + body[17:]
        number = len(self.frames) + 1
        self.frames.append((self.now, ip_packet(WIRE, self.now, hosts, 6, body, number, "x").data))
        return self

    def opens(self) -> Wiretap:
        self.sends(0, self.isn[0], b"", SYN, 0).sends(1, self.isn[1], b"", SYN | ACK)
        return self.sends(0, self.due[0], b"", ACK)

    def says(self, who: int, data: bytes, size: int = 1_460) -> Wiretap:
        for at in range(0, len(data), size):
            part = data[at : at + size]
            self.sends(who, self.due[who], part)
            self.due[who] += len(part)
        return self

    def talks(self, turns: Turns, size: int = 1_460) -> Wiretap:
        for who, data in turns:
            self.says(0 if who == "c" else 1, data, size)
        return self


Found = list[tuple[str, str, str]]
Trick = Callable[[Wiretap, int, list[tuple[int, bytes]]], object]


def defaults(one: Wiretap) -> Found:
    """Account, entry and outcome of what was found."""
    facts = Seen().frames(one.frames).finish().ledger().credentials
    return [(fact.account, fact.entry, fact.outcome) for fact in facts if fact.kind == "default"]


@cache
def usual(name: str) -> Found:
    port, turns = LOG_INS[name]
    found = defaults(Wiretap(port).opens().talks(turns))
    assert len(found) == 1
    return found


def other(data: bytes) -> bytes:
    """As long, and something else."""
    return bytes(byte ^ 3 if 0x30 <= byte < 0x7B else byte for byte in data)


def tricked(name: str, trick: Trick, size: int = 5) -> Wiretap:
    """The log-in in pieces of some bytes, which `trick` sends."""
    port, turns = LOG_INS[name]
    one = Wiretap(port).opens()
    for who, data in turns:
        side = 0 if who == "c" else 1
        begin = one.due[side]
        trick(one, side, [(begin + at, data[at : at + size]) for at in range(0, len(data), size)])
        one.due[side] += len(data)
    return one


@each
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_log_in_in_small_segments(name: str, size: int) -> None:
    port, turns = LOG_INS[name]
    assert defaults(Wiretap(port).opens().talks(turns, size)) == usual(name)
    assert defaults(Wiretap(port).talks(turns, size)) == usual(name)


@pytest.mark.parametrize("name", [one for one in LOG_INS if one.startswith("http") or one == "rtsp"])
@pytest.mark.parametrize("size", [1, 4, 9])
def test_text_in_small_segments_on_any_port(name: str, size: int) -> None:
    _, turns = LOG_INS[name]
    assert defaults(Wiretap(8_081).opens().talks(turns, size)) == usual(name)


@each
def test_segments_that_come_backwards_or_overlap(name: str) -> None:
    def backwards(one: Wiretap, side: int, parts: list[tuple[int, bytes]]) -> None:
        for seq, part in parts[::-1]:
            one.sends(side, seq, part)

    def overlapping(one: Wiretap, side: int, parts: list[tuple[int, bytes]]) -> None:
        whole = b"".join(part for _, part in parts)
        for seq, _ in parts:
            one.sends(side, seq, whole[seq - parts[0][0] :][:9])

    for trick in (backwards, overlapping):
        assert defaults(tricked(name, trick)) == usual(name)


def decoys(before: bool, behind: bool, wrong: bool) -> Trick:
    def trick(one: Wiretap, side: int, parts: list[tuple[int, bytes]]) -> None:
        for seq, part in parts:
            if before and side == 0:
                one.sends(side, seq, other(part), wrong=wrong)
            one.sends(side, seq, part)
            if behind and side == 0:
                one.sends(side, seq, other(part), wrong=wrong)

    return trick


@each
@pytest.mark.parametrize("wrong", [True, False])
@pytest.mark.parametrize(("before", "behind"), [(True, False), (False, True), (True, True)])
def test_segments_of_other_content_before_or_behind(
    name: str, before: bool, behind: bool, wrong: bool
) -> None:
    assert defaults(tricked(name, decoys(before, behind, wrong), 1_460 if wrong else 5)) == usual(name)


@each
def test_forged_segments_are_told_by_their_marks_whatever_their_place(name: str) -> None:
    random = Random(name)
    for _ in range(2):

        def mixed(one: Wiretap, side: int, parts: list[tuple[int, bytes]]) -> None:
            for part in parts:
                decoys(*random.choice(((True, False), (False, True))), True)(one, side, [part])

        assert defaults(tricked(name, mixed)) == usual(name)


@each
def test_a_forged_answer_before_the_true_one(name: str) -> None:
    def forged(one: Wiretap, side: int, parts: list[tuple[int, bytes]]) -> None:
        if side == 0:
            one.sends(1, one.due[1], b"HTTP/1.1 403 No\r\n\r\n530 no\r\n-ERR no\r\n", wrong=True)
        for seq, part in parts:
            one.sends(side, seq, part)

    found = defaults(tricked(name, forged, 1_460))
    assert usual(name)[0][:2] in [one[:2] for one in found]


@each
@pytest.mark.parametrize("far", [-500, 10**8])
@pytest.mark.parametrize("opened", [True, False])
def test_a_segment_outside_of_what_the_receiver_waits_for(name: str, far: int, opened: bool) -> None:
    port, turns = LOG_INS[name]
    one = Wiretap(port).opens() if opened else Wiretap(port)
    for who, data in turns:
        if who == "c":
            one.sends(0, one.due[0] + far, b"zzzz")
        one.says(0 if who == "c" else 1, data)
    assert defaults(one) == usual(name)


@each
@pytest.mark.parametrize("far", [10**6, -(10**6)])
@pytest.mark.parametrize(("who", "flags"), [(0, SYN), (1, SYN | ACK), (0, RST)])
def test_a_forged_handshake_or_end(name: str, far: int, who: int, flags: int) -> None:
    port, turns = LOG_INS[name]
    for place in range(len(turns)):
        one = Wiretap(port).opens().talks(turns[:place])
        one.sends(who, (one.due[who] + far) & 0xFFFFFFFF, b"", flags, 0).talks(turns[place:])
        assert defaults(one) == usual(name), place


def test_another_connection_of_the_same_ports_is_another() -> None:
    port, turns = LOG_INS["ftp"]
    one = Wiretap(port).opens().talks(turns[:3])
    one.isn = (700_000, 5_000)
    one.due = [700_001, 5_001]
    one.opens().talks([turns[0], *turns[3:]])
    assert defaults(one) == []


@each
@pytest.mark.parametrize("beginning", OTHERS)
def test_the_beginning_of_another_protocol(name: str, beginning: str) -> None:
    port, turns = LOG_INS[name]
    for ports in (port, 8_081) if name.startswith("http") else (port,):
        one = Wiretap(ports).opens()
        one.sends(0, one.due[0], OTHERS[beginning], wrong=True).talks(turns)
        assert usual(name)[0][:2] in [found[:2] for found in defaults(one)]


BETWEEN: Final = {
    "http": (b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    "ftp": (b"NOOP of some length\r\n", b"200 of some length\r\n"),
    "pop3": (b"CAPA of some length\r\n", b"+OK of some length\r\n.\r\n"),
}
BETWEEN["http form"] = BETWEEN["http"]


@pytest.mark.parametrize("name", BETWEEN)
@pytest.mark.parametrize("times", [50, 200, 1_000])
def test_a_log_in_behind_very_much_of_something_else(name: str, times: int) -> None:
    port, turns = LOG_INS[name]
    begins = turns[:1] if turns[0][0] == "s" else []
    one = Wiretap(port).opens().talks(begins)
    for _ in range(times):
        one.says(0, BETWEEN[name][0]).says(1, BETWEEN[name][1])
    assert defaults(one.talks(turns[len(begins) :])) == usual(name)


def test_a_log_in_behind_very_many_bytes() -> None:
    port, turns = LOG_INS["http"]
    one = Wiretap(port).opens()
    for _ in range(40):
        one.says(0, b"GET / HTTP/1.1\r\nX: %s\r\n\r\n" % (b"y" * 1_000))
        one.says(1, b"HTTP/1.1 200 OK\r\nContent-Length: 1400\r\n\r\n" + b"x" * 1_400)
    assert defaults(one.talks(turns)) == usual("http")


@pytest.mark.parametrize("name", [one for one in LOG_INS if one not in DIALOGUES])
def test_all_is_said_before_an_answer(name: str) -> None:
    port, turns = LOG_INS[name]
    begins = turns[:1] if turns[0][0] == "s" else []
    rest = turns[len(begins) :]
    one = Wiretap(port).opens().talks(begins)
    for side, who in enumerate("cs"):
        one.says(side, b"".join(data for speaker, data in rest if speaker == who))
    assert defaults(one) == usual(name)


@pytest.mark.parametrize("before", [b"EHLO plc\r\n", b"MAIL x\r\nNOOP\r\n"])
def test_a_log_in_behind_commands_that_are_not_answered_yet(before: bytes) -> None:
    port, turns = LOG_INS["smtp"]
    answers = b"".join(b"250 ok\r\n" if word[:1] in b"EN" else b"503 no\r\n" for word in before.splitlines())
    one = Wiretap(port).opens().talks(turns[:1]).says(0, before + b"AUTH LOGIN\r\n").says(1, answers)
    assert defaults(one.talks(turns[4:])) == usual("smtp")
    one = Wiretap(port).opens().says(0, before + b"AUTH LOGIN\r\n").says(1, turns[0][1] + answers)
    assert defaults(one.talks(turns[4:])) == usual("smtp")


def test_what_was_never_said_makes_no_name_of_a_password() -> None:
    """Whoever forges "USER " over "PASS " would else have a password written down as an account."""
    one = Wiretap(21).opens().talks([("s", b"220 x\r\n"), ("c", b"USER bob\r\n"), ("s", b"331 x\r\n")])
    one.says(0, b"PASS Zx9-kept-by-nobody\r\n")
    one.sends(0, one.due[0] - 25, b"USER ", wrong=True)
    one.says(1, b"331 x\r\n").says(0, b"PASS y\r\n").says(1, b"230 in\r\n")
    found = Seen().frames(one.frames).finish().ledger()
    assert "Zx9" not in repr(found)
    assert {fact.account for fact in found.credentials} == {"bob"}


def test_a_full_table_of_flows_parts_no_log_in() -> None:
    """Between its name and its password a connection leaves the table, as very many others are opened."""
    port, turns = LOG_INS["ftp"]
    one = Wiretap(port).opens().talks(turns[:3])
    found = Seen().frames(one.frames)
    begun, said = len(one.frames), []
    number = 1_500_000 // 8
    flood = np.tile(np.frombuffer(one.frames[0][1][:54], np.uint8), (number, 1))
    flood[:, 26:30] = np.arange(number, dtype=">u4").reshape(-1, 1).view(np.uint8).reshape(-1, 4)
    flood[:, 26] = 11
    starts, sizes = np.arange(number) * 54, np.full(number, 54)
    times = np.full(number, one.now + 1_000_000)
    at = 0
    while at < number:
        batch = flood.ravel(), starts, sizes, sizes, times, np.ones(number, np.int64)
        at = observe(*batch, begun + 1, 0, at, found.t, SIGNATURES)
        said.append(found.harvested())
    found.number = begun + number + 1
    one.now += SECOND_NS
    found.frames(one.talks(turns[3:]).frames[begun:])
    assert found.counted["flows evicted"] > 1 << 16
    facts = merge_all([*said, found.finish().ledger()]).credentials
    assert [(fact.account, fact.entry, fact.outcome) for fact in facts] == usual("ftp")


def test_what_was_said_long_before_is_no_part_of_a_connection() -> None:
    port, turns = LOG_INS["ftp"]
    one = Wiretap(port).opens().talks(turns[:3])
    one.sends(0, (one.due[0] + 10**6) & 0xFFFFFFFF, b"", SYN, 0)
    one.now += IDLE_NS + SECOND_NS
    assert defaults(one.talks(turns[3:])) == []


@pytest.mark.parametrize("mark", _MARKS, ids=lambda mark: mark[0])
@given(data=st.data())
def test_a_mark_stands_in_no_text_without_one_of_its_words(mark: Any, data: st.DataObject) -> None:
    _, _, words, pattern = mark
    small = data.draw(st.from_regex(pattern)).lower()
    assert words and any(word in small for word in words)
