"""Servers and clients of others log in to each other, a mirror port is read: defaults are found, accepted
and refused are told apart, other passwords raise no alarm, and no secret is in anything that is written.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from otmon.capture.batch import Batch
from otmon.capture.sources import read
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.identity.des import encrypted
from otmon.identity.md4 import md4
from otmon.lab.live.namespace import asked_inside, serving
from otmon.sensor.proof import ProofFolder
from otmon.sensor.recent_packets import RecentPackets
from tests.command import otmon
from tests.mirror import CLIENT, PLACES, SERVER, Mirror, found, mirror
from tests.namespaces import inside, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

SECRET = "Zx9-kept-by-nobody"
RPC = "/usr/libexec/samba"
"""Where Samba has its servers of DCE/RPC."""
Fact = tuple[str, str, str, str, str]
"""Protocol, account, method, kind, outcome."""


@pytest.fixture(name="wire")
def wire_fixture() -> Iterator[Mirror]:
    with mirror() as one:
        yield one


@pytest.fixture(name="place")
def place_fixture() -> Iterator[Path]:
    """A folder that servers may read which are not root."""
    with tempfile.TemporaryDirectory(prefix="otmon-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def needs(*names: str) -> pytest.MarkDecorator:
    absent = found(*names)
    return pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")


def facts(path: Path, protocol: str) -> set[Fact]:
    """What is found in the capture."""
    ledger = replay([str(path)]).ledger
    assert SECRET.encode() not in repr(ledger).encode()
    return {
        (one.protocol, one.account, one.method, one.kind, one.outcome)
        for one in ledger.credentials
        if one.protocol == protocol
    }


def claims(path: Path) -> set[tuple[str, str, str, str]]:
    """Protocol, address, kind and value of what is said in the capture."""
    return {(one.protocol, one.address, one.kind, one.value) for one in replay([str(path)]).ledger.claims}


def assert_nothing_shows_the_secret(path: Path) -> None:
    """Neither in what otmon says of the capture, nor in what it writes."""
    out = path.with_suffix("")
    out.mkdir()
    status, told, complaints = otmon(
        "replay",
        path,
        "--json",
        out / "x.jsonl",
        "--ledger",
        out / "x.db",
        "--transactions",
        out / "x.parquet",
    )
    assert status in (0, 1), complaints
    assert_findings_are_proved(path, out / "proofs")
    written = b"".join(one.read_bytes() for one in out.rglob("*") if one.is_file())
    said = told.encode() + complaints.encode() + written
    raw = SECRET.encode()
    hashes = [hashlib.new(name, raw) for name in ("md5", "sha1", "sha256")]
    traces = [raw, raw.hex().encode(), b64encode(raw).rstrip(b"="), raw.decode().encode("utf-16-le")]
    traces += [md4(raw.decode().encode("utf-16-le")), *(one.digest() for one in hashes)]
    assert [trace for trace in traces if trace in said] == []


def assert_findings_are_proved(path: Path, folder: Path) -> None:
    """Write the packets of each finding, as the sensor does."""
    proofs, recent = ProofFolder(folder), RecentPackets(1)
    for batch in read(str(path)):
        assert isinstance(batch, Batch)
        recent.add(batch, 0)
    for one in judge(replay([str(path)]).ledger, None):
        seen = replace(one, evidence=tuple(seen._replace(source="mirror") for seen in one.evidence))
        assert proofs.prove(seen, recent, "mirror") is not None


def users(folder: Path, *pairs: tuple[str, str]) -> dict[str, Path]:
    """The system's files of users with these in them, for a server that checks passwords of the system."""
    names, hashes = Path("/etc/passwd").read_text(), Path("/etc/shadow").read_text()
    for number, (user, password) in enumerate(pairs, 1):
        home = folder / user
        home.mkdir()
        os.chown(home, 60_000 + number, 60_000)
        names += f"{user}:x:{60_000 + number}:60000::{home}:/bin/sh\n"
        made = subprocess.run(
            ["openssl", "passwd", "-6", password], capture_output=True, check=True, text=True
        )
        hashes += f"{user}:{made.stdout.strip()}:19000:0:99999:7:::\n"
    found = {"/etc/passwd": folder / "passwd", "/etc/shadow": folder / "shadow"}
    found["/etc/passwd"].write_text(names)
    found["/etc/shadow"].write_text(hashes)
    return found


@needs("vsftpd", "curl", "openssl")
def test_vsftpd(wire: Mirror, place: Path, tmp_path: Path) -> None:
    config = tmp_path / "vsftpd.conf"
    config.write_text(
        "listen=YES\nlocal_enable=YES\nanonymous_enable=NO\nbackground=NO\nsecure_chroot_dir=/var/empty\n"
        "check_shell=NO\npam_service_name=vsftpd\nseccomp_sandbox=NO\n"
    )
    Path("/var/empty").mkdir(exist_ok=True)
    accounts = users(place, ("admin", "moxa"), ("bob", SECRET))
    wire.serve("vsftpd", str(config), port=21, files=accounts)
    with wire.captured(tmp_path / "x.pcapng"):
        for pair in ("admin:moxa", f"bob:{SECRET}", "admin:password"):
            wire.call("curl", "-s", "-u", pair, f"ftp://{SERVER}/")
    assert facts(tmp_path / "x.pcapng", "ftp") == {
        ("ftp", "admin", "plain", "default", "accepted"),
        ("ftp", "bob", "plain", "clear", "accepted"),
        ("ftp", "admin", "plain", "default", "refused"),
    }


@needs("telnetd", "telnet", "openssl")
def test_telnetd(wire: Mirror, place: Path, tmp_path: Path) -> None:
    accounts = users(place, ("admin", "moxa"), ("bob", SECRET))
    with inside(wire.server):
        listener = socket.create_server((SERVER, 23))
    with listener, wire.captured(tmp_path / "x.pcapng"):
        for user, password in (("admin", "moxa"), ("bob", SECRET), ("admin", "password")):
            client = subprocess.Popen(
                ["ip", "netns", "exec", wire.client, "telnet", SERVER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            assert client.stdin is not None and client.stdout is not None
            near, _ = listener.accept()
            with near:
                binds = "".join(f"mount --bind {there} {name} && " for name, there in accounts.items())
                daemon = subprocess.Popen(
                    ["ip", "netns", "exec", wire.server, "unshare", "-m", "sh", "-c", f"{binds}exec telnetd"],
                    stdin=near,
                    stdout=near,
                    env={**os.environ, "PATH": PLACES},
                )
            _await(client.stdout.fileno(), b"login: ")
            client.stdin.write(user.encode() + b"\r")
            client.stdin.flush()
            _await(client.stdout.fileno(), b"Password: ")
            client.stdin.write(password.encode() + b"\r")
            client.stdin.flush()
            _await(client.stdout.fileno(), b"incorrect" if password == "password" else b"$ ")
            client.kill()
            client.wait()
            client.stdin.close()
            client.stdout.close()
            daemon.kill()
            daemon.wait()
    assert facts(tmp_path / "x.pcapng", "telnet") == {
        ("telnet", "admin", "plain", "default", "accepted"),
        ("telnet", "bob", "plain", "clear", "accepted"),
        ("telnet", "admin", "plain", "default", "refused"),
    }


def _until(holds: Callable[[], bool]) -> None:
    """Wait for a server that is not waited for by its port."""
    limit = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < limit, "it does not listen"
        time.sleep(0.02)


def _await(source: int, text: bytes) -> None:
    """Read until this was said."""
    said = b""
    limit = time.monotonic() + 60
    os.set_blocking(source, False)
    while text not in said:
        assert time.monotonic() < limit, (text, said)
        try:
            part = os.read(source, 4096)
        except BlockingIOError:
            time.sleep(0.02)
            continue
        assert part, (text, said)
        said += part


@needs("nginx", "openssl", "curl")
def test_nginx(wire: Mirror, place: Path, tmp_path: Path) -> None:
    made = subprocess.run(
        ["openssl", "passwd", "-apr1", "moxa", SECRET], capture_output=True, check=True, text=True
    ).stdout.split()
    (place / "users").write_text(f"admin:{made[0]}\nbob:{made[1]}\n")
    (place / "index.html").write_text("hello")
    config = place / "nginx.conf"
    config.write_text(
        f"user root;\npid {place}/pid;\nerror_log {place}/error.log;\ndaemon off;\nevents {{}}\n"
        f"http {{ access_log off; server {{ listen {SERVER}:80; root {place};\n"
        f"auth_basic page; auth_basic_user_file {place}/users; }} }}\n"
    )
    wire.serve("nginx", "-c", str(config), "-e", str(place / "error.log"), port=80)
    with wire.captured(tmp_path / "x.pcapng"):
        for pair in ("admin:moxa", f"bob:{SECRET}", "admin:password"):
            wire.call("curl", "-s", "--anyauth", "-u", pair, f"http://{SERVER}/")
    assert facts(tmp_path / "x.pcapng", "http") == {
        ("http", "admin", "basic", "default", "accepted"),
        ("http", "bob", "basic", "clear", "accepted"),
        ("http", "admin", "basic", "default", "refused"),
    }


@needs("apache2", "curl")
def test_digest_of_apache(wire: Mirror, place: Path, tmp_path: Path) -> None:
    lines = [
        f"{user}:page:{hashlib.md5(f'{user}:page:{password}'.encode()).hexdigest()}\n"
        for user, password in (("admin", "moxa"), ("bob", SECRET))
    ]
    (place / "users").write_text("".join(lines))
    (place / "index.html").write_text("hello")
    modules = ["mpm_prefork", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest"]
    config = place / "apache.conf"
    config.write_text(
        "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules)
        + f"ServerName x\nListen {SERVER}:80\nPidFile {place}/pid\nErrorLog {place}/error.log\n"
        f"DocumentRoot {place}\nUser www-data\nGroup www-data\nDefaultRuntimeDir {place}\n"
        f"Mutex file:{place}\n<Location />\nAuthType Digest\nAuthName page\n"
        f"AuthUserFile {place}/users\nRequire valid-user\n</Location>\n"
    )
    wire.serve("apache2", "-X", "-f", str(config), port=80)
    with wire.captured(tmp_path / "x.pcapng"):
        for pair in ("admin:moxa", f"bob:{SECRET}", "admin:password"):
            wire.call("curl", "-s", "--digest", "-u", pair, f"http://{SERVER}/index.html")
    assert facts(tmp_path / "x.pcapng", "http") == {
        ("http", "admin", "digest", "default", "accepted"),
        ("http", "admin", "digest", "default", "refused"),
    }


@needs("apache2", "curl")
def test_whom_a_client_reaches_by_way_of_a_proxy_of_apache(wire: Mirror, place: Path, tmp_path: Path) -> None:
    modules = ["mpm_prefork", "authz_core", "authz_host", "proxy", "proxy_http", "proxy_connect"]
    config = place / "apache.conf"
    config.write_text(
        "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in modules)
        + f"ServerName x\nListen {SERVER}:3128\nPidFile {place}/pid\nErrorLog {place}/error.log\n"
        f"DocumentRoot {place}\nUser www-data\nGroup www-data\nDefaultRuntimeDir {place}\n"
        f"Mutex file:{place}\nProxyRequests On\nAllowCONNECT 443\n"
        "<Proxy *>\nRequire all granted\n</Proxy>\n<Proxy *.splashtop.com>\nRequire all denied\n</Proxy>\n"
        "<Proxy splashtop.com:443>\nRequire all denied\n</Proxy>\n"
    )
    hosts = place / "hosts"
    hosts.write_text(f"{SERVER} client.teamviewer.com api.hik-connect.com www.example.com splashtop.com\n")
    wire.serve("apache2", "-X", "-f", str(config), port=3128, files={"/etc/hosts": hosts})
    through = ("curl", "-s", "-m", "30", "-x", f"http://{SERVER}:3128")
    with inside(wire.server):
        web, secure = socket.create_server((SERVER, 80)), socket.create_server((SERVER, 443))
    with web, secure, wire.captured(tmp_path / "x.pcapng"):
        threading.Thread(target=_answer, args=(web, 2), daemon=True).start()
        threading.Thread(target=_answer, args=(secure, 1), daemon=True).start()
        for url in (
            "https://client.teamviewer.com/",
            "http://api.hik-connect.com/",
            "http://www.example.com/",
            "https://splashtop.com/",
        ):
            wire.call(*through, url)
    ledger = replay([str(tmp_path / "x.pcapng")]).ledger
    claims = {(one.address, one.kind, one.value) for one in ledger.claims}
    assert {value for address, kind, value in claims if kind == "reaches" and address == CLIENT} == {
        "teamviewer.com", "hik-connect.com", "example.com"
    }  # fmt: skip
    assert (SERVER, "capability", "proxy") in claims
    told = {one.rule: one for one in judge(ledger, None) if one.rule in ("remote-support", "vendor-cloud")}
    assert sorted(told) == ["remote-support", "vendor-cloud"]
    assert all((one.link.client, one.link.server) == (CLIENT, SERVER) for one in told.values())
    assert dict(told["remote-support"].why[-1].params)["items"] == "teamviewer.com"


def _answer(listener: socket.socket, times: int) -> None:
    """A web server that says the same to everybody."""
    for _ in range(times):
        client, _ = listener.accept()
        with client:
            client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@needs("snmpd", "snmpget")
def test_snmpd(wire: Mirror, tmp_path: Path) -> None:
    config = tmp_path / "snmpd.conf"
    config.write_text(
        f"createUser admin MD5 password\ncreateUser wiener SHA MySecret AES MySecret\n"
        f"createUser guru SHA-256 MySecret\ncreateUser bob SHA {SECRET}\n"
        "rouser admin auth\nrouser wiener auth\nrouser guru auth\nrouser bob auth\nrocommunity public\n"
    )
    environment = {"SNMP_PERSISTENT_DIR": str(tmp_path), "MIBS": ""}
    os.environ["SNMP_PERSISTENT_DIR"] = str(tmp_path)
    try:
        wire.serve("snmpd", "-f", "-C", "-c", str(config), "-Lo", "-I", "-smux", f"udp:{SERVER}:161", port=0)
        _until(lambda: 161 in asked_inside(wire.server, lambda: serving("udp")))
    finally:
        del os.environ["SNMP_PERSISTENT_DIR"]

    def get(*words: str) -> None:
        more = ("-t", "5", "-r", "0", SERVER, ".1.3.6.1.2.1.1.5.0")
        wire.call("snmpget", *words, *more, environment=environment)

    with wire.captured(tmp_path / "x.pcapng"):
        get("-v", "2c", "-c", "public")
        get("-v", "2c", "-c", "private")
        for user, hashed, password, privacy in (
            ("admin", "MD5", "password", ()),
            ("wiener", "SHA", "MySecret", ("-x", "AES", "-X", "MySecret")),
            ("guru", "SHA-256", "MySecret", ()),
            ("bob", "SHA", SECRET, ()),
            ("guru", "SHA-256", SECRET, ()),
            ("bob", "SHA", "MySecret", ()),
        ):
            level = "authPriv" if privacy else "authNoPriv"
            get("-v", "3", "-l", level, "-u", user, "-a", hashed, "-A", password, *privacy)
    assert facts(tmp_path / "x.pcapng", "snmp") == {
        ("snmp", "", "community", "default", "accepted"),
        ("snmp", "", "community", "default", "attempted"),
        ("snmp", "admin", "usm", "default", "accepted"),
        ("snmp", "wiener", "usm", "default", "accepted"),
        ("snmp", "guru", "usm", "default", "accepted"),
    }


@needs("Xtigervnc")
def test_tigervnc(wire: Mirror, tmp_path: Path) -> None:
    # What is in the file is the password under a key that everybody knows.
    key = bytes.fromhex("e84ad660c4721ae0")
    (tmp_path / "password").write_bytes(encrypted(key, b"beijer\0\0"))
    wire.serve(
        "Xtigervnc", ":77", "-rfbport", "5900", "-PasswordFile", str(tmp_path / "password"), "-SecurityTypes",
        "VncAuth", "-geometry", "64x64", "-depth", "24", "-nolisten", "tcp",
        # Files of a display's number are there once for all namespaces.
        "-nolisten", "unix", "-nolock", port=5900,
    )  # fmt: skip
    with wire.captured(tmp_path / "x.pcapng"):
        for password in (b"beijer", b"password", SECRET.encode()):
            with inside(wire.client):
                client = socket.create_connection((SERVER, 5900), 5)
            with client, client.makefile("rb") as server:
                server.read(12)
                client.sendall(b"RFB 003.008\n")
                kinds = server.read(server.read(1)[0])
                assert 2 in kinds
                client.sendall(b"\2")
                challenge = server.read(16)
                turned = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password[:8].ljust(8, b"\0"))
                client.sendall(encrypted(turned, challenge[:8]) + encrypted(turned, challenge[8:]))
                assert server.read(4) == (bytes(4) if password == b"beijer" else b"\0\0\0\1")
    assert facts(tmp_path / "x.pcapng", "vnc") == {
        ("vnc", "", "vnc", "default", "accepted"),
        ("vnc", "", "vnc", "default", "refused"),
    }


@needs("initdb", "postgres", "psql")
def test_postgresql(wire: Mirror, place: Path, tmp_path: Path) -> None:
    try:
        owner = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("no user postgres")
    os.chown(place, owner.pw_uid, owner.pw_gid)
    _postgresql(wire, place, tmp_path / "x.pcapng")
    assert facts(tmp_path / "x.pcapng", "postgresql") == {
        ("postgresql", "postgres", "scram", "default", "accepted"),
        ("postgresql", "postgres", "scram", "default", "refused"),
        ("postgresql", "dcmadmin", "md5", "default", "accepted"),
        ("postgresql", "carol", "plain", "clear", "accepted"),
    }
    assert_nothing_shows_the_secret(tmp_path / "x.pcapng")


def _postgresql(wire: Mirror, folder: Path, capture: Path) -> None:
    data = str(folder / "data")
    become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    places = {**os.environ, "PATH": PLACES}
    made = subprocess.run(
        [*become, "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"],
        capture_output=True, check=False, env=places, cwd="/",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    users = (
        f"alter role postgres password 'postgres'; create role bob login password '{SECRET}';"
        f" create role carol login password '{SECRET}'; set password_encryption = md5;"
        " create role dcmadmin login password 'passw0rd';"
    )
    single = subprocess.run(
        [*become, "postgres", "--single", "-D", data, "postgres"],
        input=users.replace("; ", ";\n").encode() + b"\n",
        capture_output=True, check=False, env=places, cwd="/",
    )  # fmt: skip
    assert single.returncode == 0, single.stderr
    (folder / "data/pg_hba.conf").write_text(
        "host all dcmadmin all md5\nhost all carol all password\nhost all all all scram-sha-256\n"
    )
    wire.serve(
        "postgres", "-D", data, "-c", f"listen_addresses={SERVER}", "-c", "unix_socket_directories=",
        "-c", "fsync=off", port=5432, user="postgres",
    )  # fmt: skip
    with wire.captured(capture):
        for user, password in (
            ("postgres", "postgres"),
            ("postgres", "password"),
            ("dcmadmin", "passw0rd"),
            ("bob", SECRET),
            ("carol", SECRET),
        ):
            target = f"host={SERVER} user={user} dbname=postgres sslmode=prefer gssencmode=disable"
            status = wire.call("psql", target, "-c", "select 1", environment={"PGPASSWORD": password})
            assert (status == 0) == (password != "password"), user


def samba(place: Path, folder: Path) -> tuple[Path, dict[str, Path]]:
    """The settings of a server with two accounts, and the system's files of users for it."""
    config = folder / "smb.conf"
    config.write_text(
        f"[global]\nworkgroup = PLANT\nserver role = standalone server\nlog file = {folder}/log\n"
        f"private dir = {folder}\nlock directory = {folder}\nstate directory = {folder}\n"
        f"cache directory = {folder}\npid directory = {folder}\nncalrpc dir = {folder}/rpc\n"
        "passdb backend = tdbsam\nmap to guest = never\nserver min protocol = NT1\nntlm auth = yes\n"
        f"bind interfaces only = yes\ninterfaces = {SERVER}/24\nsmb ports = 445\ndisable netbios = yes\n"
        "load printers = no\nprintcap name = /dev/null\nrpc start on demand helpers = no\n"
    )
    accounts = users(place, ("admin", "x"), ("bob", "x"))
    for user, password in (("admin", "moxa"), ("bob", SECRET)):
        binds = "".join(f"mount --bind {there} {name} && " for name, there in accounts.items())
        added = subprocess.run(
            ["unshare", "-m", "sh", "-c", f"{binds}exec smbpasswd -c {config} -a -s {user}"],
            input=f"{password}\n{password}\n".encode(),
            capture_output=True,
            check=False,
        )
        assert added.returncode == 0, added.stderr
    return config, accounts


@needs("smbd", "smbclient", "smbpasswd")
def test_samba(wire: Mirror, place: Path, tmp_path: Path) -> None:
    config, accounts = samba(place, tmp_path)
    wire.serve("smbd", "-F", "--no-process-group", "-s", str(config), port=445, files=accounts)
    more = ("-s", "/dev/null", "-c", "quit", "--option=client min protocol=NT1")
    with wire.captured(tmp_path / "x.pcapng"):
        for protocol in ("SMB3", "NT1"):
            for pair in ("admin%moxa", f"bob%{SECRET}", "admin%password"):
                words = ("smbclient", f"//{SERVER}/IPC$", "-U", pair, "-m", protocol, *more)
                assert (wire.call(*words) == 0) == (pair != "admin%password"), (protocol, pair)
        old = ("--option=client ntlmv2 auth=no", "--option=client use spnego=yes")
        wire.call("smbclient", f"//{SERVER}/IPC$", "-U", "admin%moxa", "-m", "NT1", *more, *old)
    assert_nothing_shows_the_secret(tmp_path / "x.pcapng")
    assert facts(tmp_path / "x.pcapng", "smb") == {
        ("smb", "admin", "ntlmv2", "default", "accepted"),
        ("smb", "admin", "ntlmv2", "default", "refused"),
        ("smb", "admin", "ntlm", "default", "accepted"),
    }


@needs("rpcclient", "smbpasswd", f"{RPC}/samba-dcerpcd")
def test_dce_rpc_of_samba(wire: Mirror, place: Path, tmp_path: Path) -> None:
    config, accounts = samba(place, tmp_path)
    words = (f"{RPC}/samba-dcerpcd", "--libexec-rpcds", "-F", "--no-process-group", "-s", str(config))
    wire.serve(*words, port=135, files=accounts)
    with wire.captured(tmp_path / "x.pcapng"):
        for pair in ("admin%moxa", f"bob%{SECRET}", "admin%password"):
            for binding in ("sign", "seal"):
                target = f"ncacn_ip_tcp:{SERVER}[{binding}]"
                status = wire.call("rpcclient", "-s", str(config), target, "-U", pair, "-c", "querydominfo")
                assert (status == 0) == (pair != "admin%password"), pair
    name = socket.gethostname().partition(".")[0].upper()[:15]
    assert claims(tmp_path / "x.pcapng") >= {
        ("dce_rpc", SERVER, "name", name), ("dce_rpc", SERVER, "domain", name),
        ("dce_rpc", CLIENT, "name", name),
    }  # fmt: skip
    assert facts(tmp_path / "x.pcapng", "dce_rpc") == {
        ("dce_rpc", "admin", "ntlmv2", "default", "accepted"),
        ("dce_rpc", "admin", "ntlmv2", "default", "refused"),
    }
    assert_nothing_shows_the_secret(tmp_path / "x.pcapng")


@needs("dovecot", "ntlm_auth", "curl")
def test_ntlm_in_mail_of_dovecot(wire: Mirror, place: Path, tmp_path: Path) -> None:
    """Samba's NTLM, which dovecot asks, has one account, and says no to others."""
    config, helper = place / "dovecot.conf", place / "helper"
    (place / "smb.conf").write_text("[global]\nworkgroup = PLANT\nserver role = standalone server\n")
    helper.write_text(
        "#!/bin/sh\nexec ntlm_auth --helper-protocol=squid-2.5-ntlmssp --username=admin --password=moxa"
        f" --configfile={place}/smb.conf --domain=PLANT\n"
    )
    helper.chmod(0o755)
    (place / "mail").mkdir()
    os.chown(place / "mail", 65_534, 65_534)
    config.write_text(
        f"base_dir = {place}/run\nstate_dir = {place}/run\nlog_path = {place}/log\nlisten = {SERVER}\n"
        "protocols = imap pop3 submission\nssl = no\ndisable_plaintext_auth = no\nauth_mechanisms = ntlm\n"
        f"auth_use_winbind = yes\nauth_winbind_helper_path = {helper}\nauth_failure_delay = 0\n"
        f"mail_location = maildir:{place}/mail/%u\nsubmission_relay_host = {SERVER}\n"
        f"userdb {{\n driver = static\n args = uid=65534 gid=65534 home={place}/mail/%u\n}}\n"
        # Else who fails waits longer each time.
        "service anvil {\n unix_listener anvil-auth-penalty {\n mode = 0\n }\n}\n"
    )
    wire.serve("dovecot", "-F", "-c", str(config), port=143)
    with wire.captured(tmp_path / "x.pcapng"):
        for password in ("moxa", SECRET, "password"):
            for url in (f"imap://{SERVER}", f"pop3://{SERVER}", f"smtp://{SERVER}:587"):
                words = ("curl", "-s", "-m", "60", "--login-options", "AUTH=NTLM", url)
                wire.call(*words, "-u", f"admin:{password}")
    said, name = claims(tmp_path / "x.pcapng"), socket.gethostname().partition(".")[0].upper()[:15]
    for protocol in ("imap", "pop3", "smtp"):
        assert said >= {
            (protocol, SERVER, "name", name), (protocol, SERVER, "domain", name),
            (protocol, CLIENT, "name", "WORKSTATION"),
        }  # fmt: skip
        assert [one for one in said if one[:3] == (protocol, SERVER, "software") and "Dovecot" in one[3]]
        assert facts(tmp_path / "x.pcapng", protocol) == {
            (protocol, "admin", "ntlmv2", "default", "accepted"),
            (protocol, "admin", "ntlmv2", "default", "refused"),
        }
    assert_nothing_shows_the_secret(tmp_path / "x.pcapng")


@needs("redis-server", "redis-cli")
def test_redis(wire: Mirror, tmp_path: Path) -> None:
    wire.serve(
        "redis-server",
        "--bind",
        SERVER,
        "--requirepass",
        SECRET,
        "--save",
        "",
        "--dir",
        str(tmp_path),
        port=6379,
    )
    with wire.captured(tmp_path / "x.pcapng"):
        for password in (SECRET, "other"):
            wire.call("redis-cli", "-h", SERVER, "--no-auth-warning", "-a", password, "PING")
    assert facts(tmp_path / "x.pcapng", "redis") == {
        ("redis", "default", "plain", "clear", "accepted"),
        ("redis", "default", "plain", "clear", "refused"),
    }


@needs("mariadbd", "mariadb", "mariadb-install-db")
def test_mariadb(wire: Mirror, tmp_path: Path) -> None:
    data = tmp_path / "data"
    begun = tmp_path / "begin.sql"
    begun.write_text(
        "create user 'superdba'@'%' identified by 'admin';\n"
        f"create user 'bob'@'%' identified by '{SECRET}';\n"
        "create user 'root'@'%' identified by '';\n"
    )
    made = subprocess.run(
        ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db"],
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    wire.serve(
        "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--bind-address={SERVER}",
        f"--socket={tmp_path}/socket", f"--init-file={begun}", f"--pid-file={tmp_path}/pid", port=3306,
    )  # fmt: skip
    with wire.captured(tmp_path / "x.pcapng"):
        for user, password in (("superdba", "admin"), ("bob", SECRET), ("superdba", "x"), ("root", "")):
            words = (
                "mariadb",
                "--no-defaults",
                "--skip-ssl",
                "-h",
                SERVER,
                "-u",
                user,
                f"--password={password}",
            )
            assert (wire.call(*words, "-e", "select 1") == 0) == (password != "x")
    assert facts(tmp_path / "x.pcapng", "mysql") == {
        ("mysql", "superdba", "mysql_native_password", "default", "accepted"),
        ("mysql", "root", "plain", "default", "accepted"),
    }


@needs("freeradius", "radclient", "eapol_test")
def test_freeradius(wire: Mirror, tmp_path: Path) -> None:
    (tmp_path / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    (tmp_path / "users").write_text(
        f'admin Cleartext-Password := "moxa"\nbob Cleartext-Password := "{SECRET}"\n'
    )
    (tmp_path / "radiusd.conf").write_text(
        f"""
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {tmp_path}
run_dir = {tmp_path}
security {{
	allow_vulnerable_openssl = yes
	reject_delay = 0
}}
client all {{
	ipaddr = 10.77.0.0/24
	secret = testing123
}}
modules {{
	files {{
		filename = {tmp_path}/users
	}}
	chap {{
	}}
	mschap {{
	}}
	eap {{
		default_eap_type = md5
		md5 {{
		}}
		mschapv2 {{
		}}
		gtc {{
			auth_type = PAP
		}}
	}}
	pap {{
	}}
}}
server default {{
	listen {{
		type = auth
		ipaddr = {SERVER}
		port = 1812
	}}
	authorize {{
		chap
		mschap
		eap
		files
	}}
	authenticate {{
		eap
		Auth-Type PAP {{
			pap
		}}
		Auth-Type CHAP {{
			chap
		}}
		Auth-Type MS-CHAP {{
			mschap
		}}
	}}
}}
"""
    )
    wire.serve("freeradius", "-f", "-l", "stdout", "-d", str(tmp_path), port=0)

    def ask(name: str, kind: str, password: str, tries: int) -> int:
        words = "radclient", "-r", str(tries), "-t", "1", f"{SERVER}:1812", "auth", "testing123"
        return wire.call(*words, said=f"User-Name={name},{kind}={password}\n")

    assert ask("bob", "CHAP-Password", SECRET, 20) == 0
    with wire.captured(tmp_path / "x.pcapng"):
        for name, password in (("admin", "moxa"), ("admin", "password"), ("bob", SECRET)):
            for kind in ("CHAP-Password", "MS-CHAP-Password"):
                assert (ask(name, kind, password, 5) == 0) == (password != "password")
    assert facts(tmp_path / "x.pcapng", "radius") == {
        ("radius", "admin", method, "default", outcome)
        for method in ("chap", "mschap")
        for outcome in ("accepted", "refused")
    }
    with wire.captured(tmp_path / "eap.pcapng"):
        for name, password in (("admin", "moxa"), ("admin", "password"), ("bob", SECRET)):
            for kind in ("MD5", "MSCHAPV2", "GTC"):
                station = supplicant(tmp_path, kind, name, password)
                words = "eapol_test", "-n", "-t", "30", "-c", str(station), "-a", SERVER, "-s", "testing123"
                assert (wire.call(*words) == 0) == (password != "password"), (kind, name)
    assert facts(tmp_path / "eap.pcapng", "radius") == {
        *(
            ("radius", "admin", method, "default", outcome)
            for method in ("chap", "mschapv2", "plain")
            for outcome in ("accepted", "refused")
        ),
        ("radius", "bob", "plain", "clear", "accepted"),
    }
    assert_nothing_shows_the_secret(tmp_path / "eap.pcapng")
    assert_nothing_shows_the_secret(tmp_path / "x.pcapng")


def supplicant(folder: Path, kind: str, name: str, password: str) -> Path:
    """The settings of a station for 802.1X with one type of EAP."""
    path = folder / f"{kind}-{name}-{password}.conf"
    path.write_text(
        "ap_scan=0\nnetwork={\n\tkey_mgmt=IEEE8021X\n\teapol_flags=0\n"
        f'\teap={kind}\n\tidentity="{name}"\n\tpassword="{password}"\n}}\n'
    )
    return path


@needs("hostapd", "wpa_supplicant")
@pytest.mark.parametrize("to_all", [0, 1])
def test_hostapd_at_a_switch_port(wire: Mirror, tmp_path: Path, to_all: int) -> None:
    """802.1X over a wire: the station answers to the group address, the switch asks there or the station."""
    (tmp_path / "users").write_text(f'"admin" MD5 "moxa"\n"bob" MD5 "{SECRET}"\n')
    config = tmp_path / "hostapd.conf"
    config.write_text(
        "interface=wire0\ndriver=wired\nieee8021x=1\neap_server=1\neap_reauth_period=0\n"
        f"eap_user_file={tmp_path}/users\nuse_pae_group_addr={to_all}\nctrl_interface={tmp_path}/control\n"
    )
    wire.serve("hostapd", str(config), port=0)
    _until((tmp_path / "control" / "wire0").exists)
    with wire.captured(tmp_path / "x.pcapng"):
        # Whom it refuses hostapd ignores for a minute.
        for name, password in (("admin", "moxa"), ("bob", SECRET), ("admin", "password")):
            settings = str(supplicant(tmp_path, "MD5", name, password))
            end = "FAILURE" if password == "password" else "SUCCESS"
            words = ("wpa_supplicant", "-D", "wired", "-i", "wire1", "-c", settings)
            with subprocess.Popen(
                ["ip", "netns", "exec", wire.client, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ) as running:
                assert running.stdout is not None
                _await(running.stdout.fileno(), b"CTRL-EVENT-EAP-" + end.encode())
                running.terminate()
    assert facts(tmp_path / "x.pcapng", "eapol") == {
        ("eapol", "admin", "chap", "default", "accepted"),
        ("eapol", "admin", "chap", "default", "refused"),
    }
    (server,) = {one.server for one in replay([str(tmp_path / "x.pcapng")]).ledger.credentials}
    assert not int(server[:2], 16) & 1
    assert_nothing_shows_the_secret(tmp_path / "x.pcapng")


@needs("tgtd", "tgtadm", "iscsi-inq")
def test_iscsi_of_tgt(wire: Mirror, tmp_path: Path) -> None:
    name, disk, control = "iqn.2026-01.jp.example:disk", tmp_path / "disk", str(1 + os.getpid() % 32_000)
    disk.write_bytes(bytes(1 << 20))
    wire.serve("tgtd", "-f", "-C", control, port=3260)

    def manage(*words: str) -> None:
        done = subprocess.run(
            [
                shutil.which("tgtadm", path=PLACES) or "tgtadm",
                "-C",
                control,
                "--lld",
                "iscsi",
                "--op",
                *words,
            ],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    manage("new", "--mode", "target", "--tid", "1", "-T", name)
    manage("new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", str(disk))
    for user, password in (("admin", "admin"), ("bob", SECRET)):
        manage("new", "--mode", "account", "--user", user, "--password", password)
        manage("bind", "--mode", "account", "--tid", "1", "--user", user)
    manage("bind", "--mode", "target", "--tid", "1", "-I", "ALL")
    with wire.captured(tmp_path / "x.pcapng"):
        for user, password in (("admin", "admin"), ("admin", "password"), ("bob", SECRET)):
            status = wire.call("iscsi-inq", f"iscsi://{user}%{password}@{SERVER}/{name}/1")
            assert (status == 0) == (password != "password")
    assert facts(tmp_path / "x.pcapng", "iscsi") == {
        ("iscsi", "admin", "chap", "default", "accepted"),
        ("iscsi", "admin", "chap", "default", "refused"),
    }
    assert_nothing_shows_the_secret(tmp_path / "x.pcapng")
    for left in Path("/run/tgtd").glob(f"socket.{control}*"):
        left.unlink()
