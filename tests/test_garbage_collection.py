"""The search for cycles is off inside, and afterwards as it was before."""

from __future__ import annotations

import gc

import pytest

from otmon.engine import replay
from otmon.findings.judge import judge
from otmon.garbage_collection import without_garbage_collection
from otmon.zones.files.load import load_model
from tests.command import DAY, MODEL


def test_the_search_is_off_inside_and_on_again_after_an_error() -> None:
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), without_garbage_collection():
        with without_garbage_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
        _ = 1 // 0
    assert gc.isenabled()


def test_who_turned_it_off_finds_it_off() -> None:
    gc.disable()
    try:
        with without_garbage_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_replay_and_its_judging_leave_next_to_nothing_to_the_search() -> None:
    """Each packet or fact in a cycle would be kept: the garbage must not grow with the input."""
    model = load_model(str(MODEL))
    judge(replay([str(DAY)]).ledger, model)
    gc.collect()
    judge(replay([str(DAY)]).ledger, model)
    once = gc.collect()
    judge(replay([str(DAY)] * 3).ledger, model)
    assert gc.collect() <= 2 * once + 200
