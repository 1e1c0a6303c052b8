"""Commands in segments that come in another order than they were sent: a message that is cut over several is
put together in the order of their sequence numbers, as the receiver does.

Each payload is read as it comes (`otmon.ledger.copying.commands`), so that nothing has to wait for what may
have been lost. One that is ahead of its turn is held besides, with the piece of a message that was there
then; when what is missing comes, all that follows is read once more in its turn. What is found twice so is
one command, by its sequence number.

What is held is bounded, for each direction and in all (`otmon.decode.streams`). It is forgotten when the
receiver says that it has what the capture has not, or after a time in which no TCP waits.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import ACK, AT, END, FLAGS, SEQ, TCP_ACK, WIRE_END
from otmon.decode.flows import F_FIRST_PACKET, F_ISN, F_PACKETS, F_PROTOCOL
from otmon.decode.streams import (
    ACK_PATIENCE,
    H_DIRECTION,
    H_LENGTH,
    H_OFFSET,
    H_PACKET,
    H_SEQ,
    H_STREAM,
    H_TIME,
    HELD,
    HELD_BYTES,
    HELD_PER_STREAM,
    IN_STEP,
    LOST_STEP,
    S_ACKED,
    S_FLOW,
    S_HELD,
    S_HELD_SINCE,
    S_LAST,
    S_NEXT,
    S_ORDER,
    S_SYNC,
    UNSEEN,
    WINDOW,
    distance,
    forget,
    hold,
    next_held,
)
from otmon.kernel import Bytes, kernel
from otmon.ledger.copying.command_messages import is_commanded
from otmon.ledger.copying.commands import BEFORE, RESENT_NS, WAIT_NS, copy_commands, move_cut
from otmon.ledger.packets.naming import is_named, name_own, own_of
from otmon.ledger.tables import CODES, COMMAND_STREAMS, CUTS, ROW, U_FLOW, U_NEXT, Tables
from otmon.protocols.signature import SignatureTables

READ: Final = 1
EARLY: Final = 2
"""What `read_in_order` gives."""
_SEQUENCES: Final = 0xFFFFFFFF


@kernel
def read_in_order(
    t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int
) -> int:
    """Take note of a segment of a flow that speaks, or may speak, a protocol with commands. Returns READ
    where it was read here, as others waited for it, EARLY where it is ahead of its turn, else 0."""
    row = t.rows[t.used[ROW]]
    if not is_named(t, f) and own_of(t, signatures, f, d) == 0:
        return 0
    o = f & (COMMAND_STREAMS - 1)
    streams = t.command_streams
    if streams[o, S_FLOW] != f + 1 or streams[o, S_ORDER] != t.flows[f, F_FIRST_PACKET]:
        if streams[o, S_HELD] + streams[o, S_HELD + 1] > 0:
            if streams[o, S_FLOW] != f + 1 and abs(now - streams[o, S_LAST]) <= WAIT_NS:
                return 0
            forget(streams, o, t.early)
        streams[o, S_FLOW] = f + 1
        streams[o, S_ORDER] = t.flows[f, F_FIRST_PACKET]
        streams[o, S_SYNC] = UNSEEN
        streams[o, S_SYNC + 1] = UNSEEN
    if streams[o, S_SYNC + d] != IN_STEP:
        # What began before is not waited for.
        isn = t.flows[f, F_ISN + d]
        begins = (
            streams[o, S_SYNC + d] == UNSEEN and isn >= 0 and t.flows[f, F_PACKETS + d] <= HELD_PER_STREAM
        )
        streams[o, S_NEXT + d] = (isn + 1) & _SEQUENCES if begins else row[SEQ]
        streams[o, S_SYNC + d] = IN_STEP
    streams[o, S_LAST] = now
    if row[SEQ] == streams[o, S_NEXT + d] and streams[o, S_HELD] + streams[o, S_HELD + 1] == 0:
        streams[o, S_NEXT + d] = (row[SEQ] + row[WIRE_END] - row[AT]) & _SEQUENCES
        return 0
    give_up(t, o, d, now)
    ahead = distance(row[SEQ], streams[o, S_NEXT + d])
    behind = ahead + row[WIRE_END] - row[AT]
    if ahead > WINDOW or ahead < -BEFORE:
        drop(t, o, d)
        return 0
    if ahead > 0:
        if streams[o, S_HELD + d] == 0:
            begin_waiting(t, f, d)
        hold(
            src, row[AT], row[END], streams, o, d, row[SEQ], packet, now, offset, t.early, t.early_data,
            t.counters,
        )  # fmt: skip
        return EARLY
    if streams[o, S_HELD + d] == 0:
        if ahead < 0:
            # The receiver may have taken this one, and not what came before it.
            read_piece(t, signatures, f, d, src, packet, now, offset)
            go_on(t, f, d)
        streams[o, S_NEXT + d] = (streams[o, S_NEXT + d] + max(behind, 0)) & _SEQUENCES
        return 0
    if behind <= 0:
        return 0
    at, seq = row[AT], row[SEQ]
    row[AT] = min(at - ahead, row[END])
    row[SEQ] = streams[o, S_NEXT + d]
    read = read_piece(t, signatures, f, d, src, packet, now, offset)
    row[AT] = at
    row[SEQ] = seq
    streams[o, S_NEXT + d] = (streams[o, S_NEXT + d] + behind) & _SEQUENCES
    if not read:
        drop(t, o, d)
        return 0
    read_held(t, signatures, f, d)
    return READ


@kernel
def give_up(t: Tables, o: int, d: int, now: int) -> None:
    """Forget what is held for row `o` of `Tables.command_streams` where what is missing will not come any
    more; the packet goes in direction `d`, and acknowledges the other one."""
    row = t.rows[t.used[ROW]]
    streams = t.command_streams
    other = 1 - d
    if row[FLAGS] & TCP_ACK and streams[o, S_HELD + other] > 0:
        if 0 < distance(row[ACK], streams[o, S_NEXT + other]) <= WINDOW:
            streams[o, S_ACKED + other] += 1
            if streams[o, S_ACKED + other] >= ACK_PATIENCE:
                drop(t, o, other)
    if streams[o, S_HELD + d] > 0 and abs(now - streams[o, S_HELD_SINCE + d]) > RESENT_NS:
        drop(t, o, d)


@kernel
def drop(t: Tables, o: int, d: int) -> None:
    """Forget what is held of direction `d`; the next segment is in its turn."""
    t.command_streams[o, S_SYNC + d] = LOST_STEP
    if t.command_streams[o, S_HELD + d] == 0:
        return
    t.command_streams[o, S_HELD + d] = 0
    for i in range(HELD):
        if t.early[i, H_STREAM] == o + 1 and t.early[i, H_DIRECTION] == d:
            t.early[i, H_STREAM] = 0


@kernel
def begin_waiting(t: Tables, f: int, d: int) -> None:
    """Keep the piece of a message that goes on with what is missing now: as it comes the next segment takes
    its place."""
    o = f & (COMMAND_STREAMS - 1)
    u, v = (2 * f + d) & (CUTS - 1), CUTS + 2 * o + d
    t.cuts[v, U_FLOW] = 0
    if t.cuts[u, U_FLOW] == 2 * f + d + 1 and t.cuts[u, U_NEXT] == t.command_streams[o, S_NEXT + d]:
        move_cut(t, u, v)


@kernel
def read_held(t: Tables, signatures: SignatureTables, f: int, d: int) -> None:
    """Read what is held of direction `d` as far as it is its turn."""
    row = t.rows[t.used[ROW]]
    o = f & (COMMAND_STREAMS - 1)
    streams = t.command_streams
    early = t.early
    at, end, wire_end, seq = row[AT], row[END], row[WIRE_END], row[SEQ]
    while streams[o, S_HELD + d] > 0:
        due = streams[o, S_NEXT + d]
        i = next_held(streams, o, d, early, due)
        if i < 0 or distance(early[i, H_SEQ], due) > 0:
            break
        begin = i * HELD_BYTES
        row[AT] = begin - distance(early[i, H_SEQ], due)
        row[END] = begin + early[i, H_LENGTH]
        row[WIRE_END] = row[END]
        row[SEQ] = due
        streams[o, S_NEXT + d] = (early[i, H_SEQ] + early[i, H_LENGTH]) & _SEQUENCES
        read_piece(
            t, signatures, f, d, t.early_data[:], early[i, H_PACKET], early[i, H_TIME], early[i, H_OFFSET]
        )
    row[AT] = at
    row[END] = end
    row[WIRE_END] = wire_end
    row[SEQ] = seq
    streams[o, S_ACKED + d] = 0
    if streams[o, S_HELD + d] == 0:
        go_on(t, f, d)


@kernel
def go_on(t: Tables, f: int, d: int) -> None:
    """What is cut in its turn goes on with the next segment that comes, unless what came goes on farther."""
    u, v = (2 * f + d) & (CUTS - 1), CUTS + 2 * (f & (COMMAND_STREAMS - 1)) + d
    if t.cuts[v, U_FLOW] != 2 * f + d + 1:
        return
    if t.cuts[u, U_FLOW] != 2 * f + d + 1 or distance(t.cuts[u, U_NEXT], t.cuts[v, U_NEXT]) <= 0:
        move_cut(t, v, u)
        t.cuts[v, U_FLOW] = 0


@kernel
def read_piece(
    t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int
) -> bool:
    """Read the packet's payload in its turn. False where it names the flow something else than `own_of`."""
    v = CUTS + 2 * (f & (COMMAND_STREAMS - 1)) + d
    if not is_named(t, f) and not name_own(t, signatures, f, d, v, src, now):
        return False
    code = t.flows[f, F_PROTOCOL] & (CODES - 1)
    if is_commanded(code):
        copy_commands(t, f, d, v, code, src, packet, now, offset)
    return True
