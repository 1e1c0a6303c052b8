"""The two parts of the page are written by two commands, and neither forgets the other's."""

from __future__ import annotations

from tests.bench.page import Goal, Section, goals, live_part, with_live

BEFORE = "# Speed\n\nnumbers\n"
SECTION = Section("Live", "words", ("tool", ">lost"), [("otmon", "0")])


def test_the_live_part_is_replaced_and_the_rest_stays() -> None:
    once = with_live(BEFORE, [SECTION])
    assert once.startswith("# Speed\n\nnumbers\n") and "| otmon | 0 |" in once
    assert with_live(once, [SECTION]) == once
    assert live_part(BEFORE) == ""
    assert BEFORE + live_part(once) == once.replace("numbers\n\n", "numbers\n")


def test_a_goal_without_a_number_is_not_met() -> None:
    (row,) = goals([Goal("lost", 0, None, "{:,.0f}", at_most=True)]).rows
    assert row == ("lost", "at most 0", "not measured", "")
