"""From the segments of a Modbus stream to its bytes: each is read once and in its order.

What lies out of order is held until what is missing comes or is lost for good
(`otmon.decode.streams`); then the gap is counted, told, and read over.
"""

from __future__ import annotations

from otmon.decode.fields import C_GAP_BYTES, C_GAPS, C_RETRANSMITTED
from otmon.decode.flows import hash_of
from otmon.decode.streams import (
    ACK_PATIENCE,
    H_LENGTH,
    H_OFFSET,
    H_PACKET,
    H_SEQ,
    H_TIME,
    HELD_BYTES,
    IN_STEP,
    LOST_STEP,
    OLD_PATIENCE,
    S_ACKED,
    S_CARRIED,
    S_CLIENT,
    S_GAPS,
    S_HELD,
    S_HELD_SINCE,
    S_MODE,
    S_NEXT,
    S_OLD,
    S_SYNC,
    S_WRITES,
    WINDOW,
    WRITES,
    distance,
    final_gap,
    gap_is_final,
    held_from,
    hold,
    next_held,
)
from otmon.kernel import Bytes, kernel, u8, u16be
from otmon.ledger.modbus.framing import CANDIDATE, consume, read_cut
from otmon.ledger.modbus.transactions import WRITING, message
from otmon.ledger.operation_rows import note_anomaly
from otmon.ledger.tables import Tables
from otmon.protocols.modbus import R_LOST
from otmon.protocols.modbus_framing import HEADER, RTU, plausible


@kernel
def note_gap(t: Tables, s: int, f: int, d: int, size: int, now: int, packet: int, offset: int) -> None:
    """Bytes of direction `d` are missing for good: the next ones are out of step."""
    t.streams[s, S_CARRIED + d] = 0
    t.streams[s, S_SYNC + d] = LOST_STEP
    t.streams[s, S_GAPS] += 1
    if t.streams[s, S_MODE] == CANDIDATE:
        return
    t.counters[C_GAPS] += 1
    t.counters[C_GAP_BYTES] += size
    note_anomaly(t, f, max(t.streams[s, S_CLIENT], 0), d, R_LOST, -1, size, 0, now, packet, offset)


@kernel
def restart(t: Tables, s: int, f: int, d: int, seq: int, now: int, packet: int, offset: int) -> None:
    """The numbers of direction `d`, of which nothing waits any more, have nothing to do with what came
    before: begin anew there."""
    note_gap(t, s, f, d, 0, now, packet, offset)
    t.streams[s, S_NEXT + d] = seq
    t.streams[s, S_OLD + d] = 0


@kernel
def feed(
    t: Tables, s: int, f: int, d: int, src: Bytes, a: int, end: int, length: int, seq: int,
    packet: int, now: int, offset: int,
) -> None:  # fmt: skip
    """Give a segment of direction `d` to its stream: `length` bytes from sequence number `seq` on,
    of which ``src[a:end]`` were captured; none when `length` is not above 0. Then what was held is read as
    far as it has its turn, or its turn will not come."""
    if length > 0:
        ahead = distance(seq, t.streams[s, S_NEXT + d])
        old = ahead + length <= 0
        # Who only asks whether the other end still lives says so for hours (RFC 9293, 3.8.4).
        if not (ahead == -1 and length == 1):
            t.streams[s, S_OLD + d] = t.streams[s, S_OLD + d] + 1 if old else 0
        if ahead > WINDOW or ahead < -WINDOW or t.streams[s, S_OLD + d] > OLD_PATIENCE:
            drain(t, s, f, d, packet, now, offset)
            restart(t, s, f, d, seq, now, packet, offset)
        elif old:
            t.counters[C_RETRANSMITTED] += 1
            length = 0
            if is_unread_write(t, s, d, src, a, end):
                if t.streams[s, S_MODE] == CANDIDATE:
                    t.streams[s, S_NEXT + d] = seq
                    t.streams[s, S_SYNC + d] = IN_STEP
                    t.streams[s, S_CARRIED + d] = 0
                    length = end - a
                else:
                    message(t, s, f, d, src, a, end, packet, now, offset)
    read_in_order(t, s, f, d, src, a, end, length, seq, packet, now, offset, False)


@kernel
def is_unread_write(t: Tables, s: int, d: int, src: Bytes, p: int, end: int) -> bool:
    """Whether the segment ``src[p:end]``, in direction `d` and of bytes that came before, is one whole
    request that writes and none of those that were read last: what came before may have been forged for the
    capture alone, with a wrong checksum, and the receiver did what this one says."""
    if t.streams[s, S_MODE] == RTU or d == 1 - t.streams[s, S_CLIENT] or end - p < HEADER + 1:
        return False
    if u8(src, p + HEADER) not in WRITING or u16be(src, p + 4) != end - p - 6:
        return False
    if plausible(src, p, end, t.pdu) & 1 == 0:
        return False
    h = hash_of(src, p, end)
    found = False
    for k in range(S_WRITES, S_WRITES + WRITES):
        found |= t.streams[s, k] == h
    return not found


@kernel
def drain(t: Tables, s: int, f: int, d: int, packet: int, now: int, offset: int) -> None:
    """Read all that is held of direction `d`, as nothing that follows will fill its gaps."""
    if t.streams[s, S_HELD + d] > 0:
        read_in_order(t, s, f, d, t.held_data[:], 0, 0, 0, 0, packet, now, offset, True)


@kernel
def read_in_order(
    t: Tables, s: int, f: int, d: int, src: Bytes, a: int, end: int, length: int, seq: int,
    packet: int, now: int, offset: int, everything: bool,
) -> None:  # fmt: skip
    """Read a segment, as in `feed`, and what is held, each in its turn; `everything` says that no
    other turn will come."""
    live = length > 0
    flush = everything or gap_is_final(t.streams, s, d, now)
    while True:
        due = t.streams[s, S_NEXT + d]
        i = next_held(t.streams, s, d, t.held, due) if t.streams[s, S_HELD + d] > 0 else -1
        if live and distance(seq, due) > 0 and not flush:
            if hold(src, a, end, t.streams, s, d, seq, packet, now, offset, t.held, t.held_data, t.counters):
                live = False
                flush = gap_is_final(t.streams, s, d, now)
            else:
                flush = True
            continue
        waits = distance(t.held[i, H_SEQ], due) > 0 if i >= 0 else True
        if live and waits and (i < 0 or distance(seq, t.held[i, H_SEQ]) < 0):
            i = -1
            buf, p, stop, size, at = src, a, end, length, seq
            number, time, place = packet, now, offset
        elif i >= 0 and (flush or not waits):
            buf, p, size, at = t.held_data[:], i * HELD_BYTES, t.held[i, H_LENGTH], t.held[i, H_SEQ]
            stop = p + size
            number, time, place = t.held[i, H_PACKET], t.held[i, H_TIME], t.held[i, H_OFFSET]
        else:
            return
        ahead = distance(at, due)
        lost = ahead if everything else final_gap(t.streams, s, d, due, ahead)
        # Whatever is missing behind this is waited for anew.
        flush = everything
        t.streams[s, S_ACKED + d] = 0
        t.streams[s, S_HELD_SINCE + d] = now
        if lost < ahead:
            note_gap(t, s, f, d, lost, now, packet, offset)
            t.streams[s, S_NEXT + d] = (due + lost) & 0xFFFFFFFF
            continue
        if ahead > 0:
            note_gap(t, s, f, d, ahead, now, number, place)
        # Up to where the next piece begins, which may have come before this one.
        size = held_from(t.streams, s, d, t.held, at if ahead > 0 else due, at, size)
        stop = min(stop, p + size)
        cut = min(max(-ahead, 0), stop - p)
        t.streams[s, S_NEXT + d] = (at + size) & 0xFFFFFFFF
        consume(t, s, f, d, buf, p + cut, stop, number, time, place)
        missing = size - (stop - p)
        if missing > 0:
            missing -= read_cut(t, s, f, d, missing, number, time, place)
        if missing > 0:
            note_gap(t, s, f, d, missing, now, number, place)
        live = live and distance(seq, t.streams[s, S_NEXT + d]) + length > 0


@kernel
def answered(
    t: Tables, s: int, f: int, d: int, src: Bytes, ack: int, packet: int, now: int, offset: int
) -> None:
    """Data comes from the receiver of direction `d`, who has everything up to `ack`: what is held
    from before that is read first, as an answer follows what it answers."""
    while t.streams[s, S_HELD + d] > 0:
        due = t.streams[s, S_NEXT + d]
        i = next_held(t.streams, s, d, t.held, due)
        if i < 0 or distance(ack, t.held[i, H_SEQ]) <= 0:
            return
        ahead = distance(t.held[i, H_SEQ], due)
        if ahead > 0 and distance(ack, due) <= ahead:
            # Half the numbers away: it ends no gap, and the piece would wait for ever.
            return
        t.streams[s, S_ACKED + d] = (ACK_PATIENCE << 32) | ack
        feed(t, s, f, d, src, 0, 0, 0, 0, packet, now, offset)


@kernel
def acknowledge(t: Tables, s: int, d: int, ack: int, now: int) -> bool:
    """The receiver of direction `d` has everything up to `ack`. True when that makes a gap final:
    it has what the capture has not. A number from elsewhere says nothing."""
    ahead = distance(ack, t.streams[s, S_NEXT + d])
    if ahead > WINDOW or ahead < -WINDOW:
        return False
    if ahead > 0:
        many = t.streams[s, S_ACKED + d] >> 32
        lowest = t.streams[s, S_ACKED + d] & 0xFFFFFFFF
        if many == 0 or distance(ack, lowest) < 0:
            lowest = ack
        t.streams[s, S_ACKED + d] = (min(many + 1, ACK_PATIENCE) << 32) | lowest
    else:
        # It lacks what we lack: that may still come, and what is held may be forged.
        t.streams[s, S_HELD_SINCE + d] = now
    return gap_is_final(t.streams, s, d, now)
