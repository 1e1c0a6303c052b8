"""Commands to controllers in protocols of which no kernel reads the rest (`otmon.protocols.commands`): copied
out of connections that go on for months, for `otmon.ledger.dialogues.command_operations` to read.

Each message of a payload is looked at, however many there are, and those that matter are copied one by one.
What is copied is bounded for each second, apart from what devices say of themselves and from writes
(`otmon.ledger.copying.writes`), so that no flood of those hides a command; the rest is counted, and answers
have a part of it only. Of a message that goes on in the next segment the first bytes wait for that where they
do not tell yet what it does, and where it ends the next one begins. Of segments that come in another order
than they were sent each is looked at from its first byte, and in its turn as well
(`otmon.ledger.packets.reordering`).
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import AT, C_COMMANDS_SHED, END, PROTO, PROTO_TCP, SEQ, WIRE_END
from otmon.decode.flows import F_COPIED, F_STATE, PARTS_BITS, PARTS_SHIFT
from otmon.kernel import Bytes, copy_bytes, copy_row, inlined, kernel, u8, u32be
from otmon.ledger.copying.cip_messages import ANSWERS, COMMANDS, WRITES
from otmon.ledger.copying.command_messages import (
    BACNET,
    DNP3,
    ETHERNET_IP,
    FINS,
    IEC104,
    S7COMM,
    SLMP,
    is_begun_unit,
    is_invocation,
    is_unit,
    may_begin,
    message_at,
)
from otmon.ledger.copying.messages import is_full, keep, may_copy, new_hour
from otmon.ledger.copying.station_messages import is_part
from otmon.ledger.copying.writes import await_answer, may_copy_write, number_of, take_answer
from otmon.ledger.tables import COMMANDS as SECOND
from otmon.ledger.tables import (
    CUT_BYTES,
    FILL_MESSAGES,
    G_SEQ,
    MESSAGE_BYTES,
    ROW,
    U_BEHIND,
    U_FLOW,
    U_HELD,
    U_NEXT,
    U_TIME,
    Tables,
)

COMMAND: Final = 8
"""Added to the direction in `G_WAY`: a command, or what may be the answer to one; `G_SEQ` is the sequence
number behind it, or of FINS where its frame begins, whose length a header tells that may be missing."""
COMMAND_BYTES: Final = MESSAGE_BYTES
"""Kept of a message: what names a command stands at its beginning, but in a packet of services."""
SECOND_COMMANDS: Final = 512
"""Messages copied in one second; an engineering station sends some in a minute."""
SECOND_ANSWERS: Final = 256
"""Answers are copied while fewer messages than that were: errors come as often as a client asks for what is
not there, and leave the rest to commands."""
WAIT_NS: Final = 10_000_000_000
"""What was not answered within this time was not answered."""
RESENT_NS: Final = 120_000_000_000
"""TCP sends a segment again for 100 s at least (RFC 9293, 3.8.3)."""
PARTS: Final = 64
"""Frames of DNP3, or data units of COTP, that are looked at for the function of a message that begins
without."""
DONE: Final = 1
"""Part of what `end_cut` gives."""
LONGEST: Final = 1 << 16
"""Bytes that a message goes on for at most: what says more is none, or not worth to be waited for."""
BEFORE: Final = 1 << 16
"""A segment that begins by fewer bytes before the next one comes again, and changes nothing."""


@kernel
def copy_commands(
    t: Tables, f: int, d: int, u: int, code: int, src: Bytes, packet: int, now: int, offset: int
) -> None:
    """Copy the messages in the packet's payload, of a flow that speaks `code`, that are a command or
    may be the answer to one. There is room for one. What is cut is in row `u` of `Tables.cuts`.

    What the segment before it left is gone on with; but as that may have been another one than the receiver
    took, a message may begin with the segment as well."""
    row = t.rows[t.used[ROW]]
    p = row[AT]
    known = t.cuts[u, U_FLOW] == 2 * f + d + 1
    if known and row[PROTO] == PROTO_TCP:
        late = (t.cuts[u, U_NEXT] - row[SEQ]) & 0xFFFFFFFF
        if late < BEFORE:
            found = end_cut(t, u, f, d, code, src, packet, now, offset) if late == 0 else -2
            if found != 0 and found & DONE == 0:
                look_at(t, f, d, code, src, found >> 1, packet, now, offset)
            if found < 0:
                return
            p = max(p, found >> 1)
    p = read_messages(t, f, d, code, src, p, -1, packet, now, offset)
    if row[PROTO] == PROTO_TCP and (known or p != row[WIRE_END]):
        note_cut(t, u, f, d, code, src, p, now)


@kernel
def look_at(
    t: Tables, f: int, d: int, code: int, src: Bytes, stop: int, packet: int, now: int, offset: int
) -> None:
    """As `read_messages`, from the beginning of the payload, of which nothing is to be gone on with."""
    read_messages(t, f, d, code, src, t.rows[t.used[ROW], AT], stop, packet, now, offset)


@inlined
def read_messages(
    t: Tables, f: int, d: int, code: int, src: Bytes, p: int, stop: int, packet: int, now: int, offset: int
) -> int:
    """Choose among the messages from `p` to the end of the payload, or to one that begins at `stop`, -1 for
    none. Returns where one begins that is cut before it tells what it does; where none begins; or where the
    next one would, which may be behind the end."""
    row = t.rows[t.used[ROW]]
    end = row[END]
    while p < end and p != stop:
        found = message_at(code, src, p, end, p == row[AT], row[PROTO] != PROTO_TCP)
        size = found >> 2
        if size == 0:
            return p
        kind = kind_of(t, f, d, code, found, src, p, end)
        if kind != 0:
            choose(t, f, d, code, kind, src, p, min(size, end - p), p - row[AT] + size, packet, now, offset)
        if size > end - p and (
            (kind == 0 and end - p < CUT_BYTES) or (code == ETHERNET_IP and not may_begin(code, src, p, end))
        ):
            return p
        p += size
    return p


@inlined
def kind_of(t: Tables, f: int, d: int, code: int, found: int, src: Bytes, p: int, end: int) -> int:
    """What the message at `p` does, of which `message_at` gave `found`: a data unit of COTP may go on with
    one that began a command, and what is started by name is told with the rest of it."""
    kind = found & 3
    if code != S7COMM:
        return kind
    if kind == 0:
        if parts_left(t, f, d) == 0 or not is_unit(src, p, end):
            return 0
        set_parts(t, f, d, parts_left(t, f, d) - 1)
        return COMMANDS
    row = t.rows[t.used[ROW]]
    if found >> 2 > end - p and row[END] == row[WIRE_END] and is_invocation(src, p, end):
        return 0
    return kind


@kernel
def choose(
    t: Tables, f: int, d: int, code: int, kind: int, src: Bytes, p: int, size: int, behind: int,
    packet: int, now: int, offset: int,
) -> None:  # fmt: skip
    """Copy the message of which ``src[p:p + size]`` is there, unless it is an answer and no command was
    before it. It ends `behind` bytes behind the beginning of the packet's payload."""
    if kind == WRITES:
        if is_full(t):
            t.counters[C_COMMANDS_SHED] += 1
        elif may_copy_write(t, f, d, now):
            await_answer(t, f, d, number_of(code, src, p, p + size), now)
            copy_one(t, f, d, code, src, p, size, behind, packet, now, offset)
        return
    if kind == ANSWERS and take_answer(t, f, 1 - d, number_of(code, src, p, p + size)):
        if is_full(t):
            t.counters[C_COMMANDS_SHED] += 1
        else:
            copy_one(t, f, d, code, src, p, size, behind, packet, now, offset)
        return
    if code == DNP3 and is_part(src, p):
        # While a fragment waits for its function: files are written in very many frames.
        left = PARTS if u8(src, p + 10) & 0x40 else parts_left(t, f, d) - 1
        if left < 0:
            return
        set_parts(t, f, d, left)
    elif code == SLMP or code == DNP3 or code == S7COMM or code == BACNET:
        # Their answers do not say to what, or errors do not: those behind a command are taken, and of DNP3
        # the one that has its number.
        number = 1 + (u8(src, p + 11) & 0x0F) if code == DNP3 else 1
        if code != DNP3:
            new_hour(t, f, now)
        if kind == COMMANDS:
            t.flows[f, F_COPIED + d] = number if code == DNP3 else max(t.flows[f, F_COPIED + d], 1)
        elif t.flows[f, F_COPIED + 1 - d] == 0 or (code == DNP3 and t.flows[f, F_COPIED + 1 - d] != number):
            return
        elif code == DNP3:
            t.flows[f, F_COPIED + 1 - d] = 0
    elif (code == IEC104 or code == ETHERNET_IP) and kind == ANSWERS:
        return
    if code == S7COMM and is_unit(src, p, p + size) and is_begun_unit(src, p):
        set_parts(t, f, d, PARTS)
    if is_full(t):
        t.counters[C_COMMANDS_SHED] += 1
        return
    most = SECOND_COMMANDS if kind == COMMANDS else SECOND_ANSWERS
    if may_copy(t, now, SECOND, most, C_COMMANDS_SHED):
        if code == IEC104 or code == ETHERNET_IP:
            await_answer(t, f, d, number_of(code, src, p, p + size), now)
        copy_one(t, f, d, code, src, p, size, behind, packet, now, offset)


@kernel
def copy_one(
    t: Tables, f: int, d: int, code: int, src: Bytes, p: int, size: int, behind: int, packet: int, now: int,
    offset: int,
) -> None:  # fmt: skip
    """Copy the message ``src[p:p + size]``, as `choose` has it. There is room for it."""
    if code == FINS and t.rows[t.used[ROW], PROTO] == PROTO_TCP:
        behind -= u32be(src, p + 4) - 8 if size >= 16 and u32be(src, p) == 0x46494E53 else size
    size = min(size, COMMAND_BYTES)
    keep(t, f, d | COMMAND, src, p, size, size, packet, now, offset)
    t.messages[t.used[FILL_MESSAGES] - 1, G_SEQ] = (t.rows[t.used[ROW], SEQ] + behind) & 0xFFFFFFFF


@inlined
def parts_left(t: Tables, f: int, d: int) -> int:
    """How many pieces of messages in this direction of a flow are copied yet."""
    return int(t.flows[f, F_STATE] >> (PARTS_SHIFT + d * PARTS_BITS) & (1 << PARTS_BITS) - 1)


@inlined
def set_parts(t: Tables, f: int, d: int, left: int) -> None:
    """As many pieces are copied yet."""
    shift = PARTS_SHIFT + d * PARTS_BITS
    t.flows[f, F_STATE] = (t.flows[f, F_STATE] & ~(((1 << PARTS_BITS) - 1) << shift)) | (left << shift)


@kernel
def join_cut(t: Tables, u: int, src: Bytes) -> int:
    """Write the packet's payload behind the bytes that row `u` of `Tables.cuts` has of the segment
    before. Returns how many bytes are there then; what the row says of them is left as it is."""
    row = t.rows[t.used[ROW]]
    held = t.cuts[u, U_HELD]
    n = min(row[END] - row[AT], CUT_BYTES - held)
    copy_bytes(t.cut_data, u * CUT_BYTES + held, src, row[AT], n)
    return int(held + n)


@kernel
def move_cut(t: Tables, u: int, v: int) -> None:
    """Row `u` of `Tables.cuts` is row `v` as well."""
    copy_row(t.cuts, v, t.cuts, u)
    copy_bytes(t.cut_data, v * CUT_BYTES, t.cut_data, u * CUT_BYTES, CUT_BYTES)


@inlined
def goes_on(code: int, src: Bytes, p: int, end: int, size: int) -> bool:
    """Whether the message at `p` of `size` bytes, 0 if that is not known, may go on behind `end`."""
    begins = may_begin(code, src, p, end)
    return begins if size == 0 else size > end - p and (begins or code != ETHERNET_IP)


@kernel
def end_cut(
    t: Tables, u: int, f: int, d: int, code: int, src: Bytes, packet: int, now: int, offset: int
) -> int:
    """Go on with what row `u` of `Tables.cuts` has of the segment before. Returns 0 where that was no
    message, else twice the place where its message ends in the payload, or below 0 where it does not end
    there; DONE is added if it was chosen."""
    row = t.rows[t.used[ROW]]
    p, end = row[AT], row[END]
    behind = (t.cuts[u, U_BEHIND] - row[SEQ]) & 0xFFFFFFFF
    done = 0
    if t.cuts[u, U_HELD] > 0:
        held = join_cut(t, u, src)
        begin = u * CUT_BYTES
        cut = t.cut_data[:]
        found = message_at(code, cut, begin, begin + held, False, False)
        size = found >> 2
        behind = size - t.cuts[u, U_HELD]
        kind = kind_of(t, f, d, code, found, cut, begin, begin + held)
        if kind != 0:
            choose(t, f, d, code, kind, cut, begin, min(size, held), behind, packet, now, offset)
            done = DONE if found & 3 != 0 else 0
        elif goes_on(code, cut, begin, begin + held, size):
            if held < CUT_BYTES and row[WIRE_END] == end:
                t.cuts[u, U_HELD] = held
                t.cuts[u, U_NEXT] = (row[SEQ] + end - p) & 0xFFFFFFFF
                return -2
        elif size == 0:
            t.cuts[u, U_FLOW] = 0
            return 0
    set_cut(t, u, 2 * f + d + 1, 0, behind, now)
    return (p + behind) << 1 | done if behind < end - p else -2 | done


@kernel
def note_cut(t: Tables, u: int, f: int, d: int, code: int, src: Bytes, p: int, now: int) -> None:
    """Keep in row `u` of `Tables.cuts` what the packet's payload leaves: the beginning of a message at
    `p`, or how far one goes that ends there."""
    row = t.rows[t.used[ROW]]
    n = row[END] - p
    held = 0
    if n > 0:
        size = message_at(code, src, p, row[END], p == row[AT], False) >> 2
        if not goes_on(code, src, p, row[END], size):
            p = row[AT]
        elif row[WIRE_END] == row[END] and n <= CUT_BYTES:
            held = n
            copy_bytes(t.cut_data, u * CUT_BYTES, src, p, n)
        else:
            p += size
    set_cut(t, u, 2 * f + d + 1, held, p - row[AT], now)


@kernel
def set_cut(t: Tables, u: int, flow: int, held: int, behind: int, now: int) -> None:
    """Note in row `u` of `Tables.cuts` that of a `flow`'s message `held` bytes are there, or that one begins
    `behind` bytes behind the beginning of the packet's payload; a piece of another flow gives way."""
    row = t.rows[t.used[ROW]]
    length = row[WIRE_END] - row[AT]
    if held == 0 and (behind <= length or behind - length > LONGEST):
        if t.cuts[u, U_FLOW] == flow:
            t.cuts[u, U_FLOW] = 0
        return
    if t.cuts[u, U_FLOW] != flow and t.cuts[u, U_HELD] > 0 and now - t.cuts[u, U_TIME] <= WAIT_NS:
        t.counters[C_COMMANDS_SHED] += t.cuts[u, U_FLOW] != 0
    t.cuts[u, U_FLOW] = flow
    t.cuts[u, U_NEXT] = (row[SEQ] + length) & 0xFFFFFFFF
    t.cuts[u, U_BEHIND] = (row[SEQ] + behind) & 0xFFFFFFFF
    t.cuts[u, U_HELD] = held
    t.cuts[u, U_TIME] = now
