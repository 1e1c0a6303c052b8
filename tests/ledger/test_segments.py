"""Segments that come twice, late, never, or from elsewhere: what is counted and told.
tests/test_truth.py has every way of it."""

from __future__ import annotations

from dataclasses import replace

from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.segmentation import bursts, pipelining, polling
from tests.truth.talk import MILLISECOND, acknowledgment, cut, handshake, whole

FAR = 1 << 25
"""Bytes ahead that belong to no stream which is followed."""


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
