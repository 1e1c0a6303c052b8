"""Real clients log in, the loopback interface is captured, and otmon reads it: defaults are found, other
passwords are not, and no secret is in anything that otmon writes.
"""

from __future__ import annotations

import ftplib
import hashlib
import imaplib
import os
import poplib
import shutil
import smtplib
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from otmon.capture.batch import Batch
from otmon.capture.sources import read
from otmon.detect.finding import Finding
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.identity.registry import IDS
from otmon.lab.live.namespace import serving
from otmon.ledger.facts import CredentialSeen
from otmon.ledger.ledger import Ledger
from otmon.outputs.pcapng import pcapng
from otmon.sensor.proof import ProofFolder
from otmon.sensor.recent_packets import RecentPackets
from tests import scripted
from tests.command import otmon
from tests.identity.talk import ppp
from tests.listening import captured, free_port, missing
from tests.secrets import NOT_AS_IT_IS, talks, traces

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

SECRET = "Zx9-kept-by-nobody"
Fact = tuple[str, str, str, str, str]
"""Account, method, kind, entry, outcome."""


def facts(path: Path) -> list[Fact]:
    def row(one: CredentialSeen) -> Fact:
        return one.account, one.method, one.kind, one.entry, one.outcome

    return [row(one) for one in replay([str(path)]).ledger.credentials]


def visit(port: int, user: str, password: str) -> None:
    known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    known.add_password(None, f"http://127.0.0.1:{port}/", user, password)
    handlers = urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)
    with suppress(OSError, ValueError):
        urllib.request.build_opener(*handlers).open(f"http://127.0.0.1:{port}/", timeout=30).read()


@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
def test_web_pages(scheme: str, tmp_path: Path) -> None:
    capture = tmp_path / "x.pcapng"
    with (
        scripted.web("admin", "moxa", scheme) as camera,
        scripted.web("admin", SECRET, scheme) as other,
        captured(capture, camera, other),
    ):
        visit(camera, "admin", "moxa")
        visit(camera, "admin", SECRET)
        visit(other, "admin", SECRET)
    method = scheme.lower()
    found = facts(capture)
    assert ("admin", method, "default", "moxa-awk-1131a", "accepted") in found
    rest = {one for one in found if one[2] != "default"}
    readable = {("admin", "basic", "clear", "", outcome) for outcome in ("accepted", "refused")}
    assert rest == (readable if scheme == "Basic" else set())


def test_ftp(tmp_path: Path) -> None:
    script: scripted.Script = [
        (rb"USER ", b"331 Password\r\n"),
        (rb"PASS (factorycast@schneider|.*@)$", b"230 in\r\n"),
        (rb"PASS ", b"530 no\r\n"),
        (rb"QUIT", b"221 bye\r\n"),
    ]
    capture = tmp_path / "x.pcapng"
    # A greeting that is known on any port.
    with scripted.lines(b"220 (vsFTPd 3.0.3)\r\n", script) as port, captured(capture, port):
        for user, password in (
            ("sysdiag", "factorycast@schneider"),
            ("sysdiag", SECRET),
            ("anonymous", "me@"),
        ):
            with ftplib.FTP() as client, suppress(ftplib.error_perm):
                client.connect("127.0.0.1", port, 30)
                client.login(user, password)
    assert set(facts(capture)) == {
        ("sysdiag", "plain", "default", "schneider-ftp-sysdiag", "accepted"),
        ("sysdiag", "plain", "clear", "", "refused"),
        ("anonymous", "anonymous", "anonymous", "", "accepted"),
    }


def test_mail(tmp_path: Path) -> None:
    capture = tmp_path / "x.pcapng"
    pop: scripted.Script = [
        (rb"USER ", b"+OK\r\n"),
        (rb"(PASS 1234|APOP )", b"+OK in\r\n"),
        (rb"PASS ", b"-ERR no\r\n"),
    ]
    smtp: scripted.Script = [
        (rb"EHLO", b"250-x\r\n250 AUTH CRAM-MD5\r\n"),
        (rb"AUTH CRAM-MD5", b"334 PDEuMkB4Pg==\r\n"),
        (rb"[\w+/=]{20,}$", b"235 in\r\n"),
        (rb"QUIT", b"221 bye\r\n"),
    ]
    imap: scripted.Script = [
        (rb"(\w+) CAPABILITY", lambda found: b"* CAPABILITY IMAP4rev1\r\n" + found[1] + b" OK done\r\n"),
        (rb"(\w+) LOGIN", lambda found: found[1] + b" NO no\r\n"),
        (rb"(\w+) LOGOUT", lambda found: b"* BYE now\r\n" + found[1] + b" OK done\r\n"),
    ]
    with (
        scripted.lines(b"+OK POP3 <1.2@x>\r\n", pop) as pop_port,
        scripted.lines(b"220 x ESMTP\r\n", smtp) as smtp_port,
        scripted.lines(b"* OK IMAP4rev1\r\n", imap) as imap_port,
        captured(capture, pop_port, smtp_port, imap_port),
    ):
        one = poplib.POP3("127.0.0.1", pop_port, 30)
        one.user("admin")
        one.pass_("1234")
        two = poplib.POP3("127.0.0.1", pop_port, 30)
        two.apop("admin", "1234")
        three = smtplib.SMTP("127.0.0.1", smtp_port, timeout=30)
        three.login("admin", "password")
        four = imaplib.IMAP4("127.0.0.1", imap_port)
        with suppress(imaplib.IMAP4.error):
            four.login("bob", f'{SECRET} "quoted"')
    found = {(one[0], one[1], one[2], one[4]) for one in facts(capture)}
    assert found == {
        ("admin", "plain", "default", "accepted"),
        ("admin", "apop", "default", "accepted"),
        ("admin", "cram-md5", "default", "accepted"),
        ("bob", "plain", "clear", "refused"),
    }


def test_telnet(tmp_path: Path) -> None:
    telnetlib = pytest.importorskip("telnetlib", reason="Python 3.13 has no telnetlib")
    capture = tmp_path / "x.pcapng"
    script: scripted.Script = [
        (rb"root", b"Password: "),
        (rb"vizxv", b"\r\nWelcome\r\n$ "),
        (rb".", b"\r\nLogin incorrect\r\nlogin: "),
    ]
    greeting = b"\xff\xfd\x18\xff\xfd\x20login: "
    with scripted.lines(greeting, script) as port, captured(capture, port):
        for password in ("vizxv", SECRET):
            client = telnetlib.Telnet("127.0.0.1", port, 30)
            # The options are refused first, as terminals do.
            client.set_option_negotiation_callback(lambda sock, *option: None)
            client.read_until(b"login: ", 30)
            client.write(b"root\r\n")
            client.read_until(b"Password: ", 30)
            client.write(password.encode() + b"\r\n")
            assert client.expect([rb"\$ ", rb"incorrect"], 30)[0] >= 0
            client.close()
    assert set(facts(capture)) == {
        ("root", "plain", "default", "dahua-telnet-vizxv", "accepted"),
        ("root", "plain", "clear", "", "refused"),
    }


def started(transport: str, ports: set[int], *command: str) -> subprocess.Popen[bytes]:
    """A server that listens on its ports."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while not ports <= serving(transport):
        assert process.poll() is None and time.monotonic() < end, command
        time.sleep(0.02)
    return process


@pytest.fixture(name="tools")
def tools_fixture(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    wanted = request.param
    places = f"{os.environ.get('PATH', '')}:/usr/sbin"
    there = [shutil.which(name, path=places) for name in wanted]
    if None in there:
        pytest.skip(f"not installed: {', '.join(wanted)}")
    yield [str(one) for one in there]


@pytest.mark.parametrize("tools", [("mosquitto", "mosquitto_pub", "mosquitto_passwd")], indirect=True)
def test_mosquitto(tools: list[str], tmp_path: Path) -> None:
    broker, publish, passwords = tools
    port, open_port = free_port(), free_port()
    known = tmp_path / "passwords"
    known.touch()
    subprocess.run([passwords, "-b", str(known), "guest", "guest"], check=True, capture_output=True)
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"user root\nper_listener_settings true\nlistener {port} 127.0.0.1\nallow_anonymous false\n"
        f"password_file {known}\nlistener {open_port} 127.0.0.1\nallow_anonymous true\n"
    )
    process = started("tcp", {port, open_port}, broker, "-c", str(config))
    capture = tmp_path / "x.pcapng"
    say = [publish, "-h", "127.0.0.1", "-t", "t", "-m", "m"]
    try:
        with captured(capture, port, open_port):
            for version in ("311", "5"):
                more = ["-V", version, "-p", str(port), "-u", "guest"]
                subprocess.run([*say, *more, "-P", "guest"], check=True, timeout=60)
                subprocess.run([*say, *more, "-P", SECRET], check=False, timeout=60, capture_output=True)
            subprocess.run([*say, "-p", str(open_port)], check=True, timeout=60)
    finally:
        process.terminate()
        process.wait(10)
    assert set(facts(capture)) == {
        ("guest", "plain", "default", "generex-guest", "accepted"),
        ("guest", "plain", "clear", "", "refused"),
        ("", "anonymous", "anonymous", "", "accepted"),
    }


@pytest.mark.parametrize("tools", [("snmpd", "snmpget")], indirect=True)
def test_snmpd(tools: list[str], tmp_path: Path) -> None:
    daemon, get = tools
    port = free_port()
    config = tmp_path / "snmpd.conf"
    config.write_text(f"rocommunity public 127.0.0.1\nrocommunity {SECRET} 127.0.0.1\n")
    where = f"udp:127.0.0.1:{port}"
    process = started("udp", {port}, daemon, "-f", "-C", "-c", str(config), "-Lo", "-I", "-smux", where)
    capture = tmp_path / "x.pcapng"
    try:
        with captured(capture, port):
            for version, community in (("1", "public"), ("2c", SECRET), ("2c", "private")):
                oid = ".1.3.6.1.2.1.1.5.0"
                command = [get, "-v", version, "-c", community, "-t", "5", "-r", "0", where, oid]
                subprocess.run(command, check=False, timeout=60, capture_output=True)
    finally:
        process.terminate()
        process.wait(10)
    assert set(facts(capture)) == {
        ("", "community", "default", "snmp-public", "accepted"),
        ("", "community", "clear", "", "accepted"),
        ("", "community", "default", "snmp-private", "attempted"),
    }


def test_no_secret_is_in_anything_that_is_written(tmp_path: Path) -> None:
    capture, out = tmp_path / "x.pcapng", tmp_path / "out"
    out.mkdir()
    script: scripted.Script = [
        (rb"USER ", b"331 x\r\n"),
        (rb"PASS ", b"230 in\r\n"),
        (rb"QUIT", b"221 x\r\n"),
    ]
    secrets = ["factorycast@schneider", SECRET]
    with (
        scripted.lines(b"220 (vsFTPd 3.0.3)\r\n", script) as port,
        scripted.web("bob", SECRET, "Basic") as page,
        captured(capture, port, page),
    ):
        for password in secrets:
            with ftplib.FTP() as client:
                client.connect("127.0.0.1", port, 30)
                client.login("sysdiag", password)
        visit(page, "bob", SECRET)
    sent = capture.read_bytes()
    assert all(secret.encode() in sent for secret in secrets)
    said = b""
    for language in ("en", "ja"):
        names = ("--json", out / f"{language}.jsonl", "--ledger", out / f"{language}.db", "--lang", language)
        status, told, complaints = otmon(
            "replay", capture, *names, "--transactions", out / f"{language}.parquet"
        )
        assert status in (0, 1) and "default-credentials" in told, complaints
        said += told.encode() + complaints.encode()
    ledger = prove(capture, out / "proofs")
    said += repr(ledger).encode()
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) >= 6 + 3
    for path in written:
        said += path.read_bytes()
    with closing(sqlite3.connect(out / "en.db")) as stored:
        kinds = stored.execute(
            "SELECT kind, account, entry FROM credential ORDER BY kind, account"
        ).fetchall()
    assert ("default", "sysdiag", "schneider-ftp-sysdiag") in kinds and ("clear", "bob", "") in kinds
    for secret in (*secrets, f"bob:{SECRET}", f"sysdiag:{SECRET}"):
        assert [trace for trace in traces(secret.encode()) if trace in said] == [], secret


def prove(capture: Path, folder: Path) -> Ledger:
    """Write the packets of each finding, as the sensor does."""
    proofs = ProofFolder(folder)
    recent = RecentPackets(1)
    for batch in read(str(capture)):
        assert isinstance(batch, Batch)
        recent.add(batch, 0)
    ledger = replay([str(capture)]).ledger
    for one in judge(ledger, None):
        assert proofs.prove(_seen_on_lo(one), recent, "lo") is not None
    return ledger


def test_nothing_that_is_written_has_a_secret_of_any_protocol(tmp_path: Path) -> None:
    """Each protocol that carries its secret as it is has one of its own, from frames to what is written."""
    packets, secrets = talks(10**18)
    assert set(IDS) - set(secrets) == NOT_AS_IT_IS
    capture, out = tmp_path / "x.pcapng", tmp_path / "out"
    out.mkdir()
    capture.write_bytes(pcapng([(one.time_ns, one.data) for one in packets], "t", "lo", "lo"))
    sent = capture.read_bytes()
    # The web and mail have theirs in Base64, S7comm turns it.
    assert {protocol for protocol, secret in secrets.items() if secret not in sent} == {
        "http", "rtsp", "smtp", "s7comm",
    }  # fmt: skip
    said = b""
    for language in ("en", "ja"):
        names = ("--json", out / f"{language}.jsonl", "--ledger", out / f"{language}.db", "--lang", language)
        more = ("--transactions", out / f"{language}.parquet", "--metrics", out / f"{language}.om")
        status, told, complaints = otmon("replay", capture, *names, *more)
        assert status in (0, 1), complaints
        said += told.encode() + complaints.encode()
    ledger = prove(capture, out / "proofs")
    assert {one.protocol for one in ledger.credentials} == set(secrets)
    written = [path for path in out.rglob("*") if path.is_file()]
    said += repr(ledger).encode() + b"".join(path.read_bytes() for path in written)
    # Of this file the columns are packed.
    said += str(pq.read_table(out / "en.parquet").to_pylist()).encode()
    for protocol, secret in secrets.items():
        assert [trace for trace in traces(secret) if trace in said] == [], protocol


def _seen_on_lo(one: Finding) -> Finding:
    return replace(one, evidence=tuple(seen._replace(source="lo") for seen in one.evidence))


def test_ppp_over_ethernet(tmp_path: Path) -> None:
    """Frames, as no kernel need have PPP; tshark reads the same names in them."""
    gate, router = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")

    def session(to: bytes, source: bytes, payload: bytes) -> bytes:
        return (to + source + b"\x88\x64\x11\x00\x00\x05" + len(payload).to_bytes(2, "big") + payload).ljust(
            60, b"\0"
        )

    def ask(number: int, account: bytes, password: bytes, code: int) -> list[bytes]:
        challenge = os.urandom(16)
        answer = hashlib.md5(bytes((number,)) + password + challenge).digest()
        return [
            session(router, gate, ppp("c223", 1, number, b"\x10" + challenge + b"gate")),
            session(gate, router, ppp("c223", 2, number, b"\x10" + answer + account)),
            session(router, gate, ppp("c223", code, number, b"")),
        ]

    echo = session(router, gate, ppp("c021", 9, 1, bytes(4)))
    clear = session(gate, router, ppp("c023", 1, 8, b"\x05admin\x04moxa"))
    frames = [
        echo, *ask(1, b"admin", b"moxa", 3), *ask(2, b"admin", SECRET.encode(), 4), clear,
        session(router, gate, ppp("c023", 3, 8, b"\0")),
    ]  # fmt: skip
    capture = tmp_path / "x.pcapng"
    capture.write_bytes(pcapng([(10**18 + k * 10**8, one) for k, one in enumerate(frames)], "t", "t", "t"))
    found = replay([str(capture)]).ledger
    assert {
        (one.client, one.server, one.protocol, one.method, one.entry, one.outcome)
        for one in found.credentials
    } == {
        ("02:00:00:00:00:02", "02:00:00:00:00:01", "pppoe", "chap", "moxa-awk-1131a", "accepted"),
        ("02:00:00:00:00:02", "02:00:00:00:00:01", "pppoe", "plain", "moxa-awk-1131a", "refused"),
    }
    assert {one.protocol for one in found.conversations} == {"pppoe"}
    if shutil.which("tshark"):
        words = "tshark", "-r", str(capture), "-Y", "chap.code == 2", "-T", "fields", "-e", "chap.name"
        said = subprocess.run(words, capture_output=True, check=True, text=True).stdout.split()
        assert said == ["admin", "admin"]
    written = [*otmon("replay", capture, "--json", tmp_path / "x.jsonl", "--ledger", tmp_path / "x.db")[1:]]
    everything = b"".join(map(str.encode, written)) + b"".join(
        (tmp_path / name).read_bytes() for name in ("x.jsonl", "x.db")
    )
    assert SECRET.encode() not in everything
