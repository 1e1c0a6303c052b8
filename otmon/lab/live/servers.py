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
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address
from random import Random

from otmon.lab import ethernet_ip, messages, s7, smb
from otmon.lab.camera import FACTORY_PASSWORD, FACTORY_USER

IDLE_S = 120.0
MOST_BYTES = 65_536
"""Of one message."""
MOST_CONNECTIONS = 64
"""At a server at a time: a flood is refused, and the machine stays usable."""

Handler = Callable[[Reader, Writer, Random], Awaitable[None]]

_PAIR = b64encode(f"{FACTORY_USER}:{FACTORY_PASSWORD}".encode()).decode()


async def _some(reader: Reader) -> bytes:
    """What came in by now; empty at the end, and after `IDLE_S`."""
    try:
        return await asyncio.wait_for(reader.read(MOST_BYTES), IDLE_S)
    except TimeoutError:
        return b""


async def _line(reader: Reader) -> bytes:
    """One line with its end; empty where none comes any more."""
    with suppress(TimeoutError, ValueError):
        return await asyncio.wait_for(reader.readline(), IDLE_S)
    return b""


async def _http(reader: Reader, writer: Writer, random: Random) -> None:
    """Web page behind a password (RFC 9110, 11; RFC 7617)."""
    realm = 'WWW-Authenticate: Basic realm="device"'
    while True:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
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
            await asyncio.wait_for(reader.readexactly(int(length)), IDLE_S)
        except (TimeoutError, asyncio.IncompleteReadError):
            return
        kind, _, pair = fields.get("authorization", "").partition(" ")
        if kind.lower() == "basic" and pair.strip() == _PAIR:
            page = "<html><title>device</title><p>Status: OK</p></html>"
            writer.write(messages.http_response("200 OK", page, "Server: lab/1.0"))
        else:
            page = "<html>401</html>"
            writer.write(messages.http_response("401 Unauthorized", page, "Server: lab/1.0", realm))
        await writer.drain()


async def _tls(reader: Reader, writer: Writer, random: Random) -> None:
    """The handshake, then a record of some size for each that comes."""
    answer = messages.server_hello(random)
    while await _some(reader):
        writer.write(answer)
        await writer.drain()
        answer = messages.tls_data(random, random.randrange(200, 1400))


async def _remote_desktop(reader: Reader, writer: Writer, random: Random) -> None:
    if await _some(reader):
        writer.write(messages.rdp_confirm())
        await writer.drain()
        await _tls(reader, writer, random)


async def _smb(reader: Reader, writer: Writer, random: Random) -> None:
    """A share of an old machine: dialects, the messages of NTLM, the tree."""
    said = smb.logon("client", "server", (smb.PRINTER, smb.PRINTER), random)
    for answer in (say.payload for say in said if say.speaker == "server"):
        if not await _some(reader):
            return
        writer.write(answer)
        await writer.drain()
    while await _some(reader):
        pass


async def _rtsp(reader: Reader, writer: Writer, random: Random) -> None:
    """A camera's control connection (RFC 2326, 10); pictures are not sent."""
    session = f"Session: {random.getrandbits(32):08X}"
    while True:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_S)
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = {line.partition(":")[0].strip().lower(): line.partition(":")[2].strip() for line in lines}
        method, number = first.partition(" ")[0], fields.get("cseq", "0")
        refused = method == "DESCRIBE" and fields.get("authorization") != f"Basic {_PAIR}"
        status = "401 Unauthorized" if refused else "200 OK"
        answer = (f"RTSP/1.0 {status}", f"CSeq: {number}", session, "", "")
        writer.write("\r\n".join(answer).encode("latin-1"))
        await writer.drain()


async def _ftp(reader: Reader, writer: Writer, random: Random) -> None:
    """Log-in and nothing behind it (RFC 959, 5.4)."""
    writer.write(b"220 device\r\n")
    user = ""
    while line := await _line(reader):
        word, _, rest = line.decode("latin-1").strip().partition(" ")
        if word.upper() == "USER":
            user, answer = rest, "331 Password required"
        elif word.upper() == "PASS":
            right = (user, rest) == (FACTORY_USER, FACTORY_PASSWORD)
            answer = "230 Logged in" if right else "530 Login incorrect"
        elif word.upper() == "QUIT":
            writer.write(b"221 Goodbye\r\n")
            return
        else:
            answer = "502 Not implemented"
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()


async def _telnet(reader: Reader, writer: Writer, random: Random) -> None:
    """Log-in by lines, then a prompt that knows no command."""
    for _ in range(3):
        writer.write(b"login: ")
        user = (await _line(reader)).strip()
        writer.write(b"Password: ")
        password = await _line(reader)
        if not password:
            return
        if (user, password.strip()) == (FACTORY_USER.encode(), FACTORY_PASSWORD.encode()):
            writer.write(b"\r\n> ")
            while await _line(reader):
                writer.write(b"unknown command\r\n> ")
                await writer.drain()
            return
        writer.write(b"\r\nLogin incorrect\r\n")


async def _s7(reader: Reader, writer: Writer, random: Random) -> None:
    """Connection, setup, and words of data blocks that are read and written (see `otmon.lab.s7`)."""
    blocks: dict[tuple[int, int], int] = {}
    while True:
        try:
            head = await asyncio.wait_for(reader.readexactly(4), IDLE_S)
            rest = await asyncio.wait_for(reader.readexactly(struct.unpack(">H", head[2:])[0] - 4), IDLE_S)
        except (TimeoutError, asyncio.IncompleteReadError, ValueError):
            return
        answer = s7_answer(rest, blocks)
        if answer is None:
            return
        writer.write(answer)
        await writer.drain()


MOST_CELLS = 4_096


def s7_answer(message: bytes, blocks: dict[tuple[int, int], int]) -> bytes | None:
    """What a controller with those bytes by block and address, which a write changes, answers to a message
    behind its TPKT header; None for what it does not understand."""
    if len(message) >= 7 and message[1] == 0xE0:
        return s7.connected(1, message[-1] & 0x1F)
    if len(message) < 13 or message[1] != 0xF0 or message[3:5] != bytes((0x32, s7.JOB)):
        return None
    number, length = struct.unpack(">HH", message[7:11])
    parameters, data = message[13 : 13 + length], message[13 + length :]
    if not parameters:
        return None
    if parameters[0] == s7.SETUP:
        return s7.set_up(number)
    if parameters[0] not in (s7.READ_VAR, s7.WRITE_VAR) or len(parameters) != 14 or parameters[1] != 1:
        return None
    count, block = struct.unpack(">HH", parameters[6:10])
    first = int.from_bytes(parameters[11:14], "big") // 8
    if parameters[0] == s7.READ_VAR:
        if count > s7.PDU_LENGTH:
            return None
        return s7.answer_read(number, bytes(blocks.get((block, first + n), 0) for n in range(count)))
    for offset, octet in enumerate(data[4:]):
        if (block, first + offset) in blocks or len(blocks) < MOST_CELLS:
            blocks[block, first + offset] = octet
    return s7.answer_write(number)


async def _ethernet_ip(reader: Reader, writer: Writer, random: Random) -> None:
    """Sessions, and one tag of counters (see `otmon.lab.ethernet_ip`)."""
    handle = random.getrandbits(31)
    while True:
        try:
            head = await asyncio.wait_for(reader.readexactly(24), IDLE_S)
            command, length = struct.unpack("<HH", head[:4])
            data = await asyncio.wait_for(reader.readexactly(length), IDLE_S)
        except (TimeoutError, asyncio.IncompleteReadError):
            return
        if command == ethernet_ip.REGISTER:
            writer.write(ethernet_ip.register(handle))
        elif command == ethernet_ip.SEND_RR_DATA and data[16:17] == bytes((ethernet_ip.READ_TAG,)):
            (context,) = struct.unpack("<Q", head[12:20])
            count = min(int.from_bytes(data[-2:], "little"), 100)
            writer.write(ethernet_ip.answer_tag(handle, context, [int(time.time()) % 1_000] * count))
        else:
            return
        await writer.drain()


async def _swallow(reader: Reader, writer: Writer, random: Random) -> None:
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
    "s7comm": _s7,
    "ethernet_ip": _ethernet_ip,
    "printing": _swallow,
}
"""By protocol, as plants name it."""


async def serve_stream(protocol: str, address: str, port: int, random: Random) -> asyncio.Server:
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
                    await handler(reader, writer, random)
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
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


async def serve_datagrams(protocol: str, address: str, port: int, names: dict[str, str]) -> None:
    """A server over UDP in the namespace of the calling thread, of "dns" (with addresses by name) or "ntp".
    Raises KeyError for another protocol, OSError where the port is taken."""
    answers: dict[str, Callable[[bytes], bytes | None]] = {
        "dns": partial(dns_answer, names=names),
        "ntp": lambda question: ntp_answer(question, time.time_ns()),
    }
    answer = answers[protocol]
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Datagrams(answer), (str(IPv4Address(address)), port))
