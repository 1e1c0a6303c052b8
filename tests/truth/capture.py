"""Captures with known truth: packets in the order in which a tap saw them, the transactions that
they hold, and the comparison with what the program found.

The truth is counted, not decoded: every packet says which bytes of which stream it brings. A byte
arrives with the first packet that has it; a datagram in fragments arrives with the packet that
completes it; a message is seen when all its bytes have arrived, in the last packet that one of them
came with.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields, replace
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from otmon.engine import replay
from otmon.ledger.ledger import Ledger
from tests.truth.frames import (
    PLAIN,
    TCP,
    UDP,
    Extension,
    Link,
    fragments,
    ipv4,
    ipv6,
    tcp,
    udp,
)
from tests.truth.talk import MICROSECOND, SERVER, Exchange, Segment, Talk

NEVER = np.iinfo(np.int64).max
SHOWN = 12
"""Differences in a failure's message."""

_datagrams = count(1)


@dataclass(frozen=True, slots=True)
class Packet:
    """One frame, and what it brings."""

    time_ns: int
    sender: int
    datagram: bytes
    link: Link
    talk: Talk | None = None
    """None: it brings nothing."""
    start: int = 0
    end: int = 0
    identity: int = 0
    """Of the datagram; copies and fragments of one have the same."""
    piece: tuple[int, int, int] = (0, 1, 1)
    """First byte, behind the last byte, and size of the datagram, of which this is a fragment."""

    @property
    def frame(self) -> bytes:
        return self.link.wrap(self.datagram, self.sender)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A row of ``--transactions`` without its source."""

    time_ns: int
    client: str
    client_port: int
    server: str
    server_port: int
    transport: str
    vlan: int | None
    unit: int
    transaction: int | None
    function: int
    subfunction: int | None
    address: int | None
    count: int | None
    exception: int
    request_packet: int | None
    response_packet: int | None
    response_time_ns: int | None


COLUMNS = tuple(column.name for column in fields(Transaction))


def packets(
    talk: Talk,
    segments: Iterable[Segment],
    link: Link = PLAIN,
    *,
    options: bytes = b"",
    extensions: tuple[Extension, ...] = (),
    tcp_options: bytes = b"",
) -> list[Packet]:
    """A packet for each segment. `options` are IPv4's, `extensions` IPv6's."""
    made = []
    idents = [talk.client_port * 613, talk.client_port * 613 + 307]
    for segment in segments:
        sender = segment.sender
        hosts = (talk.server, talk.client) if sender == SERVER else (talk.client, talk.server)
        ports = (talk.client_port, talk.server_port)
        ports = (ports[1], ports[0]) if sender == SERVER else ports
        payload = segment.payload
        if payload is None:
            payload = bytes(talk.streams[sender][max(segment.start, 0) : max(segment.end, 0)])
        if talk.transport == "tcp":
            numbers = (
                talk.isn[sender] + 1 + segment.start,
                talk.isn[1 - sender] + 1 + segment.acknowledged if segment.flags & 16 else 0,
            )
            data = tcp(*hosts, ports, numbers, segment.flags, segment.window, payload, tcp_options)
            protocol = TCP
        else:
            data, protocol = udp(*hosts, ports, payload), UDP
        idents[sender] += 1
        if ":" in talk.client:
            datagram = ipv6(*hosts, protocol, data, extensions)
        else:
            datagram = ipv4(*hosts, protocol, data, idents[sender], options=options, position=0x4000)
        made.append(
            Packet(segment.time_ns, sender, datagram, link, talk, max(segment.start, 0), max(segment.end, 0),
                   next(_datagrams))
        )  # fmt: skip
    return made


def fragmented(
    whole: Iterable[Packet], size: int, order: Callable[[list[Packet]], list[Packet]] = list
) -> list[Packet]:
    """Every packet in fragments of at most `size` bytes, those of each in the order that `order`
    gives them, two microseconds apart."""
    made: list[Packet] = []
    for packet in whole:
        pieces = fragments(packet.datagram, size)
        total = pieces[-1][2]
        if len(pieces) == 1:
            made.append(packet)
            continue
        parts = [replace(packet, datagram=data, piece=(start, end, total)) for data, start, end in pieces]
        for i, part in enumerate(order(parts)):
            made.append(replace(part, time_ns=packet.time_ns + 2 * MICROSECOND * i))
    return made


def mirrored(once: Iterable[Packet], after_ns: int, change: Callable[[Packet], Packet]) -> list[Packet]:
    """Each packet a second time after `after_ns`, as `change` makes it."""
    return [
        p for packet in once for p in (packet, change(replace(packet, time_ns=packet.time_ns + after_ns)))
    ]


@dataclass(frozen=True, slots=True)
class Capture:
    """Packets in capture order. `anomalies` are the reasons that the ledger must name, and no
    others; `duplicates` is how many packets are a mirror's copies."""

    name: str
    packets: tuple[Packet, ...]
    anomalies: frozenset[str] = frozenset()
    duplicates: int = 0


def capture(
    name: str, *talks: Iterable[Packet], anomalies: Iterable[str] = (), duplicates: int = 0
) -> Capture:
    """A capture of several conversations at once, in order of time."""
    merged = sorted((p for made in talks for p in made), key=lambda packet: packet.time_ns)
    return Capture(name, tuple(merged), frozenset(anomalies), duplicates)


def _arrivals(cap: Capture) -> dict[tuple[int, int], np.ndarray]:
    """For each stream (identity of its talk, sender) the packet that each byte arrives with."""
    datagrams: dict[int, np.ndarray] = {}
    arrivals: dict[tuple[int, int], np.ndarray] = {}
    for number, packet in enumerate(cap.packets, 1):
        if packet.talk is None or packet.end <= packet.start:
            continue
        first, behind, total = packet.piece
        pieces = datagrams.setdefault(packet.identity, np.full(total, NEVER))
        if pieces.max() < NEVER:
            continue
        np.minimum(pieces[first:behind], number, out=pieces[first:behind])
        if pieces.max() == NEVER:
            continue
        key = id(packet.talk), packet.sender
        stream = arrivals.setdefault(key, np.full(len(packet.talk.streams[packet.sender]), NEVER))
        np.minimum(stream[packet.start : packet.end], number, out=stream[packet.start : packet.end])
    return arrivals


def truth(cap: Capture) -> list[tuple[Talk, Transaction]]:
    """Every transaction of which the request or the response is in the capture."""
    arrivals = _arrivals(cap)
    vlans: dict[int, int | None] = {}
    talks: dict[int, Talk] = {}
    for packet in cap.packets:
        if packet.talk is not None:
            talks[id(packet.talk)] = packet.talk
            vlans.setdefault(id(packet.talk), packet.link.vlan)
    rows = []
    for key, talk in talks.items():
        found: dict[int, list[int | None]] = {number: [None, None] for number in talk.exchanges}
        for place in talk.places:
            arrival = arrivals.get((key, place.sender))
            if arrival is not None:
                last = int(arrival[place.start : place.end].max())
                found[place.exchange][place.sender] = None if last == NEVER else last
        for number, exchange in talk.exchanges.items():
            request, response = found[number]
            if request is not None or response is not None:
                row = _row(cap, talk, exchange, (request, response), vlans[key])
                rows.append((talk, row))
    return rows


def _row(
    cap: Capture, talk: Talk, exchange: Exchange, numbers: tuple[int | None, int | None], vlan: int | None
) -> Transaction:
    request, response = numbers
    message = exchange.message
    address, amount, subfunction = message.address, message.count, message.subfunction
    if request is None:
        echoed = message.echo and not exchange.exception
        address, amount = (address, amount) if echoed else (None, None)
        subfunction = subfunction if message.echo_subfunction and not exchange.exception else None
    took = None
    if request is not None and response is not None:
        if request > response:
            raise ValueError(f"{cap.name}: {talk.name}: packet {response} answers packet {request}")
        took = cap.packets[response - 1].time_ns - cap.packets[request - 1].time_ns
    first = response if request is None else request
    assert first is not None
    return Transaction(
        cap.packets[first - 1].time_ns, talk.client, talk.client_port, talk.server, talk.server_port,
        talk.transport, vlan, exchange.unit, exchange.transaction if talk.framing == "mbap" else None,
        message.function, subfunction, address, amount, exchange.exception if response else 0,
        request, response, took,
    )  # fmt: skip


def write(cap: Capture, path: Path) -> Path:
    """The capture as a pcapng file of nanoseconds, an interface for each of its link types."""
    kinds = sorted({packet.link.linktype for packet in cap.packets}) or [PLAIN.linktype]
    out = bytearray(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
    for kind in kinds:
        out += block(1, struct.pack("<HHI", kind, 0, 0) + struct.pack("<HHBxxxHH", 9, 1, 9, 0, 0))
    for packet in cap.packets:
        frame = packet.frame
        head = struct.pack(
            "<IIIII",
            kinds.index(packet.link.linktype),
            packet.time_ns >> 32,
            packet.time_ns & 0xFFFFFFFF,
            len(frame),
            len(frame),
        )
        out += block(6, head + frame + bytes(-len(frame) % 4))
    path.write_bytes(out)
    return path


def block(kind: int, body: bytes) -> bytes:
    """A pcapng block; `body` is whole words."""
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


@dataclass(frozen=True, slots=True)
class Found:
    """What the program made of a capture."""

    ledger: Ledger
    transactions: list[Transaction]
    path: Path

    def counter(self, name: str) -> int:
        return sum(dict(source.counters).get(name, 0) for source in self.ledger.sources)


def read(path: Path) -> Found:
    """Replay a capture file."""
    rows = path.with_suffix(".parquet")
    ledger = replay([str(path)], transactions=str(rows)).ledger
    table = pq.read_table(rows, columns=list(COLUMNS)).to_pylist()
    return Found(ledger, [Transaction(**row) for row in table], path)


def check(cap: Capture, folder: Path) -> Found:
    """Replay the capture and hold what was found against its truth, the counts against each other,
    and the anomalies against those that it has."""
    name = "".join(c if c.isalnum() else "-" for c in cap.name)
    found = read(write(cap, folder / f"{name}.pcapng"))
    expected = truth(cap)
    complaints = _differences(expected, found.transactions)
    complaints += _miscounts(cap, found, [row for _, row in expected])
    if complaints:
        pytest.fail(
            f"{cap.name}: {len(cap.packets)} packets in {found.path}\n" + "\n".join(complaints), pytrace=False
        )
    return found


def _differences(expected: list[tuple[Talk, Transaction]], found: list[Transaction]) -> list[str]:
    """Nothing where both hold the same rows; else the conversations in which they do not."""
    names = {astuple(row): talk.name for talk, row in expected}
    missing = Counter(row for _, row in expected) - Counter(found)
    extra = Counter(found) - Counter(row for _, row in expected)
    if not missing and not extra:
        return []
    lines = [
        f"{len(expected)} transactions expected, {len(found)} found, "
        f"{missing.total()} missing, {extra.total()} too many"
    ]
    spare = sorted(extra.elements(), key=lambda row: row.time_ns)
    for row in sorted(missing.elements(), key=lambda row: row.time_ns)[:SHOWN]:
        lines.append(f"  {names[astuple(row)]}: missing {_text(row)}")
        same = min(spare, key=lambda other: _unlike(row, other), default=None)
        if same is not None and _unlike(row, same) <= len(COLUMNS) // 3:
            spare.remove(same)
            unlike = [c for c in COLUMNS if getattr(row, c) != getattr(same, c)]
            lines += [f"    {c}: expected {getattr(row, c)}, found {getattr(same, c)}" for c in unlike]
    lines += [f"  too many: {_text(row)}" for row in spare[:SHOWN]]
    return lines


def _unlike(a: Transaction, b: Transaction) -> int:
    return sum(x != y for x, y in zip(astuple(a), astuple(b), strict=True))


def _text(row: Transaction) -> str:
    return (
        f"packets {row.request_packet}/{row.response_packet}: {row.client}:{row.client_port} -> "
        f"{row.server}:{row.server_port}/{row.transport} vlan {row.vlan} unit {row.unit} "
        f"transaction {row.transaction} function {row.function}/{row.subfunction} "
        f"address {row.address} count {row.count} exception {row.exception}"
    )


def _miscounts(cap: Capture, found: Found, expected: list[Transaction]) -> list[str]:
    """The ledger's own counts, which must tell the same as the rows."""
    unanswered = sum(row.response_packet is None for row in expected)
    operations = sum(operation.times for operation in found.ledger.operations)
    halves = sum(row.function == 23 and row.request_packet is not None for row in expected)
    reasons = sorted({anomaly.reason for anomaly in found.ledger.anomalies})
    told = {
        "packets": (len(cap.packets), found.counter("packets")),
        "transactions": (len(expected), found.counter("transactions")),
        "unanswered": (
            unanswered,
            found.counter("requests unanswered") + found.counter("requests open at the end"),
        ),
        "responses without request": (
            sum(row.request_packet is None for row in expected),
            found.counter("responses without request"),
        ),
        "times of operations (function 23 has two)": (len(expected) + halves, operations),
        "duplicate frames": (cap.duplicates, found.counter("duplicate frames")),
        "anomalies": (sorted(cap.anomalies), reasons),
        "damage": (0, len(found.ledger.damage)),
    }
    return [f"  {what}: expected {a}, counted {b}" for what, (a, b) in told.items() if a != b]
