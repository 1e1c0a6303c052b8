"""TCP streams: which bytes are new, which came twice, which are missing.

A stream has two directions. For each the next expected sequence number is kept. A segment is
whole or in part new, a repetition, or ahead of its turn; one that is ahead is *held* (copied) until
what is missing comes, or is known not to come: the receiver acknowledged it, too much is held, or
it has waited too long. Then the gap is counted and reading goes on behind it: no farther than the
receiver has acknowledged where that is known, as what is held may be forged.

Sequence arithmetic is modulo 2**32 (RFC 9293 section 3.4).
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import C_SEGMENTS_HELD
from otmon.kernel import Bytes, Ints, copy_bytes, kernel

STREAMS: Final = 4096
"""Streams of decoded protocols at a time; the longest idle of its set gives way."""
STREAM_WAYS: Final = 16
CARRY: Final = 512
"""Bytes of a message that was cut between segments (the longest Modbus message has 260)."""
HELD: Final = 1024
"""Pieces of segments that are held, over all streams: 2 MiB."""
HELD_BYTES: Final = 2048
HELD_PER_STREAM: Final = 64
HELD_NS: Final = 1_000_000_000
"""After this time a missing segment is lost: a live sender would have repeated it."""
ACK_PATIENCE: Final = 3
"""Acknowledgements of missing bytes before they count as lost: packets overtake each other."""
OLD_PATIENCE: Final = 16
"""As many old segments in a row mean that a forged or stray one has moved the stream ahead."""
WINDOW: Final = 1 << 24
"""A jump farther than this is another connection on the same ports."""

# Columns of a stream; a column with a direction is followed by that of the other one.
S_FLOW: Final = 0
"""Row of its flow plus 1; 0 is a free row."""
S_LAST: Final = 1
S_MODE: Final = 2
S_OWN: Final = 3
"""Code of the protocol with commands for which a port of its connection is usual, 0 for none: the first
payload of that ends the stream."""
S_SYNC: Final = 4
S_NEXT: Final = 6
S_HELD: Final = 8
S_CARRIED: Final = 10
S_OLD: Final = 12
"""Segments in a row that held nothing new."""
S_CLIENT: Final = 14
"""Direction in which requests go, -1 unknown."""
S_GOOD: Final = 15
"""Messages that had the right shape."""
S_PENDING: Final = 16
"""Requests waiting for a response."""
S_ORDER: Final = 17
"""Counts requests, so that the newest is known."""
S_OPERATION: Final = 18
"""Row, plus 1, of the last operation that came where it came the last time; below 0 where others followed it
that did not."""
S_ENDPOINT: Final = 19
"""What tells its conversation from others of the same two addresses
(`otmon.ledger.operation_rows.endpoint_of`)."""
S_ANSWERED: Final = 20
"""1 when a response has matched a request."""
S_OFTEN: Final = 21
"""Columns before it are looked at for most segments."""
S_HASH: Final = 21
S_GAPS: Final = 22
S_HANDSHAKE: Final = 23
S_CARRY_PACKET: Final = 24
S_CARRY_TIME: Final = 26
S_CARRY_OFFSET: Final = 28
S_HELD_SINCE: Final = 30
S_ACKED: Final = 32
"""How many acknowledgements were of missing bytes, times 2**32, and the lowest of their numbers."""
S_BAD: Final = 34
"""Bytes of a candidate that were not the protocol's."""
S_WRITES: Final = 35
WRITES: Final = 13
"""Hashes of the last requests that wrote, the newest first: whether one that comes late was read."""
S_COLUMNS: Final = 48
"""Rows are whole cache lines."""

UNSEEN: Final = 0
"""Values of S_SYNC: nothing seen, in step with messages, or out of step."""
IN_STEP: Final = 1
LOST_STEP: Final = 2
BAD_STEP: Final = 3
"""Out of step by a header that cannot be one, where nothing was lost."""

# Columns of a held piece.
H_STREAM: Final = 0
"""Row of its stream plus 1; 0 is free."""
H_DIRECTION: Final = 1
H_SEQ: Final = 2
H_LENGTH: Final = 3
H_PACKET: Final = 4
H_TIME: Final = 5
H_OFFSET: Final = 6
H_COLUMNS: Final = 7


@kernel
def distance(a: int, b: int) -> int:
    """How far sequence number `a` is ahead of `b`, from -2**31 to 2**31 - 1."""
    return ((int(a) - int(b) + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@kernel
def hold(
    buf: Bytes,
    p: int,
    end: int,
    streams: Ints,
    s: int,
    d: int,
    seq: int,
    packet: int,
    now: int,
    offset: int,
    held: Ints,
    held_data: Bytes,
    counters: Ints,
) -> bool:
    """Copy ``buf[p:end]`` for later. False when there is no room: then the caller takes the gap."""
    pieces = (end - p + HELD_BYTES - 1) // HELD_BYTES
    if streams[s, S_HELD + d] + pieces > HELD_PER_STREAM:
        return False
    i = 0
    for k in range(pieces):
        while i < HELD and held[i, H_STREAM] != 0:
            i += 1
        if i == HELD:
            return False
        a = p + k * HELD_BYTES
        size = min(end - a, HELD_BYTES)
        held[i, H_STREAM] = s + 1
        held[i, H_DIRECTION] = d
        held[i, H_SEQ] = (seq + k * HELD_BYTES) & 0xFFFFFFFF
        held[i, H_LENGTH] = size
        held[i, H_PACKET] = packet
        held[i, H_TIME] = now
        held[i, H_OFFSET] = offset
        copy_bytes(held_data, i * HELD_BYTES, buf, a, size)
        if streams[s, S_HELD + d] == 0:
            streams[s, S_HELD_SINCE + d] = now
            streams[s, S_ACKED + d] = 0
        streams[s, S_HELD + d] += 1
    counters[C_SEGMENTS_HELD] += 1
    return True


@kernel
def next_held(streams: Ints, s: int, d: int, held: Ints, due: int) -> int:
    """The held piece of this direction to read at sequence number `due`: of those that hold this
    byte the one that came first, else the next one in the stream; -1 for none. Pieces that hold
    nothing new are released."""
    best = -1
    for i in range(HELD):
        if held[i, H_STREAM] != s + 1 or held[i, H_DIRECTION] != d:
            continue
        ahead = distance(held[i, H_SEQ], due)
        if ahead + held[i, H_LENGTH] <= 0:
            held[i, H_STREAM] = 0
            streams[s, S_HELD + d] -= 1
            continue
        if best < 0:
            best = i
            continue
        least = max(distance(held[best, H_SEQ], due), 0)
        ahead = max(ahead, 0)
        if ahead < least or (ahead == least and held[i, H_PACKET] < held[best, H_PACKET]):
            best = i
    return best


@kernel
def held_from(streams: Ints, s: int, d: int, held: Ints, behind: int, start: int, size: int) -> int:
    """How many bytes from `start` on, at most `size`, end before a held piece begins that lies
    behind sequence number `behind`."""
    if streams[s, S_HELD + d] == 0:
        return size
    for i in range(HELD):
        if held[i, H_STREAM] == s + 1 and held[i, H_DIRECTION] == d:
            if distance(held[i, H_SEQ], behind) > 0:
                size = min(size, distance(held[i, H_SEQ], start))
    return size


@kernel
def gap_is_final(streams: Ints, s: int, d: int, now: int) -> bool:
    """Whether what is missing in front of the held pieces will not come any more."""
    return bool(
        streams[s, S_HELD + d] > 0
        and (
            streams[s, S_ACKED + d] >> 32 >= ACK_PATIENCE
            or now - streams[s, S_HELD_SINCE + d] > HELD_NS
            or now < streams[s, S_HELD_SINCE + d] - HELD_NS
        )
    )


@kernel
def final_gap(streams: Ints, s: int, d: int, due: int, ahead: int) -> int:
    """How many bytes of a gap of `ahead` bytes at sequence number `due` are missing for good: as many
    as were acknowledged, all where nothing was. A piece in its turn has none before it."""
    if streams[s, S_ACKED + d] == 0:
        return ahead
    return min(ahead, max(distance(streams[s, S_ACKED + d] & 0xFFFFFFFF, due), 0))


@kernel
def forget(streams: Ints, s: int, held: Ints) -> None:
    """Drop all that is carried or held."""
    if streams[s, S_HELD] + streams[s, S_HELD + 1] > 0:
        for i in range(HELD):
            if held[i, H_STREAM] == s + 1:
                held[i, H_STREAM] = 0
    for d in range(2):
        streams[s, S_CARRIED + d] = 0
        streams[s, S_HELD + d] = 0
        streams[s, S_ACKED + d] = 0
