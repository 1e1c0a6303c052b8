"""The next generation capture format: sections of blocks, with interfaces of their own each.

Source: draft-ietf-opsawg-pcapng, sections 3.1 (block), 3.5 (options), 4.1 (section header), 4.2
(interface description: if_name 2, if_description 3), 4.3 (enhanced packet: epb_flags 2, of which the lowest
two bits are 2 for a packet that went out), 4.4 (simple packet), 4.6 (interface statistics), and appendix
A (packet block, whose flags are the same).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from otmon.capture.batch import Batch, InputDamage
from otmon.capture.pcap import GARBAGE, MORE, Q_AT, Q_COLUMNS, Q_JUMPS, Q_TIME, Q_WHY, word
from otmon.capture.window import BACKWARDS_NS, BUFFER, FORWARDS_NS, JUMPS, Window
from otmon.kernel import Bytes, Ints, kernel, u16be, u16le

SECTION: Final = 0x0A0D0D0A
INTERFACE: Final = 1
OBSOLETE: Final = 2
SIMPLE: Final = 3
STATISTICS: Final = 5
ENHANCED: Final = 6
LAST_KIND: Final = 10
MAGIC: Final = b"\n\r\r\n"

SMALLEST: Final = 12
"""Bytes of a block without a body."""
LARGEST: Final = BUFFER // 2
"""Bytes of a block that is read; larger ones without packets are passed over."""
SKIPPED: Final = 16 << 20
"""Bytes of a block that is passed over unseen, the most that libpcap takes; and only if its kind is a
known one, as else any garbage would take what follows with it."""
CUSTOM: Final = 0xBAD
CUSTOM_NOT_COPIED: Final = 0x40000BAD
INTERFACES: Final = 4096

HEAD: Final = 2
"""Values of Q_WHY besides those of `pcap`: a block about the section; one too large for the buffer; a
packet block that contradicts itself."""
LARGE: Final = 3
BAD: Final = 4
DONE: Final = 5

# Columns of an interface.
I_LINK: Final = 0
I_SNAP: Final = 1
I_UNIT: Final = 2
"""Decimal digits of a time unit, or binary ones plus `BINARY` (option if_tsresol)."""
I_OFFSET_NS: Final = 3
I_NAME: Final = 4
"""Which of the names that the capture gives to interfaces, -1 for none."""
I_COLUMNS: Final = 5
BINARY: Final = 128
_FLAGS: Final = 2
_OUTBOUND: Final = 2
_PLAIN = re.compile(rb"[\x21-\x5b\x5d-\x7e]+")
"""A name that people use: Windows calls an interface \\Device\\NPF_{...} and describes it as "Ethernet"."""
_STATISTICS: Final = 12
"""Bytes of an interface statistics block before its options."""
_MOST_DROPPED: Final = 1 << 48
_EPOCH_END: Final = 9_000_000_000
"""Seconds since 1970 that 64 bits of nanoseconds can hold."""


@kernel
def nanoseconds(high: int, low: int, unit: int, offset_ns: int) -> int:
    """A time in units of ``10 ** -unit`` or ``2 ** -(unit - BINARY)`` seconds, exact, rounded down;
    -1 where 64 bits cannot hold it."""
    if unit < BINARY:
        power = unit
        below = 0
        while power > 9:
            power -= 1
            below += 1
        scale = 1
        for _ in range(9 - power):
            scale *= 10
        divisor = 1
        for _ in range(min(below, 18)):
            divisor *= 10
        if high >= 1 << 31 or below > 18:
            return -1
        ticks = (high << 32) | low
        if ticks // divisor > 9_000_000_000_000_000_000 // scale:
            return -1
        now = ticks // divisor * scale
    else:
        bits = unit - BINARY
        if bits > 63 or high >= 1 << 31:
            return -1
        ticks = (high << 32) | low
        seconds = ticks >> bits
        rest = ticks - (seconds << bits)
        if seconds > _EPOCH_END:
            return -1
        more = max(bits - 32, 0)
        # rest * 10 ** 9 / 2 ** bits, in two steps that each fit 64 bits.
        upper = (rest >> more) * 1_000_000_000
        lower = ((rest & ((1 << more) - 1)) * 1_000_000_000) >> more
        now = seconds * 1_000_000_000 + ((upper + lower) >> (bits - more))
    if offset_ns > 0 and now > 9_000_000_000_000_000_000 - offset_ns:
        return -1
    return max(now + offset_ns, -1)


@kernel
def went_out(buf: Bytes, body: int, captured: int, end: int, big: bool) -> bool:
    """Whether the options of a packet, between its bytes and `end`, say that the interface sent it."""
    p = body + (captured + 3) // 4 * 4
    while p + 8 <= end:
        code = u16be(buf, p) if big else u16le(buf, p)
        size = u16be(buf, p + 2) if big else u16le(buf, p + 2)
        if code == 0:
            return False
        if code == _FLAGS and size == 4:
            return bool(word(buf, p + 4, big) & 3 == _OUTBOUND)
        p += 4 + (size + 3) // 4 * 4
    return False


@kernel
def walk(
    buf: Bytes,
    p: int,
    end: int,
    big: bool,
    interfaces: Ints,
    known: int,
    start: Ints,
    caplen: Ints,
    wirelen: Ints,
    time_ns: Ints,
    linktype: Ints,
    came_by: Ints,
    state: Ints,
    jumps: Ints,
) -> int:
    """Fill the arrays with the packets of the whole blocks in ``buf[p:end]``; returns their number.
    `interfaces` is int64[INTERFACES, I_COLUMNS], of which `known` are in use."""
    n = 0
    last = state[Q_TIME]
    state[Q_JUMPS] = 0
    state[Q_WHY] = MORE
    while p + SMALLEST <= end:
        kind = word(buf, p, big)
        size = word(buf, p + 4, big)
        if kind == SECTION or kind == INTERFACE:
            state[Q_WHY] = HEAD
            break
        if size < SMALLEST or size % 4 != 0:
            state[Q_WHY] = GARBAGE
            break
        packet = kind == ENHANCED or kind == SIMPLE or kind == OBSOLETE
        if size > LARGEST:
            known_kind = 0 < kind <= LAST_KIND or kind == CUSTOM or kind == CUSTOM_NOT_COPIED
            state[Q_WHY] = LARGE if known_kind and not packet and size <= SKIPPED else GARBAGE
            break
        if p + size > end:
            break
        if word(buf, p + size - 4, big) != size:
            state[Q_WHY] = GARBAGE
            break
        if kind == STATISTICS:
            state[Q_WHY] = HEAD
            break
        if not packet:
            p += size
            continue
        interface = 0
        body = p + 12
        room = size - 16
        now = max(last, 0)
        if kind != SIMPLE:
            body = p + 28
            room = size - 32
            if room < 0:
                state[Q_WHY] = BAD
                break
            if kind == ENHANCED:
                interface = word(buf, p + 8, big)
            else:
                interface = u16be(buf, p + 8) if big else u16le(buf, p + 8)
        if interface >= known or room < 0:
            state[Q_WHY] = BAD
            break
        wire = word(buf, body - 4, big)
        if kind == SIMPLE:
            captured = min(wire, room)
            snap = interfaces[interface, I_SNAP]
            if snap > 0:
                captured = min(captured, snap)
        else:
            captured = word(buf, body - 8, big)
            high, low = word(buf, p + 12, big), word(buf, p + 16, big)
            now = nanoseconds(high, low, interfaces[interface, I_UNIT], interfaces[interface, I_OFFSET_NS])
        if captured > room or now < 0:
            state[Q_WHY] = BAD
            break
        if last >= 0 and (now < last - BACKWARDS_NS or now > last + FORWARDS_NS):
            if state[Q_JUMPS] < JUMPS:
                jumps[state[Q_JUMPS], 0] = p
                jumps[state[Q_JUMPS], 1] = now - last
            state[Q_JUMPS] += 1
        if kind != SIMPLE:
            last = now
        start[n] = body
        caplen[n] = captured
        wirelen[n] = max(wire, captured)
        time_ns[n] = now
        linktype[n] = interfaces[interface, I_LINK]
        came_by[n] = interfaces[interface, I_NAME]
        if kind != SIMPLE and captured + 8 <= room and went_out(buf, body, captured, p + size - 4, big):
            came_by[n] = -1
        n += 1
        p += size
    state[Q_AT] = p
    state[Q_TIME] = last
    return n


@kernel
def resume(buf: Bytes, p: int, stop: int, end: int, big: bool) -> int:
    """Where in ``buf[p:stop]`` blocks begin again: one of a usual kind whose length stands at both
    its ends. `stop` if nowhere; ``stop + SMALLEST <= end + 1``. A section header counts in either
    byte order."""
    for q in range(p, stop):
        kind = word(buf, q, big)
        size = word(buf, q + 4, big)
        if kind == SECTION:
            magic = word(buf, q + 8, True)
            if magic == 0x1A2B3C4D or magic == 0x4D3C2B1A:
                return q
        elif 0 < kind <= LAST_KIND and SMALLEST <= size <= min(LARGEST, end - q) and size % 4 == 0:
            if word(buf, q + size - 4, big) == size:
                return q
    return max(p, stop)


class _Section:
    """Byte order and interfaces of the section that is being read."""

    def __init__(self) -> None:
        self.big = False
        self.known = 0
        self.dropped: dict[int, int] = {}
        """Packets that interfaces have dropped since the beginning of the capture, as far as they said."""
        self.names: list[bytes] = []
        """What the interfaces of this section and of those before are called, each once."""
        self.interfaces = np.zeros((INTERFACES, I_COLUMNS), np.int64)

    def begin(self, big: bool) -> None:
        self.big = big
        self.known = 0
        self.dropped = {}

    def add(self, body: bytes) -> bool:
        """Take the body of an interface description block; False when there are too many."""
        order = ">" if self.big else "<"
        if self.known == INTERFACES:
            return False
        link, _, snap = struct.unpack_from(f"{order}HHI", body)
        unit, offset_ns = 6, 0
        name = described = b""
        for code, value in _options(body[8:], order):
            if code == 9 and len(value) == 1:
                unit = value[0]
            elif code == 14 and len(value) == 8:
                seconds = struct.unpack(f"{order}q", value)[0]
                offset_ns = max(-_EPOCH_END, min(seconds, _EPOCH_END)) * 1_000_000_000
            elif code == 2:
                name = value.partition(b"\0")[0]
            elif code == 3:
                described = value.partition(b"\0")[0]
        called = name if _PLAIN.fullmatch(name) or not described else described
        self.interfaces[self.known] = (link, snap, unit, offset_ns, self._number(called))
        self.known += 1
        return True

    def _number(self, called: bytes) -> int:
        """Which of the names it is, -1 for none and where there are too many."""
        if called in self.names:
            return self.names.index(called)
        if not called or len(self.names) == INTERFACES:
            return -1
        self.names.append(called)
        return len(self.names) - 1

    def newly_dropped(self, body: bytes) -> int:
        """How many packets more than before the body of an interface statistics block says were dropped."""
        order = ">" if self.big else "<"
        if len(body) < _STATISTICS:
            return 0
        interface = struct.unpack_from(f"{order}I", body)[0]
        if interface >= self.known:
            return 0
        # isb_ifdrop and isb_osdrop: by the interface, and by the system behind it.
        told = [struct.unpack(f"{order}Q", it)[0] for code, it in _options(body[_STATISTICS:], order)
                if code in (5, 7) and len(it) == 8]  # fmt: skip
        # All ones stand for a number that nobody knew.
        total = sum(min(int(one), _MOST_DROPPED) for one in told if one < 1 << 63)
        before = self.dropped.get(interface, 0)
        self.dropped[interface] = max(total, before)
        return max(total - before, 0)


def _options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        code, size = struct.unpack_from(f"{order}HH", data, at)
        if code == 0 or at + 4 + size > len(data):
            return
        yield code, data[at + 4 : at + 4 + size]
        at += 4 + (size + 3) // 4 * 4


def read_pcapng(window: Window) -> Iterator[Batch | InputDamage]:
    """The packets of a capture whose first bytes are in the window."""
    section = _Section()
    start, caplen, wirelen, time_ns, linktype = window.arrays()
    came_by = np.zeros_like(linktype)
    state = np.zeros(Q_COLUMNS, np.int64)
    state[Q_TIME] = -1
    jumps = np.zeros((JUMPS, 2), np.int64)
    while True:
        count = walk(
            window.buf,
            window.begin,
            window.end,
            section.big,
            section.interfaces,
            section.known,
            start,
            caplen,
            wirelen,
            time_ns,
            linktype,
            came_by,
            state,
            jumps,
        )
        window.begin = int(state[Q_AT])
        if count:
            batch = window.batch(count)
            if section.names:
                batch = replace(batch, interface=came_by[:count], interfaces=section.names)
            yield batch
            yield from window.jumps(jumps, int(state[Q_JUMPS]))
        why = int(state[Q_WHY])
        if why == HEAD:
            why = yield from _head(window, section)
        if why == GARBAGE:
            yield from _skip_garbage(window, section)
        elif why in (BAD, LARGE):
            yield from _skip_block(window, section, why)
        elif why == MORE and not window.at_end:
            window.refill()
        elif why == MORE:
            # A broken length reaches beyond the end as that of a cut block does, but others follow.
            stop = window.end + 1 - SMALLEST
            if resume(window.buf, window.begin + 1, stop, window.end, section.big) >= stop:
                break
            yield from _skip_garbage(window, section)
    rest = window.end - window.begin
    if rest and not window.stream.fault:
        needed = _word(window, 4, _big(window, section)) if rest >= SMALLEST else SMALLEST
        text = f"a block of {needed} bytes, {rest} are there"
        yield from window.damage("cut-record", window.offset, 1, text)


def _skip_block(window: Window, section: _Section, why: int) -> Iterator[InputDamage]:
    """Leave out a block that contradicts itself (BAD), or that is too long for the window (LARGE)."""
    size = _word(window, 4, section.big)
    first = window.offset
    if why == BAD:
        text = f"a packet block of {size} bytes that contradicts itself"
        yield from window.damage("bad-block", first, 1, text)
        window.begin += size
        return
    got = window.skip(size)
    if got < size and not window.stream.fault:
        yield from window.damage("cut-record", first, 1, f"a block of {size} bytes, {got} are there")


def _word(window: Window, at: int, big: bool) -> int:
    first = window.begin + at
    return int.from_bytes(window.buf[first : first + 4].tobytes(), "big" if big else "little")


def _big(window: Window, section: _Section) -> bool:
    """Byte order of the block at the front: a section header tells its own."""
    if _word(window, 0, True) == SECTION:
        return _word(window, 8, True) == 0x1A2B3C4D
    return section.big


def _head(window: Window, section: _Section) -> Generator[InputDamage, None, int]:
    """Take the section header, interface description or statistics at the front; gives why reading stops, or
    DONE."""
    big = _big(window, section)
    if _word(window, 0, True) == SECTION and _word(window, 8, big) != 0x1A2B3C4D:
        return GARBAGE
    smallest = 28 if _word(window, 0, True) == SECTION else 20
    if _word(window, 0, big) == STATISTICS:
        smallest = SMALLEST
    size = _word(window, 4, big)
    if size < smallest or size % 4 or size > LARGEST:
        return GARBAGE
    if size > window.end - window.begin:
        return MORE
    if _word(window, size - 4, big) != size:
        return GARBAGE
    body = window.buf[window.begin + 8 : window.begin + size - 4].tobytes()
    if _word(window, 0, True) == SECTION:
        section.begin(big)
    elif _word(window, 0, big) == STATISTICS:
        dropped = section.newly_dropped(body)
        if dropped:
            text = "as the statistics of the interface say"
            yield from window.damage("dropped-packets", window.offset, dropped, text)
    elif not section.add(body):
        text = f"more than {INTERFACES} interfaces"
        yield from window.damage("too-many-interfaces", window.offset, 1, text)
    window.begin += size
    return DONE


def _skip_garbage(window: Window, section: _Section) -> Iterator[InputDamage]:
    """Go on where blocks begin again."""
    first = window.offset
    window.begin += 1
    while True:
        # Only where the whole block is there, so that it does not matter how it was read.
        stop = window.end + 1 - (SMALLEST if window.at_end else LARGEST)
        window.begin = resume(window.buf, window.begin, stop, window.end, section.big)
        if window.begin < stop:
            break
        if window.at_end:
            window.begin = window.end
            break
        window.refill()
    size = window.offset - first
    yield from window.damage("garbage", first, 1, f"{size} bytes that are no block")
