from __future__ import annotations

from otmon.identity.proof_budget import SECOND_NS, SECOND_UNITS, SECONDS, ProofBudget


def test_a_second_has_a_budget() -> None:
    budget = ProofBudget()
    assert budget.spend(5, SECOND_UNITS - 1) and budget.spend(6, 1)
    assert not budget.spend(7, 1) and budget.spend(7, 0)
    assert budget.spend(SECOND_NS, 1) and not budget.spend(0, 1)


def test_what_is_too_much_leaves_room_for_what_is_not() -> None:
    budget = ProofBudget()
    assert not budget.spend(0, SECOND_UNITS + 1) and budget.spend(0, SECOND_UNITS)


def test_memory_is_bounded() -> None:
    budget = ProofBudget()
    for second in range(3 * SECONDS):
        assert budget.spend(second * SECOND_NS, 1)
    assert len(budget._spent) == SECONDS


def test_what_is_left_out_is_counted_once() -> None:
    budget = ProofBudget()
    budget.leave_out()
    budget.leave_out()
    assert (budget.take_left_out(), budget.take_left_out()) == (2, 0)
