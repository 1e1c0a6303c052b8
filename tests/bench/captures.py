"""The captures of the benchmarks, the same for the same seed, each with the truth about it beside it.

``python -m tests.bench.captures KIND FILE PACKETS``
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import numpy as np

from otmon.lab import messages
from tests.bench.frames import (
    ACK,
    BYE,
    FILE_HEADER,
    HELLO,
    PUSH,
    RECORD_BYTES,
    ROWS_AT_ONCE,
    START_US,
    Bytes,
    Ends,
    Ints,
    Mix,
    Says,
    TcpState,
    add_sessions,
    big,
    ethernet,
    ip_frames,
    mac_of,
    same,
)  # fmt: skip

MODBUS: Final = 502
GROUP_BIT: Final = 1 << 40
Truth = dict[str, int]


def host(network: int, number: Ints | int) -> Ints:
    """10.x.y.number, where `network` is x and y in one number."""
    return np.asarray(10 << 24 | network << 8 | number, np.int64)


LINE, PLCS, BUSINESS, OFFICE, DMZ = 30 << 8 | 1, 30 << 8 | 2, 20 << 8, 10 << 8, 25 << 8
"""Networks of zones/factory.yaml."""


class Block(NamedTuple):
    """What a poller asks for; the exception that answers it, 0 for none."""

    function: int
    address: int
    count: int
    exception: int = 0


POLLED: Final = (
    Block(3, 0, 10), Block(3, 10, 30), Block(4, 0, 16), Block(1, 0, 16), Block(3, 100, 60),
    Block(3, 400, 125), Block(2, 16, 16),
)  # fmt: skip
WRITTEN: Final = (Block(16, 20, 4), Block(6, 30, 1), Block(5, 3, 1))
REFUSED: Final = (Block(3, 9000, 2, 2), Block(6, 39, 1, 4))
BLOCKS: Final = (*POLLED, *WRITTEN, *REFUSED)
WRITES: Final = (5, 6, 15, 16)
WRITE_EVERY, REFUSAL_EVERY = 41, 97
"""Turns of a connection."""
POLLERS: Final = np.array([host(LINE, 20), host(LINE, 10), host(LINE, 50), host(BUSINESS, 30)])
DEVICES: Final = 40
GATEWAY_UNITS: Final = 8
"""Every fifth device stands for so many on its serial line."""
SCAN_US: Final = 10_000


def request_of(block: Block) -> bytes:
    head = bytes((block.function,)) + block.address.to_bytes(2, "big")
    match block.function:
        case 5:
            return head + b"\xff\0"
        case 6:
            return head + b"\x01\x2c"
        case 16:
            return head + block.count.to_bytes(2, "big") + bytes((2 * block.count,)) + bytes(2 * block.count)
        case _:
            return head + block.count.to_bytes(2, "big")


def response_of(block: Block) -> tuple[bytes, int]:
    """The response, and how many bytes of values follow it."""
    if block.exception:
        return bytes((block.function | 0x80, block.exception)), 0
    if block.function in WRITES:
        return request_of(block)[:5], 0
    octets = 2 * block.count if block.function in (3, 4) else (block.count + 7) // 8
    return bytes((block.function, octets)), octets


def modbus(transaction: Ints, unit: Ints, pdu: bytes, values: Bytes) -> Bytes:
    """Modbus messages over TCP: uint8[n, length]."""
    size = len(pdu) + values.shape[1]
    out = np.zeros((len(transaction), 7 + size), np.uint8)
    out[:, 0:2], out[:, 4:6], out[:, 6] = big(transaction & 0xFFFF, 2), big(unit * 0 + 1 + size, 2), unit
    out[:, 7 : 7 + len(pdu)] = np.frombuffer(pdu, np.uint8)
    out[:, 7 + len(pdu) :] = values
    return out


def factory(path: Path, packets: int, seed: int = 1) -> Truth:
    """Four pollers that read forty controllers and gateways in turn, with few writes and refusals;
    every third response is acknowledged by a packet of its own. Beside it cyclic PROFINET, ARP, names,
    time and encrypted orders."""
    random = np.random.default_rng(seed)
    mix = Mix()
    c = np.arange(len(POLLERS) * DEVICES)
    turns = max(int(packets * 0.97) * 3 // 7 // len(c), 1)
    ends = Ends(POLLERS[c % len(POLLERS)], host(PLCS, 11 + c // len(POLLERS)), 49_152 + c, c * 0 + MODBUS)
    turn = np.arange(turns)[:, None]
    block = np.select(
        [(turn + c) % REFUSAL_EVERY == 0, (turn + c) % WRITE_EVERY == 0],
        [len(POLLED) + len(WRITTEN) + turn % len(REFUSED), len(POLLED) + (turn + c) % len(WRITTEN)],
        (turn * 3 + c) % len(POLLED),
    )
    unit = np.where(c // len(POLLERS) % 5 == 0, 1 + turn % GATEWAY_UNITS, 1)
    asked = np.array([7 + len(request_of(one)) for one in BLOCKS])[block]
    answered = np.array([7 + len(pdu) + octets for pdu, octets in map(response_of, BLOCKS)])[block]
    isn = random.integers(0, 2**32, (2, len(c)))
    ask_at = isn[0] + np.cumsum(asked, axis=0) - asked
    answer_at = isn[1] + np.cumsum(answered, axis=0) - answered
    times = turn * SCAN_US + c * 60 + random.integers(0, 20, block.shape)
    hello = (isn[0] - 1, isn[0] * 0), (isn[1] - 1, isn[0]), (isn[0], isn[1])
    for number, (step, (sequence, acknowledged)) in enumerate(zip(HELLO, hello, strict=True)):
        way = ends if step.from_client else ends.turned()
        state = TcpState(sequence, acknowledged, step.flags)
        mix.add(c * 5 + number - 2_000, ip_frames(way, same(b"", len(c)), c, state))
    for kind, one in enumerate(BLOCKS):
        j, k = np.nonzero(block == kind)
        if not len(j):
            continue
        way = Ends(*(column[k] for column in ends))
        pdu, octets = response_of(one)
        values = random.integers(0, 256, (len(j), octets), np.uint8)
        request = modbus(j + 1, unit[j, k], request_of(one), values[:, :0])
        response = modbus(j + 1, unit[j, k], pdu, values)
        before, after = ask_at[j, k], ask_at[j, k] + asked[j, k]
        state = TcpState(before, answer_at[j, k], PUSH)
        mix.add(times[j, k], ip_frames(way, request, j * 2, state))
        state = TcpState(answer_at[j, k], after, PUSH)
        mix.add(times[j, k] + 800, ip_frames(way.turned(), response, j, state))
        third = (j + k) % 3 == 0
        way = Ends(*(column[third] for column in way))
        state = TcpState(after[third], (answer_at + answered)[j, k][third], ACK)
        empty = same(b"", int(third.sum()))
        mix.add(times[j, k][third] + 900, ip_frames(way, empty, j[third] * 2 + 1, state))
    _add_background(mix, max(packets * 3 // 100, 30), turns * SCAN_US, random)
    counts = np.bincount(block.ravel(), minlength=len(BLOCKS)).tolist()
    return {
        "packets": mix.write(path),
        "transactions": block.size,
        "exceptions": sum(n for one, n in zip(BLOCKS, counts, strict=True) if one.exception),
        "writes": sum(n for one, n in zip(BLOCKS, counts, strict=True) if one.function in WRITES),
    }


def _add_background(mix: Mix, packets: int, span_us: int, random: np.random.Generator) -> None:
    """What a factory's switch sees beside the polling, spread over the capture."""
    plain = Random(7)
    cycles = max(packets // 2, 1)
    cyclic = np.repeat(
        np.frombuffer(b"\x88\x92" + messages.profinet_cyclic(0x8001, b"\x80", 0), np.uint8)[None], cycles, 0
    )
    cyclic[:, 44:46] = big(np.arange(cycles) * 32 & 0xFFFF, 2)
    pair = mac_of(host(PLCS, 12)), mac_of(host(PLCS, 21))
    macs = np.tile(np.array(pair), cycles // 2 + 1)[:cycles]
    whole = np.linspace(0, span_us, cycles).astype(np.int64)
    mix.add(whole, ethernet(macs, macs ^ pair[0] ^ pair[1], cyclic))
    asks = max(packets // 10, 1)
    who = host(PLCS, 11 + np.arange(asks) % DEVICES)
    arp = np.zeros((asks, 30), np.uint8)
    arp[:, :10] = np.frombuffer(bytes.fromhex("08060001080006040001"), np.uint8)
    asker = np.full(asks, POLLERS[0])
    arp[:, 10:16], arp[:, 16:20] = big(mac_of(asker), 6), big(asker, 4)
    arp[:, 26:30] = big(who, 4)
    times = random.integers(0, span_us, asks)
    mix.add(times, ethernet(mac_of(asker), np.full(asks, 0xFFFF_FFFF_FFFF), arp))
    answer = arp.copy()
    answer[:, 9] = 2
    answer[:, 10:16], answer[:, 16:20], answer[:, 20:26] = big(mac_of(who), 6), arp[:, 26:30], arp[:, 10:16]
    answer[:, 26:30] = arp[:, 16:20]
    mix.add(times + 150, ethernet(mac_of(who), mac_of(asker), answer))
    orders = (
        *HELLO,
        Says(True, messages.client_hello("mes.example.jp", plain)), Says(False, messages.server_hello(plain)),
        Says(True, messages.tls_data(plain, 300)), Says(False, messages.tls_data(plain, 900)), *BYE,
    )  # fmt: skip
    for port, says, source, target in (
        (443, orders, host(LINE, 20), host(BUSINESS, 10)),
        (53, names(), host(BUSINESS, 10), host(DMZ, 53)),
        (123, clock(), host(LINE, 10), host(DMZ, 53)),
    ):
        n = max(packets // 10 // len(says), 1)
        k = np.arange(n)
        ends = Ends(k * 0 + source, k * 0 + target, 20_000 + k % 30_000, k * 0 + port)
        add_sessions(mix, ends, says, random.integers(0, span_us, n), 400, random, over_tcp=port == 443)


def names() -> tuple[Says, ...]:
    answer = messages.dns_answer(7, "www.example.jp", "10.2.0.9")
    return Says(True, messages.dns_query(7, "www.example.jp")), Says(False, answer)


def clock() -> tuple[Says, ...]:
    now = START_US * 1000
    return Says(True, messages.ntp(3, now)), Says(False, messages.ntp(4, now))


def tls(size: int) -> bytes:
    return b"\x17\x03\x03" + size.to_bytes(2, "big")


def smb(size: int) -> bytes:
    """A read response up to its data ([MS-SMB2] 2.2.1.2, 2.2.20) over direct TCP."""
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQIIQ16s", 64, 1, 0, 8, 1, 1, 0, 9, 0, 1, 1, b"")
    head += struct.pack("<HBBIII", 17, 80, 0, size, 0, 0)
    return struct.pack(">I", len(head) + size) + head


def download(segments: int, wrap: Callable[[int], bytes]) -> tuple[Says, ...]:
    """Segments of a file, two to an acknowledgment."""
    return (Says(False, wrap(1300), 1300), Says(False, wrap(1000), 1000), Says(True, flags=ACK)) * segments


def office(path: Path, packets: int, seed: int = 2) -> Truth:
    """Web, files, shells, names and time: many connections, few of them long."""
    random = np.random.default_rng(seed)
    plain = Random(seed)
    hello = (Says(True, messages.client_hello("www.example.jp", plain)),
             Says(False, messages.server_hello(plain)))  # fmt: skip
    page = (Says(True, messages.http_request("GET", "/", "10.2.0.9", "x")),
            Says(False, messages.http_response("200 OK", "x" * 900)), Says(True, flags=ACK))  # fmt: skip
    files = Says(True, messages.smb1_negotiate()), Says(False, messages.smb1_negotiated(plain))
    shell = Says(True, b"SSH-2.0-OpenSSH_9.2\r\n"), Says(False, b"SSH-2.0-OpenSSH_9.6\r\n")
    keys = (Says(True, noise=52), Says(False, noise=84), Says(True, flags=ACK))
    # Weight is the share of the connections.
    sessions: list[tuple[int, int, tuple[Says, ...]]] = [
        (20, 443, (*HELLO, *hello, *download(3, tls), *BYE)),
        (6, 443, (*HELLO, *hello, *download(20, tls), *BYE)),
        (15, 80, (*HELLO, *page * 2, *BYE)),
        (5, 80, (*HELLO, *page * 10, *BYE)),
        (6, 445, (*HELLO, *files, *download(10, smb), *BYE)),
        (4, 22, (*HELLO, *shell, *keys * 8, *BYE)),
        (34, 53, names()),
        (10, 123, clock()),
    ]
    together = sum(weight * len(says) for weight, _, says in sessions)
    mix = Mix()
    for weight, port, says in sessions:
        flows = max(packets * weight // together, 1)
        k = np.arange(flows)
        clients, servers = host(OFFICE, 20 + k % 200), host(BUSINESS, 10 + k % 23)
        ends = Ends(clients, servers, 1024 + (k * 7 + weight * 1009) % 60_000, k * 0 + port)
        starts = random.integers(0, packets * 20, flows)
        add_sessions(mix, ends, says, starts, 400, random, over_tcp=port not in (53, 123))
    return {"packets": mix.write(path)}


def flood(path: Path, packets: int, seed: int = 3) -> Truth:
    """Requests from forged senders: each packet has another MAC address, client, server, unit and
    register, so that everything that can be counted is new."""
    random = np.random.default_rng(seed)
    mix = Mix()
    for first in range(0, packets, ROWS_AT_ONCE):
        n = min(ROWS_AT_ONCE, packets - first)
        k = first + np.arange(n)
        ends = Ends(*random.integers(1 << 24, 223 << 24, (2, n)), 1024 + k % 60_000, k * 0 + MODBUS)
        message = np.zeros((n, 12), np.uint8)
        message[:, :2], message[:, 5], message[:, 6] = big(k & 0xFFFF, 2), 6, k % 247
        message[:, 7], message[:, 8:10], message[:, 11] = 1 + k % 4, big(random.integers(0, 2**16, n), 2), 1
        state = TcpState(random.integers(0, 2**32, n), random.integers(0, 2**32, n), PUSH)
        frames = ip_frames(ends, message, k, state)
        frames[:, 6:12] = big(random.integers(0, 2**48, n) & ~GROUP_BIT, 6)
        mix.add(k * 20, frames)
    return {"packets": mix.write(path)}


def sweep(path: Path, packets: int, seed: int = 4) -> Truth:
    """One client reads every register of one device after another, each alone and answered."""
    random = np.random.default_rng(seed)
    mix = Mix()
    connections = 16
    each = max(packets // 2 // connections, 1)
    isn = random.integers(0, 2**32, (2, connections))
    for first in range(0, each, ROWS_AT_ONCE):
        n = min(ROWS_AT_ONCE, each - first)
        j = first + np.arange(n)
        for connection in range(connections):
            ends = Ends(
                np.full(n, host(LINE, 50)), np.full(n, host(PLCS, 11 + connection)),
                np.full(n, 50_000 + connection), np.full(n, MODBUS),
            )  # fmt: skip
            unit = 1 + (j >> 16) % 247
            # The lowest register first in one device, in another the one after 40,503 others.
            register = (j * (1 if connection % 2 else 40_503)) & 0xFFFF
            request = modbus(j, unit, b"\x03\0\0\0\x01", np.zeros((n, 0), np.uint8))
            request[:, 8:10] = big(register, 2)
            response = modbus(j, unit, b"\x03\x02", random.integers(0, 256, (n, 2), np.uint8))
            asked, answered = isn[0, connection] + j * 12, isn[1, connection] + j * 11
            times = j * 1000 + connection * 50
            mix.add(times, ip_frames(ends, request, j, TcpState(asked, answered, PUSH)))
            state = TcpState(answered, asked + 12, PUSH)
            mix.add(times + 20, ip_frames(ends.turned(), response, j, state))
    return {"packets": mix.write(path), "transactions": each * connections, "exceptions": 0, "writes": 0}


def first_packet(path: Path) -> Path:
    """A capture of the first packet only, with which a tool's start is measured."""
    part = path.with_suffix(".one.pcap")
    with path.open("rb") as whole:
        head = whole.read(len(FILE_HEADER) + RECORD_BYTES)
        part.write_bytes(head + whole.read(int.from_bytes(head[-8:-4], "little")))
    return part


def made(kind: str, folder: Path, packets: int) -> tuple[Path, Truth]:
    """The capture of a kind and its truth; what an earlier run made from the same source is kept."""
    path = folder / f"{kind}-{packets}.pcap"
    told = path.with_suffix(".json")
    sources = Path(__file__), Path(__file__).with_name("frames.py")
    if not told.exists() or told.stat().st_mtime < max(source.stat().st_mtime for source in sources):
        told.unlink(missing_ok=True)
        subprocess.run([sys.executable, "-m", __spec__.name, kind, str(path), str(packets)], check=True)
    truth: Truth = json.loads(told.read_text(encoding="utf-8"))
    return path, truth


MAKERS: dict[str, Callable[[Path, int], Truth]] = {
    maker.__name__: maker for maker in (factory, office, flood, sweep)
}

if __name__ == "__main__":
    kind, target, amount = sys.argv[1:]
    truth = MAKERS[kind](Path(target), int(amount))
    Path(target).with_suffix(".json").write_text(json.dumps(truth), encoding="utf-8")
