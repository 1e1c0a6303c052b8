"""Rows that were taken out say the same as the tables."""

from __future__ import annotations

from otmon.ledger.harvest import facts_of
from otmon.ledger.ledger import EMPTY
from otmon.ledger.merge import merge
from otmon.ledger.rows import amounts_of, ended_rows, rows_in_use
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import write_single
from tests.truth.talk import Talk, whole


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


def test_ended_rows_are_taken_once_and_hold_what_the_tables_go_on_without() -> None:
    seen = watched()
    before = facts_of(rows_in_use(seen.t), "x")
    assert len(ended_rows(seen.t)) == 0
    seen.finish()
    ended = ended_rows(seen.t)
    assert len(ended_rows(seen.t)) == 0
    after = merge(facts_of(ended, "x"), facts_of(rows_in_use(seen.t), "x"))
    assert after == merge(before, EMPTY)
