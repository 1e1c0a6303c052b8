"""The routine of a plant is checked where it is read."""

from __future__ import annotations

import pytest

from otmon.lab import routine
from otmon.lab.form import RangeError
from otmon.lab.plant import FOLDER, read_plant, shipped_plant, shipped_plants
from otmon.lab.routine import HABITS, routine_of

SOUND = (FOLDER / "body-line.yaml").read_text(encoding="utf-8")


def test_every_habit_is_one_of_some_plant() -> None:
    seen = {type(form) for id in shipped_plants() for form in shipped_plant(id).routine}
    assert seen == set(HABITS.values())
    assert all(form.__doc__ for form in HABITS.values())


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("does: writes-block", "does: write-block", "no habit 'write-block', expected writes-block"),
        ("does: writes-block", "what: writes-block", "does is missing, expected poll"),
        (
            "by: line-hmi, to: cooling-unit, every: 1s",
            "by: hmi, to: cooling-unit, every: 1s",
            "no host 'hmi'",
        ),
        ("every: 1s, asks", "every: 10ms, asks", "more often than each 100 ms"),
        ("every: 1s, block: 50", "every: 1s, tag: a, block: 50", "tag does not fit s7comm, expected block"),
        ("every: 5s, tag: Station_Counts", "every: 5s", "tag does not fit ethernet_ip, expected tag alone"),
        (
            "every: 1s, block: 50",
            "every: 1s, nodes: a, block: 50",
            "nodes does not fit s7comm, expected block",
        ),
        (
            "every: 5s,\n     nodes: [",
            "every: 5s,\n     tag: x, nodes: [",
            "tag does not fit opc_ua, expected nodes",
        ),
        ("to: data-gateway, node: Order", "to: line-plc, node: Order", "line-plc does not serve opc_ua"),
        ("on: line-ews", "on: line-eww", "no host 'line-eww', expected line-ews"),
        ("asks: read input 0-2}", "asks: wait 5s}", "a wait among what is asked each time"),
        ("to: cooling-unit, every: 1s", "to: line-ews, every: 1s", "line-ews does not serve modbus"),
        ("block: 50}", "block: 50, every: 5s}", "duplicate key 'every'"),
        ("every: 4min}", "every: 0s}", "expected a duration such as"),
        ("by: line-hmi, to: cooling-unit, every: 4", "by: robot-vendor, every: 4", "is on the Internet"),
        ("name: mes.plant.example}", "name: 'mes..example'}", "expected a domain name"),
        ("per_hour: 12", "per_hour: 0", "expected a whole number from 1 to 3600"),
        ("turns: 30", "turn: 30", "unknown key 'turn', expected turns"),
        ("routine:\n", "routine: 1\nroutines:\n", "'1' does not fit here"),
    ],
)
def test_a_broken_entry_says_where(before: str, after: str, told: str) -> None:
    assert before in SOUND
    line = SOUND[: SOUND.index(before)].count("\n") + 1
    with pytest.raises(RangeError) as caught:
        read_plant("body-line.yaml", SOUND.replace(before, after, 1).encode())
    found = [problem for problem in caught.value.problems if told in problem.what]
    assert found and abs(found[0].line - line) <= 1, caught.value


def test_an_entry_is_what_its_form_says() -> None:
    polls = [form for form in shipped_plant("body-line").routine if isinstance(form, routine.Poll)]
    assert [(form.protocol, form.every) for form in polls[:3]] == [
        ("modbus", 10**9),
        ("modbus", 2 * 10**9),
        ("s7comm", 10**9),
    ]
    assert routine_of.__doc__
