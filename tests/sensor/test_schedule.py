"""When the sensor judges and saves, over minutes of a clock that is only told."""

from __future__ import annotations

from itertools import pairwise

import pytest

from otmon.sensor.diary import DAY_S
from otmon.sensor.schedule import (
    COUNTS_S,
    CREDIT_BYTES,
    CREDIT_S,
    DAY_BYTES,
    HURRY_S,
    JUDGE_S,
    LOST_S,
    SAVE_S,
    SAVE_SHARE,
    SHARE,
    WINDOW_S,
    WINDOW_SHARE,
    Schedule,
)

TICK_S = 0.25
BEGIN = 1_000.0


def test_after_a_quiet_minute_judging_follows_at_once_and_then_keeps_its_share() -> None:
    """Something is always new, and a judgement takes two seconds of the processor in three."""
    schedule, now, judged = Schedule(), BEGIN, list[float]()
    while now < BEGIN + 300:
        if schedule.may_judge(now):
            judged.append(now)
            schedule.looked(now, 2.0, judged=True)
            now += 3.0
        now += TICK_S
    waits = [later - one for one, later in pairwise(judged)]
    # The quiet time before pays for some judgements; then each is followed by five times what it used.
    assert CREDIT_S / SHARE == 12.0
    assert all(wait < 5 for wait in waits[:6])
    assert all(SHARE * 2.0 <= wait < SHARE * 2.0 + TICK_S for wait in waits[10:])
    assert 2.0 * len(judged) / (now - BEGIN) < 1 / SHARE + 12.0 / (now - BEGIN) + 0.02


def test_quick_judgements_are_a_second_apart() -> None:
    schedule = Schedule()
    schedule.looked(BEGIN, 0.01, judged=False)
    assert not schedule.may_judge(BEGIN + 0.99 * JUDGE_S) and schedule.may_judge(BEGIN + JUDGE_S)


@pytest.mark.parametrize("used", [0.01, 0.2, 0.7])
def test_what_only_counts_tell_is_judged_with_a_save(used: float) -> None:
    """It waits for a save, and never so long that the next one would be too late."""
    schedule, now = Schedule(), BEGIN
    judged, saved = list[float](), list[float]()
    while now < BEGIN + 10 * WINDOW_S:
        saving = schedule.must_save(now, True)
        window = schedule.must_judge(now, saving)
        if saving:
            saved.append(now)
            schedule.saved(now, used / 2, 0)
        if window:
            judged.append(now)
            schedule.looked(now, used, judged=True)
        now += TICK_S
    assert all(SAVE_S <= later - one < LOST_S for one, later in pairwise(saved))
    assert set(judged) <= set(saved) and len(judged) >= 10
    assert all(later - one <= max(WINDOW_S, WINDOW_SHARE * used + SAVE_S) for one, later in pairwise(judged))


def test_without_a_file_it_waits_for_its_time() -> None:
    schedule = Schedule()
    schedule.looked(BEGIN, 0.1, judged=True)
    assert not schedule.must_judge(BEGIN + WINDOW_S - 1, saving=False)
    assert schedule.must_judge(BEGIN + WINDOW_S - 1, saving=True)
    assert schedule.must_judge(BEGIN + WINDOW_S, saving=False)


def test_a_look_that_found_nothing_new_is_no_judgement() -> None:
    schedule = Schedule()
    schedule.looked(BEGIN, 0.1, judged=True)
    schedule.looked(BEGIN + 20, 0.1, judged=False)
    assert schedule.must_judge(BEGIN + WINDOW_S, saving=False)


def test_what_was_given_up_for_what_is_new_is_paid_and_makes_nothing_wait() -> None:
    schedule, spent = Schedule(), 0.5
    given_up = 0
    while schedule.may_yield(BEGIN, spent, BEGIN + 1):
        schedule.yielded(BEGIN, spent)
        given_up += 1
        assert schedule.may_judge(BEGIN + 1)
    # So often in a minute, and not more: then it goes on to its end.
    assert given_up == (CREDIT_S + 1) // (SHARE * spent)
    schedule.looked(BEGIN + 1, spent, judged=True)
    assert not schedule.may_judge(BEGIN + 1 + JUDGE_S)


def test_a_slow_disk_is_written_to_less_often() -> None:
    schedule = Schedule()
    schedule.saved(BEGIN, 5.0, 0)
    assert not schedule.must_save(BEGIN + SAVE_SHARE * 5.0 - 1, True) and schedule.must_save(
        BEGIN + SAVE_SHARE * 5.0, True
    )


@pytest.mark.parametrize("size", [1 << 10, 300 << 10, 1 << 20, 30 << 20, 300 << 20])
@pytest.mark.parametrize("is_new", [False, True])
def test_no_ledger_wears_a_disk(size: int, is_new: bool) -> None:
    """It was written every nine seconds whatever its size: a gigabyte a day for each tenth of a megabyte."""
    schedule, now, saved = Schedule(), BEGIN + CREDIT_BYTES, list[float]()
    begin = now
    while now < begin + 2 * DAY_S:
        if schedule.must_save(now, is_new):
            saved.append(now)
            schedule.saved(now, 0.0, size)
        now += 1.0
    assert len(saved) * size <= CREDIT_BYTES + 2 * DAY_BYTES + size
    waits = [later - one for one, later in pairwise(saved)]
    # What is new waits for nothing as long as there is room for it, and what only counts longer.
    assert min(waits) >= (SAVE_S if is_new else COUNTS_S)
    assert waits[0] <= (LOST_S if is_new else COUNTS_S + 1)
    if size <= 300 << 10:
        assert max(waits) <= (LOST_S if is_new else COUNTS_S + 1)
    # However large it is, it is saved.
    assert len(saved) > 20


def test_something_new_does_not_wait_for_what_counts() -> None:
    schedule = Schedule()
    schedule.saved(BEGIN, 0.1, 1 << 20)
    assert not schedule.must_save(BEGIN + COUNTS_S - 1, False) and schedule.must_save(BEGIN + COUNTS_S, False)
    assert schedule.must_save(BEGIN + SAVE_S, True)


def test_another_model_is_judged_by_at_once() -> None:
    schedule = Schedule()
    schedule.looked(BEGIN, 3.0, judged=True)
    assert not schedule.must_judge(BEGIN + 1, saving=False)
    schedule.judge_soon()
    assert schedule.must_judge(BEGIN + 1, saving=False)


def test_what_was_answered_has_a_share_of_its_own_while_all_must_wait() -> None:
    """A judgement of all takes ten seconds of the processor, one of what was answered two."""
    schedule, now, hurried, judged = Schedule(), BEGIN, list[float](), list[float]()
    while now < BEGIN + 600:
        if schedule.may_hurry(now):
            hurried.append(now)
            schedule.hurried(now, 2.0)
            now += 2.0
        elif schedule.may_judge(now):
            judged.append(now)
            schedule.looked(now, 10.0, judged=True)
            assert schedule.is_slow
            now += 10.0
        now += TICK_S
    assert len(judged) < 600 / (SHARE * 10.0) + CREDIT_S / 10.0
    late = [later - one for one, later in pairwise(sorted((*hurried, *judged))) if one > BEGIN + 60]
    assert max(late) <= max(SHARE * 2.0, 10.0) + JUDGE_S + 2 * TICK_S
    # After each long judgement of all, and before the next one, what was answered has its turn.
    turns = sorted([(at, "all") for at in judged] + [(at, "answered") for at in hurried])
    assert not any(one[1] == later[1] == "all" for one, later in pairwise(turns))
    assert 2.0 * len(hurried) <= 600 / SHARE + 2.0


def test_nobody_hurries_where_all_can_be_judged_soon() -> None:
    schedule = Schedule()
    assert not schedule.may_hurry(BEGIN) and not schedule.is_slow
    schedule.looked(BEGIN, 0.1, judged=True)
    assert not any(schedule.may_hurry(BEGIN + n * TICK_S) for n in range(100)) and not schedule.is_slow
    for n in range(200):
        schedule.looked(BEGIN + n / 10, 0.9, judged=True)
    assert schedule.may_hurry(BEGIN + 20)
    schedule.hurried(BEGIN + 20, 0.01)
    assert not schedule.may_hurry(BEGIN + 20 + HURRY_S - TICK_S) and schedule.may_hurry(BEGIN + 20 + HURRY_S)
    schedule.judge_soon()
    assert not schedule.may_hurry(BEGIN + 40)
