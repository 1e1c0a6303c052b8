"""Rows that were taken out say the same as the tables."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from otmon.decode.flows import F_KEY
from otmon.ledger.facts import OPEN_AT_END
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.rows import (
    FEW_ROWS,
    LISTED,
    amounts_of,
    by_kind,
    by_runs,
    chosen,
    ended_rows,
    lists_of,
    rows_in_the_way,
    rows_in_use,
    slices_in_use,
    together,
    waiting_requests,
)
from otmon.ledger.ledger import EMPTY
from otmon.ledger.merge import merge, merge_all
from otmon.ledger.tables import (
    ENDED_SENDERS,
    FILL_ASSETS,
    FILL_FLOWS,
    FILL_MESSAGES,
    FILL_OCTETS,
    MESSAGE_DATA,
    MESSAGES,
)
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


def test_rows_that_were_parted_are_the_same_together(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk("x")
    for message in (*SCENARIO_MESSAGES, *SCENARIO_MESSAGES[:2]):
        talk.poll(message)
    seen = Seen().packets(packets(talk, whole(talk))).finish()
    every = rows_in_use(seen.t)
    facts = merge_all([facts_of(every, "x")])
    assert {min(one.times, 2) for one in facts.operations} == {1, 2} and len(every.courses) > 1
    odd = np.arange(len(every.operations)) % 2 == 1
    parts = chosen(every, "operations", odd), chosen(every, "operations", ~odd)
    alone = [by_kind(part)["operations"] for part in parts]
    assert len(together(alone).courses) == len(every.courses)
    assert merge_all([facts_of(together(alone), "x")]).operations == facts.operations
    monkeypatch.setattr("otmon.ledger.harvest.rows.SLICE", 1)
    slices = list(slices_in_use(seen.t))
    assert max(map(len, slices)) <= 5 and merge_all(facts_of(one, "x") for one in slices) == facts
    assert merge_all([facts_of(together(list(by_kind(every).values())), "x")]) == facts


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


@pytest.mark.parametrize(("fill", "most"), [(FILL_MESSAGES, MESSAGES), (FILL_OCTETS, MESSAGE_DATA)])
def test_where_payloads_fill_the_tables_other_ended_rows_stay(fill: int, most: int) -> None:
    seen = watched()
    seen.t.ended_flows[0] = seen.t.flows[np.flatnonzero(seen.t.flows[:, F_KEY])[0]]
    seen.t.used[FILL_FLOWS] = 1
    seen.t.used[fill] = most
    full = rows_in_the_way(seen.t)
    assert len(full) == len(full.messages) > 0
    assert seen.t.used[FILL_MESSAGES] == seen.t.used[FILL_OCTETS] == 0
    assert len(rows_in_the_way(seen.t)) == 0, "transactions alone were in the way"
    left = ended_rows(seen.t)
    assert len(left) == len(left.flows) == 1
    assert seen.t.used[FILL_FLOWS] == 0


def test_where_ended_rows_fill_the_tables_all_of_them_leave() -> None:
    seen = watched()
    seen.t.ended_flows[0] = seen.t.flows[np.flatnonzero(seen.t.flows[:, F_KEY])[0]]
    seen.t.used[FILL_FLOWS] = 1
    seen.t.used[FILL_ASSETS] = ENDED_SENDERS - 2
    full = rows_in_the_way(seen.t)
    assert (len(full.flows), len(full.assets)) == (1, ENDED_SENDERS - 2)
    assert seen.t.used[FILL_FLOWS] == seen.t.used[FILL_ASSETS] == 0


@pytest.mark.parametrize(("times", "values"), [(1, 4), (FEW_ROWS, 3)])
def test_equal_rows_behind_each_other_share_one_value(times: int, values: int) -> None:
    columns = np.array([[1, 2], [1, 2], [3, 4], [1, 2]], np.int64).repeat(times, axis=0)
    asked: list[tuple[int, int]] = []
    made = by_runs(lambda *row: asked.append(row) or str(row), columns)  # type: ignore[func-returns-value]
    assert made == [str(tuple(row)) for row in columns.tolist()]
    assert len(asked) == values, "of a few rows each is looked at"
    assert by_runs(str, columns[:0, :1]) == []


def test_rows_become_lists_in_their_order() -> None:
    for count in (0, 1, LISTED, 2 * LISTED + 3):
        rows = np.arange(3 * count, dtype=np.int64).reshape(count, 3)
        assert list(lists_of(rows)) == rows.tolist()
