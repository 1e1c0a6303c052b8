"""Which request a response belongs to."""

from __future__ import annotations

from random import Random

from otmon.ledger.modbus.matching import PIPELINE_NS
from tests.ledger.modbus.test_transactions import READ, rows
from tests.truth.messages import read_registers
from tests.truth.talk import MILLISECOND, Talk


def test_a_response_belongs_to_its_transaction_id_in_any_order() -> None:
    talk = Talk("x")
    numbers = [talk.ask(read_registers(3, 10 * i, 1 + i, Random(i))) for i in range(5)]
    talk.now += MILLISECOND
    for number in reversed(numbers):
        talk.answer(number)
        talk.now += MILLISECOND
    _, found = rows(talk)
    assert [row["address"] for row in found] == [40, 30, 20, 10, 0]
    assert [row["took"] for row in found] == [MILLISECOND * n for n in range(1, 6)]


def test_an_id_that_is_used_again_is_answered_for_the_newest_request() -> None:
    talk = Talk("x")
    talk.ask(READ, transaction=7)
    talk.now += 20 * PIPELINE_NS
    second = talk.ask(READ, transaction=7)
    talk.now += MILLISECOND
    talk.answer(second)
    seen, found = rows(talk)
    assert {(row["request"] > 4, row["response"] > 0) for row in found} == {(False, False), (True, True)}
    assert seen.counted["requests unanswered"] == 1


def test_ids_that_are_all_zero_are_answered_in_order() -> None:
    talk = Talk("x")
    numbers = [talk.ask(read_registers(3, 10 * i, 4, Random(i)), transaction=0) for i in range(3)]
    talk.now += MILLISECOND
    for number in numbers:
        talk.answer(number)
        talk.now += MILLISECOND
    _, found = rows(talk)
    assert [row["address"] for row in found] == [0, 10, 20]
    assert all(row["response"] for row in found)
