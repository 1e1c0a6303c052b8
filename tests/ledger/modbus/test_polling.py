"""Polls of Modbus: the short way comes to what the long way comes to."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.decode.streams import S_CLIENT, S_FLOW
from otmon.kernel import kernel
from otmon.ledger.modbus.polling import polled
from tests.ledger.seen import Seen, either_way
from tests.truth.capture import packets
from tests.truth.messages import Message, mbap, public, read_bits, read_registers, write_single
from tests.truth.talk import CLIENT, MILLISECOND, SECOND, SERVER, Talk, acknowledgment, handshake

READ = read_registers(3, 100, 4, Random(1))
ODD = (
    Message("odd", b"\3\0\0\0\0", b"\3\0"),
    Message("odd", b"\3\0\0\0\x7e", b"\3\xfc" + bytes(252)),
    Message("odd", b"\3\xff\xff\0\2", b"\3\4\0\0\0\0"),
    Message("odd", b"\1\0\0\x07\xd1", b"\1\1\0"),
    Message("odd", b"\4\0\1\0\2", b"\4\3\0\0\0"),
    Message("odd", b"\4\0\1\0\2", b"\4\4\0\0"),
    Message("odd", b"\2\0\1\0\x09", b"\2\2\0\1"),
    Message("odd", b"\3\0\1\0\2\0", b"\3\4\0\0\0\0\0"),
    Message("odd", b"\0\0\0\0\1", b"\0\1\0"),
)
MESSAGES = (*public(), *ODD, READ, read_bits(1, 0, 9, Random(2)), read_bits(2, 5, 8, Random(3)))


@kernel
def short_way(t, s, f, d, src, now):  # type: ignore[no-untyped-def]
    """What is put into its caller's body needs a caller."""
    return polled(t, s, f, d, src, 0, len(src), 9, now, 0)


STEPS = st.tuples(
    st.sampled_from(MESSAGES), st.integers(1, 2), st.sampled_from([0, 0, 0, 2, 6]),
    st.sampled_from(["answered"] * 6 + ["late", "never", "alone", "twice"]),
    st.sampled_from([None, None, 7]), st.sampled_from([MILLISECOND, 20 * MILLISECOND, 61 * SECOND]),
)  # fmt: skip


@given(st.lists(STEPS, min_size=1, max_size=30), st.booleans())
def test_the_short_way_comes_to_what_the_long_one_does(
    steps: list[tuple[Message, int, int, str, int | None, int]], opened: bool
) -> None:
    talk = Talk("x")
    late: list[int] = []
    for message, unit, exception, course, transaction, pause in steps:
        if course == "alone":
            talk.say(SERVER, mbap(transaction or 1, unit, message.response))
        else:
            number = talk.ask(message, unit, transaction)
            talk.now += MILLISECOND
            if course == "late":
                late.append(number)
            elif course != "never":
                for _ in range(1 + (course == "twice")):
                    talk.answer(number, exception)
        while course != "late" and late:
            talk.answer(late.pop())
        talk.now += pause
    segments = [each for one in talk.segments for each in (one, acknowledgment(one))]
    frames = packets(talk, [*(handshake(talk) if opened else []), *segments])
    short, long = either_way([(one.time_ns, one.frame) for one in frames])
    assert short == long


@pytest.mark.parametrize(
    ("sender", "pdu", "taken"),
    [
        (CLIENT, READ.request, True),
        (CLIENT, ODD[0].request, False),
        (CLIENT, ODD[1].request, False),
        (CLIENT, ODD[2].request, False),
        (CLIENT, ODD[7].request, False),
        (CLIENT, write_single(6, 7, 99).request, False),
        (SERVER, READ.response, True),
        (SERVER, READ.response[:-1], False),
        (SERVER, READ.refusal(2), False),
        (SERVER, read_registers(4, 100, 4, Random(1)).response, False),
    ],
)
def test_it_is_for_sound_reads_and_what_was_asked_for(sender: int, pdu: bytes, taken: bool) -> None:
    talk = Talk("x")
    talk.poll(READ)
    if sender == SERVER:
        talk.ask(READ, transaction=7)
    t = Seen().packets(packets(talk, talk.segments)).t
    (s,) = np.flatnonzero(t.streams[:, S_FLOW]).tolist()
    d = t.streams[s, S_CLIENT] if sender == CLIENT else 1 - t.streams[s, S_CLIENT]
    src = np.frombuffer(mbap(7, 1, pdu), np.uint8).copy()
    assert short_way(t, s, t.streams[s, S_FLOW] - 1, d, src, talk.now) == taken
