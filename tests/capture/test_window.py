"""The buffer behind all readers: bytes keep their offsets, and damage is told or counted."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.batch import InputDamage
from otmon.capture.compressed import BytesIn
from otmon.capture.window import BUFFER, JUMPS, KINDS, READ, REPORTED, Window
from tests.capture.written import Pieces

NUMBERED = np.arange(1_000_000, dtype=">u4").tobytes()
"""Four million bytes that tell their place."""


def window(data: bytes) -> Window:
    return Window("a.pcap", BytesIn(io.BytesIO(data), len(data)))


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("use"), st.integers(0, BUFFER)),
            st.tuples(st.just("skip"), st.integers(0, 2 * BUFFER)),
        ),
        max_size=12,
    ),
    size=st.integers(0, len(NUMBERED)),
)
def test_what_is_in_the_buffer_is_what_lies_at_its_offset(steps: list[tuple[str, int]], size: int) -> None:
    one = window(NUMBERED[:size])
    one.refill()
    expected = 0
    for step, count in steps:
        if step == "use":
            used = min(count, one.end - one.begin)
            one.begin += used
        else:
            used = one.skip(count)
            assert used == min(count, size - expected)
        expected += used
        assert one.offset == expected
        if one.end - one.begin < BUFFER:
            one.refill()
        assert one.offset == expected
        held = one.buf[one.begin : one.end].tobytes()
        assert held == NUMBERED[expected : expected + len(held)]
        assert one.at_end <= (expected + len(held) == size)
    while not one.at_end:
        one.begin = one.end
        one.refill()
    assert one.base + one.end == size


def test_a_read_is_full_until_the_source_ends() -> None:
    one = Window("-", BytesIn(Pieces(NUMBERED[: READ + 10], (1, 1000, 7)), 0))
    assert (one.refill(), one.at_end) == (READ, False)
    one.begin = one.end
    assert (one.refill(), one.at_end) == (10, True)
    assert one.refill() == 0


def test_a_source_of_exactly_one_read_ends_with_an_empty_one() -> None:
    one = window(NUMBERED[:READ])
    assert (one.refill(), one.at_end) == (READ, False)
    assert (one.refill(), one.at_end) == (0, True)
    assert one.buf[: one.end].tobytes() == NUMBERED[:READ]


def test_batches_number_their_packets_on() -> None:
    one = window(NUMBERED)
    one.refill()
    start, caplen, *_ = one.arrays()
    start[:3], caplen[:3] = (0, 10, 20), 5
    first, second = one.batch(3), one.batch(2)
    assert (first.first_number, second.first_number) == (1, 4)
    assert first.start.tolist() == [0, 10, 20]
    assert first.buf is one.buf


def test_damage_is_told_up_to_a_number_of_each_kind_and_then_counted() -> None:
    one = window(b"")
    told = [list(one.damage("garbage", i, 1, "x")) for i in range(REPORTED + 3)]
    assert told[0] == [InputDamage("a.pcap", "garbage", 0, 1, "x")]
    assert [len(items) for items in told] == [1] * REPORTED + [0] * 3
    assert len(list(one.damage("bad-block", 0, 1, "y"))) == 1
    assert list(one.damage("garbage", 9, 4, "x")) == []
    assert list(one.last_words()) == [
        InputDamage("a.pcap", "garbage", -1, 7, "more of the same, not listed one by one")
    ]


@pytest.mark.parametrize("count", [0, 1, 2, JUMPS, JUMPS + 5])
def test_jumps_are_told_by_direction_at_their_offset_and_counted_beyond_the_list(count: int) -> None:
    one = window(NUMBERED)
    one.base = 1000
    noted = np.zeros((JUMPS, 2), np.int64)
    noted[:, 0] = range(JUMPS)
    noted[:, 1] = 1_500_000_000
    noted[::2, 1] *= -1
    told = list(one.jumps(noted, count))
    assert len(told) == min(count, JUMPS)
    assert [item.offset for item in told] == [1000 + i for i in range(len(told))]
    assert {item.kind for item in told[::2]} <= {"clock-backwards"}
    assert {item.kind for item in told[1::2]} <= {"clock-forwards"}
    assert {item.detail for item in told} <= {"by 1.500000 s"}
    assert sum(item.count for item in one.last_words()) == max(0, count - JUMPS)


def test_what_ended_the_source_is_told_where_its_bytes_end() -> None:
    data = b"\x28\xb5\x2f\xfd" + b"\xff" * 20
    one = window(data)
    one.refill()
    (last,) = one.last_words()
    assert (last.kind, last.offset, last.count) == ("cut-compression", 0, 1)
    assert last.detail == one.stream.fault != ""


def test_every_kind_of_damage_has_a_line_that_explains_it() -> None:
    for kind, text in KINDS.items():
        assert kind == kind.lower() and " " not in kind
        assert text and "\n" not in text
