"""Captures for the benchmarks, the same for the same seed, made by numpy: a factory that polls Modbus,
mixed traffic of an office, and a flood of forged senders."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from otmon.lab import messages

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

RECORD = 16
START_US = 1_776_100_000_000_000
CHUNK = 50_000
ETHERNET, IP = 14, 20


def big(values: Ints, size: int) -> Bytes:
    """The numbers as big-endian bytes: uint8[n, size]."""
    return np.ascontiguousarray(values, np.int64).astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]


@dataclass
class Mix:
    """Frames that are put in the order of their times."""

    times: list[Ints] = field(default_factory=list)
    frames: list[Bytes] = field(default_factory=list)

    def add(self, times_us: Ints, frames: Bytes) -> None:
        """Frames uint8[n, length] at microseconds int64[n]."""
        self.times.append(times_us)
        self.frames.append(frames)

    def write(self, path: Path) -> int:
        """A pcap file of microseconds; returns the number of packets."""
        times = np.concatenate(self.times)
        lengths = np.concatenate([np.full(len(f), f.shape[1], np.int64) for f in self.frames])
        order = np.argsort(times, kind="stable")
        offsets = np.empty(len(times), np.int64)
        offsets[order] = 24 + np.cumsum(RECORD + lengths[order]) - (RECORD + lengths[order])
        size = 24 + int((RECORD + lengths).sum())
        out = np.memmap(path, np.uint8, "w+", shape=(size,))
        out[:24] = np.frombuffer(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"), np.uint8)
        at = 0
        for frames in self.frames:
            for first in range(0, len(frames), CHUNK):
                rows = frames[first : first + CHUNK]
                which = slice(at + first, at + first + len(rows))
                head = np.empty((len(rows), 4), "<u4")
                head[:, 0], head[:, 1] = divmod(START_US + times[which], 1_000_000)
                head[:, 2] = head[:, 3] = frames.shape[1]
                record = np.concatenate([head.view(np.uint8), rows], axis=1)
                out[offsets[which, None] + np.arange(record.shape[1])] = record
            at += len(frames)
        out.flush()
        return len(times)


def hosts(numbers: Ints, network: int) -> tuple[Bytes, Bytes]:
    """MAC addresses and IPv4 addresses 10.network.x.y of hosts."""
    return big(0x0080F4000000 | network << 16 | numbers, 6), big(10 << 24 | network << 16 | numbers, 4)


def ip_frames(
    client: Ints, server: Ints, ports: tuple[Ints, Ints], to_server: bool, proto: int, payload: Bytes,
    numbers: tuple[Ints, Ints, int] | None, ident: Ints,
) -> Bytes:  # fmt: skip
    """Ethernet frames with right sums; `numbers` are sequence, acknowledgment and flags of TCP."""
    n, size = payload.shape
    transport = 20 if proto == 6 else 8
    out = np.zeros((n, max(ETHERNET + IP + transport + size, 60)), np.uint8)
    ends = [hosts(client, 1), hosts(server, 2)]
    (source_mac, source), (target_mac, target) = ends if to_server else ends[::-1]
    sport, dport = ports if to_server else ports[::-1]
    out[:, :6], out[:, 6:12], out[:, 12] = target_mac, source_mac, 8
    ip = out[:, ETHERNET : ETHERNET + IP]
    ip[:, 0], ip[:, 8], ip[:, 9] = 0x45, 64, proto
    ip[:, 2:4] = big(np.full(n, IP + transport + size), 2)
    ip[:, 4:6] = big(ident & 0xFFFF, 2)
    ip[:, 12:16], ip[:, 16:20] = source, target
    ip[:, 10:12] = big(_sum(ip, np.zeros(n, np.int64)), 2)
    data = out[:, ETHERNET + IP : ETHERNET + IP + transport + size]
    data[:, 0:2], data[:, 2:4] = big(sport, 2), big(dport, 2)
    data[:, transport:] = payload
    pseudo = _words(ip[:, 12:20]) + proto + transport + size
    if numbers is not None:
        data[:, 4:8], data[:, 8:12] = big(numbers[0] % 2**32, 4), big(numbers[1] % 2**32, 4)
        data[:, 12], data[:, 13], data[:, 14] = 0x50, numbers[2], 0x20
        data[:, 16:18] = big(_sum(data, pseudo), 2)
    else:
        data[:, 4:6] = big(np.full(n, transport + size), 2)
        data[:, 6:8] = big(_sum(data, pseudo), 2)
    return out


def _words(data: Bytes) -> Ints:
    even, odd = data[:, 0::2], data[:, 1::2]
    return even.sum(axis=1, dtype=np.int64) * 256 + odd.sum(axis=1, dtype=np.int64)


def _sum(data: Bytes, more: Ints) -> Ints:
    """RFC 1071 over rows."""
    total = _words(data) + more
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def constant(data: bytes, n: int) -> Bytes:
    return np.broadcast_to(np.frombuffer(data, np.uint8), (n, len(data)))


def factory(path: Path, packets: int, seed: int = 1) -> None:
    """Mostly polling: clients that read blocks of registers in turn, with few writes and exceptions;
    every third response is acknowledged by a packet of its own; cyclic PROFINET and ARP beside it."""
    random = np.random.default_rng(seed)
    blocks = [
        (3, 0, 10),
        (3, 100, 60),
        (4, 0, 25),
        (1, 0, 64),
        (3, 400, 125),
        (2, 16, 16),
        (16, 500, 4),
        (3, 9000, 2),
    ]
    connections = 160
    each = max(int(packets * 0.425) // connections, 1)
    asks, answers = [], []
    for function, address, count in blocks:
        head = bytes((function,)) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
        octets = 2 * count if function in (3, 4, 16) else (count + 7) // 8
        asks.append(head + (bytes((octets,)) + bytes(octets) if function == 16 else b""))
        answers.append(head if function == 16 else bytes((function, octets)) + random.bytes(octets))
    # The last block does not exist: the device refuses it, now and then.
    answers[-1] = bytes((0x83, 2))
    c = np.arange(connections)
    turn = np.arange(each)[:, None]
    block = np.where((turn + c) % 97 == 0, 7, np.where((turn + c) % 41 == 0, 6, (turn * 7 + c) % 6))
    client, server, port = c % 4 + 10, c // 4 + 1, 49_152 + c
    sizes = [np.array([7 + len(pdu) for pdu in pdus])[block] for pdus in (asks, answers)]
    before = [np.cumsum(size, axis=0) - size for size in sizes]
    isn = random.integers(0, 2**32, (2, connections))
    times = turn * 10_000 + c * 60 + random.integers(0, 20, block.shape)
    mix = Mix()
    for number, flags in enumerate((0x02, 0x12, 0x10)):
        way = number != 1
        first = (isn[0] - (number < 2), isn[1] - (number < 1)) if way else (isn[1] - 1, isn[0])
        frames = ip_frames(client, server, (port, c * 0 + 502), way, 6, constant(b"", connections),
                           (*first, flags), c)  # fmt: skip
        mix.add(c * 3 + number - 1000, frames)
    for kind in range(len(blocks)):
        where = np.nonzero(block == kind)
        if not len(where[0]):
            continue
        j, k = where
        ends = client[k], server[k], (port[k], k * 0 + 502)
        for pdu, way in ((asks[kind], True), (answers[kind], False)):
            payload = np.empty((len(j), 7 + len(pdu)), np.uint8)
            payload[:, 0:2], payload[:, 2:4] = big((j + 1) & 0xFFFF, 2), 0
            payload[:, 4:6], payload[:, 6] = big(j * 0 + 1 + len(pdu), 2), 1
            payload[:, 7:] = np.frombuffer(pdu, np.uint8)
            mine, theirs = (0, 1) if way else (1, 0)
            acked = before[theirs][where] + (0 if way else sizes[0][where])
            numbers = isn[mine][k] + before[mine][where], isn[theirs][k] + acked, 0x18
            ident = j * 2 + (0 if way else 1)
            mix.add(times[where] + (0 if way else 800), ip_frames(*ends, way, 6, payload, numbers, ident))
        third = (j + k) % 3 == 0
        j, k = j[third], k[third]
        numbers = (
            isn[0][k] + before[0][j, k] + sizes[0][j, k],
            isn[1][k] + before[1][j, k] + sizes[1][j, k],
            0x10,
        )
        ends = client[k], server[k], (port[k], k * 0 + 502)
        mix.add(times[j, k] + 900, ip_frames(*ends, True, 6, constant(b"", len(j)), numbers, j * 2 + 7))
    cycles = max(packets // 100, 1)
    cyclic = np.zeros((cycles, 60), np.uint8)
    cyclic[:, :6], cyclic[:, 6:12] = hosts(np.full(cycles, 7), 2)[0], hosts(np.full(cycles, 8), 2)[0]
    cyclic[:, 12:16] = np.frombuffer(bytes.fromhex("88928001"), np.uint8)
    cyclic[:, 54:56] = big(np.arange(cycles) * 32 & 0xFFFF, 2)
    span = each * 10_000
    mix.add(np.linspace(0, span, cycles).astype(np.int64), cyclic)
    written = mix.write(path)
    truth = {"packets": written, "transactions": each * connections}
    path.with_suffix(".json").write_text(json.dumps(truth), encoding="utf-8")


def office(path: Path, packets: int, seed: int = 2) -> None:
    """Web, files, shells, names and time, in many short connections; about 570 bytes a packet."""
    from random import Random

    random = np.random.default_rng(seed)
    plain = Random(seed)
    large = random.bytes(1400)
    tls = [(True, messages.client_hello("www.example.jp", plain)), (False, messages.server_hello(plain)),
           (True, messages.tls_data(plain, 60))]  # fmt: skip
    http = [
        (True, messages.http_request("GET", "/", "10.2.0.9", "x")),
        (False, messages.http_response("200 OK", "x" * 900)),
    ]
    smb = [(True, messages.smb1_negotiate()), (False, messages.smb1_negotiated(plain))]
    ssh = [(True, b"SSH-2.0-OpenSSH_9.2\r\n"), (False, b"SSH-2.0-OpenSSH_9.6\r\n")]
    bulk = [(number % 3 == 0, large[: 200 + 1200 * (number % 3 != 0)]) for number in range(40)]
    sessions: list[tuple[int, int, list[tuple[bool, bytes]]]] = [
        (6, 443, tls + bulk), (6, 80, http * 8), (6, 445, smb + bulk), (6, 22, ssh + bulk[:20]),
        (6, 8443, tls + bulk[:12]), (17, 53, [(True, messages.dns_query(7, "www.example.jp")),
                                              (False, messages.dns_answer(7, "www.example.jp", "10.2.0.9"))]),
        (17, 123, [(True, messages.ntp(3, START_US * 1000)), (False, messages.ntp(4, START_US * 1000))]),
    ]  # fmt: skip
    weights = (5, 5, 3, 2, 5, 12, 4)
    together = sum(
        weight * (len(says) + 3 * (proto == 6))
        for weight, (proto, _, says) in zip(weights, sessions, strict=True)
    )
    mix = Mix()
    span = packets * 20
    for weight, (proto, port, says) in zip(weights, sessions, strict=True):
        flows = max(packets * weight // together, 1)
        k = np.arange(flows)
        # A hundred and twenty people with half a dozen servers of each kind.
        ends = k % 120 + 1, k % 7 + 1, (1024 + k * 7 % 60_000, k * 0 + port)
        start = random.integers(0, span, flows)
        sent = random.integers(0, 2**32, (2, flows))
        steps: list[tuple[bool, bytes, int]] = [(way, data, 0x18) for way, data in says]
        if proto == 6:
            steps = [(True, b"", 0x02), (False, b"", 0x12), (True, b"", 0x10), *steps]
        for number, (way, data, flags) in enumerate(steps):
            mine, theirs = (0, 1) if way else (1, 0)
            numbers = (sent[mine].copy(), sent[theirs].copy(), flags) if proto == 6 else None
            frames = ip_frames(*ends, way, proto, constant(data, flows), numbers, k + number)
            mix.add(start + number * 400 + k % 13, frames)
            sent[mine] += len(data) + (flags & 2 > 0)
    written = mix.write(path)
    path.with_suffix(".json").write_text(json.dumps({"packets": written}), encoding="utf-8")


def flood(path: Path, packets: int, seed: int = 3) -> None:
    """Requests from forged senders: each packet another MAC address, client, server, unit and register."""
    random = np.random.default_rng(seed)
    mix = Mix()
    for first in range(0, packets, CHUNK):
        n = min(CHUNK, packets - first)
        k = random.integers(0, 2**16, (4, n))
        payload = np.zeros((n, 12), np.uint8)
        payload[:, :2], payload[:, 5], payload[:, 6] = big(k[0], 2), 6, k[1] & 0xFF
        payload[:, 7], payload[:, 8:10], payload[:, 11] = 1 + k[2] % 6, big(k[3], 2), 1
        numbers = random.integers(0, 2**32, n), random.integers(0, 2**32, n), 0x18
        frames = ip_frames(
            k[0], k[1], (1024 + k[2] % 60_000, k[0] * 0 + 502), True, 6, payload, numbers, k[3]
        )
        frames[:, 6:12] = big(random.integers(0, 2**46, n) << 1, 6)
        frames[:, 26:34] = random.integers(1, 223, (n, 8), np.uint8)
        mix.add(first * 20 + np.arange(n) * 20, frames)
    written = mix.write(path)
    path.with_suffix(".json").write_text(json.dumps({"packets": written}), encoding="utf-8")


def head(path: Path, packets: int) -> Path:
    """The first packets of a capture as a file of its own."""
    part = path.with_name(f"{path.stem}-{packets}.pcap")
    if not part.exists():
        with path.open("rb") as whole, part.open("wb") as out:
            out.write(whole.read(24))
            for _ in range(packets):
                record = whole.read(RECORD)
                out.write(record + whole.read(int.from_bytes(record[8:12], "little")))
    return part


def made(kind: str, folder: Path, packets: int) -> Path:
    """The capture of a kind, made in a process of its own: what a process once held counts as the peak
    memory of those that it starts."""
    path = folder / f"{kind}-of-{packets}.pcap"
    if not path.with_suffix(".json").exists():
        command = [sys.executable, "-m", "tests.bench.captures", kind, str(path), str(packets)]
        subprocess.run(command, check=True)
    return path


MAKERS: dict[str, Callable[[Path, int], None]] = {"factory": factory, "office": office, "flood": flood}

if __name__ == "__main__":
    MAKERS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
