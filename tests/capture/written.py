"""Captures that the tests write byte by byte, and what otmon reads of them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal, NamedTuple

from otmon.capture.batch import Batch, InputDamage
from otmon.capture.compressed import BytesIn
from otmon.capture.pcap import read_pcap
from otmon.capture.pcapng import read_pcapng
from otmon.capture.window import Window

Order = Literal["<", ">"]
ORDERS: tuple[Order, ...] = ("<", ">")
SECOND = 1_000_000_000
T0 = 1_700_000_000
"""Seconds since 1970 of most packets here."""


class Packet(NamedTuple):
    data: bytes
    time_ns: int = T0 * SECOND
    wirelen: int = -1
    """-1: as long as the data."""
    linktype: int = 1

    @property
    def wire(self) -> int:
        return len(self.data) if self.wirelen < 0 else self.wirelen


class Damage(NamedTuple):
    kind: str
    offset: int
    count: int = 1


@dataclass(frozen=True)
class Delivered:
    """What a reader gave for one source."""

    packets: list[Packet]
    offsets: list[int]
    """Of each packet's first byte in the uncompressed source."""
    damage: list[Damage]
    details: list[str]
    interfaces: list[bytes]
    """By which each packet came in, b"" where nobody says."""

    @property
    def data(self) -> list[bytes]:
        return [packet.data for packet in self.packets]


def delivered(items: Iterable[Batch | InputDamage]) -> Delivered:
    """All items of a reader, held against the promises of `Batch`."""
    found = Delivered([], [], [], [], [])
    for item in items:
        if isinstance(item, InputDamage):
            found.damage.append(Damage(item.kind, item.offset, item.count))
            found.details.append(item.detail)
            continue
        assert item.first_number == len(found.packets) + 1
        rows = zip(item.start, item.caplen, item.wirelen, item.time_ns, item.linktype, strict=True)
        for start, caplen, wirelen, time_ns, linktype in rows:
            assert 0 <= start <= start + caplen <= len(item.buf)
            data = item.buf[start : start + caplen].tobytes()
            found.packets.append(Packet(data, int(time_ns), int(wirelen), int(linktype)))
            found.offsets.append(item.base + int(start))
        numbers = [-1] * len(item.start) if item.interface is None else item.interface.tolist()
        assert len(numbers) == len(item.start)
        found.interfaces.extend(item.interfaces[number] if number >= 0 else b"" for number in numbers)
    return found


class Pieces(io.RawIOBase):
    """A pipe that gives its bytes in pieces of these sizes, again and again."""

    def __init__(self, data: bytes, sizes: Iterable[int]) -> None:
        self._data = memoryview(data)
        self._sizes = cycle(sizes)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), next(self._sizes), len(self._data))
        buffer[:size] = self._data[:size]
        self._data = self._data[size:]
        return size


def _read_with(
    reader: Callable[[Window], Iterator[Batch | InputDamage]], data: bytes, sizes: Iterable[int] = (1 << 30,)
) -> Delivered:
    window = Window("written", BytesIn(Pieces(data, sizes), len(data)))
    window.refill()

    def items() -> Iterator[Batch | InputDamage]:
        yield from reader(window)
        yield from window.last_words()

    found = delivered(items())
    assert all(0 <= damage.offset <= len(data) or damage.offset == -1 for damage in found.damage)
    return found


def pcap_packets(data: bytes, sizes: Iterable[int] = (1 << 30,)) -> Delivered:
    return _read_with(read_pcap, data, sizes)


def pcapng_packets(data: bytes, sizes: Iterable[int] = (1 << 30,)) -> Delivered:
    return _read_with(read_pcapng, data, sizes)


def pcap_header(order: Order = "<", *, nano: bool = False, snap: int = 65535, link: int = 1) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap, link)


def record(packet: Packet, order: Order = "<", *, nano: bool = False) -> bytes:
    seconds, fraction = divmod(packet.time_ns, SECOND)
    fraction //= 1 if nano else 1000
    head = struct.pack(f"{order}IIII", seconds, fraction, len(packet.data), packet.wire)
    return head + packet.data


def pcap(packets: Iterable[Packet], order: Order = "<", *, nano: bool = False, snap: int = 65535) -> bytes:
    records = (record(packet, order, nano=nano) for packet in packets)
    return pcap_header(order, nano=nano, snap=snap) + b"".join(records)


def block(kind: int, body: bytes, order: Order = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def options(*pairs: tuple[int, bytes], order: Order = "<") -> bytes:
    """Options with their end mark."""
    out = b""
    for code, value in (*pairs, (0, b"")):
        out += struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)
    return out


def section(order: Order = "<", more: bytes = b"") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1) + more, order)


def interface(
    order: Order = "<",
    *,
    link: int = 1,
    snap: int = 0,
    tsresol: int | None = None,
    tsoffset: int | None = None,
    more: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    pairs = list(more)
    if tsresol is not None:
        pairs.append((9, bytes([tsresol])))
    if tsoffset is not None:
        pairs.append((14, struct.pack(f"{order}q", tsoffset)))
    body = struct.pack(f"{order}HHI", link, 0, snap)
    return block(1, body + (options(*pairs, order=order) if pairs else b""), order)


def enhanced(
    data: bytes,
    ticks: int = T0 * 1_000_000,
    order: Order = "<",
    *,
    interface_id: int = 0,
    wire: int = -1,
    more: bytes = b"",
) -> bytes:
    wire = len(data) if wire < 0 else wire
    head = struct.pack(f"{order}IIIII", interface_id, ticks >> 32, ticks & 0xFFFFFFFF, len(data), wire)
    return block(6, head + data + bytes(-len(data) % 4) + more, order)


def simple(data: bytes, order: Order = "<", *, wire: int = -1) -> bytes:
    return block(3, struct.pack(f"{order}I", len(data) if wire < 0 else wire) + data, order)


def obsolete(
    data: bytes, ticks: int = T0 * 1_000_000, order: Order = "<", *, interface_id: int = 0, drops: int = 0
) -> bytes:
    head = struct.pack(
        f"{order}HHIIII", interface_id, drops, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)
    )
    return block(2, head + data, order)


def ethernet(number: int, size: int = 60) -> bytes:
    """A frame that tells its number and looks like no record of a capture."""
    return (b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x88\xb5" + struct.pack(">I", number)).ljust(
        size, b"\xaa"
    )


def row(count: int, first: int = 0, *, step_ns: int = 1_000_000, size: int = 60) -> list[Packet]:
    """Packets one millisecond apart."""
    return [
        Packet(ethernet(i, size), T0 * SECOND + i * step_ns, size, 1) for i in range(first, first + count)
    ]
