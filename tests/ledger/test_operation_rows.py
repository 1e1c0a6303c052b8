"""Operations, minutes and courses, held against what the transactions of the same packets come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.decode.flows import (
    F_KEY,
    F_MINUTE,
    F_STREAM,
    MINUTE_COLUMNS,
    MOST,
    TOTAL_BEFORE,
    begin_minute,
)
from otmon.decode.streams import S_OPERATION
from otmon.lab.frames import SECOND_NS, Packet
from otmon.lab.modbus import READ_HOLDING, read
from otmon.ledger.course import SHORTEST_NS, Window, width
from otmon.ledger.facts import LONGEST_NS, MINUTE_NS, RESPONSE_BOUNDS_NS, Operation
from otmon.ledger.file.store import load, save
from otmon.ledger.harvest.harvest import facts_of
from otmon.ledger.harvest.rows import rows_in_use
from otmon.ledger.merge import collect, merge_all
from otmon.ledger.operation_rows import endpoint_of, note_anomaly, note_operation, row_named
from otmon.ledger.tables import O_NEXT, O_TIMES, T_REQUEST, T_RESPONSE_NS, T_TIME
from tests.detect.captures import HMI, START_NS, plc
from tests.detect.modbus_polls import poll
from tests.ledger.seen import Seen

REQUEST = read(READ_HOLDING, 0, 4)


def given_to(seen: Seen, packets: list[Packet]) -> Seen:
    return seen.frames([(packet.time_ns, packet.data) for packet in packets])


def asked(waits_ns: list[int]) -> list[Packet]:
    """One request after each of these times, each answered 5 ms later."""
    packets = []
    moment = START_NS
    for number, wait_ns in enumerate(waits_ns):
        moment += wait_ns
        packets += poll(moment, (HMI, plc(1)), [REQUEST], port=49_152 + number)
    return sorted(packets, key=lambda packet: packet.time_ns)


def course_of(rows: list[list[int]]) -> tuple[Window, ...]:
    """From rows of transactions in the order of their requests, without a table."""
    times = [row[T_TIME] for row in rows]
    width_ns = SHORTEST_NS << width(times[0], times[-1])
    windows = [[0, 0, 0, 0] for _ in range(times[-1] // width_ns - times[0] // width_ns + 1)]
    for before, row in zip([rows[0], *rows], rows, strict=False):
        window = windows[row[T_TIME] // width_ns - times[0] // width_ns]
        window[0] += 1
        window[1] += row[T_RESPONSE_NS] >= 0
        window[2] += max(row[T_RESPONSE_NS], 0)
        window[3] = max(window[3], row[T_TIME] - before[T_TIME])
    return tuple(Window(*window) for window in windows)


def check(one: Operation, rows: list[list[int]]) -> None:
    minutes = Counter(row[T_TIME] // MINUTE_NS for row in rows)
    assert one.busiest.count == max(minutes.values())
    fullest = min(minute for minute, count in minutes.items() if count == one.busiest.count)
    begun = next(row for row in rows if row[T_TIME] // MINUTE_NS == fullest)
    assert (one.busiest.evidence.time_ns, one.busiest.evidence.packet) == (begun[T_TIME], begun[T_REQUEST])
    assert one.course == course_of(rows)
    assert one.gap_ns == max((after[T_TIME] - before[T_TIME] for before, after in pairwise(rows)), default=0)
    assert sum(window.times for window in one.course) == one.times
    assert sum(window.answered for window in one.course) == one.answered
    assert sum(window.response_ns_sum for window in one.course) == one.response_ns_sum
    assert one.response_counts == counts_of(row[T_RESPONSE_NS] for row in rows)


def counts_of(responses_ns: Iterable[int]) -> tuple[int, ...]:
    """Of response times, those below 0 for none, how many are within each bound and not the one before."""
    answers = [one for one in responses_ns if one >= 0]
    lower = (-1, *RESPONSE_BOUNDS_NS)
    counts = [
        sum(low < one <= high for one in answers)
        for low, high in zip(lower, RESPONSE_BOUNDS_NS, strict=False)
    ]
    return tuple(counts[: max((place for place, count in enumerate(counts, 1) if count), default=0)])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from([SECOND_NS // 50, SECOND_NS, 4 * SECOND_NS, MINUTE_NS, 3_000 * SECOND_NS]),
        min_size=1,
        max_size=40,
    )
)
def test_minutes_and_courses_are_those_of_the_transactions(waits_ns: list[int]) -> None:
    seen = given_to(Seen(), asked(waits_ns)).finish()
    (one,) = seen.ledger().operations
    assert len(seen.transactions) == one.times == len(waits_ns)
    check(one, seen.transactions)


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 400))
def test_response_times_are_counted_by_their_bounds(random: Random, number: int) -> None:
    """Also on the bounds, many of one kind in turn, and as they stand while it goes on."""
    seen = given_to(Seen(), poll(START_NS, (HMI, plc(1)), [REQUEST])[:4])
    f = int(np.flatnonzero(seen.t.flows[:, F_KEY])[0])
    s = int(seen.t.flows[f, F_STREAM])
    bounds = (0, *RESPONSE_BOUNDS_NS, 2**62 // 400)
    said: list[int] = []
    while len(said) < number:
        said += [max(random.choice(bounds) + random.randint(-1, 1), -1)] * random.randint(1, 40)
    for count, response_ns in enumerate(said):
        moment = START_NS + count * random.choice((1, SECOND_NS))
        note_operation(seen.t, s, f, 7 | 3 << 8 | 2 << 36, 5, moment, 1, 24, response_ns)
        if count in (0, 1, 15, len(said) - 1):
            (one,) = [fact for fact in facts_of(rows_in_use(seen.t), "x").operations if fact.unit == 7]
            so_far = said[: count + 1]
            assert one.answered == sum(one >= 0 for one in so_far)
            assert one.response_counts == counts_of(so_far)


def test_times_that_no_number_holds_end_at_the_largest(tmp_path: Path) -> None:
    """A capture may say anything of its times; its facts are saved all the same."""
    answered = given_to(Seen(), poll(START_NS, (HMI, plc(1)), [REQUEST])[:4])
    f = int(np.flatnonzero(answered.t.flows[:, F_KEY])[0])
    s = int(answered.t.flows[f, F_STREAM])
    for number in range(40):
        note_operation(answered.t, s, f, 7 | 3 << 8 | 2 << 36, 5, START_NS + number * SECOND_NS, 1, 24, 2**62)
    ledger = facts_of(rows_in_use(answered.t), "x")
    (fact,) = [fact for fact in ledger.operations if fact.unit == 7]
    assert (fact.answered, fact.response_ns_sum, fact.response_counts) == (40, LONGEST_NS, ())
    (joined,) = collect(operations=[fact, fact]).operations
    assert (joined.answered, joined.response_ns_sum) == (80, LONGEST_NS)
    save(collect(operations=[joined]), tmp_path / "plant.db")
    assert load(tmp_path / "plant.db").operations == (joined,)


def test_a_course_that_goes_on_is_told_as_far_as_it_went() -> None:
    packets = asked([SECOND_NS] * 90)
    seen = Seen()
    for part in (packets[:100], packets[100:]):
        given_to(seen, part)
        (one,) = facts_of(rows_in_use(seen.t), "x").operations
        check(one, seen.transactions)


def test_a_clock_that_goes_back_loses_nothing_of_the_course() -> None:
    packets = asked([SECOND_NS] * 60)
    order = Random(3).sample(range(60), 60)
    moved = [
        replace(packet, time_ns=packet.time_ns + 700 * SECOND_NS * order[number * 60 // len(packets)])
        for number, packet in enumerate(packets)
    ]
    seen = given_to(Seen(), moved).finish()
    (one,) = seen.ledger().operations
    rows = sorted(seen.transactions, key=lambda row: row[T_TIME])
    assert [window.times for window in one.course] == [window.times for window in course_of(rows)]
    minutes = Counter(row[T_TIME] // MINUTE_NS for row in rows)
    assert 1 <= one.busiest.count <= max(minutes.values())


def test_captures_that_are_read_apart_come_to_the_same_course() -> None:
    whole = given_to(Seen(), asked([SECOND_NS] * 200)).finish().ledger()
    # A connection that is cut may give a request twice, so it is cut between connections only.
    size = len(asked([SECOND_NS]))
    packets = asked([SECOND_NS] * 200)
    parts = [packets[i : i + 50 * size] for i in range(0, len(packets), 50 * size)]
    merged = merge_all(given_to(Seen(), part).finish().ledger() for part in parts)
    (one,), (other,) = whole.operations, merged.operations
    assert len(parts) == 4 and one.times == other.times == 200
    assert [window.times for window in one.course] == [window.times for window in other.course]
    assert [w.response_ns_sum for w in one.course] == [w.response_ns_sum for w in other.course]
    assert other.busiest.count <= one.busiest.count == 60


def test_a_flow_tells_its_busiest_minute_of_packets() -> None:
    requests = [REQUEST] * 130
    packets = poll(START_NS, (HMI, plc(1)), requests, wait_ns=SECOND_NS)
    (one,) = given_to(Seen(), packets).finish().ledger().conversations
    minutes = Counter(packet.time_ns // MINUTE_NS for packet in packets)
    assert one.busiest.count == max(minutes.values()) < len(packets)
    first_ns = min(
        packet.time_ns for packet in packets if minutes[packet.time_ns // MINUTE_NS] == one.busiest.count
    )
    assert one.busiest.evidence.time_ns == first_ns


def test_of_several_flows_the_busiest_one_is_told() -> None:
    quiet = poll(START_NS, (HMI, plc(1)), [REQUEST] * 2, port=50_000)
    busy = poll(START_NS + MINUTE_NS, (HMI, plc(1)), [REQUEST] * 9, port=50_001)
    (one,) = given_to(Seen(), [*quiet, *busy]).finish().ledger().conversations
    assert one.flows == 2
    assert one.busiest.count == len(busy)
    assert one.busiest.evidence.packet == len(quiet) + 1


@pytest.mark.parametrize(("totals", "most"), [((3, 4, 9), 5), ((3, 9, 10), 6), ((5, 10, 15), 5)])
def test_of_minutes_alike_the_first_one_stays(totals: tuple[int, ...], most: int) -> None:
    rows = np.zeros((1, MINUTE_COLUMNS), np.int64)
    for number, total in enumerate((0, *totals), start=1):
        begin_minute(rows, 0, 0, number, total, 100 * number, number, 7 * number)
    assert rows[0, MOST] == most
    assert rows[0, TOTAL_BEFORE] == totals[-1]
    if totals == (5, 10, 15):
        assert rows[0, MOST + 1] == 100


def test_rows_of_operations_and_anomalies_are_kept_apart_by_endpoint() -> None:
    seen = given_to(Seen(), poll(START_NS, (HMI, plc(1)), [REQUEST])[:4])
    f = int(np.flatnonzero(seen.t.flows[:, F_KEY])[0])
    assert endpoint_of(seen.t, f, 0) != endpoint_of(seen.t, f, 1)
    s = int(seen.t.flows[f, F_STREAM])
    before = int(np.count_nonzero(seen.t.operations[:, O_TIMES]))
    row = note_operation(seen.t, s, f, 7 | 3 << 8, 5, START_NS, 1, 24, 10)
    assert row >= 0
    assert note_operation(seen.t, s, f, 7 | 3 << 8, 5, START_NS + 1, 2, 48, 10) == row
    assert np.count_nonzero(seen.t.operations[:, O_TIMES]) == before + 1
    assert seen.t.flows[f, F_MINUTE] == START_NS // MINUTE_NS + 1
    note_anomaly(seen.t, f, 0, 0, 1, 3, 5, 6, START_NS, 1, 24)
    assert len(facts_of(rows_in_use(seen.t), "x").anomalies) == 1


@pytest.mark.parametrize("instead", [True, False], ids=["instead-of-a-poll", "between-polls"])
def test_what_a_poll_does_next_is_known_whatever_is_written_between(instead: bool) -> None:
    """And when it polls in another order, after a round or two."""
    random = Random(4)
    seen = given_to(Seen(), poll(START_NS, (HMI, plc(1)), [REQUEST])[:4])
    f = int(np.flatnonzero(seen.t.flows[:, F_KEY])[0])
    s = int(seen.t.flows[f, F_STREAM])
    times: Counter[int] = Counter()

    def share_known(order: list[int], rounds: int) -> float:
        known = 0
        for turn in range(rounds * len(order)):
            polled = order[turn % len(order)]
            rare = random.random() < 0.04
            for operation in ([20 + random.randrange(5)] if rare else []) + (
                [] if rare and instead else [polled]
            ):
                following = row_named(
                    int(seen.t.operations[row_named(int(seen.t.streams[s, S_OPERATION])), O_NEXT])
                )
                after = row_named(int(seen.t.operations[following, O_NEXT]))
                row = note_operation(seen.t, s, f, operation, operation, START_NS, 1, 0, -1)
                known += row in (following, after)
                times[operation] += 1
        return known / (rounds * len(order))

    order = list(range(1, 8))
    share_known(order, 2)
    assert share_known(order, 100) > 0.93
    share_known(order[::-1], 4)
    assert share_known(order[::-1], 100) > 0.93
    counts = seen.t.operations[:, O_TIMES]
    assert sorted(counts[counts > 0].tolist())[-len(times) :] == sorted(times.values())
