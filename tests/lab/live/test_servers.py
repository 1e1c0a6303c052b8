"""Servers answer their clients, and whatever else comes in is refused or ends the connection."""

from __future__ import annotations

import asyncio
import ftplib
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.lab import ethernet_ip, messages
from otmon.lab.live.servers import (
    MOST_CONNECTIONS,
    STREAMS,
    Device,
    dns_answer,
    ethernet_ip_tag,
    ntp_answer,
    serve_datagrams,
    serve_stream,
)
from tests.listening import free_port


def device() -> Device:
    return Device(
        Random(1),
        frozenset({("service", "1234")}),
        tag=lambda name: (3, -4) if name == "Counts" else None,
    )


@contextmanager
def served(protocol: str) -> Iterator[tuple[str, int]]:
    """The address of a server that runs in a thread."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    found: list[tuple[str, int]] = []

    async def start() -> asyncio.Server:
        server = await serve_stream(protocol, "127.0.0.1", 0, device())
        found.append(server.sockets[0].getsockname())
        return server

    server = loop.run_until_complete(start())

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.call_soon(started.set)
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(10)
    try:
        yield found[0]
    finally:

        async def stop() -> None:
            server.close()
            mine = asyncio.current_task()
            others = [task for task in asyncio.all_tasks() if task is not mine]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def turns(protocol: str, *said: bytes) -> list[bytes]:
    """What is answered to each message."""
    with served(protocol) as address, socket.create_connection(address, 5) as one:
        one.settimeout(5)
        answers = []
        for message in said:
            one.sendall(message)
            answers.append(one.recv(65_536))
        return answers


def test_a_web_page_opens_with_the_password_of_the_factory_alone() -> None:
    with served("http") as (host, port):
        for pair, status in ((None, 401), ("service:12345", 401), ("service:1234", 200)):
            request = urllib.request.Request(f"http://{host}:{port}/")
            if pair is not None:
                request.add_header("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    assert answer.status == status and b"Status" in answer.read()
            except urllib.error.HTTPError as error:
                assert error.code == status == 401 and error.headers["WWW-Authenticate"].startswith("Basic")
                error.close()


def test_a_body_that_is_too_long_or_no_number_is_refused() -> None:
    for length in ("99999999", "-1", "x", "1e3"):
        request = messages.http_request("POST", "/", "a", "b", f"Content-Length: {length}")
        assert turns("http", request)[0].startswith(b"HTTP/1.1 413 ")


def test_ftp_and_telnet_let_in_by_the_password_of_the_factory() -> None:
    with served("ftp") as (host, port):
        for password, opens in (("wrong", False), ("1234", True)):
            with ftplib.FTP() as client:
                client.connect(host, port, 5)
                if opens:
                    assert client.login("service", password).startswith("230")
                else:
                    with pytest.raises(ftplib.error_perm, match="530"):
                        client.login("service", password)
    with served("telnet") as address, socket.create_connection(address, 5) as one:
        said = one.makefile("rwb", buffering=0)
        said.write(b"x\r\ny\r\n")
        one.settimeout(5)
        heard = b""
        while b"incorrect" not in heard:
            heard += one.recv(100)
        said.write(b"service\r\n1234\r\n")
        while b"> " not in heard:
            heard += one.recv(100)
        said.write(b"help\r\n")
        while b"unknown command" not in heard:
            heard += one.recv(100)
        said.close()


def test_remote_desktop_and_tls_answer_in_kind() -> None:
    random = Random(2)
    confirm, hello, data = turns(
        "rdp", messages.rdp_request("x"), messages.client_hello("x", random), messages.tls_data(random, 50)
    )
    assert confirm == messages.rdp_confirm() and hello[0] == 22 and data[0] == messages.TLS_DATA
    assert turns("tls", messages.client_hello("x", random))[0][0] == 22


def test_a_camera_asks_for_its_password() -> None:
    def ask(method: str, *more: str) -> bytes:
        return "\r\n".join((f"{method} rtsp://x/live RTSP/1.0", "CSeq: 7", *more, "", "")).encode()

    right = f"Authorization: Basic {b64encode(b'service:1234').decode()}"
    options, refused, told = turns("rtsp", ask("OPTIONS"), ask("DESCRIBE"), ask("DESCRIBE", right))
    assert options.startswith(b"RTSP/1.0 200") and b"CSeq: 7" in options
    assert refused.startswith(b"RTSP/1.0 401") and told.startswith(b"RTSP/1.0 200")


def test_tags_are_read() -> None:
    with served("ethernet_ip") as address, socket.create_connection(address, 5) as one:
        one.sendall(ethernet_ip.register())
        handle = struct.unpack("<I", one.recv(100)[4:8])[0]
        one.sendall(ethernet_ip.read_tag(handle, 9, "Counts", 2))
        assert one.recv(200) == ethernet_ip.answer_tag(handle, 9, (3, -4))
        one.sendall(ethernet_ip.read_tag(handle, 9, "Others", 2))
        assert one.recv(200) == b""


def test_a_flood_is_refused_and_then_forgotten() -> None:
    with served("tls") as address:
        many = [socket.create_connection(address, 5) for _ in range(MOST_CONNECTIONS + 5)]
        try:
            for one in many[-5:]:
                one.settimeout(5)
                assert one.recv(1) == b""
        finally:
            for one in many:
                one.close()
        hello = messages.client_hello("x", Random(1))
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.create_connection(address, 5) as one, suppress(OSError):
                one.sendall(hello)
                if one.recv(10):
                    return
            time.sleep(0.02)
        raise AssertionError("nobody is let in any more")


@pytest.mark.parametrize("protocol", STREAMS)
def test_nothing_that_comes_in_harms_a_server(protocol: str) -> None:
    random = Random(protocol)
    with served(protocol) as address:
        for number in range(40):
            with socket.create_connection(address, 5) as one:
                start = random.choice((b"", b"\3\0", b"GET / HTTP/1.1\r\n", b"USER x\r\n", b"\x65\0\xff\xff"))
                one.sendall(start + random.randbytes(random.choice((0, 1, 7, 100, 5_000))))
                if number % 2:
                    # A reset in the middle of a word.
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.create_connection(address, 5):
            pass


def test_a_protocol_without_a_server_is_told() -> None:
    with pytest.raises(KeyError):
        asyncio.run(serve_stream("gopher", "127.0.0.1", 0, device()))
    with pytest.raises(KeyError):
        asyncio.run(serve_datagrams("gopher", "127.0.0.1", 0, {}))


@given(st.binary(max_size=80))
def test_any_bytes_get_an_answer_or_none(noise: bytes) -> None:
    for answer in (dns_answer(noise, {}), ntp_answer(noise, 1)):
        assert answer is None or isinstance(answer, bytes)
    assert isinstance(ethernet_ip_tag(noise), str)


@given(st.binary(min_size=17, max_size=400))
def test_any_question_for_a_name_is_answered_or_not(noise: bytes) -> None:
    question = bytes((1, 2, 1, 0, 0, 1)) + noise
    answer = dns_answer(question, {})
    assert answer is None or answer[:2] == question[:2]


def test_names_and_time() -> None:
    question = messages.dns_query(7, "PLC.Example")
    assert dns_answer(question, {"plc.example": "10.1.2.3"}) == messages.dns_answer(
        7, "PLC.Example", "10.1.2.3"
    )
    assert dns_answer(question, {}) == messages.dns_answer(7, "PLC.Example", None)
    assert dns_answer(messages.dns_answer(7, "a.b", None), {}) is None
    asked = messages.ntp(3, 1_700_000_000_123_456_789)
    answer = ntp_answer(asked, 1_700_000_001_000_000_000)
    assert answer is not None and answer[0] & 7 == 4 and answer[24:32] == asked[40:48] and len(answer) == 48
    assert ntp_answer(messages.ntp(4, 0), 0) is None


def test_datagrams_are_answered_to_who_asked() -> None:
    async def run() -> bytes:
        port = free_port()
        server = await serve_datagrams("dns", "127.0.0.1", port, {"a.b": "10.0.0.9"})
        with closing(server), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.setblocking(False)
            for message in (b"", b"noise", messages.dns_query(5, "a.b")):
                one.sendto(message, ("127.0.0.1", port))
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(one, 500), 5)

    assert asyncio.run(run()) == messages.dns_answer(5, "a.b", "10.0.0.9")
