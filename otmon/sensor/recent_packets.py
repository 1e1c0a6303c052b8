"""The packets of the last moments, kept in memory to prove findings with.

The ring's blocks are copied here as they come, the oldest give way. When a finding comes up, the packets
of its two addresses are written out as a small capture.

A password in a capture would be a password on a disk: only the headers are written, up to where the
payload begins, of every packet but those that can hold none: Modbus knows no log-in, nor do ARP and those
factory protocols below IP that carry values or names alone. Schneider's UMAS does, in a function of Modbus
(Kaspersky ICS CERT, The secrets of Schneider Electric's UMAS protocol, 2022: the hash of the application
password): of it the subfunction is the last byte that is written. Of commands of other factory protocols what
tells the command is written, too (`otmon.protocols.command_heads`).
"""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from otmon.capture.batch import Batch
from otmon.capture.byte_search import latest
from otmon.decode import ip
from otmon.decode.fields import (
    AT,
    BUFFER,
    COUNTERS,
    DPORT,
    END,
    FAMILY,
    FIELDS,
    FRAGMENT,
    HEADER,
    PROTO,
    SPORT,
)
from otmon.decode.link import LINKTYPE_ETHERNET
from otmon.decode.packet import decode_packet
from otmon.detect.finding import Finding, Link
from otmon.protocols.command_heads import head_of
from otmon.protocols.modbus import M_COLUMNS, UMAS
from otmon.protocols.modbus_framing import HEADER as MBAP_BYTES
from otmon.protocols.modbus_framing import MBAP, recognise
from otmon.protocols.registry import PROTOCOLS

MEMORY_BYTES: Final = 32 << 20
"""Seventeen seconds of polling by 20,000 packets a second; what is new is judged within two."""
PACKETS: Final = 200
"""Packets of one finding."""
ADDRESSES_WITHIN: Final = 256
"""Where in a packet its addresses are looked for, tunnels and tags included."""
_UMAS_BYTES: Final = 3
"""Function, session and subfunction."""
_IP_HEADER: Final = 20
"""Bytes that are kept of a fragment from its IP header on."""
_ARP: Final = 0x0806
_PLAIN: Final = frozenset({"dlr", "goose", "gse_management", "mrp", "profinet", "sampled_values"})
"""Not EtherCAT, whose mailbox carries frames of others and a password for files (ETG.1000.6, EoE and FoE),
nor POWERLINK and Sercos III, which carry IP, nor CC-Link IE, which carries SLMP."""
_HARMLESS: Final = frozenset({_ARP}).union(*(one.ethertypes for one in PROTOCOLS if one.id in _PLAIN))
"""EtherTypes whose frames hold no secret."""


NOBODY: Final = Link()
"""The link of a finding that names no connection."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One packet that is written out."""

    number: int
    time_ns: int
    data: bytes
    """Without the payload, where that may hold a secret."""
    wire_length: int


@dataclass(frozen=True, slots=True)
class Block:
    """Packets that were copied, or are still in the buffer of who reads them."""

    data: bytes | npt.NDArray[np.uint8]
    start: npt.NDArray[np.int32]
    caplen: npt.NDArray[np.int32]
    wirelen: npt.NDArray[np.int32]
    time_ns: npt.NDArray[np.int64]
    first_number: int


class Proving(Protocol):
    """One that has packets of the last moments."""

    linktype: int

    def around(self, finding: Finding, source: str) -> list[Kept]:
        """The packets of the finding's addresses that are still here."""


class RecentPackets:
    """Packets of one interface; `add` is called by its thread, the rest by another one."""

    def __init__(self, linktype: int, memory_bytes: int = MEMORY_BYTES) -> None:
        self.linktype = linktype
        self._room = memory_bytes
        self._size = 0
        self._blocks: deque[Block] = deque()
        self._lock = threading.Lock()

    def add(self, batch: Batch, packets_before: int) -> None:
        """Copy a batch of packets."""
        if not len(batch.start) or not self._room:
            return
        begin = int(batch.start[0])
        end = int((batch.start + batch.caplen).max())
        block = Block(
            batch.buf[begin:end].tobytes(),
            (batch.start - begin).astype(np.int32),
            batch.caplen.astype(np.int32),
            batch.wirelen.astype(np.int32),
            batch.time_ns.copy(),
            batch.first_number + packets_before,
        )
        with self._lock:
            self._blocks.append(block)
            self._size += _size(block)
            while self._size > self._room:
                self._size -= _size(self._blocks.popleft())

    def around(self, finding: Finding, source: str) -> list[Kept]:
        """The packets of the finding's addresses that are still here, in their order: those that its
        evidence names, and the latest of the others."""
        return self.packets(*wanted_for(finding, source), finding.link)

    def packets(self, wanted: set[int], needles: list[bytes], link: Link = NOBODY) -> list[Kept]:
        """The same for packets by their numbers, and the addresses as they are on the wire."""
        with self._lock:
            blocks = list(self._blocks)
        named = [
            (block, number - block.first_number)
            for block in blocks
            for number in wanted
            if 0 <= number - block.first_number < len(block.start)
        ]
        chosen = [*named, *_latest(blocks, needles, wanted, PACKETS - len(named))]
        cut = Cut(self.linktype, link)
        return sorted((cut.kept(block, index) for block, index in chosen), key=lambda one: one.number)


def wanted_for(finding: Finding, source: str) -> tuple[set[int], list[bytes]]:
    """The packets that a finding names in `source`, and its addresses as they are on the wire."""
    needles = [_on_the_wire(one) for one in (finding.link.client, finding.link.server) if one]
    return {one.packet for one in finding.evidence if one.source == source}, needles


def _size(block: Block) -> int:
    return len(block.data) + 3 * block.start.nbytes + block.time_ns.nbytes


def _on_the_wire(address: str) -> bytes:
    try:
        return ipaddress.ip_address(address).packed
    except ValueError:
        return bytes.fromhex(address.replace(":", ""))


def _latest(
    blocks: list[Block], needles: list[bytes], without: set[int], most: int
) -> list[tuple[Block, int]]:
    """The latest packets that name all addresses; none where there is no address. Blocks are looked through
    from the last one, and no further than is needed: two hosts that poll each other are in every one of
    them."""
    found: list[tuple[Block, int]] = []
    for block in reversed(blocks if needles else []):
        left = most - len(found)
        if left <= 0:
            break
        # So many that those which are known already can be left out.
        data = np.frombuffer(block.data, np.uint8)
        start, caplen = block.start.astype(np.int64), block.caplen.astype(np.int64)
        here = latest(data, start, caplen, needles, ADDRESSES_WITHIN, left + len(without))
        other = [(block, i) for i in here if block.first_number + i not in without]
        found += other[-left:]
    return found


def compile_cut() -> None:
    """Compile or load what cuts packets, before a finding waits for it."""
    none = np.zeros(1, np.int64)
    latest(np.frombuffer(bytes(1), np.uint8), none, none, [b"1"], 1, 1)
    cut = Cut(LINKTYPE_ETHERNET)
    short = none.astype(np.int32)
    cut.kept(Block(bytes(60), short, short + 60, short + 60, none, 1), 0)
    cut.recognised(np.zeros(60, np.uint8))


def _before_umas(frame: npt.NDArray[np.uint8], at: int, end: int) -> int:
    """How much of a frame is written where messages of Modbus are in ``frame[at:end]``: all, or up to what
    the first one of UMAS is."""
    while at + MBAP_BYTES < end:
        if frame[at + MBAP_BYTES] & 0x7F == UMAS:
            return at + MBAP_BYTES + _UMAS_BYTES
        at += 6 + (int(frame[at + 4]) << 8 | int(frame[at + 5]))
    return len(frame)


class Cut:
    """Decodes packets anew, to know where their payload begins. Of what is said in the protocol and at the
    server's port of `link`, commands are kept as far as that tells them."""

    def __init__(self, linktype: int, link: Link = NOBODY) -> None:
        self._linktype = linktype
        self._link = link
        self._row = np.zeros(FIELDS, np.int64)
        self._slots = np.zeros((ip.SLOTS, ip.COLUMNS), np.int64)
        self._data = np.zeros(ip.SLOTS * ip.DATAGRAM, np.uint8)
        self._units = np.zeros((ip.SLOTS, ip.DATAGRAM // ip.UNIT), np.uint8)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._pdu = np.zeros(M_COLUMNS, np.int64)

    def kept(self, block: Block, index: int) -> Kept:
        """A packet as it is written."""
        start, size = int(block.start[index]), int(block.caplen[index])
        frame = np.frombuffer(block.data, np.uint8)[start : start + size].copy()
        row = self._row
        self._slots[:] = 0
        decode_packet(
            frame, 0, size, int(block.wirelen[index]), self._linktype, int(block.time_ns[index]), row,
            self._slots, self._data, self._units, self._counters,
        )  # fmt: skip
        end = size
        if row[FAMILY] not in (4, 6):
            if row[FAMILY] != 2 or int(row[PROTO]) not in _HARMLESS:
                end = min(size, int(row[HEADER]))
        elif row[BUFFER] or row[FRAGMENT]:
            end = min(size, int(row[HEADER]) + _IP_HEADER)
        elif self.recognised(frame) != MBAP:
            end = min(size, int(row[AT]) + self._head(frame))
        else:
            end = min(size, _before_umas(frame, int(row[AT]), int(row[END])))
        return Kept(
            block.first_number + index,
            int(block.time_ns[index]),
            frame[:end].tobytes(),
            int(block.wirelen[index]),
        )

    def _head(self, frame: npt.NDArray[np.uint8]) -> int:
        """How much of the payload tells a command, or its answer."""
        row, link = self._row, self._link
        if not link.port or link.port not in (row[SPORT], row[DPORT]):
            return 0
        return head_of(link.protocol, frame[int(row[AT]) : int(row[END])].tobytes())

    def recognised(self, frame: npt.NDArray[np.uint8]) -> int:
        return int(recognise(frame, int(self._row[AT]), int(self._row[END]), True, self._pdu))
