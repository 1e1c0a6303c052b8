"""Facts of values that commands write: extremes, steps, changes, what was held before, and budgets."""

from __future__ import annotations

import struct
from itertools import pairwise
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.login import Seen
from otmon.ledger.dialogues.command_values import (
    HELD,
    SECOND_VALUES,
    SLOT_NS,
    TALK_VALUES,
    UNDOABLE,
    CommandValues,
    numbers_of,
)
from otmon.ledger.extremes import rank_of, size_of_move
from otmon.ledger.facts import MINUTE_NS, NO_CHANGE, UNKNOWN, WAYS, Change, Extreme, WrittenValue
from otmon.ledger.merge import collect
from otmon.protocols.protocol import Run, Written

SECOND_NS = 1_000_000_000
HMI = ("10.1.0.5", "10.2.0.1", "tcp", 5007, "slmp", "")
OTHER = ("10.1.0.6", "10.2.0.1", "tcp", 5007, "slmp", "")


def at(second: float, packet: int = 1) -> Seen:
    return Seen(int(second * SECOND_NS) + SECOND_NS, packet, 24)


def words(*values: int, address: int = 100) -> Written:
    return Written((Run("D", address, values, "word"),))


def of(values: CommandValues) -> dict[tuple[str, int, int], WrittenValue]:
    return {(one.table, one.address, one.words): one for one in collect(written=values.take()).written}


def test_a_word_alone_and_two_that_may_be_one_number() -> None:
    values = CommandValues("a.pcap")
    values.note(HMI, words(1, 2), at(0))
    found = of(values)
    assert set(found) == {("D", 100, 1), ("D", 101, 1), ("D", 100, 2)}
    assert {one.value for one in found["D", 100, 2].extremes} == {1 << 16 | 2}
    assert found["D", 101, 1].extremes[0].before == UNKNOWN
    assert found["D", 100, 2].steps == ()
    assert found["D", 100, 1].unit == UNKNOWN


def test_what_was_there_before_is_what_anybody_wrote_last() -> None:
    values = CommandValues("a.pcap")
    values.note(OTHER, words(100, 0), at(0))
    values.note(HMI, words(11_100), at(1, 2))
    one = next(fact for fact in values.take() if fact.client == HMI[0])
    assert {(extreme.value, extreme.before) for extreme in one.extremes} == {(11_100, 100)}
    assert one.steps[0].value - one.steps[0].before == 11_000
    assert (one.changes[0].before, one.changes[0].value) == (100, 11_100)
    assert one.evidence.packet == one.changes[0].since.packet == 2


def test_what_the_device_refused_is_not_what_it_holds() -> None:
    values = CommandValues("a.pcap")
    values.note(HMI, words(100), at(0))
    write = values.note(HMI, words(900), at(1, 2))
    values.answered(write, True)
    values.note(HMI, words(110), at(2, 3))
    (one,) = of(values).values()
    assert max(step.value for step in one.steps) == 900
    assert {extreme.before for extreme in one.extremes if extreme.value == 110} <= {100}
    # Where somebody wrote since, that is what it holds.
    write = values.note(HMI, words(900), at(3, 4))
    values.note(HMI, words(120), at(4, 5))
    values.answered(write, True)
    values.note(HMI, words(121), at(5, 6))
    assert of(values)["D", 100, 1].extremes[0] == Extreme(120, 900, at_evidence(4, 5))


def at_evidence(second: float, packet: int) -> object:
    seen = at(second, packet)
    return type(collect_one().evidence)(seen.time_ns, "a.pcap", seen.packet, seen.offset)


def collect_one() -> WrittenValue:
    values = CommandValues("a.pcap")
    values.note(HMI, words(1), at(0))
    return next(values.take())


def test_a_refused_request_that_writes_an_element_twice_leaves_what_was_there() -> None:
    values = CommandValues("a.pcap")
    values.note(HMI, words(100), at(0))
    twice = Written((*words(900).runs, *words(901).runs))
    values.answered(values.note(HMI, twice, at(1)), True)
    values.note(HMI, words(110), at(2))
    assert {step.value - step.before for step in of(values)["D", 100, 1].steps} == {800}
    list(values.take())
    values.note(HMI, words(111), at(3))
    assert {one.before for one in of(values)["D", 100, 1].extremes} == {110}
    values.answered(values.note(HMI, twice, at(4)), True)
    list(values.take())
    values.note(HMI, words(112), at(5))
    assert {one.before for one in of(values)["D", 100, 1].extremes} == {111}


def test_a_part_of_a_word_counts_where_the_rest_is_known() -> None:
    values = CommandValues("a.pcap")
    bit = Written((Run("CIO", 5, (0x0100,), "word", mask=0x0100),))
    values.note(HMI, bit, at(0))
    (one,) = values.take()
    assert (one.table, one.address, one.words, one.times, one.extremes) == ("CIO", 5, 0, 1, ())
    values.note(HMI, words(7, address=5)._replace(runs=(Run("CIO", 5, (7,), "word"),)), at(1))
    values.note(HMI, bit, at(2))
    assert of(values)["CIO", 5, 1].extremes[1].value == 0x0107


def test_numbers_are_compared_as_such_and_never_joined_with_their_neighbours() -> None:
    values = CommandValues("a.pcap")
    bits = [int.from_bytes(struct.pack(">f", number), "big") for number in (50.0, -2.5, 400.0)]
    for second, value in enumerate(bits):
        values.note(HMI, Written((Run("IOA", 4001, (value, value), "real", unit=3),)), at(second))
    found = of(values)
    assert set(found) == {("IOA", 4001, 2), ("IOA", 4002, 2)}
    one = found["IOA", 4001, 2]
    assert one.unit == 3
    assert {extreme.value for extreme in one.extremes} >= {bits[1], bits[2]}
    largest = one.steps[WAYS.index("float")]
    assert (largest.before, largest.value) == (bits[1], bits[2])


def test_a_ramp_within_a_minute_is_one_change() -> None:
    values = CommandValues("a.pcap")
    for second in range(120):
        values.note(HMI, words(1_000 + second), at(second, second + 1))
    (one,) = of(values).values()
    change = one.changes[0]
    assert 55 <= change.value - change.before <= 61
    assert 0 < change.evidence.time_ns - change.since.time_ns <= MINUTE_NS
    assert {step.value - step.before for step in one.steps} == {1}


def test_what_could_not_be_read_is_a_fact_without_values() -> None:
    values = CommandValues("a.pcap")
    assert values.note(HMI, Written(()), at(0)) == 0
    assert list(values.take()) == []
    values.note(HMI, Written((), whole=False), at(0))
    values.note(HMI, words(5)._replace(whole=False), at(1))
    found = of(values)
    assert found["", UNKNOWN, 0].times == 2
    assert found["D", 100, 1].times == 1


def test_a_second_has_a_budget_for_all_and_for_each() -> None:
    values = CommandValues("a.pcap")
    for _ in range(2):
        values.note(HMI, words(*range(TALK_VALUES)), at(0))
    facts = list(values.take())
    assert sum(one.times for one in facts if one.words == 1) == TALK_VALUES
    assert [one.times for one in facts if not one.words] == [1]
    # Another one has its share of that second, and the next second is anew.
    values.note(OTHER, words(*range(TALK_VALUES)), at(0))
    third = ("10.1.0.7", *HMI[1:])
    values.note(third, words(1), at(0))
    facts = list(values.take())
    assert sum(one.times for one in facts if one.words == 1) == SECOND_VALUES - TALK_VALUES
    assert [one.client for one in facts if not one.words] == [third[0]]
    values.note(HMI, words(1), at(1))
    assert [one.words for one in values.take()] == [1]


def test_what_elements_hold_is_remembered_of_so_many() -> None:
    values = CommandValues("a.pcap")
    values.note(HMI, words(1), at(0))
    for n in range(HELD):
        values.note(HMI, words(1, address=1_000 + n), at(1 + n))
    values.note(HMI, words(2), at(HELD + 2))
    # Nobody knows any more what it held.
    assert {extreme.before for extreme in of(values)["D", 100, 1].extremes} == {UNKNOWN}


@pytest.mark.parametrize("count", [1, 2])
@given(st.lists(st.integers(0, 0xFFFFFFFF), min_size=2, max_size=2))
def test_numbers_in_each_way_are_those_by_which_facts_are_merged(count: int, bits: list[int]) -> None:
    values = [one if count == 2 else one >> 16 for one in bits]
    one, other = (numbers_of(value, count) for value in values)
    # Ranks of single words are those of pairs without the second one.
    scale = [1 if count == 2 and way < 6 else 1 << 16 for way in range(len(one))]
    for order in range(2 * count):
        assert one[order] * scale[order] == rank_of(values[0], count, order)
    step = Extreme(values[0], values[1], collect_one().evidence)
    for way, (number, before) in enumerate(zip(one, other, strict=True)):
        size = abs(number - before) * scale[way]
        assert size_of_move(step, count, way) == (-1 if isnan(size) else size)


writes = st.lists(
    st.tuples(
        st.sampled_from((HMI, OTHER)),
        st.lists(st.sampled_from((0, 1, 7, 0x7FFF, 0x8000, 0xFFFF, 0x3F80, 0x7F80)), min_size=1, max_size=3),
        st.integers(99, 101),
        st.integers(0, 30),
        st.booleans(),
    ),
    max_size=25,
)


@given(writes)
def test_facts_are_the_same_however_often_they_are_asked_for(sent: list[tuple[object, ...]]) -> None:
    once, often = CommandValues("a.pcap"), CommandValues("a.pcap")
    parts: list[WrittenValue] = []
    now = 0
    for number, (talk, numbers, address, later, asks) in enumerate(sent):
        now += later  # type: ignore[operator]
        for values in (once, often):
            values.note(talk, words(*numbers, address=address), at(now, number))  # type: ignore[arg-type, misc]
        if asks:
            parts += often.take()
    whole = collect(written=once.take()).written
    parts += often.take()
    assert collect(written=parts).written == collect(written=reversed(parts)).written == whole


@given(writes)
def test_extremes_steps_and_changes_are_those_of_all_writes(sent: list[tuple[object, ...]]) -> None:
    values = CommandValues("a.pcap")
    history: list[tuple[int, int]] = []
    now = 0
    for number, (_, numbers, _, later, _) in enumerate(sent):
        now += later  # type: ignore[operator]
        history.append((now, numbers[0]))  # type: ignore[index]
        values.note(HMI, words(numbers[0]), at(now, number))  # type: ignore[index]
    if not history:
        return
    (one,) = values.take()
    every = [value for _, value in history]
    assert (one.times, one.extremes[0].value, one.extremes[1].value) == (len(every), min(every), max(every))
    assert one.repeated == sum(a == b for a, b in pairwise(every))
    steps = [abs(a - b) for a, b in pairwise(every)]
    assert [abs(step.value - step.before) for step in one.steps[:1]] == ([max(steps)] if steps else [])
    far = [
        abs(value - held)
        for n, (end, value) in enumerate(history)
        for began, held in ((history[k + 1][0], every[k]) for k in range(n))
        if end - began <= MINUTE_NS // SECOND_NS
    ]
    if one.changes and one.changes[0] != NO_CHANGE:
        change: Change = one.changes[0]
        assert abs(change.value - change.before) in far
    elif one.changes == ():
        assert not any(step for step in steps)
    assert SLOT_NS * 12 == MINUTE_NS


def test_what_was_there_before_is_remembered_of_so_many_writes_that_wait_for_an_answer() -> None:
    values = CommandValues("a.pcap")
    values.note(HMI, words(100), at(0))
    first = values.note(HMI, words(900), at(1))
    done = values.note(HMI, words(*range(TALK_VALUES), address=1_000), at(2))
    values.answered(done, False)
    # What is answered takes no place.
    for n in range(UNDOABLE // TALK_VALUES - 1):
        values.note(HMI, words(*range(TALK_VALUES), address=1_000), at(3 + n))
    last = values.note(HMI, words(7, address=50), at(90))
    values.answered(first, True)
    values.answered(last, True)
    values.note(HMI, words(110), at(91))
    assert {one.before for one in of(values)["D", 100, 1].extremes if one.value == 110} <= {100}
    first = values.note(HMI, words(900), at(92))
    for n in range(UNDOABLE // TALK_VALUES + 1):
        values.note(HMI, words(*range(TALK_VALUES), address=1_000), at(93 + n))
    list(values.take())
    values.answered(first, True)
    values.note(HMI, words(111), at(200))
    assert {one.before for one in of(values)["D", 100, 1].extremes} == {900}
