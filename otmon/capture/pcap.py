"""The classic capture format: a header of 24 bytes, then records of 16 bytes and a packet each.

Source: draft-ietf-opsawg-pcap, sections 4 (file header) and 5 (packet record).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from otmon.capture.batch import Batch, InputDamage
from otmon.capture.window import BACKWARDS_NS, FORWARDS_NS, JUMPS, Window
from otmon.kernel import Bytes, Ints, kernel, u32be, u32le

HEADER: Final = 24
RECORD: Final = 16
LONGEST: Final = 262_144
"""Captured bytes of a record at most: what libpcap and Wireshark write."""
CHAIN: Final = 3
"""Records in a row that must be plausible where reading begins again behind garbage."""
SPAN: Final = CHAIN * (RECORD + LONGEST)
"""Bytes that they take at most. The buffer holds more."""
NEAR_S: Final = 7 * 86_400
"""And how far their times may be from each other, and from the last one in front of the garbage."""
CLOCK_S: Final = 631_152_000
"""Or the last one may be wrong itself, or the clock have jumped: if they are from 1990 on, as few other
words of 32 bits are, it does not count."""

MAGIC: Final = {
    b"\xa1\xb2\xc3\xd4": (True, 1000),
    b"\xd4\xc3\xb2\xa1": (False, 1000),
    b"\xa1\xb2\x3c\x4d": (True, 1),
    b"\x4d\x3c\xb2\xa1": (False, 1),
}
"""Whether the file is big-endian, and nanoseconds in a unit of its times."""

# State of a pass: where it ended and why, the last time, how many clock jumps.
Q_AT: Final = 0
Q_WHY: Final = 1
Q_TIME: Final = 2
Q_JUMPS: Final = 3
Q_COLUMNS: Final = 4

MORE: Final = 0
"""Values of Q_WHY: the record goes on behind the buffer; no record can begin here."""
GARBAGE: Final = 1


@kernel
def word(buf: Bytes, p: int, big: bool) -> int:
    """A 32-bit field; the caller has checked ``p + 4 <= end``."""
    return u32be(buf, p) if big else u32le(buf, p)


@kernel
def plausible(buf: Bytes, p: int, big: bool, scale: int) -> bool:
    """Whether a record can begin at `p`; 16 bytes are there."""
    captured = word(buf, p + 8, big)
    wire = word(buf, p + 12, big)
    # Some writers round the fraction up to a whole second.
    return captured <= LONGEST and wire <= 1 << 24 and word(buf, p + 4, big) * scale <= 1_000_000_000


@kernel
def walk(
    buf: Bytes,
    p: int,
    end: int,
    big: bool,
    scale: int,
    start: Ints,
    caplen: Ints,
    wirelen: Ints,
    time_ns: Ints,
    state: Ints,
    jumps: Ints,
) -> int:
    """Fill the arrays with the whole records in ``buf[p:end]``; returns their number. `state` is
    int64[Q_COLUMNS], `jumps` int64[JUMPS, 2]."""
    n = 0
    last = state[Q_TIME]
    state[Q_JUMPS] = 0
    state[Q_WHY] = MORE
    while p + RECORD <= end:
        if not plausible(buf, p, big, scale):
            state[Q_WHY] = GARBAGE
            break
        captured = word(buf, p + 8, big)
        if p + RECORD + captured > end:
            break
        now = word(buf, p, big) * 1_000_000_000 + word(buf, p + 4, big) * scale
        if last >= 0 and (now < last - BACKWARDS_NS or now > last + FORWARDS_NS):
            if state[Q_JUMPS] < JUMPS:
                jumps[state[Q_JUMPS], 0] = p
                jumps[state[Q_JUMPS], 1] = now - last
            state[Q_JUMPS] += 1
        last = now
        start[n] = p + RECORD
        caplen[n] = captured
        wirelen[n] = max(word(buf, p + 12, big), captured)
        time_ns[n] = now
        n += 1
        p += RECORD + captured
    state[Q_AT] = p
    state[Q_TIME] = last
    return n


@kernel
def resume(buf: Bytes, p: int, stop: int, end: int, big: bool, scale: int, last_s: int, least: int) -> int:
    """Where in ``buf[p:stop]`` records begin again: `CHAIN` plausible ones in a row, or `least` that
    fill the bytes to `end` exactly. `stop` if nowhere; ``stop + RECORD <= end + 1``."""
    for q in range(p, stop):
        at = q
        found = 0
        first_s = word(buf, q, big)
        near = last_s <= 0 or abs(first_s - last_s) <= NEAR_S
        if not near and first_s < CLOCK_S:
            continue
        while found < CHAIN and at + RECORD <= end:
            if not plausible(buf, at, big, scale) or word(buf, at + 12, big) < word(buf, at + 8, big):
                break
            if word(buf, at + 12, big) == 0 or abs(word(buf, at, big) - first_s) > NEAR_S:
                break
            at += RECORD + word(buf, at + 8, big)
            found += 1
        if found == CHAIN or (near and found >= least and at == end):
            return q
    return max(p, stop)


def read_pcap(window: Window) -> Iterator[Batch | InputDamage]:
    """The packets of a capture whose first bytes are in the window."""
    head = window.buf[window.begin : min(window.begin + HEADER, window.end)].tobytes()
    if len(head) < HEADER:
        yield from window.damage(
            "cut-record", window.offset, 1, f"a file header of {HEADER} bytes, {len(head)} are there"
        )
        return
    big, scale = MAGIC[head[:4]]
    order = ">" if big else "<"
    snap, link = np.frombuffer(head, f"{order}u4", 2, 16).tolist()
    window.begin += HEADER
    start, caplen, wirelen, time_ns, linktype = window.arrays()
    # The upper bits tell of a frame check sequence.
    linktype[:] = link & 0x03FFFFFF
    state = np.zeros(Q_COLUMNS, np.int64)
    state[Q_TIME] = -1
    jumps = np.zeros((JUMPS, 2), np.int64)
    while True:
        count = walk(
            window.buf, window.begin, window.end, big, scale, start, caplen, wirelen, time_ns, state, jumps
        )
        window.begin = int(state[Q_AT])
        if count:
            yield window.batch(count)
            if snap and int(caplen[:count].max()) > snap:
                for i in np.flatnonzero(caplen[:count] > snap).tolist():
                    text = f"{caplen[i]} bytes, the snap length is {snap}"
                    yield from window.damage(
                        "beyond-snap-length", window.base + int(start[i]) - RECORD, 1, text
                    )
            yield from window.jumps(jumps, int(state[Q_JUMPS]))
        last_s = int(state[Q_TIME]) // 1_000_000_000
        if state[Q_WHY] == GARBAGE:
            yield from _skip_garbage(window, big, scale, last_s, 1)
        elif not window.at_end:
            window.refill()
        else:
            # A broken length reaches beyond the end as that of a cut record does, but others follow.
            stop = window.end + 1 - RECORD
            follows = resume(window.buf, window.begin + 1, stop, window.end, big, scale, last_s, CHAIN)
            if follows >= stop:
                break
            yield from _skip_garbage(window, big, scale, last_s, CHAIN)
    rest = window.end - window.begin
    if rest and not window.stream.fault:
        needed = RECORD
        if rest >= RECORD:
            needed += int(np.frombuffer(window.buf, f"{order}u4", 1, window.begin + 8)[0])
        text = f"a record of {needed} bytes, {rest} are there"
        yield from window.damage("cut-record", window.offset, 1, text)


def _skip_garbage(window: Window, big: bool, scale: int, last_s: int, least: int) -> Iterator[InputDamage]:
    """Go on where records begin again."""
    first = window.offset
    window.begin += 1
    while True:
        # Only where all that is looked at is there, so that it does not matter how it was read.
        stop = window.end + 1 - (RECORD if window.at_end else SPAN)
        window.begin = resume(window.buf, window.begin, stop, window.end, big, scale, last_s, least)
        if window.begin < stop:
            break
        if window.at_end:
            window.begin = window.end
            break
        window.refill()
    size = window.offset - first
    yield from window.damage("garbage", first, 1, f"{size} bytes that are no record")
