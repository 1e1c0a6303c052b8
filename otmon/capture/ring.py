"""Packets of a live interface: the kernel's ring of blocks, handed out as batches without a copy.

Linux puts the packets of an AF_PACKET socket into blocks of memory that it shares with this process
(TPACKET_V3, Documentation/networking/packet_mmap.rst). A block is ours from the moment at which its
status says so until we give it back; while all are ours the kernel drops packets, and counts them.

Contract: the socket only receives. It is bound to one interface, has no transmit ring, and nothing
here sends on it. A block is read after its status; the GIL, which a thread takes in between, orders
the two on machines that would not.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
import socket
import struct
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from otmon.capture.batch import Batch
from otmon.kernel import Bytes, Ints, inlined, kernel
from otmon.sentence import Complaint, placed, sentence

Words = npt.NDArray[np.uint32]

# linux/if_packet.h
_SOL_PACKET: Final = 263
_ADD_MEMBERSHIP: Final = 1
_RX_RING: Final = 5
_STATISTICS: Final = 6
_VERSION: Final = 10
_TIMESTAMP: Final = 17
_FANOUT: Final = 18
_FANOUT_DATA: Final = 22
_IGNORE_OUTGOING: Final = 23
_FANOUT_BY_PROGRAM: Final = 6
_PROMISCUOUS: Final = 1
_TPACKET_V3: Final = 2
_SO_ATTACH_FILTER: Final = 26
_ETH_P_ALL: Final = 3
# linux/sockios.h
_GET_FLAGS: Final = 0x8913
_GET_HARDWARE: Final = 0x8927
_GET_INDEX: Final = 0x8933
_GET_STAMPING: Final = 0x89B1
_UP: Final = 0x41
"""IFF_UP and IFF_RUNNING: without a cable an interface is up as well."""

# linux/net_tstamp.h
_RAW_HARDWARE: Final = 1 << 6
_STAMP_ALL: Final = 1

# struct tpacket_block_desc, in words of 32 bits: version, private, status, packets, first, length,
# sequence number (64 bits).
_STATUS: Final = 2
_PACKETS: Final = 3
_FIRST: Final = 4
_SEQUENCE: Final = 6
_TO_KERNEL: Final = 0
_TO_USER: Final = 1

# struct tpacket3_hdr, in words: next, seconds, nanoseconds, captured, wire, status, mac | net << 16,
# rxhash, tag, tag's type | padding << 16; sockaddr_ll stands behind it.
_N_SECONDS: Final = 1
_N_NANOSECONDS: Final = 2
_N_CAPTURED: Final = 3
_N_WIRE: Final = 4
_N_STATUS: Final = 5
_N_MAC: Final = 6
_N_TAG: Final = 8
_N_TAG_TYPE: Final = 9
HEADER: Final = 68
"""Bytes before the packet that belong to the kernel's header and the address."""
_STAMPED: Final = 1 << 31
_TAG_VALID: Final = 1 << 4
_TAG_TYPE_VALID: Final = 1 << 6
_TAG_8021Q: Final = 0x8100
_MAC_ADDRESSES: Final = 12
_TAG: Final = 4

BLOCK_BYTES: Final = 1 << 20
RING_BYTES: Final = 64 << 20
"""A second of 500,000 packets of 100 bytes: as long as anything in this process may take."""
BLOCK_MS: Final = 100
"""A block that is not full is handed over after this time."""
_FRAME: Final = 2048
"""Only its divisibility matters: blocks hold packets of any length."""
MOST_PACKETS: Final = BLOCK_BYTES // 80
"""Packets of a block: each has a header of 48 bytes, an address of 20, and begins at a multiple of 16."""

_ETHERNET: Final = 1
_RAW_IP: Final = 101
_LINKTYPES: Final = {1: _ETHERNET, 772: _ETHERNET, 65534: _RAW_IP, 512: _RAW_IP, 768: _RAW_IP, 778: _RAW_IP}
"""ARPHRD_ number of an interface: LINKTYPE_ number of its packets."""


class RingError(Complaint):
    """An interface that cannot be listened on: which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class RingCounts:
    """What the kernel counted since the ring was opened."""

    received: int
    """Packets that the filter let pass, dropped ones included."""
    dropped: int
    freezes: int
    """How often the ring was full."""


class Ring:
    """One interface, listened on in promiscuous mode."""

    def __init__(
        self,
        interface: str,
        *,
        ring_bytes: int = RING_BYTES,
        block_ms: int = BLOCK_MS,
        program: bytes = b"",
        card_time: bool = False,
        share: tuple[int, bytes] | None = None,
    ) -> None:
        """`program` is a compiled packet filter, 8 bytes an instruction (struct sock_filter). With
        `card_time` packets have the time that the card gave them, if it did (`stamped` counts these).
        Rings of one `share`, a number and a program (`otmon.capture.fanout`), divide the packets among
        them; the first one of a number sets the program for all.

        Raises RingError.
        """
        self.interface = interface
        self.linktype = linktype_of(interface)
        self.blocks = max(ring_bytes // BLOCK_BYTES, 2)
        self._next = 0
        self._held = False
        self._number = 1
        self._octets = 0
        self._counts = RingCounts(0, 0, 0)
        try:
            # No packet comes in before the filter stands: protocol 0 until bind.
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        except PermissionError:
            what = sentence(
                "listening needs the capability CAP_NET_RAW: run as root, or give it to the service"
            )
            raise RingError(placed(interface, what)) from None
        try:
            self._set_up(program, block_ms, card_time)
            if share is not None:
                self._join(*share)
        except OSError as error:
            self.socket.close()
            raise RingError(placed(interface, error.strerror or str(error))) from error
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)
        size = self.blocks * BLOCK_BYTES
        self._words: Words = np.frombuffer(self._memory, np.uint32, size // 4)
        self._bytes: npt.NDArray[np.uint8] = np.frombuffer(self._memory, np.uint8, size)
        self._columns = np.zeros((5, MOST_PACKETS), np.int64)
        self._columns[4] = self.linktype
        self.stamped = 0
        """Packets so far that have the card's time."""

    def _set_up(self, program: bytes, block_ms: int, card_time: bool) -> None:
        ring = self.socket
        index = self._index = socket.if_nametoindex(self.interface)
        ring.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        ring.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        if card_time:
            ring.setsockopt(_SOL_PACKET, _TIMESTAMP, _RAW_HARDWARE)
        request = struct.pack(
            "=7I",
            BLOCK_BYTES,
            self.blocks,
            _FRAME,
            self.blocks * BLOCK_BYTES // _FRAME,
            block_ms,
            0,
            0,
        )
        ring.setsockopt(_SOL_PACKET, _RX_RING, request)
        self._memory = mmap.mmap(ring.fileno(), self.blocks * BLOCK_BYTES, mmap.MAP_SHARED)
        if program:
            _attach(ring, socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        ring.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, struct.pack("=iHH8s", index, _PROMISCUOUS, 0, bytes(8)))
        ring.bind((self.interface, _ETH_P_ALL))
        ring.setblocking(False)

    def _join(self, number: int, program: bytes) -> None:
        self.socket.setsockopt(_SOL_PACKET, _FANOUT, number & 0xFFFF | _FANOUT_BY_PROGRAM << 16)
        _attach(self.socket, _SOL_PACKET, _FANOUT_DATA, program)

    def resume(self, number: int) -> None:
        """Read on where another process stopped, which had read `number` packets or fewer. Linux numbers
        the blocks as it begins them: the oldest of those that are ours comes next, or else the one that
        is being filled."""
        words = self._words.reshape(self.blocks, -1)
        sequence = words[:, _SEQUENCE].astype(np.int64) | words[:, _SEQUENCE + 1].astype(np.int64) << 32
        ours = (words[:, _STATUS] & _TO_USER) != 0
        self._next = int(np.where(ours, sequence, np.iinfo(np.int64).max).argmin())
        if not ours.any():
            self._next = int(sequence.argmax())
        self._held = False
        self._number = number + 1

    def next(self, timeout_ms: int) -> Batch | None:
        """The packets of the next block, and the one before goes back to the kernel. None where there is
        none within the time, or the interface is down (see `is_up`)."""
        self.release()
        status = self._next * (BLOCK_BYTES // 4) + _STATUS
        if not self._words[status] & _TO_USER:
            for _, happened in self._poll.poll(timeout_ms):
                if happened & (select.POLLERR | select.POLLNVAL):
                    # Reading the error clears it: an interface that went down is no reason to stop.
                    self._check(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            if not self._words[status] & _TO_USER:
                return None
        begin = self._next * BLOCK_BYTES
        block = self._bytes[begin : begin + BLOCK_BYTES]
        words = self._words[begin // 4 : (begin + BLOCK_BYTES) // 4]
        self._held = True
        count, stamped = walk_block(block, words, self._columns)
        self.stamped += stamped
        start, caplen, wirelen, time_ns, linktype = self._columns[:, :count]
        batch = Batch(
            block, start, caplen, wirelen, time_ns, linktype, self.interface, self._octets, self._number
        )
        self._number += count
        self._octets += BLOCK_BYTES
        return batch

    def _check(self, error: int) -> None:
        if error not in (0, errno.ENETDOWN, errno.ENODEV, errno.ENXIO):
            raise RingError(placed(self.interface, os.strerror(error)))

    def release(self) -> None:
        """Give the block that was handed out last back to the kernel."""
        if self._held:
            self._words[self._next * (BLOCK_BYTES // 4) + _STATUS] = _TO_KERNEL
            self._next = (self._next + 1) % self.blocks
            self._held = False

    def counts(self) -> RingCounts:
        """What the kernel counted so far."""
        # The kernel begins anew each time it is asked.
        raw = self.socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        received, dropped, freezes = struct.unpack("=3I", raw)
        old = self._counts
        self._counts = RingCounts(old.received + received, old.dropped + dropped, old.freezes + freezes)
        return self._counts

    def fill(self) -> float:
        """The share of blocks that wait for us, 0 to 1."""
        status = self._words[_STATUS :: BLOCK_BYTES // 4]
        return float((status & _TO_USER).sum()) / self.blocks

    def is_up(self) -> bool:
        """Whether the interface is there and up, with a link."""
        try:
            return _asked(self.socket, self.interface, _GET_FLAGS) & _UP == _UP
        except OSError:
            return False

    def is_replaced(self) -> bool:
        """Whether another interface has the name now: this one was taken away (a card that was unplugged, a
        driver loaded anew), and no packet will ever come."""
        try:
            return _asked(self.socket, self.interface, _GET_INDEX) != self._index & 0xFFFF
        except OSError:
            return False

    def close(self) -> None:
        """The socket is closed at once; the memory goes when the last batch is forgotten."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def card_stamps(interface: str) -> bool:
    """Whether the card is set to stamp every packet that it receives (SIOCGHWTSTAMP)."""
    # struct hwtstamp_config: flags, kind of sending, filter of receiving.
    config = ctypes.create_string_buffer(12)
    request = struct.pack("16sP16x", os.fsencode(interface), ctypes.addressof(config))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking.fileno(), _GET_STAMPING, request)
    except OSError:
        return False
    return int(struct.unpack("=3i", config.raw)[2]) == _STAMP_ALL


def _attach(to: socket.socket, level: int, option: int, program: bytes) -> None:
    """Give the kernel a program (struct sock_fprog)."""
    buffer = np.frombuffer(program, np.uint8)
    to.setsockopt(level, option, struct.pack("@HP", len(program) // 8, buffer.ctypes.data))


def linktype_of(interface: str) -> int:
    """LINKTYPE_ number of an interface's packets. Raises RingError."""
    if sys.platform != "linux":
        raise RingError(sentence("live capture needs Linux; captured files can be replayed anywhere"))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            kind = _asked(asking, interface, _GET_HARDWARE)
    except (OSError, ValueError):
        there = ", ".join(name for _, name in socket.if_nameindex())
        what = sentence("there is no such interface; there are: {names}", names=there)
        raise RingError(placed(interface, what)) from None
    if kind not in _LINKTYPES:
        what = sentence("packets of this kind of interface (ARPHRD {kind}) are not decoded", kind=kind)
        raise RingError(placed(interface, what))
    return _LINKTYPES[kind]


def _asked(through: socket.socket, interface: str, what: int) -> int:
    """The 16-bit number that an interface request gives (struct ifreq). Raises OSError, ValueError."""
    name = os.fsencode(interface)
    if not 0 < len(name) < 16 or b"\0" in name:
        raise ValueError(interface)
    answer = fcntl.ioctl(through.fileno(), what, struct.pack("16s24x", name))
    return int(struct.unpack_from("=H", answer, 16)[0])


@inlined
def word(words: Words, w: int) -> int:
    """A number of 32 bits; the caller has checked that it is there."""
    return int(np.int64(words[np.uint64(w)]))


@kernel
def walk_block(block: Bytes, words: Words, columns: Ints) -> tuple[int, int]:
    """Fill `columns` (int64[5, MOST_PACKETS]: start, caplen, wirelen, time_ns) from a block, whose
    `words` are its bytes as numbers of this machine's order. Returns the number of packets, and of those
    that have the card's time.

    A tag that the card or the driver took out of the frame is put back where it was: in front of the
    frame there is room for it.
    """
    size = len(block)
    at = word(words, _FIRST)
    count = 0
    stamped = 0
    for _ in range(word(words, _PACKETS)):
        if at < 48 or at > size - HEADER or count == MOST_PACKETS:
            break
        w = at // 4
        start = at + (word(words, w + _N_MAC) & 0xFFFF)
        captured = word(words, w + _N_CAPTURED)
        if start + captured > size:
            break
        wire = word(words, w + _N_WIRE)
        status = word(words, w + _N_STATUS)
        if status & _TAG_VALID and captured >= _MAC_ADDRESSES and start - _TAG >= at + HEADER:
            kind = word(words, w + _N_TAG_TYPE) & 0xFFFF if status & _TAG_TYPE_VALID else _TAG_8021Q
            tag = word(words, w + _N_TAG) & 0xFFFF
            start -= _TAG
            for k in range(_MAC_ADDRESSES):
                block[start + k] = block[start + k + _TAG]
            block[start + 12] = kind >> 8
            block[start + 13] = kind & 0xFF
            block[start + 14] = tag >> 8
            block[start + 15] = tag & 0xFF
            captured += _TAG
            wire += _TAG
        columns[0, count] = start
        columns[1, count] = captured
        columns[2, count] = wire
        columns[3, count] = word(words, w + _N_SECONDS) * 1_000_000_000 + word(words, w + _N_NANOSECONDS)
        if status & _STAMPED:
            stamped += 1
        count += 1
        step = word(words, w)
        if step == 0:
            break
        at += step
    return count, stamped
