"""How far and how fast writes move a value.

The largest step is kept, from what the element held before to what one write made of it, and the largest
change within a minute, however many writes it took and whoever sent them: a ramp of small steps. Both are
measured in each way in which the bits may be read, as only a zone model tells which is meant.

For the change within a minute the values that an element held are remembered for that long, one in each
`SLOT_NS` and of each width; every write is compared with all of them. So a change that is kept did happen. It
may be less than the true one by what was moved within one slot: a twelfth of a ramp at most, half of moves to
and fro.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from otmon.kernel import inlined, kernel
from otmon.ledger.facts import MINUTE_NS
from otmon.ledger.tables import (
    CHANGE_COLUMNS,
    E_BEFORE,
    E_COLUMNS,
    E_OFFSET,
    E_PACKET,
    E_RANK,
    E_SINCE,
    E_SINCE_OFFSET,
    E_SINCE_PACKET,
    E_TIME,
    ORDERS,
    PAIR_BIT,
    POINT_COLUMNS,
    POINTS,
    STEPS,
    UNSEEN_VALUE,
    W_CHANGES,
    W_EXTREMES,
    W_STEPS,
    W_WHAT,
    Tables,
)

SLOT_NS: Final = MINUTE_NS // 12
"""Of the values that an element held in as long, the first one is remembered."""

# Columns of a remembered value, `POINTS` times in a row: the write that ended it, and its bits with bit
# `BOTH` where they are those of two registers.
N_TIME, N_PACKET, N_OFFSET, N_BITS = range(4)
BOTH: Final = 32
NEVER: Final = 0
"""The time in a place that was never taken, nor those behind it."""
FORGOTTEN: Final = -1
"""In one that is free again."""
POWERS: Final = 2.0 ** (np.arange(256) - 150)
"""What the last bit of the fraction is worth, by the exponent as it is stored."""


@kernel
def rank_of(bits: int, order: int) -> int:
    """Where a value of 32 bits stands in an order: 0 unsigned, 1 signed, 2 and 3 with its words the
    other way round."""
    if order >= 2:
        bits = ((bits & 0xFFFF) << 16) | (bits >> 16)
    if order & 1 and bits & 0x80000000:
        bits -= 1 << 32
    return bits


@kernel
def real_of(bits: int) -> float:
    """The number that 32 bits are in floating point (IEEE 754 binary32)."""
    exponent = (bits >> 23) & 0xFF
    fraction = bits & 0x7FFFFF
    if exponent == 0:
        exponent = 1
    else:
        fraction |= 0x800000
    value = float(fraction * POWERS[exponent])
    return -value if bits >> 31 else value


@inlined
def number_of(bits: int, way: int) -> float:
    """What a value of 32 bits is, in one of `STEPS` ways. Exact for whole numbers, and the same compiled and
    interpreted for the others; NaN where it is none, which is neither larger than anything nor equal."""
    if way >= 6:
        return float(rank_of(bits & 0xFFFF0000, way - 6))
    if way < ORDERS:
        return float(rank_of(bits, way))
    if way == 5:
        bits = ((bits & 0xFFFF) << 16) | (bits >> 16)
    return math.nan if (bits >> 23) & 0xFF == 0xFF else real_of(bits)


@kernel
def step_of(bits: int, before: int, way: int) -> float:
    """How far apart two values of 32 bits are, in one of `STEPS` ways; below 0 where one of them is no
    number."""
    step = abs(number_of(bits, way) - number_of(before, way))
    return step if step >= 0.0 else -1.0


@kernel
def note_step(t: Tables, i: int, bits: int, before: int, packet: int, now: int, offset: int) -> None:
    """Keep the step where it is the largest of its row in one of the ways."""
    for way in range(STEPS if t.written[i, W_WHAT] >> PAIR_BIT & 1 else 2):
        e = W_STEPS + way * E_COLUMNS
        known = -1.0
        if t.written[i, e + E_BEFORE] >= 0:
            known = step_of(t.written[i, e + E_RANK], t.written[i, e + E_BEFORE], way)
        step = step_of(bits, before, way)
        # Of equal ones the earliest is told, as when two ledgers are merged.
        if step > known or (step == known and step >= 0.0 and now < t.written[i, e + E_TIME]):
            t.written[i, e + E_RANK] = bits
            t.written[i, e + E_BEFORE] = before
            t.written[i, e + E_TIME] = now
            t.written[i, e + E_PACKET] = packet
            t.written[i, e + E_OFFSET] = offset


@kernel
def note_change(
    t: Tables, i: int, k: int, bits: int, before: int, packet: int, now: int, offset: int
) -> None:
    """Hold what was written against what the element, of row `k` in `Tables.kept`, held in the minute before,
    and keep the change where it is the largest of row `i` in one of the ways."""
    pair = t.written[i, W_WHAT] >> PAIR_BIT & 1
    if before >= 0:
        remember(t, k, before | (pair << BOTH), packet, now, offset)
    end = moved_until(t, k, pair, bits, now)
    if end == 0:
        return
    for way in range(STEPS if pair else 2):
        e = W_CHANGES + way * CHANGE_COLUMNS
        known = 0.0
        if t.written[i, e + E_BEFORE] >= 0:
            known = step_of(t.written[i, e + E_RANK], t.written[i, e + E_BEFORE], way)
        number = number_of(bits, way)
        for at in range(0, end, POINT_COLUMNS):
            since = t.points[k, at + N_TIME]
            if not is_recent(since, now):
                continue
            held = t.points[k, at + N_BITS]
            if pair and not held >> BOTH and way < STEPS - 2:
                continue
            held &= 0xFFFFFFFF if pair else 0xFFFF0000
            if held == bits:
                continue
            change = abs(number - number_of(held, way))
            # Of equal ones the earliest is told, as when two ledgers are merged.
            if change > known or (change == known and change > 0.0 and now < t.written[i, e + E_TIME]):
                known = change
                t.written[i, e + E_RANK] = bits
                t.written[i, e + E_BEFORE] = held
                t.written[i, e + E_TIME] = now
                t.written[i, e + E_PACKET] = packet
                t.written[i, e + E_OFFSET] = offset
                t.written[i, e + E_SINCE] = since
                t.written[i, e + E_SINCE_PACKET] = t.points[k, at + N_PACKET]
                t.written[i, e + E_SINCE_OFFSET] = t.points[k, at + N_OFFSET]


@kernel
def moved_until(t: Tables, k: int, pair: int, bits: int, now: int) -> int:
    """Behind the last place with something else than `bits` that the element held in the minute before; 0
    where there is none: most writes say what the one before said."""
    mask = 0xFFFFFFFF if pair else 0xFFFF0000
    end = 0
    for at in range(0, POINTS * POINT_COLUMNS, POINT_COLUMNS):
        since = t.points[k, at + N_TIME]
        if since == NEVER:
            break
        if is_recent(since, now) and t.points[k, at + N_BITS] & mask != bits:
            end = at + POINT_COLUMNS
    return end


@inlined
def is_recent(since: int, now: int) -> bool:
    """Whether a value was remembered at `since`, `NEVER` and `FORGOTTEN` for none, and within the minute
    before `now`."""
    return bool(0 < since <= now <= since + MINUTE_NS)


@kernel
def remember(t: Tables, k: int, value: int, packet: int, now: int, offset: int) -> None:
    """Keep what an element held until now, unless a value as wide of the same slot is there; the oldest gives
    way."""
    oldest = 0
    for at in range(0, POINTS * POINT_COLUMNS, POINT_COLUMNS):
        time = t.points[k, at + N_TIME]
        if 0 < time <= now < time + SLOT_NS and t.points[k, at + N_BITS] >> BOTH == value >> BOTH:
            return
        if time < t.points[k, oldest + N_TIME]:
            oldest = at
        if time == NEVER:
            break
    t.points[k, oldest + N_TIME] = max(now, 1)
    t.points[k, oldest + N_PACKET] = packet
    t.points[k, oldest + N_OFFSET] = offset
    t.points[k, oldest + N_BITS] = value


@kernel
def correct(t: Tables, i: int, shift: int, time: int, wrong: int, right: int) -> None:
    """What an element of row `i` was taken to hold before the write at `time` was refused: in the 16 bits
    from `shift` on `right` takes its place, UNSEEN_VALUE where nobody knows."""
    for n in range(2 * ORDERS):
        replace(t, i, W_EXTREMES + n * E_COLUMNS, shift, time, wrong, right)
    for way in range(STEPS):
        replace(t, i, W_STEPS + way * E_COLUMNS, shift, time, wrong, right)
        e = W_CHANGES + way * CHANGE_COLUMNS
        if t.written[i, e + E_SINCE] == time:
            replace(t, i, e, shift, time, wrong, right)


@kernel
def replace(t: Tables, i: int, e: int, shift: int, time: int, wrong: int, right: int) -> None:
    before = t.written[i, e + E_BEFORE]
    if t.written[i, e + E_TIME] == time and before >= 0 and before >> shift & 0xFFFF == wrong:
        if right < 0:
            t.written[i, e + E_BEFORE] = UNSEEN_VALUE
        else:
            t.written[i, e + E_BEFORE] = before & ~(0xFFFF << shift) | (right << shift)


@kernel
def forget(t: Tables, k: int, time: int, wrong: int) -> None:
    """The element did not hold `wrong` until the write at `time`."""
    for at in range(0, POINTS * POINT_COLUMNS, POINT_COLUMNS):
        if t.points[k, at + N_TIME] == time and t.points[k, at + N_BITS] >> 16 & 0xFFFF == wrong:
            t.points[k, at + N_TIME] = FORGOTTEN
