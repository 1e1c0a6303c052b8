"""From frames to the facts of log-ins."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from otmon.identity.credentials import read_credentials
from otmon.identity.login import LogIn, Seen
from otmon.lab.frames import SECOND_NS, Packet
from otmon.ledger.dialogues.dialogues import (
    IDLE_NS,
    PORT_NS,
    PORTS,
    PROOFS_LEFT_OUT,
    Dialogues,
)
from otmon.ledger.dialogues.log_ins import ACCOUNT, judged, visible
from otmon.ledger.facts import CredentialSeen
from otmon.ledger.harvest.rows import ended_rows
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import merge_all
from tests.identity.talk import TRANSCRIPTS, eap, eap_md5, eapol
from tests.ledger.copying.test_messages import CLIENT, SERVER, START_NS, seen, talk

KNOWN = read_credentials([("x.yml", b"""
vendor: Moxa
entries:
  - {id: moxa-web, devices: AWK, account: admin, password: moxa, source: {title: t, url: "https://x"}}
  - {id: moxa-ftp, devices: AWK, account: adm, password: "f77", protocols: [ftp], source: {title: t, url: "https://x"}}
""")])  # fmt: skip
PAIR = b64encode(b"admin:moxa")
VISIT = (
    ("c", b"GET / HTTP/1.1\r\n\r\n"),
    ("s", b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"),
    ("c", b"GET / HTTP/1.1\r\nAuthorization: Basic " + PAIR + b"\r\n\r\n"),
    ("s", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
)
FTP = (
    ("s", b"220 x\r\n"),
    ("c", b"USER adm\r\n"),
    ("s", b"331 x\r\n"),
    ("c", b"PASS f77\r\n"),
    ("s", b"230 x\r\n"),
)


def facts(packets: list[Packet]) -> tuple[CredentialSeen, ...]:
    rows = ended_rows(seen(packets).t)
    dialogues = Dialogues("a.pcap", KNOWN)
    return merge_all([dialogues.take(rows.messages, rows.octets), dialogues.finish()]).credentials


def test_a_default_password_is_a_fact_without_it() -> None:
    (one,) = facts(talk(8081, *VISIT))
    assert (one.client, one.server, one.transport, one.port) == (CLIENT.address, SERVER.address, "tcp", 8081)
    assert (one.protocol, one.account, one.method, one.entry, one.kind, one.outcome, one.times) == (
        "http", "admin", "basic", "moxa-web", "default", "accepted", 1,
    )  # fmt: skip
    assert one.evidence.source == "a.pcap" and one.evidence.packet == 6
    assert one.first_ns == one.last_ns == one.evidence.time_ns
    assert 'moxa"' not in repr(one) and PAIR.decode() not in repr(one)


def test_a_client_that_was_asked_goes_on_in_another_connection() -> None:
    asked, answered = talk(8081, *VISIT[:2]), talk(8081, *VISIT[2:])
    again = [replace(one, time_ns=one.time_ns + SECOND_NS) for one in answered]
    other = [replace(one, time_ns=one.time_ns + SECOND_NS) for one in talk(8082, *VISIT[2:])]
    assert [one.outcome for one in facts(answered)] == ["unknown"]
    assert [one.outcome for one in facts([*asked, *_from(50_001, again)])] == ["accepted"]
    assert [one.outcome for one in facts([*asked, *other])] == ["unknown"]


def _from(port: int, packets: list[Packet]) -> list[Packet]:
    """The same connection from another port of the client."""
    old, new = (50_000).to_bytes(2, "big"), port.to_bytes(2, "big")
    return [
        replace(one, data=one.data[:34] + one.data[34:38].replace(old, new) + one.data[38:])
        for one in packets
    ]


def test_another_password_is_only_one_that_was_readable() -> None:
    (one,) = facts(talk(21, *FTP[:3], ("c", b"PASS other\r\n"), FTP[4]))
    assert (one.kind, one.entry, one.account, one.outcome) == ("clear", "", "adm", "accepted")
    assert "other" not in repr(one)


@pytest.mark.parametrize("seed", range(6))
def test_disorder_and_copies_change_nothing(seed: int) -> None:
    random = Random(seed)
    packets = talk(21, *FTP)
    (usual,) = facts(packets)
    # Behind the handshake: late, twice, in pieces of another cut.
    late = [*packets[3:], *random.sample(packets[3:], 3)]
    order = sorted(range(len(late)), key=lambda at: at + random.uniform(0, 2.5))
    moved = [replace(late[at], time_ns=START_NS + SECOND_NS + 10_000_000 * n) for n, at in enumerate(order)]
    found = facts([*packets[:3], *moved])
    assert [(one.kind, one.entry, one.account) for one in found] == [(usual.kind, usual.entry, usual.account)]


def test_a_lost_packet_is_never_a_shorter_password() -> None:
    packets = talk(21, *FTP[:3], ("c", b"PASS x"), ("c", b"f77\r\n"), FTP[4])
    lost = [one for one in packets if b"PASS x" not in one.data]
    assert [one.account for one in facts(packets)] == ["adm"]
    assert [one for one in facts(lost) if one.kind != "empty"] == []
    assert not [one for one in facts(lost) if one.kind == "default"]


def ledger_of(*parts: list[Packet], finish: bool = True) -> tuple[Ledger, Dialogues]:
    dialogues = Dialogues("a.pcap", KNOWN)
    found = []
    one = seen([])
    for part in parts:
        one.frames((packet.time_ns, packet.data) for packet in part)
        rows = ended_rows(one.t)
        found.append(dialogues.take(rows.messages, rows.octets))
    if finish:
        found.append(dialogues.finish())
    return merge_all(found), dialogues


def test_it_does_not_matter_when_payloads_are_taken() -> None:
    packets = talk(80, *VISIT)
    whole, _ = ledger_of(packets)
    for cut in range(len(packets)):
        assert ledger_of(packets[:cut], packets[cut:])[0] == whole
    none, dialogues = ledger_of(packets[:4], packets[4:], finish=False)
    assert none.credentials == ()
    # How a connection was opened is told at once, and not again.
    went_on = replace(whole, claims=tuple(one for one in whole.claims if one.kind != "tcp-opening"))
    assert dialogues.going_on() == dialogues.going_on() == went_on != whole
    assert dialogues.silent_since(packets[-1].time_ns).credentials == ()
    assert dialogues.silent_since(packets[-1].time_ns + IDLE_NS + SECOND_NS) == went_on
    assert dialogues.going_on().credentials == dialogues.finish().credentials == ()


def test_memory_is_bounded_and_what_gives_way_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otmon.ledger.dialogues.dialogues.ROOM_BYTES", 4000)
    packets = talk(80, *VISIT)
    later = [replace(one, time_ns=one.time_ns + SECOND_NS) for one in talk(23, *[("c", b"x" * 50)] * 20)]
    found, dialogues = ledger_of(packets, later, finish=False)
    assert [one.entry for one in found.credentials] == ["moxa-web"]
    assert dialogues._size <= 4000


def test_a_flow_without_a_name_is_read_as_its_port_has_it() -> None:
    """On a port that is nobody's only a default is told: there a prompt may be of anything."""
    asks = ("s", b"login: "), ("c", b"admin\r\n"), ("s", b"Password: ")
    (one,) = facts(talk(23, *asks, ("c", b"x\r\n")))
    assert (one.protocol, one.account, one.kind) == ("telnet", "admin", "clear")
    assert facts(talk(4711, *asks, ("c", b"x\r\n"))) == ()
    (one,) = facts(talk(4711, *asks, ("c", b"moxa\r\n")))
    assert (one.protocol, one.entry) == ("telnet", "moxa-web")


def test_kinds() -> None:
    at = Seen(1, 1, 0)

    def kind(method: str = "plain", **given: Any) -> tuple[str | None, str]:
        return judged(LogIn(b"admin", method, "accepted", at, **given), "http", KNOWN)

    assert kind(secret=b"moxa") == ("default", "moxa-web")
    assert kind(secret=b"x") == ("clear", "")
    assert kind(secret=b"") == ("empty", "")
    assert kind(secret=b"", method="anonymous") == ("anonymous", "")
    assert kind(proves=lambda password: password == b"moxa") == ("default", "moxa-web")
    assert kind(proves=lambda password: password == b"") == ("empty", "")
    assert kind(proves=lambda password: False) == (None, "")


def test_accounts_are_one_line_of_text() -> None:
    assert visible(b"admin") == "admin" and visible("工場".encode()) == "工場"
    assert visible(b"a\nb\x1b[0m\xff") == "a�b�[0m�"
    assert len(visible(b"x" * 500)) == ACCOUNT and visible(b"x" * 500).endswith("…")
    assert visible(b"") == "" and not np.any([one in visible(bytes(range(256))) for one in "\r\n\t"])


DIGEST = (
    (
        "c",
        b'GET / HTTP/1.1\r\nAuthorization: Digest username="admin", realm="r", nonce="n", uri="/",'
        b' response="00000000000000000000000000000000"\r\n\r\n',
    ),
    ("s", b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"),
)


def test_proofs_over_the_budget_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledger_of(talk(80, *DIGEST))[0].overflow == ()
    monkeypatch.setattr("otmon.identity.proof_budget.SECOND_UNITS", 0)
    ledger, _ = ledger_of(talk(80, *DIGEST, *DIGEST))
    assert ledger.overflow == ((PROOFS_LEFT_OUT, 2),)


def test_a_proof_is_recomputed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    matching = type(KNOWN).matching

    def counted(self: Any, log_in: LogIn, *more: Any) -> Any:
        asked.append(log_in.method)
        return matching(self, log_in, *more)

    monkeypatch.setattr("otmon.identity.credentials.Credentials.matching", counted)
    packets = talk(80, *DIGEST, *DIGEST)
    dialogues = Dialogues("a.pcap", KNOWN)
    one = seen([])
    for packet in packets:
        one.frames([(packet.time_ns, packet.data)])
        rows = ended_rows(one.t)
        dialogues.take(rows.messages, rows.octets)
        dialogues.going_on()
    dialogues.finish()
    assert asked == ["digest", "digest"]


GROUP, SWITCH = "0180c2000003", "020000000001"
"""IEEE 802.1X-2020, 11.1.1: the port access entity's address."""


def port(*frames: tuple[str, str, bytes]) -> list[Packet]:
    """Frames of 802.1X: receiver, sender and EAP."""
    heads = [bytes.fromhex(f"{to}{sender}888e") + eapol(packet) for to, sender, packet in frames]
    return [Packet(START_NS + n * 10_000_000, one.ljust(60, b"\0"), "x") for n, one in enumerate(heads)]


def station(mac: str, password: bytes, number: int, switch: str = SWITCH) -> list[tuple[str, str, bytes]]:
    """Identity, challenge and response of one station; all to the group address."""
    asks, answers = eap_md5(password, number, bytes.fromhex(mac) + bytes(10))
    return [
        (GROUP, mac, eap(2, number - 1, 1, b"admin")),
        (GROUP, switch, asks),
        (GROUP, mac, answers),
    ]


def test_what_a_switch_says_to_the_group_address_is_heard_by_the_station() -> None:
    one, other = "020000000007", "020000000008"
    (alone,) = facts(port(*station(one, b"moxa", 9), (GROUP, SWITCH, eap(3, 9))))
    assert (alone.client, alone.server) == ("02:00:00:00:00:07", "02:00:00:00:00:01")
    assert (alone.protocol, alone.account, alone.method, alone.entry, alone.outcome) == (
        "eapol", "admin", "chap", "moxa-web", "accepted",
    )  # fmt: skip
    to_it = [
        (one if sender == SWITCH else to, sender, packet) for to, sender, packet in station(one, b"moxa", 9)
    ]
    (asked_alone,) = facts(port(*to_it, (one, SWITCH, eap(4, 9))))
    assert asked_alone.outcome == "refused"
    # Of two stations at a time: each proof fits its own challenge, and nobody can tell whom the end is for.
    mixed = [
        both for pair in zip(station(one, b"moxa", 9), station(other, b"x", 9), strict=True) for both in pair
    ]
    found = facts(port(*mixed, (GROUP, SWITCH, eap(3, 9))))
    assert [(each.client, each.outcome) for each in found] == [("02:00:00:00:00:07", "attempted")]
    # Another VLAN, or long after.
    apart = port(*station(one, b"moxa", 9), (GROUP, SWITCH, eap(3, 9)))
    late = [*apart[:3], replace(apart[3], time_ns=START_NS + PORT_NS + SECOND_NS)]
    tagged = replace(apart[3], data=apart[3].data[:12] + b"\x81\0\0\7" + apart[3].data[12:])
    for packets in (late, [*apart[:3], tagged]):
        assert [each.outcome for each in facts(packets)] == ["attempted"]


def test_stations_of_802_1x_are_bounded() -> None:
    many = [(GROUP, f"02000000{n:04x}", eap(2, 1, 1, b"admin")) for n in range(16, 16 + PORTS + 9)]
    rows = ended_rows(seen(port(*many, (GROUP, SWITCH, eap_md5(b"moxa", 9)[0]))).t)
    dialogues = Dialogues("a.pcap", KNOWN)
    dialogues.take(rows.messages, rows.octets)
    assert len(dialogues._ports) == PORTS


def test_a_message_that_lies_of_its_length_hides_no_log_in_behind_it() -> None:
    (_, asks), (_, tells) = TRANSCRIPTS["s7comm"]
    longer = asks[:2] + b"\0\x60" + asks[4:]
    found = seen(talk(102, ("c", longer), ("c", asks), ("s", tells))).ledger().credentials
    assert [one.outcome for one in found] == ["accepted"]
