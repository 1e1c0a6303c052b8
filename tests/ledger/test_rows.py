"""Rows that were taken out say the same as the tables."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from otmon.ledger.facts import OPEN_AT_END
from otmon.ledger.harvest import facts_of
from otmon.ledger.ledger import EMPTY
from otmon.ledger.merge import merge
from otmon.ledger.rows import LISTED, amounts_of, ended_rows, lists_of, rows_in_use, waiting_requests
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import Message, mask_write, read_write, write_bits, write_single
from tests.truth.talk import Talk, whole

SCENARIO_MESSAGES = (
    write_single(6, 7, 3),
    write_bits(3, 9, Random(1)),
    mask_write(5, 0xFF, 1),
    read_write((0, 2), (40, 3), Random(1)),
)


def watched() -> Seen:
    talk = Talk("x")
    for value in range(5):
        talk.poll(write_single(6, 7, value))
    return Seen().packets(packets(talk, whole(talk)))


def test_rows_in_use_stay_and_can_be_taken_again() -> None:
    seen = watched()
    first = facts_of(rows_in_use(seen.t), "x")
    assert first.conversations and first.operations and first.written and first.assets
    assert facts_of(rows_in_use(seen.t), "x") == first
    amounts = amounts_of(rows_in_use(seen.t))
    assert amounts["operations"] == sum(one.times for one in first.operations) == 5
    assert amounts["written"] == sum(one.times for one in first.written)
    assert amounts["assets"] == sum(one.packets for one in first.assets)
    talks = sum(one.packets_to_server + one.packets_to_client for one in first.conversations)
    assert amounts["conversations"] == talks
    assert "anomalies" not in amounts


@pytest.mark.parametrize("message", [*SCENARIO_MESSAGES], ids=lambda one: one.name)
def test_a_request_that_waits_is_what_it_will_be_if_nobody_answers(message: Message) -> None:
    talk = Talk("x")
    talk.poll(message)
    asked = Seen().packets(packets(talk, whole(talk))[:4])
    now = facts_of(rows_in_use(asked.t), "x").operations
    assert now and {one.status for one in now} == {OPEN_AT_END}
    assert facts_of(rows_in_use(asked.finish().t), "x").operations == now
    answered = Seen().packets(packets(talk, whole(talk)))
    assert len(waiting_requests(answered.t)) == 0


def test_ended_rows_are_taken_once_and_hold_what_the_tables_go_on_without() -> None:
    seen = watched()
    before = facts_of(rows_in_use(seen.t), "x")
    nothing_yet = ended_rows(seen.t)
    assert len(nothing_yet) == len(nothing_yet.messages) == 1, "how the client opened the connection"
    seen.finish()
    ended = ended_rows(seen.t)
    assert len(ended_rows(seen.t)) == 0
    after = merge(facts_of(ended, "x"), facts_of(rows_in_use(seen.t), "x"))
    assert after == merge(before, EMPTY)


def test_rows_become_lists_in_their_order() -> None:
    for count in (0, 1, LISTED, 2 * LISTED + 3):
        rows = np.arange(3 * count, dtype=np.int64).reshape(count, 3)
        assert list(lists_of(rows)) == rows.tolist()
