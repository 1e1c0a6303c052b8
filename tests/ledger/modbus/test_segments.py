"""Segments that come twice, late, never, or from elsewhere: what is counted and told.
tests/test_truth.py has every way of it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from otmon.decode.streams import WRITES
from tests.ledger.copying.test_command_messages import Line
from tests.ledger.copying.test_messages import seen
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import read_registers
from tests.truth.segmentation import bursts, pipelining, polling
from tests.truth.talk import (
    CLIENT,
    MICROSECOND,
    MILLISECOND,
    SECOND,
    Segment,
    Talk,
    acknowledgment,
    cut,
    handshake,
    whole,
)

FAR = 1 << 25
"""Bytes ahead that belong to no stream which is followed."""
AHEAD = 1 << 20
"""Bytes ahead that a stream may be."""


def test_a_repetition_is_counted_and_read_once() -> None:
    talk = polling("x", 0, 5)
    again = [p for s in talk.segments for p in (s, replace(s, time_ns=s.time_ns + 10 * MILLISECOND))]
    seen = Seen().packets(packets(talk, whole(talk, sorted(again, key=lambda s: s.time_ns)))).finish()
    assert seen.counted["segments retransmitted"] == 10
    assert seen.counted["transactions"] == 5


def test_a_loss_is_counted_in_bytes_and_told() -> None:
    talk = polling("x", 0, 6)
    lost = talk.segments[4]
    segments = [*handshake(talk), *(s for s in talk.segments if s is not lost)]
    seen = Seen().packets(packets(talk, segments)).finish()
    assert (seen.counted["gaps in streams"], seen.counted["bytes lost in streams"]) == (
        1,
        lost.end - lost.start,
    )
    assert [one.reason for one in seen.ledger().anomalies] == ["lost-bytes"]
    assert seen.counted["transactions"] == 6


def test_an_answer_ends_the_wait_for_what_it_acknowledges() -> None:
    talk = pipelining("x", 0, 4)
    asked, answered = bursts(talk)
    pieces = list(cut(asked, [12, 24]))
    segments = [*handshake(talk), pieces[0], pieces[2], answered, acknowledgment(answered)]
    seen = Seen().packets(packets(talk, segments))
    assert seen.counted["gaps in streams"] == 1
    assert seen.counted["segments out of order"] == 1


def test_a_jump_reads_first_what_waits() -> None:
    talk = pipelining("x", 0, 6)
    asked, _ = bursts(talk)
    first, lost, waits = cut(asked, [talk.places[1].start, talk.places[2].start])
    forged = replace(waits, start=FAR, end=FAR + 5, payload=b"\0\1\0\0\0")
    seen = Seen().packets(packets(talk, [*handshake(talk), first, waits, forged])).finish()
    assert seen.counted["transactions"] == 5
    # What is missing before the segment that waited, and the jump.
    assert seen.counted["gaps in streams"] == 2
    assert seen.counted["bytes lost in streams"] == lost.end - lost.start
    told = [(one.reason, one.times) for one in seen.ledger().anomalies]
    assert told == [("lost-bytes", 2)]


def test_a_jump_leaves_the_other_direction_as_it_is() -> None:
    talk = pipelining("x", 0, 6)
    asked, answered = bursts(talk)
    first, waits = cut(answered, [30])
    forged = replace(asked, time_ns=waits.time_ns, start=FAR, end=FAR + 5, payload=b"\0\1\0\0\0", flags=0)
    late = replace(first, time_ns=waits.time_ns + MILLISECOND)
    segments = [*handshake(talk), asked, waits, forged, late]
    seen = Seen().packets(packets(talk, segments)).finish()
    assert seen.counted["transactions"] == 6
    assert "requests open at the end" not in seen.counted
    assert (seen.counted["gaps in streams"], seen.counted["segments out of order"]) == (1, 1)


def forged(of: Segment) -> Segment:
    """A segment of the same sender that pretends to lie ahead, where nothing was sent."""
    return replace(of, time_ns=of.time_ns + MICROSECOND, start=AHEAD, end=AHEAD + 12, payload=bytes(12))


def test_a_forged_segment_ahead_moves_nothing_while_polls_go_on() -> None:
    """Polls farther apart than a missing segment is waited for, with and without the server's."""
    for answers in (True, False):
        talk = Talk("slow")
        for i in range(6):
            talk.poll(read_registers(3, i, 2, Random(i)))
            talk.now += 2 * SECOND
        sent = [s for s in talk.segments if answers or s.sender == CLIENT]
        segments = [*handshake(talk), sent[0], forged(sent[0]), *sent[1:]]
        seen = Seen().packets(packets(talk, segments))
        assert seen.counted.get("segments retransmitted", 0) == 0
        assert "gaps in streams" not in seen.counted
        seen.finish()
        assert seen.counted["transactions"] == 6
        # What was forged is read at the end, behind a gap.
        assert seen.counted["gaps in streams"] == 1


@pytest.mark.parametrize("pause", [0, 2 * SECOND])
@pytest.mark.parametrize("bare", [True, False])
def test_a_gap_ends_where_the_receiver_says_and_not_at_a_forged_segment(pause: int, bare: bool) -> None:
    """A request is lost and its response is there, beside a forged segment far ahead; bare
    acknowledgments come too, or do not."""
    talk = Talk("x")
    for i in range(12):
        talk.poll(read_registers(3, i, 2, Random(i)))
        talk.now += pause
    sent = [talk.segments[0], forged(talk.segments[0]), *talk.segments[1:4], *talk.segments[5:]]
    lost = talk.segments[4]
    segments = [*sent, *(acknowledgment(s) for s in sent if bare and s.start < AHEAD)]
    segments += [replace(acknowledgment(lost), time_ns=lost.time_ns + i) for i in range(4 if bare else 0)]
    segments.sort(key=lambda s: s.time_ns)
    seen = Seen().packets(packets(talk, [*handshake(talk), *segments]))
    assert "segments retransmitted" not in seen.counted
    assert seen.counted["gaps in streams"] == 1
    assert seen.counted["bytes lost in streams"] == lost.end - lost.start
    seen.finish()
    assert (seen.counted["transactions"], seen.counted["responses without request"]) == (12, 1)
    assert "requests open at the end" not in seen.counted


def test_what_the_receiver_has_is_what_all_its_acknowledgments_say() -> None:
    """One forged acknowledgment among genuine ones takes the stream no farther than these."""
    talk = Talk("x")
    for i in range(8):
        talk.poll(read_registers(3, i, 2, Random(i)))
    asked = [s for s in talk.segments if s.sender == CLIENT]
    lost = asked[2]
    bare = [replace(acknowledgment(lost), time_ns=lost.time_ns + i * MICROSECOND) for i in range(1, 4)]
    bare[1] = replace(bare[1], acknowledged=AHEAD + 12)
    segments = [*handshake(talk), *asked[:2], forged(asked[1]), *bare, *asked[3:]]
    seen = Seen().packets(packets(talk, segments))
    assert seen.counted["bytes lost in streams"] == lost.end - lost.start
    assert "segments retransmitted" not in seen.counted
    seen.finish()
    assert seen.counted["transactions"] == 7


def test_a_receiver_that_is_behind_or_elsewhere_lets_no_gap_be_final() -> None:
    talk = Talk("x")
    for i in range(3):
        talk.poll(read_registers(3, i, 2, Random(i)))
    asked = [s for s in talk.segments if s.sender == CLIENT]
    behind = [
        replace(acknowledgment(asked[0]), time_ns=asked[1].time_ns + i * SECOND // 2, acknowledged=6)
        for i in range(6)
    ]
    far = replace(behind[-1], time_ns=behind[-1].time_ns + 2 * SECOND, acknowledged=-FAR)
    last = replace(asked[2], time_ns=far.time_ns + MILLISECOND)
    segments = [*handshake(talk), *asked[:2], forged(asked[1]), *behind, far, last]
    seen = Seen().packets(packets(talk, segments))
    assert "gaps in streams" not in seen.counted
    assert seen.finish().counted["transactions"] == 3


READ_ONE, WRITE_ONE = bytes.fromhex("000100000006010300000001"), bytes.fromhex("00020000000601060005ffff")


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("decoy", [READ_ONE, b"?" * 700, WRITE_ONE[:-1] + b"\0", WRITE_ONE[:5]], ids=len)
def test_a_segment_that_nobody_took_hides_no_write(before: int, decoy: bytes) -> None:
    """Such as one with a wrong checksum: the receiver took what came in its place."""
    line = Line("s7comm")
    line.port = 502
    line.says(*[READ_ONE] * before)
    begin = line.following
    line.resends(begin, decoy).resends(begin, WRITE_ONE).resends(begin, WRITE_ONE, 300_000_000)
    values = [w for w in seen(line.packets).finish().ledger().written for _ in range(w.times)]
    assert len(values) == 1 + (decoy[:-1] == WRITE_ONE[:-1])


def test_a_write_that_tcp_sends_again_is_one() -> None:
    writes = [WRITE_ONE[:1] + bytes((n,)) + WRITE_ONE[2:] for n in range(WRITES)]
    line = Line("s7comm")
    line.port = 502
    line.says(READ_ONE, *writes)
    for n, one in enumerate(writes):
        line.resends(5_000 + 12 + 12 * n, one, 300_000_000)
    found = seen(line.packets).finish().ledger()
    assert sum(one.times for one in found.operations if one.function == 6) == WRITES
