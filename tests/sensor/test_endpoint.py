"""Who asks for the metrics is answered, whatever others do who reach the port."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from otmon.sensor.endpoint import REQUEST_BYTES, Endpoint, one_at_a_time
from tests.listening import free_port

PAGE = b"otmon_up 1\n" * 10_000


def page(asked: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [PAGE]


@pytest.fixture(name="keys", scope="module")
def keys_fixture(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("keys")
    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate]
    subprocess.run([*words, *names], check=True, capture_output=True)
    return certificate, key


class Served:
    def __init__(self, port: int, certificate: str | None) -> None:
        self.port = port
        self.context = ssl.create_default_context(cafile=certificate) if certificate else None

    def ask(self, timeout: float = 8.0) -> bytes:
        scheme = "https" if self.context else "http"
        url = f"{scheme}://localhost:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=timeout, context=self.context) as answer:
            return bytes(answer.read())

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 10)


@contextmanager
def served(keys: tuple[str, str] | None = None, **limits: Any) -> Iterator[Served]:
    port = free_port()
    endpoint = Endpoint(("127.0.0.1", port), *(keys or ()), **limits)
    endpoint.serve(one_at_a_time(page))
    try:
        yield Served(port, keys[0] if keys else None)
    finally:
        endpoint.shutdown()
        endpoint.server_close()


@pytest.mark.parametrize("by_tls", [False, True])
def test_clients_that_say_nothing_keep_nobody_waiting(keys: tuple[str, str], by_tls: bool) -> None:
    """One was enough, with TLS."""
    with served(keys if by_tls else None) as at, ExitStack() as silent:
        for _ in range(3):
            silent.enter_context(at.connect())
        begin = time.monotonic()
        assert at.ask() == PAGE
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("by_tls", [False, True])
def test_as_many_as_there_is_room_for_give_way(keys: tuple[str, str], by_tls: bool) -> None:
    with served(keys if by_tls else None, connections=4) as at, ExitStack() as silent:
        held = [silent.enter_context(at.connect()) for _ in range(40)]
        assert [at.ask() == PAGE for _ in range(5)] == [True] * 5
        # The one that came first was shown out.
        held[0].settimeout(10)
        assert held[0].recv(1) == b""


def test_a_client_that_dawdles_is_shown_out() -> None:
    with served(answer_s=1.0) as at, at.connect() as slow:
        begin = time.monotonic()
        slow.sendall(b"GET /metrics HTTP/1.1\r\n")
        with pytest.raises(OSError):
            while time.monotonic() - begin < 30:
                # A byte now and then, each within any time that one may take.
                slow.sendall(b"X")
                time.sleep(0.1)
        assert 0.9 < time.monotonic() - begin < 10
        assert at.ask() == PAGE


def test_a_client_that_does_not_read_its_answer_is_shown_out() -> None:
    def endless(asked: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        return (bytes(1 << 20) for _ in range(1 << 20))

    endpoint = Endpoint(("127.0.0.1", free_port()), answer_s=1.0)
    endpoint.serve(endless)
    try:
        with socket.create_connection(("127.0.0.1", endpoint.server_port), 10) as deaf:
            deaf.sendall(b"GET / HTTP/1.0\r\n\r\n")
            deaf.settimeout(10)
            # Until then it reads nothing; what lies in buffers is the most that it gets.
            time.sleep(3)
            got = 0
            try:
                while got < 64 << 20 and (data := deaf.recv(1 << 20)):
                    got += len(data)
            except OSError:
                pass
            assert 0 < got < 64 << 20
    finally:
        endpoint.shutdown()
        endpoint.server_close()


@pytest.mark.parametrize(
    "request_of",
    [
        b"GET /" + b"x" * REQUEST_BYTES + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * REQUEST_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * REQUEST_BYTES,
        b"\x16\x03\x01" + bytes(REQUEST_BYTES),
        b"\r\n",
        b"GET\r\n\r\n",
    ],
)
def test_no_request_is_too_long_or_too_odd(request_of: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with served() as at:
        with at.connect() as one:
            try:
                one.sendall(request_of)
                one.shutdown(socket.SHUT_WR)
                answer = one.recv(4096)
            except OSError:
                answer = b""
        assert b" 200 " not in answer
        assert at.ask() == PAGE
    assert capfd.readouterr().err == ""


def test_what_is_no_handshake_is_not_told(keys: tuple[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    with served(keys) as at:
        for said in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + os.urandom(4000)):
            with at.connect() as one:
                one.sendall(said)
                one.settimeout(10)
                try:
                    while one.recv(4096):
                        pass
                except OSError:
                    pass
        assert at.ask() == PAGE
    assert capfd.readouterr().err == ""


def test_before_it_serves_it_listens_and_says_nothing() -> None:
    endpoint = Endpoint(("127.0.0.1", free_port()))
    with socket.create_connection(("127.0.0.1", endpoint.server_port), 10) as early:
        early.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        early.settimeout(0.2)
        with pytest.raises(TimeoutError):
            early.recv(1)
        endpoint.serve(page)
        early.settimeout(10)
        assert early.recv(15) == b"HTTP/1.0 200 OK"
    endpoint.shutdown()
    endpoint.server_close()


def test_an_address_that_is_taken_and_a_key_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        Endpoint(("127.0.0.1", taken.getsockname()[1]))
    with pytest.raises(OSError):
        Endpoint(("127.0.0.1", free_port()), str(tmp_path / "none.pem"), str(tmp_path / "none.key"))
