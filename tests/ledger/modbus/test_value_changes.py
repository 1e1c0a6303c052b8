"""The largest change within a minute, however many writes it took, and writes that another one followed."""

from __future__ import annotations

import struct
from random import Random

import pytest

from otmon.ledger.extremes import size_of_move
from otmon.ledger.facts import MINUTE_NS, NO_CHANGE, UNKNOWN, WAYS, Change, WrittenValue
from otmon.ledger.modbus.value_changes import N_BITS, SLOT_NS, forget, moved_until, remember
from otmon.ledger.tables import POINT_COLUMNS, POINTS, new_tables
from otmon.protocols.registry import code_of
from tests.ledger.modbus.test_written import reads, seen, values, writes
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import Message, write_single
from tests.truth.talk import MILLISECOND, Talk, join, whole

SECOND = 1_000_000_000


def reach(fact: WrittenValue, way: str) -> float:
    at = WAYS.index(way)  # type: ignore[arg-type]
    # A single register is compared as the higher one of two.
    return size_of_move(fact.changes[at], fact.words, at) / (1 if fact.words == 2 else 1 << 16)


def of(fact: WrittenValue, way: str = "unsigned") -> Change:
    return fact.changes[WAYS.index(way)]  # type: ignore[arg-type]


def test_a_ramp_of_small_steps_is_the_change_of_a_minute() -> None:
    ramp = [reads(7, 100), *(write_single(6, 7, 100 + 2 * n) for n in range(1, 100))]
    fact = seen(*ramp, apart=SECOND)["holding_registers", 7, 1]
    change = of(fact)
    lasted = change.evidence.time_ns - change.since.time_ns
    assert change.value - change.before == reach(fact, "unsigned")
    assert 0 < lasted <= MINUTE_NS
    # A slot less than a minute of the ramp at the most, and never more than it moved.
    assert 2 * (MINUTE_NS - SLOT_NS) / SECOND <= reach(fact, "unsigned") <= 2 * 61
    assert fact.steps[0].value - fact.steps[0].before == 2


def test_a_slow_ramp_is_a_small_change() -> None:
    slow = [reads(7, 100), *(write_single(6, 7, 100 + 2 * n) for n in range(1, 40))]
    fact = seen(*slow, apart=40 * SECOND)["holding_registers", 7, 1]
    assert reach(fact, "unsigned") == 4
    assert fact.extremes[1].value == 178


def test_the_first_packet_of_a_change_is_where_the_old_value_ended() -> None:
    fact = seen(reads(7, 50), write_single(6, 7, 60), apart=SECOND)["holding_registers", 7, 1]
    change = of(fact)
    assert (change.before, change.value) == (50, 60)
    assert change.since == change.evidence == fact.evidence
    assert seen(write_single(6, 7, 60))["holding_registers", 7, 1].changes == ()
    assert seen(reads(7, 60), write_single(6, 7, 60))["holding_registers", 7, 1].changes == ()


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        ("unsigned", ">I"),
        ("unsigned-swapped", ">I"),
        ("signed", ">i"),
        ("signed-swapped", ">i"),
        ("float", ">f"),
        ("float-swapped", ">f"),
    ],
)
def test_numbers_of_two_registers_in_both_word_orders(way: str, kind: str) -> None:
    def message(number: int) -> Message:
        high, low = struct.unpack(">HH", struct.pack(kind, number))
        return writes(10, *((low, high) if way.endswith("swapped") else (high, low)))

    # Across the border of the lower word, and of zero where there is a sign.
    start = 65_500 if "unsigned" in way else -30
    ramp = [message(start + 3 * n) for n in range(20)]
    pair = seen(*ramp, apart=SECOND)["holding_registers", 10, 2]
    assert reach(pair, way) == 3 * 19
    assert len(pair.changes) == len(WAYS)


def test_a_signed_register_through_zero() -> None:
    ramp = [write_single(6, 7, (n - 10) & 0xFFFF) for n in range(21)]
    fact = seen(*ramp, apart=SECOND)["holding_registers", 7, 1]
    assert reach(fact, "signed") == 20
    assert reach(fact, "unsigned") > 65_000


def test_a_change_that_no_way_can_measure_is_none() -> None:
    nan = struct.unpack(">HH", struct.pack(">f", float("nan")))
    pair = seen(writes(10, *nan), writes(10, 0x4120, 0))["holding_registers", 10, 2]
    assert of(pair, "float") == NO_CHANGE
    assert of(pair, "unsigned") != NO_CHANGE


def from_connections(ramp: list[Message], hosts: int) -> dict[str, WrittenValue]:
    """Every write on a connection of its own, by one client or by turns of several."""
    watched, now = Seen(), 0
    parts: list[tuple[int, bytes]] = []
    linktype = 1
    for n, message in enumerate(ramp):
        talk = Talk("x", client=f"10.0.1.{10 + n % hosts}", client_port=50_000 + n)
        talk.now = now = max(now, talk.now) + SECOND
        talk.poll(message)
        now = talk.now
        for packet in packets(talk, whole(talk)):
            parts.append((packet.time_ns, packet.frame))
            linktype = packet.link.linktype
    watched.frames(parts, linktype)
    return {fact.client: fact for fact in watched.finish().ledger().written}


@pytest.mark.parametrize("hosts", [1, 2])
def test_a_ramp_over_many_connections_or_by_two_masters_is_one(hosts: int) -> None:
    ramp = [write_single(6, 7, 100 + 2 * n) for n in range(30)]
    found = from_connections(ramp, hosts)
    assert len(found) == hosts
    # Each master is told the value that the other one left.
    assert max(reach(fact, "unsigned") for fact in found.values()) == 2 * 29
    assert min(reach(fact, "unsigned") for fact in found.values()) >= 2 * 28


def test_single_writes_between_do_not_hide_those_of_pairs() -> None:
    ramp: list[Message] = []
    for n in range(25):
        ramp += [write_single(6, 10, 1), writes(10, 1, 100 + 4 * n)]
    pair = seen(*ramp, apart=SECOND)["holding_registers", 10, 2]
    assert reach(pair, "unsigned") >= 4 * 20


def test_what_is_told_is_never_more_than_there_was() -> None:
    random = Random(3)
    for _ in range(20):
        apart = random.choice([1, 4, 9]) * SECOND
        numbers = [random.randrange(1000) for _ in range(3 * POINTS)]
        fact = seen(*(write_single(6, 7, n) for n in numbers), apart=apart)["holding_registers", 7, 1]
        reached = MINUTE_NS // apart + 1
        most = max(abs(a - b) for i, a in enumerate(numbers) for b in numbers[i : i + reached + 1])
        assert most / 2 <= reach(fact, "unsigned") <= most


def pipelined(*messages: Message, refused: tuple[int, ...]) -> WrittenValue:
    """Requests in one packet, those of these numbers refused, and a last one that is answered by itself."""
    talk = Talk("x")
    talk.poll(reads(7, 50))
    asked = [talk.ask(one) for one in messages]
    talk.now += MILLISECOND
    for n, number in enumerate(asked):
        talk.answer(number, exception=2 if n in refused else 0)
    talk.now += MILLISECOND
    talk.poll(write_single(6, 7, 70))
    segments = whole(talk, join(talk.segments))
    ledger = Seen().packets(packets(talk, segments)).finish().ledger()
    return next(fact for fact in ledger.written if fact.address == 7 and fact.words == 1)


def test_of_two_writes_in_a_packet_the_first_is_refused() -> None:
    fact = pipelined(write_single(6, 7, 9), write_single(6, 7, 60), refused=(0,))
    assert values(fact)[0] == (9, 50)
    # 60 was written over 50, as 9 never was there; then 70 over 60.
    assert values(fact)[1] == (70, 60)
    assert (9, 60) not in {(one.before, one.value) for one in (*fact.steps, *fact.changes)}


@pytest.mark.parametrize(("refused", "before"), [((0,), 60), ((1,), 9), ((0, 1), 50), ((), 60)])
def test_what_is_there_after_two_writes_in_a_packet(refused: tuple[int, ...], before: int) -> None:
    fact = pipelined(write_single(6, 7, 9), write_single(6, 7, 60), refused=refused)
    assert values(fact)[1] == (70, before)


def test_the_second_write_is_told_from_what_was_there_in_truth() -> None:
    fact = pipelined(write_single(6, 7, 9), write_single(6, 7, 90), refused=(0,))
    assert values(fact)[1] == (90, 50)
    fact = pipelined(write_single(6, 7, 9), write_single(6, 7, 90), refused=(1,))
    assert values(fact)[1] == (90, 9)


def test_of_three_writes_in_a_packet_nothing_wrong_is_told() -> None:
    three = write_single(6, 7, 9), write_single(6, 7, 60), write_single(6, 7, 30)
    for refused in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
        last = next((n for n in (2, 1, 0) if n not in refused), -1)
        truth = (50, 9, 60, 30)[last + 1]
        assert values(pipelined(*three, refused=refused))[1][1] in (truth, UNKNOWN)


def test_a_value_that_was_not_held_leaves_those_behind_it_in_their_places() -> None:
    t = new_tables(code_of("modbus"), False)
    bits = [number << 16 for number in (5, 6, 7)]
    for number, value in enumerate(bits):
        remember(t, 0, value, number + 1, (1 + number) * SLOT_NS, 0)
    assert moved_until(t, 0, 0, 8 << 16, 4 * SLOT_NS) == 3 * POINT_COLUMNS
    assert moved_until(t, 0, 0, bits[2], 4 * SLOT_NS) == 2 * POINT_COLUMNS
    forget(t, 0, SLOT_NS, 5)
    forget(t, 0, 2 * SLOT_NS, 6)
    assert moved_until(t, 0, 0, 8 << 16, 4 * SLOT_NS) == 3 * POINT_COLUMNS
    assert moved_until(t, 0, 0, bits[2], 4 * SLOT_NS) == 0
    # The next ones take their places before others.
    for number in (4, 5, 6):
        remember(t, 0, number << 16, number, number * SLOT_NS, 0)
    assert t.points[0, N_BITS : 5 * POINT_COLUMNS : POINT_COLUMNS].tolist() == [
        4 << 16, 5 << 16, 7 << 16, 6 << 16, 0,
    ]  # fmt: skip
    # Of one slot the first one stays, also when the clock has hardly begun.
    forget(t, 0, 4 * SLOT_NS, 4)
    remember(t, 0, 9 << 16, 7, 1, 0)
    assert t.points[0, N_BITS] == 9 << 16
