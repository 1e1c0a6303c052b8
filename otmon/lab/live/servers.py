"""Servers of a range beside its controllers: real sockets, and of each protocol what its clients ask for.

Each handler reacts to what comes in, whoever sends it, so that attackers are answered too. A connection
ends after so long without a word, and nothing that a client sends grows beyond a limit. What would be
encrypted in life is random bytes, as in the lab's captures. Where somebody logs in, the password is that
of the factory.
"""

from __future__ import annotations

import asyncio
import struct
import time
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from random import Random
from typing import cast

from otmon.lab import ethernet_ip, messages, smb
from otmon.lab.camera import FACTORY_PASSWORD, FACTORY_USER

IDLE_S = 120.0
MOST_BYTES = 65_536
"""Of one message."""
MOST_CONNECTIONS = 64
"""At a server at a time: a flood is refused, and the machine stays usable."""


@dataclass(frozen=True, slots=True)
class Device:
    """What a host's servers know of it."""

    random: Random
    log_ins: frozenset[tuple[str, str]] = frozenset({(FACTORY_USER, FACTORY_PASSWORD)})
    """User and password of the factory."""
    tag: Callable[[str], Sequence[int] | None] = lambda name: None
    """What a tag of a Logix controller holds now."""

    def opens(self, basic: str) -> bool:
        """Whether an `Authorization` field lets in (RFC 7617, 2)."""
        kind, _, pair = basic.partition(" ")
        known = {b64encode(f"{user}:{password}".encode()).decode() for user, password in self.log_ins}
        return kind.lower() == "basic" and pair.strip() in known


Handler = Callable[[Reader, Writer, Device], Awaitable[None]]


async def _in_time(work: Awaitable[bytes]) -> bytes:
    """Raises TimeoutError after `IDLE_S`. `wait_for` of Python 3.11 can lose a cancellation."""
    async with asyncio.timeout(IDLE_S):
        return await work


async def _some(reader: Reader) -> bytes:
    """What came in by now; empty at the end, and after `IDLE_S`."""
    try:
        return await _in_time(reader.read(MOST_BYTES))
    except TimeoutError:
        return b""


async def _line(reader: Reader) -> bytes:
    """One line with its end; empty where none comes any more."""
    with suppress(TimeoutError, ValueError):
        return await _in_time(reader.readline())
    return b""


async def _http(reader: Reader, writer: Writer, device: Device) -> None:
    """Web page behind a password (RFC 9110, 11; RFC 7617)."""
    realm = 'WWW-Authenticate: Basic realm="device"'
    while True:
        try:
            head = await _in_time(reader.readuntil(b"\r\n\r\n"))
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        fields = {}
        for line in head.decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        length = fields.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or len(length) > 5 or int(length) > MOST_BYTES:
            writer.write(messages.http_response("413 Content Too Large", ""))
            return
        try:
            await _in_time(reader.readexactly(int(length)))
        except (TimeoutError, asyncio.IncompleteReadError):
            return
        if device.opens(fields.get("authorization", "")):
            page = "<html><title>device</title><p>Status: OK</p></html>"
            writer.write(messages.http_response("200 OK", page, "Server: lab/1.0"))
        else:
            page = "<html>401</html>"
            writer.write(messages.http_response("401 Unauthorized", page, "Server: lab/1.0", realm))
        await writer.drain()


async def _tls(reader: Reader, writer: Writer, device: Device) -> None:
    """The handshake, then a record of some size for each that comes."""
    random = device.random
    answer = messages.server_hello(random)
    while await _some(reader):
        writer.write(answer)
        await writer.drain()
        answer = messages.tls_data(random, random.randrange(200, 1400))


async def _remote_desktop(reader: Reader, writer: Writer, device: Device) -> None:
    if await _some(reader):
        writer.write(messages.rdp_confirm())
        await writer.drain()
        await _tls(reader, writer, device)


async def _smb(reader: Reader, writer: Writer, device: Device) -> None:
    """A share of an old machine: dialects, the messages of NTLM, the tree."""
    said = smb.logon("client", "server", (smb.PRINTER, smb.PRINTER), device.random)
    for answer in (say.payload for say in said if say.speaker == "server"):
        if not await _some(reader):
            return
        writer.write(answer)
        await writer.drain()
    while await _some(reader):
        pass


async def _rtsp(reader: Reader, writer: Writer, device: Device) -> None:
    """A camera's control connection (RFC 2326, 10); pictures are not sent."""
    session = f"Session: {device.random.getrandbits(32):08X}"
    while True:
        try:
            head = await _in_time(reader.readuntil(b"\r\n\r\n"))
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {line.partition(":")[0].strip().lower(): line.partition(":")[2].strip() for line in lines}
        method, number = first.partition(" ")[0], fields.get("cseq", "0")
        refused = method == "DESCRIBE" and not device.opens(fields.get("authorization", ""))
        status = "401 Unauthorized" if refused else "200 OK"
        answer = (f"RTSP/1.0 {status}", f"CSeq: {number}", session, "", "")
        writer.write("\r\n".join(answer).encode("latin-1"))
        await writer.drain()


async def _ftp(reader: Reader, writer: Writer, device: Device) -> None:
    """Log-in and nothing behind it (RFC 959, 5.4)."""
    writer.write(b"220 device\r\n")
    user = ""
    while line := await _line(reader):
        word, _, rest = line.decode("latin-1").strip().partition(" ")
        if word.upper() == "USER":
            user, answer = rest, "331 Password required"
        elif word.upper() == "PASS":
            answer = "230 Logged in" if (user, rest) in device.log_ins else "530 Login incorrect"
        elif word.upper() == "QUIT":
            writer.write(b"221 Goodbye\r\n")
            return
        else:
            answer = "502 Not implemented"
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()


async def _telnet(reader: Reader, writer: Writer, device: Device) -> None:
    """Log-in by lines, then a prompt that knows no command."""
    for _ in range(3):
        writer.write(b"login: ")
        user = (await _line(reader)).strip()
        writer.write(b"Password: ")
        password = await _line(reader)
        if not password:
            return
        if (user.decode("latin-1"), password.strip().decode("latin-1")) in device.log_ins:
            writer.write(b"\r\n> ")
            while await _line(reader):
                writer.write(b"unknown command\r\n> ")
                await writer.drain()
            return
        writer.write(b"\r\nLogin incorrect\r\n")


async def _ethernet_ip(reader: Reader, writer: Writer, device: Device) -> None:
    """Sessions and tags (see `otmon.lab.ethernet_ip`)."""
    handle = device.random.getrandbits(31)
    while True:
        try:
            head = await _in_time(reader.readexactly(24))
            command, length = struct.unpack("<HH", head[:4])
            data = await _in_time(reader.readexactly(length))
        except (TimeoutError, asyncio.IncompleteReadError):
            return
        if command == ethernet_ip.REGISTER:
            writer.write(ethernet_ip.register(handle))
        elif command == ethernet_ip.SEND_RR_DATA:
            values = device.tag(ethernet_ip_tag(data))
            if values is None:
                return
            (context,) = struct.unpack("<Q", head[12:20])
            writer.write(ethernet_ip.answer_tag(handle, context, values))
        else:
            return
        await writer.drain()


def ethernet_ip_tag(data: bytes) -> str:
    """The name of the tag that a message asks for behind its encapsulation header; empty for another."""
    if len(data) < 20 or data[16] != ethernet_ip.READ_TAG or data[18] != 0x91:
        return ""
    return data[20 : 20 + data[19]].decode("latin-1")


async def _swallow(reader: Reader, writer: Writer, device: Device) -> None:
    """A printer: takes what comes."""
    while await _some(reader):
        pass


STREAMS: dict[str, Handler] = {
    "http": _http,
    "tls": _tls,
    "rdp": _remote_desktop,
    "smb": _smb,
    "rtsp": _rtsp,
    "ftp": _ftp,
    "telnet": _telnet,
    "ethernet_ip": _ethernet_ip,
    "printing": _swallow,
}
"""By protocol, as plants name it."""


async def serve_stream(protocol: str, address: str, port: int, device: Device) -> asyncio.Server:
    """A server over TCP in the namespace of the calling thread. Raises KeyError for a protocol of which
    there is no server, OSError where the port is taken."""
    handler, open_now = STREAMS[protocol], 0

    async def connected(reader: Reader, writer: Writer) -> None:
        nonlocal open_now
        open_now += 1
        try:
            # A client that resets, or leaves in the middle of a word, is nothing to tell of.
            with suppress(OSError):
                if open_now <= MOST_CONNECTIONS:
                    await handler(reader, writer, device)
                    await writer.drain()
        finally:
            open_now -= 1
            writer.close()

    return await asyncio.start_server(connected, address, port, limit=MOST_BYTES)


def dns_answer(question: bytes, names: dict[str, str]) -> bytes | None:
    """The answer to a query for an address (RFC 1035, 4.1); None for what is no such query."""
    if len(question) < 17 or question[2] & 0x80 or question[4:6] != b"\0\1":
        return None
    labels, at = [], 12
    while at < len(question) and question[at]:
        size = question[at]
        if size > 63 or at + 1 + size >= len(question):
            return None
        labels.append(question[at + 1 : at + 1 + size].decode("latin-1"))
        at += 1 + size
    name = ".".join(labels)
    if not name.isascii() or len(name) > 253 or "" in name.split("."):
        return None
    return messages.dns_answer(int.from_bytes(question[:2], "big"), name, names.get(name.lower()))


def ntp_answer(question: bytes, now_ns: int) -> bytes | None:
    """The answer to a client's question for the time (RFC 5905, 7.3); None for what is none."""
    if len(question) < 48 or question[0] & 7 != 3:
        return None
    answer = messages.ntp(4, now_ns)
    return answer[:24] + question[40:48] + answer[32:]


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's is no subclass of it.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


async def serve_datagrams(
    protocol: str, address: str, port: int, names: dict[str, str]
) -> asyncio.DatagramTransport:
    """A server over UDP in the namespace of the calling thread, of "dns" (with addresses by name) or "ntp".
    Whoever calls closes it.
    Raises KeyError for another protocol, OSError where the port is taken."""
    answers: dict[str, Callable[[bytes], bytes | None]] = {
        "dns": partial(dns_answer, names=names),
        "ntp": lambda question: ntp_answer(question, time.time_ns()),
    }
    answer = answers[protocol]
    loop = asyncio.get_running_loop()
    place = str(IPv4Address(address)), port
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(answer), place)
    return transport
