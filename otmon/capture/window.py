"""The buffer that a capture is read through, and the arrays that describe its packets.

One buffer is used again and again: what a batch has not used moves to its front, and the next bytes
follow. So memory does not grow with the file, and pipes and compressed files are read alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from otmon.capture.batch import Batch, InputDamage
from otmon.capture.compressed import BytesIn
from otmon.kernel import Ints

BUFFER: Final = 1 << 20
"""Holds the longest record that is read."""
READ: Final = 512 << 10
"""Bytes that are read at a time: few enough to stay in the processor's cache until they are decoded."""
SMALLEST: Final = 16
"""Bytes of the shortest record of any format."""
JUMPS: Final = 64
"""Clock jumps that one pass over the buffer can note; more are counted."""
REPORTED: Final = 256
"""Damage of one kind in one source that is told with its place; the rest is told as a sum."""

BACKWARDS_NS: Final = 1_000_000_000
"""Packets of several interfaces may be written this much out of order."""
FORWARDS_NS: Final = 365 * 86_400 * 1_000_000_000
"""A gap this long is no pause of a plant, but a clock that was set."""

KINDS: Final = {
    "cut-record": "the source ends inside a record",
    "cut-compression": "the compressed data ends too early or is broken",
    "read-error": "the source could not be read any further",
    "beyond-snap-length": "more bytes were captured than the capture's header allows",
    "garbage": "bytes that are no record; reading went on behind them",
    "clock-backwards": "the time of a packet is before that of the packet in front of it",
    "clock-forwards": "the time of a packet is more than a year after that of the packet in front of it",
    "dropped-packets": "packets that were dropped while the capture was made",
    "bad-block": "a block whose contents contradict its length, or belong to no interface",
    "too-many-interfaces": "interfaces beyond the number that is followed",
}
"""Every `InputDamage.kind`, in English."""


class Window:
    """The buffer of one source. ``buf[begin:end]`` is what was read and not used yet."""

    def __init__(self, source: str, stream: BytesIn) -> None:
        self.source = source
        self.stream = stream
        self.buf = np.zeros(BUFFER, np.uint8)
        self.begin = 0
        self.end = 0
        self.base = 0
        """Offset of ``buf[0]`` in the uncompressed source."""
        self.at_end = False
        self.packets = 0
        self._told: Counter[str] = Counter()
        self._untold: Counter[str] = Counter()
        self._start, self._caplen, self._wirelen, self._time, self._link = (
            np.zeros(BUFFER // SMALLEST + 1, np.int64) for _ in range(5)
        )

    def arrays(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """start, caplen, wirelen, time_ns, linktype: as long as the buffer can hold records."""
        return self._start, self._caplen, self._wirelen, self._time, self._link

    def refill(self) -> int:
        """Move what is left to the front and read on; returns the number of new bytes."""
        rest = self.end - self.begin
        self.buf[:rest] = self.buf[self.begin : self.end].copy()
        self.base += self.begin
        wanted = min(READ, BUFFER - rest)
        got = self.stream.readinto(self.buf[rest : rest + wanted].data)
        self.begin, self.end = 0, rest + got
        self.at_end = got < wanted
        return got

    def skip(self, size: int) -> int:
        """Pass over bytes, more than the buffer holds if need be; returns how many there were."""
        left = size
        while left > self.end - self.begin:
            left -= self.end - self.begin
            self.begin = self.end
            if not self.refill():
                return size - left
        self.begin += left
        return size

    def batch(self, count: int) -> Batch:
        """The first `count` entries of the arrays as a batch."""
        first = self.packets + 1
        self.packets += count
        return Batch(
            self.buf,
            self._start[:count],
            self._caplen[:count],
            self._wirelen[:count],
            self._time[:count],
            self._link[:count],
            self.source,
            self.base,
            first,
        )

    @property
    def offset(self) -> int:
        """Offset in the uncompressed source of what is not used yet."""
        return self.base + self.begin

    def damage(self, kind: str, offset: int, count: int, detail: str) -> Iterator[InputDamage]:
        """Tell of damage at an offset of the source, or count it where enough was told."""
        self._told[kind] += 1
        if self._told[kind] > REPORTED:
            self._untold[kind] += count
        else:
            yield InputDamage(self.source, kind, offset, count, detail)

    def jumps(self, noted: Ints, count: int) -> Iterator[InputDamage]:
        """The clock jumps that a pass noted: int64[JUMPS, 2] of index in the buffer and nanoseconds."""
        for at, jump in noted[: min(count, JUMPS)].tolist():
            kind = "clock-backwards" if jump < 0 else "clock-forwards"
            yield from self.damage(kind, self.base + at, 1, f"by {abs(jump) / 1e9:.6f} s")
        if count > JUMPS:
            self._untold["clock-backwards"] += count - JUMPS

    def last_words(self) -> Iterator[InputDamage]:
        """What ended the source too early, and the sums of what was not told one by one."""
        if self.stream.fault:
            at = self.base + self.end
            yield InputDamage(self.source, self.stream.kind, at, 1, self.stream.fault)
        for kind, count in sorted(self._untold.items()):
            yield InputDamage(self.source, kind, -1, count, "more of the same, not listed one by one")
