"""What happens now and then lies within the span, in order of time, and comes from its seed."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from random import Random

import pytest

from otmon.lab import routine
from otmon.lab.frames import SECOND_NS, Packet
from otmon.lab.habits import HOUR_NS, Span, dialogues_of, in_order, sessions_of
from otmon.lab.plant import shipped_plant, shipped_plants
from otmon.lab.scene import Trouble


def span(id: str, hours: tuple[int, int] = (9, 11)) -> Span:
    plant = shipped_plant(id)
    return Span(plant, *(plant.midnight_ns + hour * HOUR_NS for hour in hours))


@pytest.mark.parametrize("id", shipped_plants())
def test_every_entry_has_its_times_within_the_span(id: str) -> None:
    day = span(id, (6, 20))
    for form in day.plant.routine:
        dialogues = dialogues_of(form, day, Random(1))
        starts = [start_ns for start_ns, _ in dialogues]
        starts += [session.start_ns for session in sessions_of(form, day)]
        assert starts or isinstance(form, routine.Poll), form
        assert all(day.start_ns <= start_ns < day.end_ns + 60 * SECOND_NS for start_ns in starts)
        packets = list(in_order(dialogues))
        assert [packet.time_ns for packet in packets] == sorted(packet.time_ns for packet in packets)
        assert packets == list(in_order(dialogues_of(form, day, Random(1))))


def test_a_screen_reads_each_second_while_it_is_open() -> None:
    day = span("water-works", (9, 10))
    screens = [form for form in day.plant.routine if isinstance(form, routine.Screen)]
    (first, *_) = sessions_of(screens[0], day)
    times = [time_ns for time_ns, _ in first.planned()]
    assert len(times) == 240 and 115 * SECOND_NS < times[-1] - times[0] < 125 * SECOND_NS


def test_what_operators_set_is_set_at_its_time() -> None:
    day = span("water-works", (9, 10))
    sets = [s for form in day.plant.routine if isinstance(form, routine.Ask) for s in sessions_of(form, day)]
    assert [(s.client.name, s.server.name) for s in sets] == [("hmi", "plc-dosing")]
    assert sets[0].start_ns == day.plant.midnight_ns + (9 * 60 + 25) * 60 * SECOND_NS


def test_gaps_vary_about_their_mean() -> None:
    times = span("water-works", (0, 24)).about(600 * SECOND_NS, Random(3))
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) >= 180 * SECOND_NS and max(gaps) <= 1020 * SECOND_NS
    assert 500 < sum(gaps) / len(gaps) / SECOND_NS < 700


def test_who_is_silent_or_absent_takes_no_part() -> None:
    day = span("water-works")
    away = Trouble("absent", "office-pc-11", "x", day.start_ns, day.end_ns)
    for form in day.plant.routine:
        if isinstance(form, routine.Https) and "office-pc-11" in form.by:
            left = dialogues_of(form, day, Random(1), (away,))
            assert 0 < len(left) < len(dialogues_of(form, day, Random(1)))


def test_dialogues_that_last_into_each_other_are_put_in_order() -> None:
    def made(times: tuple[int, ...]) -> list[Packet]:
        return [Packet(time_ns, b"", "x") for time_ns in times]

    found = in_order(
        [(0, partial(made, (0, 50, 90))), (40, partial(made, (40, 60))), (95, partial(made, (95,)))]
    )
    assert [packet.time_ns for packet in found] == [0, 40, 50, 60, 90, 95]
