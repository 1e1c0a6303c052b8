from __future__ import annotations

from otmon.identity.effort import SECOND_NS, SECOND_UNITS, SECONDS, Effort


def test_a_second_has_a_budget() -> None:
    effort = Effort()
    assert effort.spend(5, SECOND_UNITS - 1) and effort.spend(6, 1)
    assert not effort.spend(7, 1) and effort.spend(7, 0)
    assert effort.spend(SECOND_NS, 1) and not effort.spend(0, 1)


def test_what_is_too_much_leaves_room_for_what_is_not() -> None:
    effort = Effort()
    assert not effort.spend(0, SECOND_UNITS + 1) and effort.spend(0, SECOND_UNITS)


def test_memory_is_bounded() -> None:
    effort = Effort()
    for second in range(3 * SECONDS):
        assert effort.spend(second * SECOND_NS, 1)
    assert len(effort._spent) == SECONDS


def test_what_is_left_out_is_counted_once() -> None:
    effort = Effort()
    effort.leave_out()
    effort.leave_out()
    assert (effort.take_left_out(), effort.take_left_out()) == (2, 0)
