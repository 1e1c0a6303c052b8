"""Values that clients write to coils and holding registers: every one is looked at.

For each element the smallest and largest value are kept, each with its packet and with what the
element held before. Registers are numbers of 16 bits, or the first half of one of 32 bits if the next
register is written with it; what they mean is told by a zone model only. So extremes are kept in the
orders of unsigned and signed numbers, and, for two registers, of both word orders: the extremes of
floating point numbers (IEEE 754) are among them, as these sort as their bits do, except that the
negative ones sort the other way round.

Likewise the largest step and the largest change within a minute are kept
(`otmon.ledger.modbus.value_changes`): in each of these orders, for two registers also as floating point
numbers in both word orders, where a step in bits says nothing of the step in value, and of the first register
alone.

A register that is written together with its neighbour, of which nobody saw what it held, is kept as a value
of 16 bits as well, with what it held before.

What an element held before is its last written value, unless the device refused it, or what was read
from it since. A client may send a second write before the first one is answered: when that is refused, what
was before the second one is corrected. Of three such writes it may then be unknown. Function 22 changes
single bits: what results is known where the rest was.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import C_VALUES_EVICTED, C_VALUES_LOST
from otmon.decode.flows import F_A_HI, mix
from otmon.decode.streams import S_CLIENT, S_ENDPOINT, S_ORDER
from otmon.kernel import Bytes, clear_row, copy_bytes, copy_row, inlined, kernel, prefetch_row, u8, u16be
from otmon.ledger.modbus.value_changes import correct, forget, note_change, note_step, rank_of
from otmon.ledger.tables import (
    CHANGE_COLUMNS,
    COIL_BIT,
    E_BEFORE,
    E_COLUMNS,
    E_OFFSET,
    E_PACKET,
    E_RANK,
    E_TIME,
    ENDED_WRITTEN,
    FILL_WRITTEN,
    KEPT,
    KEPT_BYTES,
    O_ENDPOINT,
    O_RANGE,
    O_SERVER_HI,
    O_SERVER_LO,
    O_SERVICE,
    ORDERS,
    PAIR_BIT,
    READ_ROWS,
    STEPS,
    UNSEEN_VALUE,
    W_CHANGES,
    W_CLIENT_HI,
    W_CLIENT_LO,
    W_COLUMNS,
    W_ENDPOINT,
    W_EXTREMES,
    W_FIRST,
    W_LAST,
    W_OFFSET,
    W_PACKET,
    W_REPEATED,
    W_SERVER_HI,
    W_SERVER_LO,
    W_STEPS,
    W_TIMES,
    W_WHAT,
    WAYS,
    WRITTEN,
    Tables,
)
from otmon.protocols.modbus import (
    M_ADDRESS,
    M_COUNT,
    M_FUNCTION,
    M_WRITE_ADDRESS,
    M_WRITE_COUNT,
    MASK_WRITE,
    READ_WRITE,
)

# Columns of a value that is at hand: who, what, the value, when, the read that tells newer ones; which
# request wrote it and what was there before, should it be refused; the same of the write before that one,
# which may not be answered yet.
K_HI, K_LO, K_PLACE, K_VALUE, K_TIME, K_READ, K_WRITE, K_BEFORE, K_FORMER, K_FORMER_BEFORE = range(10)

LOOKED_THROUGH: Final = 1 << 16
"""Elements of kept reads that are looked at for one request: more than a plant's polls of one unit
ask for, and little enough that no request can hold up the others. What the reads behind them tell,
those that came up last, is not used then."""


@kernel
def keep_read(t: Tables, i: int, src: Bytes, p: int, size: int, now: int) -> None:
    """Remember the `size` bytes of values at `p` that operation `i` got as its answer."""
    if t.read_times[i] == 0:
        t.read_rows[t.used[READ_ROWS]] = i
        t.used[READ_ROWS] += 1
    if t.read_times[i] <= 0:
        t.read_keys[i] = read_key(
            t.operations[i, O_SERVER_HI],
            t.operations[i, O_SERVER_LO],
            t.operations[i, O_SERVICE] & 0xFFFF,
            t.operations[i, O_ENDPOINT] & 0xFFFF,
        )
    t.read_times[i] = max(now, 1)
    copy_bytes(t.read_values, i * KEPT_BYTES, src, p, min(size, KEPT_BYTES))


@inlined
def read_key(hi: int, lo: int, service: int, endpoint: int) -> int:
    """What reads of one kind from one unit have in common, and few others."""
    return mix(mix(mix(0, hi), lo), service | (endpoint << 16))


@kernel
def note_values(
    t: Tables, s: int, f: int, unit: int, src: Bytes, p: int, packet: int, now: int, offset: int
) -> None:
    """The values of a request that writes, whose PDU begins at `p` and is read and sound. A mask whose
    result nobody can know is counted."""
    function = t.pdu[M_FUNCTION]
    address, count, at = t.pdu[M_ADDRESS], t.pdu[M_COUNT], p + 6
    if function == 5 or function == 6:
        at = p + 3
    elif function == READ_WRITE:
        address, count, at = t.pdu[M_WRITE_ADDRESS], t.pdu[M_WRITE_COUNT], p + 10
    elif function != 15 and function != 16 and function != MASK_WRITE:
        return
    coil = 1 if function == 5 or function == 15 else 0
    client = t.streams[s, S_CLIENT]
    endpoint = t.streams[s, S_ENDPOINT]
    hi = t.flows[f, F_A_HI + 2 * (1 - client)]
    lo = t.flows[f, F_A_HI + 2 * (1 - client) + 1]
    place = place_of(unit, coil, endpoint)
    write = request_id(s, t.streams[s, S_ORDER])
    for k in range(count):
        if kept_row(t, hi, lo, place | ((address + k) << 8)) < 0:
            find_reads(t, hi, lo, place, address, count)
            break
    held = value_before(t, hi, lo, place | (address << 8), t.read_last[0])
    if function == MASK_WRITE:
        value = masked(held, u16be(src, p + 3), u16be(src, p + 5))
        if value < 0:
            t.counters[C_VALUES_LOST] += 1
            set_value(t, hi, lo, place | (address << 8), UNSEEN_VALUE, write, now)
            return
    else:
        value = value_at(src, at, function, 0)
    for k in range(count):
        what = unit | ((address + k) << 8) | (coil << COIL_BIT)
        bits, before = value << 16, held if held < 0 else held << 16
        following, held_next = value, UNSEEN_VALUE
        if k + 1 < count:
            following = value_at(src, at, function, k + 1)
            held_next = value_before(t, hi, lo, place | ((address + k + 1) << 8), t.read_last[k + 1])
            if coil == 0:
                what |= 1 << PAIR_BIT
                bits |= following
                before = before | held_next if held >= 0 and held_next >= 0 else UNSEEN_VALUE
        i = note_value(t, f, client, endpoint, what, bits, before, packet, now, offset)
        held_in = kept_row(t, hi, lo, place | ((address + k) << 8))
        if coil == 0 and held_in >= 0:
            note_change(t, i, held_in, bits, before, packet, now, offset)
            if held >= 0 and before < 0:
                # Nobody saw its neighbour: how far it went itself is known all the same.
                alone = what & ~(1 << PAIR_BIT)
                i = note_value(t, f, client, endpoint, alone, value << 16, held << 16, packet, now, offset)
                note_change(t, i, held_in, value << 16, held << 16, packet, now, offset)
        set_value(t, hi, lo, place | ((address + k) << 8), value, write, now)
        value, held = following, held_next


@inlined
def request_id(s: int, order: int) -> int:
    """What tells a request from all others that wait."""
    return (s << 40) | order


@kernel
def take_back(
    t: Tables, s: int, f: int, unit: int, function: int, address: int, count: int, order: int
) -> None:
    """The device refused what the request of that `P_ORDER` wrote: its elements hold what they did before."""
    coil = 1 if function == 5 or function == 15 else 0
    client = t.streams[s, S_CLIENT]
    endpoint = t.streams[s, S_ENDPOINT]
    place = place_of(unit, coil, endpoint)
    hi = t.flows[f, F_A_HI + 2 * (1 - client)]
    lo = t.flows[f, F_A_HI + 2 * (1 - client) + 1]
    write = request_id(s, order)
    for k in range(count):
        i = kept_row(t, hi, lo, place | ((address + k) << 8))
        if i < 0:
            continue
        if t.kept[i, K_WRITE] == write:
            t.kept[i, K_VALUE] = t.kept[i, K_BEFORE]
            t.kept[i, K_WRITE] = t.kept[i, K_FORMER]
            t.kept[i, K_BEFORE] = t.kept[i, K_FORMER_BEFORE]
        elif t.kept[i, K_FORMER] == write:
            what = unit | ((address + k) << 8) | (coil << COIL_BIT)
            take_back_before(t, f, client, endpoint, i, what)
            t.kept[i, K_BEFORE] = t.kept[i, K_FORMER_BEFORE]
        else:
            # An earlier one: what the former write found there nobody knows now.
            t.kept[i, K_FORMER_BEFORE] = UNSEEN_VALUE
            continue
        t.kept[i, K_FORMER] = 0
        t.kept[i, K_FORMER_BEFORE] = UNSEEN_VALUE


@kernel
def take_back_before(t: Tables, f: int, client: int, endpoint: int, i: int, what: int) -> None:
    """The value before the last write to an element, of row `i` in `Tables.kept`, was refused: tell the one
    before it, where that write is kept as an extreme."""
    time, wrong, right = t.kept[i, K_TIME], t.kept[i, K_BEFORE], t.kept[i, K_FORMER_BEFORE]
    forget(t, i, time, wrong)
    pair = 1 << PAIR_BIT
    for n in range(3 if what >> COIL_BIT & 1 == 0 and what >> 8 & 0xFFFF else 2):
        key = what if n == 0 else what | pair if n == 1 else what - (1 << 8) | pair
        row = written_row(t, f, client, endpoint, key)
        if row >= 0 and t.written[row, W_TIMES] > 0:
            correct(t, row, 0 if n == 2 else 16, time, wrong, right)


@inlined
def place_of(unit: int, coil: int, endpoint: int) -> int:
    """`K_PLACE` of the element with address 0."""
    return unit | (coil << COIL_BIT) | ((endpoint & 0xFFFF) << 32)


@kernel
def masked(held: int, keeps: int, sets: int) -> int:
    """What function 22 makes of a register (Modbus Application Protocol 1.1b3, 6.16): the bits that one mask
    keeps, and of the others those that the other mask sets. UNSEEN_VALUE where bits are kept that nobody
    knows."""
    if held < 0 and keeps != 0:
        return UNSEEN_VALUE
    return (max(held, 0) & keeps) | (sets & ~keeps & 0xFFFF)


@inlined
def value_at(src: Bytes, at: int, function: int, k: int) -> int:
    """The `k`-th value of a request: 0 or 1 for coils."""
    if function == 15:
        return (u8(src, at + k // 8) >> (k % 8)) & 1
    value = u16be(src, at + 2 * k)
    return (1 if value else 0) if function == 5 else value


@kernel
def kept_row(t: Tables, hi: int, lo: int, place: int) -> int:
    """The row of an element's value; where there is none, the row to take, as its complement."""
    base = ((mix(mix(mix(0, hi), lo), place) >> 16) & (KEPT // WAYS - 1)) * WAYS
    oldest = base
    for k in range(base, base + WAYS):
        if t.kept[k, K_PLACE] == place and t.kept[k, K_LO] == lo and t.kept[k, K_HI] == hi:
            return k
        if t.kept[k, K_TIME] < t.kept[oldest, K_TIME]:
            oldest = k
    return -1 - oldest


@kernel
def value_before(t: Tables, hi: int, lo: int, place: int, latest: int) -> int:
    """What an element held, as far as it was seen, else `UNSEEN_VALUE`. `latest` is the operation that
    `find_reads` found for it; without a row in `kept` that must have been asked for."""
    k = kept_row(t, hi, lo, place)
    if k >= 0:
        i = t.kept[k, K_READ]
        if i < 0 or t.read_times[i] <= t.kept[k, K_TIME] or not covers(t, i, hi, lo, place):
            return int(t.kept[k, K_VALUE])
        return int(read_value(t, i, place))
    k = -1 - k
    i = latest
    clear_row(t.kept, k)
    clear_row(t.points, k)
    t.kept[k, K_HI] = hi
    t.kept[k, K_LO] = lo
    t.kept[k, K_PLACE] = place
    t.kept[k, K_READ] = i
    t.kept[k, K_VALUE] = read_value(t, i, place) if i >= 0 else UNSEEN_VALUE
    t.kept[k, K_TIME] = t.read_times[i] if i >= 0 else 0
    return int(t.kept[k, K_VALUE])


@kernel
def set_value(t: Tables, hi: int, lo: int, place: int, value: int, write: int, now: int) -> None:
    """The element holds `value` from now on, as request `write` said; `value_before` has made its row."""
    k = kept_row(t, hi, lo, place)
    if k >= 0:
        # What a newer read tells is taken in by `value_before` only when it is asked for.
        before = value_before(t, hi, lo, place, UNSEEN_VALUE)
        told = before == t.kept[k, K_VALUE]
        t.kept[k, K_FORMER] = t.kept[k, K_WRITE] if told else 0
        t.kept[k, K_FORMER_BEFORE] = t.kept[k, K_BEFORE] if told else UNSEEN_VALUE
        t.kept[k, K_WRITE] = write
        t.kept[k, K_BEFORE] = before
        t.kept[k, K_VALUE] = value
        t.kept[k, K_TIME] = now


@kernel
def covers(t: Tables, i: int, hi: int, lo: int, place: int) -> bool:
    """Whether operation `i` reads the element."""
    function = 1 if place >> COIL_BIT & 1 else 3
    span = t.operations[i, O_RANGE]
    first = (span >> 20) - 1
    address = (place >> 8) & 0xFFFF
    return bool(
        t.operations[i, O_SERVER_LO] == lo
        and t.operations[i, O_SERVER_HI] == hi
        and t.operations[i, O_SERVICE] & 0xFFFF == (place & 0xFF) | (function << 8)
        and t.operations[i, O_ENDPOINT] & 0xFFFF == place >> 32
        and 0 <= first <= address
        and address < first + (span & 0xFFFFF) - 1
    )


@kernel
def find_reads(t: Tables, hi: int, lo: int, place: int, address: int, count: int) -> None:
    """For each of `count` elements from `address` on, the operation that has read it last, -1 for none,
    in `read_last`. `place` is that of an element with address 0."""
    t.read_last[:count] = -1
    key = read_key(hi, lo, (place & 0xFF) | ((1 if place >> COIL_BIT & 1 else 3) << 8), place >> 32)
    left = LOOKED_THROUGH
    for n in range(t.used[READ_ROWS]):
        i = t.read_rows[n]
        if t.read_keys[i] != key or t.read_times[i] <= 0:
            continue
        span = t.operations[i, O_RANGE]
        first = (span >> 20) - 1
        begin = max(first, address)
        end = min(first + (span & 0xFFFFF) - 1, address + count)
        if begin >= end or not covers(t, i, hi, lo, place | (begin << 8)):
            continue
        left -= end - begin
        if left < 0:
            return
        for k in range(begin - address, end - address):
            known = t.read_last[k]
            if known < 0 or t.read_times[i] > t.read_times[known]:
                t.read_last[k] = i


@kernel
def read_value(t: Tables, i: int, place: int) -> int:
    """The element's value in what operation `i`, which covers it, has read."""
    n = ((place >> 8) & 0xFFFF) - ((t.operations[i, O_RANGE] >> 20) - 1)
    at = i * KEPT_BYTES
    if place >> COIL_BIT & 1:
        return int(u8(t.read_values, at + n // 8) >> (n % 8)) & 1
    return int(u16be(t.read_values, at + 2 * n))


@kernel
def written_row(t: Tables, f: int, client: int, endpoint: int, what: int) -> int:
    """The row of an element that the client of a flow writes to; where there is none, the row to take, as its
    complement."""
    a = F_A_HI + 2 * client
    b = F_A_HI + 2 * (1 - client)
    h = mix(mix(mix(mix(0, t.flows[f, a + 1]), t.flows[f, b + 1]), endpoint), what)
    base = ((h >> 16) & (WRITTEN // WAYS - 1)) * WAYS
    victim = base
    for k in range(base, base + WAYS):
        if t.written[k, W_TIMES] == 0:
            if t.written[victim, W_TIMES] != 0:
                victim = k
        elif (
            t.written[k, W_WHAT] == what
            and t.written[k, W_ENDPOINT] == endpoint
            and t.written[k, W_CLIENT_LO] == t.flows[f, a + 1]
            and t.written[k, W_SERVER_LO] == t.flows[f, b + 1]
            and t.written[k, W_CLIENT_HI] == t.flows[f, a]
            and t.written[k, W_SERVER_HI] == t.flows[f, b]
        ):
            return k
        elif t.written[victim, W_TIMES] != 0 and t.written[k, W_LAST] < t.written[victim, W_LAST]:
            victim = k
    return -1 - victim


@kernel
def note_value(
    t: Tables, f: int, client: int, endpoint: int, what: int, bits: int, before: int,
    packet: int, now: int, offset: int,
) -> int:  # fmt: skip
    """Add one written value to its element's row, which is returned."""
    a = F_A_HI + 2 * client
    b = F_A_HI + 2 * (1 - client)
    i = written_row(t, f, client, endpoint, what)
    if i < 0:
        i = -1 - i
        if t.written[i, W_TIMES] != 0:
            give_up(t, i)
        clear_row(t.written, i)
        t.written[i, W_CLIENT_HI] = t.flows[f, a]
        t.written[i, W_CLIENT_LO] = t.flows[f, a + 1]
        t.written[i, W_SERVER_HI] = t.flows[f, b]
        t.written[i, W_SERVER_LO] = t.flows[f, b + 1]
        t.written[i, W_ENDPOINT] = endpoint
        t.written[i, W_WHAT] = what
        t.written[i, W_FIRST] = now
        t.written[i, W_LAST] = now
        t.written[i, W_PACKET] = packet
        t.written[i, W_OFFSET] = offset
        for way in range(STEPS):
            t.written[i, W_STEPS + way * E_COLUMNS + E_BEFORE] = UNSEEN_VALUE
            t.written[i, W_CHANGES + way * CHANGE_COLUMNS + E_BEFORE] = UNSEEN_VALUE
    else:
        # Nearly all of it is looked at.
        prefetch_row(t.written, i, 0, W_COLUMNS)
    if before >= 0:
        note_step(t, i, bits, before, packet, now, offset)
        if before == bits:
            t.written[i, W_REPEATED] += 1
    first = t.written[i, W_TIMES] == 0
    t.written[i, W_TIMES] += 1
    if now > t.written[i, W_LAST]:
        t.written[i, W_LAST] = now
    elif now < t.written[i, W_FIRST]:
        t.written[i, W_FIRST] = now
        t.written[i, W_PACKET] = packet
        t.written[i, W_OFFSET] = offset
    for order in range(ORDERS if what >> PAIR_BIT & 1 else 2):
        rank = rank_of(bits, order)
        for most in range(2):
            e = W_EXTREMES + (2 * order + most) * E_COLUMNS
            known = t.written[i, e + E_RANK]
            beyond = rank > known if most else rank < known
            # Of equal ones the earliest is told, as when two ledgers are merged.
            if first or beyond or (rank == known and now < t.written[i, e + E_TIME]):
                t.written[i, e + E_RANK] = rank
                t.written[i, e + E_BEFORE] = before
                t.written[i, e + E_TIME] = now
                t.written[i, e + E_PACKET] = packet
                t.written[i, e + E_OFFSET] = offset
    return i


@kernel
def give_up(t: Tables, i: int) -> None:
    """Move a row to the ended ones, or count it where a single packet has filled these."""
    t.counters[C_VALUES_EVICTED] += 1
    if t.used[FILL_WRITTEN] == ENDED_WRITTEN:
        t.counters[C_VALUES_LOST] += t.written[i, W_TIMES]
        return
    copy_row(t.ended_written, t.used[FILL_WRITTEN], t.written, i)
    t.used[FILL_WRITTEN] += 1
