"""What a wrong clock does to the times of packets: nothing, or it is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.batch import Batch
from otmon.capture.ring import Ring
from otmon.ledger.facts import DAY_NS
from otmon.sensor.clock import (
    EARLIEST_NS,
    HOLD_S,
    JUMP_S,
    LATEST_NS,
    NO_JUMP,
    SECOND_NS,
    Clock,
    Jump,
    is_absurd,
    jumped,
    now,
)
from otmon.sensor.observer import Observer
from otmon.sensor.recent_packets import RecentPackets
from otmon.sensor.watch import Watch, judged_by
from tests.namespaces import Wire, inside, missing, wire
from tests.sensor.traffic import frames_of

TODAY_NS = EARLIEST_NS + 100 * DAY_NS
YEARS_NS = 9 * 365 * DAY_NS
HELD_S = int(HOLD_S)
JUDGE = judged_by(None, None)


class Machine:
    """Its clocks, and one that looks at them ten times a second."""

    def __init__(self, wall_ns: int, known_ns: int = 0) -> None:
        self.wall_ns, self.boot_ns = wall_ns, 40 * SECOND_NS
        self.clock = Clock(known_ns)
        self.wrong = [self.clock.look(self.wall_ns, self.boot_ns)]

    def passes(self, seconds: float, set_by_ns: int = 0) -> None:
        self.wall_ns += set_by_ns
        for _ in range(max(round(10 * seconds), 1)):
            self.wall_ns += SECOND_NS // 10
            self.boot_ns += SECOND_NS // 10
            self.wrong.append(self.clock.look(self.wall_ns, self.boot_ns))

    def stamps(self, *ago_s: float, by_ns: int = 0) -> list[int]:
        """The times that packets of so many seconds ago get, which were stamped by a clock that was ahead by
        `by_ns`, less what is true now."""
        times = np.array([self.wall_ns + by_ns - int(one * SECOND_NS) for one in ago_s], np.int64)
        found = self.clock.times(times, self.wall_ns, self.boot_ns)
        return [int(one) - self.wall_ns for one in found]

    @property
    def what(self) -> str:
        return self.clock.jump.what

    @property
    def left_out(self) -> list[tuple[int, int]]:
        return [one for one in self.wrong if one is not None]


def test_a_clock_that_goes_on_changes_nothing() -> None:
    machine = Machine(TODAY_NS)
    times = np.array([TODAY_NS, 5], np.int64)
    for _ in range(100):
        # As NTP slews it, and steps it a little.
        machine.passes(1, set_by_ns=SECOND_NS // 2)
        machine.passes(1, set_by_ns=-50 * SECOND_NS)
        machine.passes(1, set_by_ns=50 * SECOND_NS)
        assert machine.clock.times(times, machine.wall_ns, machine.boot_ns) is times
    assert machine.clock.jump is NO_JUMP and machine.clock.added_ns == 0 and not machine.left_out


@pytest.mark.parametrize("by_ns", [YEARS_NS, -YEARS_NS, 2 * DAY_NS, -3_600 * SECOND_NS, -TODAY_NS])
@pytest.mark.parametrize("minutes", [1, 4])
def test_a_clock_that_is_wrong_for_minutes_gives_no_packet_a_wrong_time(by_ns: int, minutes: int) -> None:
    machine = Machine(TODAY_NS)
    machine.passes(20)
    machine.passes(0.1, set_by_ns=by_ns)
    assert machine.what == "held" and machine.clock.jump.time_ns == machine.wall_ns
    assert machine.clock.jump.seconds == by_ns // SECOND_NS
    # Of packets that lie in one block some were stamped before.
    assert machine.stamps(0.05, 0.2, by_ns=0) == [-by_ns - 50_000_000, -by_ns - 200_000_000]
    assert machine.stamps(0.2, by_ns=-by_ns) == [-by_ns - 200_000_000]
    machine.passes(60 * minutes)
    assert machine.stamps(0.0) == [-by_ns] and machine.clock.added_ns == -by_ns
    machine.passes(0.1, set_by_ns=-by_ns)
    assert machine.what == "over" and machine.clock.added_ns == 0
    assert machine.stamps(0.1) == [-100_000_000] and machine.stamps(0.1, by_ns=by_ns) == [-100_000_000]
    machine.passes(3 * HELD_S)
    assert machine.what == "over" and not machine.left_out


@pytest.mark.parametrize("by_ns", [3_600 * SECOND_NS, -3_600 * SECOND_NS, -DAY_NS])
def test_a_clock_that_is_set_is_followed_and_what_was_seen_stays(by_ns: int) -> None:
    machine = Machine(TODAY_NS)
    machine.passes(20)
    machine.passes(HELD_S - 1, set_by_ns=by_ns)
    assert machine.what == "held" and machine.clock.added_ns == -by_ns
    machine.passes(3)
    assert machine.what == "set" and machine.clock.added_ns == 0 and machine.stamps(0) == [0]
    assert not machine.left_out


@pytest.mark.parametrize("by_ns", [-YEARS_NS, YEARS_NS])
def test_what_a_wrong_clock_taught_since_the_start_is_left_out(by_ns: int) -> None:
    """Years ahead at the start, or behind; some seconds later somebody asks for the time."""
    begin_ns = TODAY_NS - min(by_ns, 0)
    machine = Machine(begin_ns)
    machine.passes(20)
    machine.passes(HELD_S + 1, set_by_ns=by_ns)
    assert machine.what == "left out"
    ((first_ns, last_ns),) = machine.left_out
    spare_ns = int(JUMP_S) * SECOND_NS
    assert first_ns == begin_ns - spare_ns
    assert 0 <= last_ns - spare_ns - begin_ns - (20 + HELD_S) * SECOND_NS <= 2 * SECOND_NS
    machine.passes(3 * HELD_S)
    assert len(machine.left_out) == 1 and machine.clock.added_ns == 0


def test_a_month_is_not_left_out() -> None:
    machine = Machine(TODAY_NS + YEARS_NS)
    machine.boot_ns += 30 * DAY_NS
    machine.wall_ns += 30 * DAY_NS
    machine.passes(HELD_S + 1, set_by_ns=-YEARS_NS)
    assert machine.what == "set" and not machine.left_out and machine.clock.added_ns == 0


@pytest.mark.parametrize("wall_ns", [0, 5 * SECOND_NS, EARLIEST_NS - DAY_NS, LATEST_NS])
@pytest.mark.parametrize("known_ns", [0, TODAY_NS - 9 * DAY_NS])
def test_a_clock_that_cannot_be_right_is_not_believed_until_it_is_set(wall_ns: int, known_ns: int) -> None:
    machine = Machine(wall_ns, known_ns)
    begin_ns = known_ns + SECOND_NS if known_ns else EARLIEST_NS
    assert is_absurd(wall_ns) and machine.what == "absurd" and machine.clock.jump.time_ns == begin_ns
    # However long that takes, times go on.
    machine.passes(2 * HELD_S)
    passed_ns = 2 * HELD_S * SECOND_NS
    assert machine.stamps(1) == [begin_ns + passed_ns - SECOND_NS - machine.wall_ns]
    machine.passes(0.1, set_by_ns=TODAY_NS - machine.wall_ns)
    # What was stamped just before has no better time than now.
    assert machine.clock.added_ns == 0 and machine.stamps(0, by_ns=wall_ns - machine.wall_ns) == [0]
    assert machine.what == "left out" and machine.stamps(0.5) == [-SECOND_NS // 2]
    ((first_ns, last_ns),) = machine.left_out
    spare_ns = int(JUMP_S) * SECOND_NS
    assert first_ns == begin_ns - spare_ns and 0 <= last_ns - spare_ns - begin_ns - passed_ns <= SECOND_NS


def test_a_clock_that_becomes_absurd_is_never_taken() -> None:
    machine = Machine(TODAY_NS)
    machine.passes(10 * HELD_S, set_by_ns=-TODAY_NS)
    assert machine.what == "held" and machine.clock.added_ns == TODAY_NS


def test_an_absurd_time_that_is_known_is_no_time_to_go_on_from() -> None:
    assert Machine(0, LATEST_NS + DAY_NS).clock.jump.time_ns == EARLIEST_NS


def test_a_clock_of_the_card_that_did_not_jump_is_left_alone() -> None:
    machine = Machine(TODAY_NS)
    machine.passes(20)
    machine.passes(1, set_by_ns=YEARS_NS)
    assert machine.stamps(0.1, by_ns=-YEARS_NS) == [-YEARS_NS - 100_000_000]


@given(
    st.lists(st.tuples(st.integers(-LATEST_NS, LATEST_NS), st.integers(0, 3 * HELD_S)), max_size=12),
    st.integers(0, LATEST_NS),
)
def test_whatever_a_clock_does_no_packet_gets_a_time_that_it_cannot_have(
    steps: list[tuple[int, int]], known_ns: int
) -> None:
    clock, boot_ns, wall_ns = Clock(known_ns), 0, TODAY_NS
    for by_ns, seconds in steps:
        # Linux keeps nanoseconds in 63 bits, and the ring has 32 bits for seconds.
        boot_ns, wall_ns = boot_ns + seconds * SECOND_NS, min(max(0, wall_ns + by_ns), (1 << 63) - 1)
        clock.look(wall_ns, boot_ns)
        stamped = np.array([wall_ns % (SECOND_NS << 32)], np.int64)
        (found,) = clock.times(stamped, wall_ns, boot_ns)
        assert EARLIEST_NS - JUMP_S * SECOND_NS <= found <= LATEST_NS + 10**6 * SECOND_NS


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("packets", "the times of packets jumped by +7,200 seconds, to 2026-12-24 18:00:00.000 UTC: is"),
        ("absurd", "it says 2026-12-24 16:00:00.000 UTC: until it is set, the times of packets go on from"),
        ("held", "jumped by +7,200 seconds, to 2026-12-24 18:00:00.000 UTC: packets keep the time of before"),
        ("over", "over: the machine's clock is again as it was"),
        ("set", "was set by +7,200 seconds: from 2026-12-24 18:00:00.000 UTC on packets have its time"),
        ("left out", "is left out of the ledger"),
    ],
)
def test_each_is_said(what: str, text: str) -> None:
    time_ns = int(datetime(2026, 12, 24, 18, tzinfo=UTC).timestamp()) * SECOND_NS
    said = jumped("eth1", Jump(7_200, time_ns, what), "")  # type: ignore[arg-type]
    assert said.startswith("eth1: ") and text in said


def test_the_clocks_are_those_of_the_machine() -> None:
    wall_ns, boot_ns = now()
    # A day of release that is still to come would make every right clock a wrong one.
    assert not is_absurd(wall_ns)
    assert abs(wall_ns - time.time_ns()) < 10 * SECOND_NS
    assert 0 <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) - boot_ns < 10 * SECOND_NS


@pytest.fixture(name="wired")
def wired_fixture() -> Iterator[Wire]:
    with wire() as made:
        yield made


@pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
def test_a_start_in_another_year_leaves_nothing_of_it_in_the_ledger(
    wired: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's clock is that of all, and cannot be set here: what is read of it is."""
    frames = frames_of("two-factories-day.pcapng")
    monkeypatch.setattr("otmon.sensor.clock.EARLIEST_NS", time.time_ns() - 30 * DAY_NS)
    for wrong_ns in (YEARS_NS, -3 * DAY_NS, -YEARS_NS, -time.time_ns()):
        with inside(wired.namespace), Ring(wired.far) as ring:
            one = Observer(ring, RecentPackets(1, 0))
            watch = Watch([one], JUDGE)
            held = _hear(wired, one, frames[:900], wrong_ns, 0)
            early = watch.ledger
            assert early.conversations and early.assets and sum(s.packets for s in early.sources) == 900
            assert len(one.incidents()) == (wrong_ns < -30 * DAY_NS)
            # Somebody asked for the time, and five minutes pass.
            for waited_ns in (0, HELD_S * SECOND_NS + 10**9):
                one._look_at_clock(*(clock + waited_ns for clock in held))
            (said,) = one.incidents()
            assert "left out of the ledger" in said
            late = _hear(wired, one, frames[900:1_800], 0, 1_000)
            ledger = watch.ledger
            (source,) = ledger.sources
            assert source.packets == 1_800 and dict(source.counters)["layer.ethernet"] == 1_800
            assert abs(source.first_ns - late[0]) < DAY_NS and abs(source.last_ns - late[0]) < DAY_NS
            facts = (*ledger.assets, *ledger.conversations, *ledger.operations, *ledger.credentials)
            assert facts and ledger.claims
            for fact in (*facts, *ledger.claims):
                assert abs(fact.first_ns - late[0]) < DAY_NS and abs(fact.last_ns - late[0]) < DAY_NS
            assert one.state().added_ns == 0


def _hear(wired: Wire, one: Observer, frames: list[bytes], by_ns: int, later_s: int) -> tuple[int, int]:
    """Packets that come while the clock is ahead by so much; both clocks as they are without that."""
    wired.send(frames)
    count, end = 0, time.monotonic() + 60
    while count < len(frames):
        batch = one.ring.next(200)
        assert batch is not None or time.monotonic() < end
        if batch is not None:
            wall_ns, boot_ns = (clock + later_s * SECOND_NS for clock in now())
            one._look_at_clock(wall_ns + by_ns, boot_ns)
            moved = replace(batch, time_ns=batch.time_ns + later_s * SECOND_NS + by_ns)
            one._take(one._clock.batch(moved, wall_ns + by_ns, boot_ns))
            count += len(batch.start)
    one.ring.release()
    wall_ns, boot_ns = now()
    return wall_ns + later_s * SECOND_NS, boot_ns + later_s * SECOND_NS


def test_a_batch_keeps_all_else() -> None:
    one = np.ones(1, np.int64)
    batch = Batch(np.zeros(1, np.uint8), one, one, one, one * TODAY_NS, one, "x", 0, 1)
    clock = Clock()
    clock.look(TODAY_NS, 5)
    assert clock.batch(batch, TODAY_NS, 5) is batch
    clock.look(TODAY_NS + YEARS_NS, 6)
    moved = clock.batch(replace(batch, time_ns=batch.time_ns + YEARS_NS), TODAY_NS + YEARS_NS, 6)
    assert moved.time_ns.tolist() == [TODAY_NS + 1] and moved.start is one
