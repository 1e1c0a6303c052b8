"""Frames made by the thousand with numpy, and a capture file that holds them in the order of time.

Each argument that differs from frame to frame is an array with one number for each; addresses are
32-bit numbers, and a MAC address follows from its host's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

START_US = 1_776_100_000_000_000
FILE_HEADER = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
"""A pcap file of microseconds and Ethernet."""
RECORD_BYTES, ETHERNET_BYTES, IP_BYTES = 16, 14, 20
SMALLEST_FRAME = 60
TCP, UDP = 6, 17
SYN, SYN_ACK, ACK, PUSH, FIN = 0x02, 0x12, 0x10, 0x18, 0x11
VENDOR = 0x0080F4 << 24
ROWS_AT_ONCE = 50_000
"""What is indexed byte by byte takes eight times its size."""


def big(values: Ints, size: int) -> Bytes:
    """The numbers as big-endian bytes: uint8[n, size]."""
    return np.ascontiguousarray(values, np.int64).astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]


def same(data: bytes, n: int) -> Bytes:
    """One payload for all: uint8[n, length]."""
    return np.broadcast_to(np.frombuffer(data, np.uint8), (n, len(data)))


def mac_of(address: Ints) -> Ints:
    return VENDOR | address & 0xFFFFFF


class Ends(NamedTuple):
    """Who sends to whom."""

    source: Ints
    target: Ints
    source_port: Ints
    target_port: Ints

    def turned(self) -> Ends:
        return Ends(self.target, self.source, self.target_port, self.source_port)


class TcpState(NamedTuple):
    sequence: Ints
    acknowledged: Ints
    flags: int


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
        """Write a pcap file; returns the number of packets."""
        times = np.concatenate(self.times)
        times -= times.min()
        lengths = np.concatenate([np.full(len(f), RECORD_BYTES + f.shape[1], np.int64) for f in self.frames])
        order = np.argsort(times, kind="stable")
        offsets = np.empty(len(times), np.int64)
        offsets[order] = len(FILE_HEADER) + np.cumsum(lengths[order]) - lengths[order]
        out = np.memmap(path, np.uint8, "w+", shape=(len(FILE_HEADER) + int(lengths.sum()),))
        out[: len(FILE_HEADER)] = np.frombuffer(FILE_HEADER, np.uint8)
        at = 0
        for frames in self.frames:
            for first in range(0, len(frames), ROWS_AT_ONCE):
                rows = frames[first : first + ROWS_AT_ONCE]
                which = slice(at + first, at + first + len(rows))
                head = np.empty((len(rows), 4), "<u4")
                head[:, 0], head[:, 1] = divmod(START_US + times[which], 1_000_000)
                head[:, 2:] = frames.shape[1]
                record = np.concatenate([head.view(np.uint8), rows], axis=1)
                out[offsets[which, None] + np.arange(record.shape[1])] = record
            at += len(frames)
        out.flush()
        return len(times)


def ethernet(source_mac: Ints, target_mac: Ints, rest: Bytes) -> Bytes:
    """`rest` begins with the EtherType."""
    n, size = rest.shape
    out = np.zeros((n, max(12 + size, SMALLEST_FRAME)), np.uint8)
    out[:, :6], out[:, 6:12], out[:, 12 : 12 + size] = big(target_mac, 6), big(source_mac, 6), rest
    return out


def ip_frames(ends: Ends, payload: Bytes, ident: Ints, tcp: TcpState | None) -> Bytes:
    """IPv4 with TCP, or UDP where there is no state of TCP, with right sums."""
    n, size = payload.shape
    header = 20 if tcp else 8
    whole = IP_BYTES + header + size
    out = np.zeros((n, max(ETHERNET_BYTES + whole, SMALLEST_FRAME)), np.uint8)
    out[:, :6], out[:, 6:12], out[:, 12] = big(mac_of(ends.target), 6), big(mac_of(ends.source), 6), 8
    ip = out[:, ETHERNET_BYTES : ETHERNET_BYTES + IP_BYTES]
    ip[:, 0], ip[:, 8], ip[:, 9] = 0x45, 64, TCP if tcp else UDP
    ip[:, 2:4], ip[:, 4:6] = big(np.full(n, whole), 2), big(ident & 0xFFFF, 2)
    ip[:, 12:16], ip[:, 16:20] = big(ends.source, 4), big(ends.target, 4)
    ip[:, 10:12] = big(_checksum(_words(ip)), 2)
    data = out[:, ETHERNET_BYTES + IP_BYTES : ETHERNET_BYTES + whole]
    data[:, 0:2], data[:, 2:4], data[:, header:] = big(ends.source_port, 2), big(ends.target_port, 2), payload
    pseudo = _words(ip[:, 12:20]) + (TCP if tcp else UDP) + header + size
    if tcp:
        data[:, 4:8], data[:, 8:12] = big(tcp.sequence % 2**32, 4), big(tcp.acknowledged % 2**32, 4)
        data[:, 12], data[:, 13], data[:, 14] = 0x50, tcp.flags, 0x20
        data[:, 16:18] = big(_checksum(_words(data) + pseudo), 2)
    else:
        data[:, 4:6] = big(np.full(n, header + size), 2)
        found = _checksum(_words(data) + pseudo)
        data[:, 6:8] = big(np.where(found == 0, 0xFFFF, found), 2)  # RFC 768: 0 is no sum
    return out


def _words(data: Bytes) -> Ints:
    high, low = data[:, 0::2], data[:, 1::2]
    return high.sum(axis=1, dtype=np.int64) * 256 + low.sum(axis=1, dtype=np.int64)


def _checksum(total: Ints) -> Ints:
    """RFC 1071."""
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Says(NamedTuple):
    """A step of a session: what is said, then that many bytes that differ in each session."""

    from_client: bool
    words: bytes = b""
    noise: int = 0
    flags: int = PUSH


HELLO = (Says(True, flags=SYN), Says(False, flags=SYN_ACK), Says(True, flags=ACK))
BYE = (Says(True, flags=FIN), Says(False, flags=FIN), Says(True, flags=ACK))


def add_sessions(
    mix: Mix, ends: Ends, says: Sequence[Says], starts_us: Ints, gap_us: int, random: np.random.Generator,
    over_tcp: bool = True,
) -> None:  # fmt: skip
    """The same steps for each of `ends`, whose sources are the clients."""
    n = len(starts_us)
    sent = {True: random.integers(0, 2**32, n), False: random.integers(0, 2**32, n)}
    for number, step in enumerate(says):
        mine, theirs = step.from_client, not step.from_client
        noise = random.integers(0, 256, (n, step.noise), np.uint8)
        payload = np.concatenate([same(step.words, n), noise], axis=1)
        known = sent[theirs] * (step.flags != SYN)
        state = TcpState(sent[mine].copy(), known, step.flags) if over_tcp else None
        frames = ip_frames(ends if mine else ends.turned(), payload, sent[mine] + number, state)
        mix.add(starts_us + number * gap_us + random.integers(0, gap_us // 2, n), frames)
        sent[mine] += payload.shape[1] + (step.flags & (SYN | FIN & ~ACK) > 0)
