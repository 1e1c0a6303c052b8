"""Every written value is looked at: extremes, what was there before, and where."""

from __future__ import annotations

import struct
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.ledger.extremes import rank_of, size_of_move
from otmon.ledger.facts import NO_STEP, ORDERS, UNKNOWN, WAYS, Extreme, WrittenValue
from otmon.ledger.merge import merge_all
from otmon.ledger.modbus.value_changes import rank_of as rank_of_bits
from otmon.ledger.modbus.value_changes import step_of
from otmon.ledger.modbus.written import LOOKED_THROUGH
from tests.ledger.seen import Seen
from tests.truth.capture import packets
from tests.truth.messages import Message, mask_write, read_write, write_bits, write_single
from tests.truth.talk import MILLISECOND, Talk, whole


def reads(address: int, *values: int) -> Message:
    request = struct.pack(">BHH", 3, address, len(values))
    return Message("reads", request, struct.pack(f">BB{len(values)}H", 3, 2 * len(values), *values))


def reads_coils(address: int, *bits: int) -> Message:
    data = bytes(sum(bit << n for n, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))
    return Message("reads coils", struct.pack(">BHH", 1, address, len(bits)), bytes((1, len(data))) + data)


def writes(address: int, *values: int) -> Message:
    request = struct.pack(f">BHHB{len(values)}H", 16, address, len(values), 2 * len(values), *values)
    return Message("writes", request, struct.pack(">BHH", 16, address, len(values)))


def seen(*messages: Message, apart: int = MILLISECOND) -> dict[tuple[str, int, int], WrittenValue]:
    """What was written, by table, address and words."""
    talk = Talk("x")
    for message in messages:
        talk.poll(message)
        talk.now += apart
    ledger = Seen().packets(packets(talk, whole(talk))).finish().ledger()
    return {(fact.table, fact.address, fact.words): fact for fact in ledger.written}


def values(fact: WrittenValue) -> list[tuple[int, int]]:
    return [(extreme.value, extreme.before) for extreme in fact.extremes]


def test_the_smallest_and_largest_value_are_kept_with_what_was_there_before() -> None:
    found = seen(*(write_single(6, 7, value) for value in (100, 90, 11_100, 95)))
    fact = found["holding_registers", 7, 1]
    assert fact.times == 4
    assert values(fact)[:2] == [(90, 100), (11_100, 90)]
    assert [extreme.evidence.packet for extreme in fact.extremes[:2]] == [6, 8]
    assert fact.evidence.packet == 4


def test_writes_of_what_an_element_held_are_counted() -> None:
    found = seen(*(write_single(6, 7, value) for value in (100, 100, 90, 90, 90, 100)))
    assert (found["holding_registers", 7, 1].times, found["holding_registers", 7, 1].repeated) == (6, 3)
    found = seen(reads(10, 4, 5), writes(10, 4, 6), writes(10, 4, 6))
    assert [found["holding_registers", *at].repeated for at in ((11, 1), (10, 2))] == [1, 1]


def test_what_was_read_before_the_first_write_is_the_value_before() -> None:
    found = seen(reads(5, 1, 2, 77, 4), write_single(6, 7, 9))
    assert values(found["holding_registers", 7, 1])[0] == (9, 77)


def test_what_was_read_since_the_last_write_is_the_value_before() -> None:
    later = 11_000 * MILLISECOND
    found = seen(reads(7, 1), write_single(6, 7, 5), reads(7, 50), write_single(6, 7, 60), apart=later)
    assert values(found["holding_registers", 7, 1])[1] == (60, 50)


def test_coils_are_0_or_1() -> None:
    found = seen(reads_coils(0, 1, 0, 1, 1, 0, 0, 0, 0, 1), write_single(5, 8, 0), write_single(5, 2, 0xFF00))
    assert values(found["coils", 8, 1])[0] == (0, 1)
    assert values(found["coils", 2, 1])[0] == (1, 1)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 1968])
def test_every_coil_of_a_request_counts(count: int) -> None:
    message = write_bits(3, count, Random(count))
    found = seen(message)
    assert sorted(address for _, address, _ in found) == list(range(3, 3 + count))
    for (_, address, _), fact in found.items():
        at = address - 3
        assert values(fact)[0] == (message.request[6 + at // 8] >> at % 8 & 1, UNKNOWN)


def test_two_registers_of_one_request_are_one_value_as_well() -> None:
    found = seen(writes(10, 0x4120, 0x0000), writes(10, 0x44FA, 0x2000))
    pair = found["holding_registers", 10, 2]
    assert [values(pair)[at] for at in (0, 1)] == [(0x41200000, UNKNOWN), (0x44FA2000, 0x41200000)]
    assert set(found) == {("holding_registers", 10, 2), ("holding_registers", 11, 1)}


def test_a_register_whose_neighbour_nobody_saw_goes_from_where_it_was() -> None:
    found = seen(reads(10, 100), writes(9, 3, 11_100, 2), writes(10, 11_200, 2))
    alone = found["holding_registers", 10, 1]
    assert (alone.times, values(alone)) == (1, [(11_100, 100)] * 4)
    assert [(one.before, one.value) for one in (*alone.steps, *alone.changes)] == [(100, 11_100)] * 4
    assert found["holding_registers", 10, 2].times == 2
    assert ("holding_registers", 9, 1) not in found


def test_function_23_writes_too_and_a_mask_tells_no_value() -> None:
    found = seen(read_write((0, 2), (40, 3), Random(1)), mask_write(50, 0xF0, 0x02))
    assert {address for _, address, _ in found} == {40, 41, 42}


def test_a_request_whose_lengths_disagree_writes_nothing() -> None:
    lying = Message("lies", struct.pack(">BHHBHH", 16, 10, 2, 6, 1, 2), struct.pack(">BHH", 16, 10, 2))
    assert seen(lying) == {}


def test_more_elements_than_the_table_holds_become_facts_all_the_same() -> None:
    requests = [writes(address, *range(123)) for address in range(0, 12_300, 123)]
    talk = Talk("x")
    for request in requests:
        talk.poll(request)
    watched = Seen(transactions=False)
    parts = []
    for packet in packets(talk, whole(talk)):
        watched.frames([(packet.time_ns, packet.frame)], packet.link.linktype)
        parts.append(watched.harvested())
    ledger = merge_all([*parts, watched.finish().ledger()])
    lost = dict(ledger.overflow).get("written", 0)
    assert sum(fact.times for fact in ledger.written) + lost == 12_300


BITS = st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]))


@given(BITS, st.integers(0, 3))
def test_kernels_and_facts_order_alike(bits: int, order: int) -> None:
    assert rank_of_bits(bits, order) == rank_of(bits, 2, order)


@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.integers(0, 65535)] * 2), min_size=1, max_size=12))
def test_the_extremes_of_every_type_are_among_those_kept(pairs: list[tuple[int, int]]) -> None:
    (fact,) = [f for f in seen(*(writes(10, *pair) for pair in pairs)).values() if f.words == 2]
    kept = {extreme.value for extreme in fact.extremes}
    written = {high << 16 | low for high, low in pairs}
    assert len(fact.extremes) == 2 * len(ORDERS) and kept <= written

    def number(bits: int, kind: str) -> float:
        if kind.endswith("w"):
            bits = (bits & 0xFFFF) << 16 | bits >> 16
        return float(struct.unpack(">" + kind[0], bits.to_bytes(4, "big"))[0])

    for kind in ("I", "i", "f", "Iw", "iw", "fw"):
        numbers = [x for bits in written if (x := number(bits, kind)) == x]
        ours = [x for bits in kept if (x := number(bits, kind)) == x]
        if len(numbers) == len(written):
            assert (min(ours), max(ours)) == (min(numbers), max(numbers)), kind
    halves = {bits >> 16 for bits in written}
    assert {min(halves), max(halves)} <= {bits >> 16 for bits in kept}


def test_many_reads_of_one_unit_cannot_hold_up_a_write() -> None:
    """The reads that came first are used; those behind the limit are not."""
    whole_range = reads_coils(0, *([1] * 1968))
    ranges = [reads_coils(first, *([first & 1] * (1968 - first))) for first in range(1, 60)]
    found = seen(whole_range, *ranges, Message("writes", *write_coils(1968)))
    looked_through = 0
    latest = dict.fromkeys(range(1968), 1)
    for first in range(60):
        looked_through += 1968 - first
        if looked_through > LOOKED_THROUGH:
            break
        latest.update(dict.fromkeys(range(first, 1968), first & 1 if first else 1))
    assert 1 < first < 60
    assert {address: values(fact)[0][1] for (_, address, _), fact in found.items()} == latest


def write_coils(count: int) -> tuple[bytes, bytes]:
    size = (count + 7) // 8
    return struct.pack(">BHHB", 15, 0, count, size) + bytes(size), struct.pack(">BHH", 15, 0, count)


def reached(fact: WrittenValue) -> list[float]:
    return [size_of_move(step, fact.words, way) for way, step in enumerate(fact.steps)]


def test_the_largest_step_is_kept_from_where_to_where_and_in_which_packet() -> None:
    fact = seen(*(write_single(6, 7, value) for value in (100, 90, 95, 40, 60)))["holding_registers", 7, 1]
    assert [(one.value, one.before, one.evidence.packet) for one in fact.steps] == [(40, 95, 10)] * 2
    assert seen(write_single(6, 7, 100))["holding_registers", 7, 1].steps == ()


@settings(max_examples=60)
@given(st.lists(st.tuples(BITS, st.just(0)), min_size=2, max_size=10))
def test_the_largest_steps_of_every_type_are_kept(written: list[tuple[int, int]]) -> None:
    numbers = [bits for bits, _ in written]
    fact = seen(*(writes(10, bits >> 16, bits & 0xFFFF) for bits in numbers))["holding_registers", 10, 2]
    moves = [Extreme(after, before, fact.evidence) for before, after in pairwise(numbers)]
    for way in range(len(WAYS)):
        assert reached(fact)[way] == max(size_of_move(move, 2, way) for move in moves), WAYS[way]
    for way in range(4):
        far = max(abs(rank_of_bits(b, way) - rank_of_bits(a, way)) for a, b in pairwise(numbers))
        assert reached(fact)[way] == far


@given(BITS, BITS, st.integers(0, len(WAYS) - 1))
def test_kernels_and_facts_measure_steps_alike(value: int, before: int, way: int) -> None:
    told = size_of_move(Extreme(value, before, NO_STEP.evidence), 2, way)
    assert step_of(value, before, way) == told
