"""Sequence numbers and pieces that are held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.decode.fields import C_SEGMENTS_HELD, COUNTERS
from otmon.decode.streams import (
    ACK_PATIENCE,
    CARRY,
    H_COLUMNS,
    H_PACKET,
    H_STREAM,
    HELD,
    HELD_BYTES,
    HELD_NS,
    HELD_PER_STREAM,
    S_ACKED,
    S_CARRIED,
    S_COLUMNS,
    S_HELD,
    STREAMS,
    distance,
    final_gap,
    forget,
    gap_is_final,
    held_from,
    hold,
    next_held,
)  # fmt: skip

NUMBERS = st.integers(0, 2**32 - 1)


class Store:
    """Streams and their held pieces."""

    def __init__(self) -> None:
        self.streams = np.zeros((STREAMS, S_COLUMNS), np.int64)
        self.held = np.zeros((HELD, H_COLUMNS), np.int64)
        self.data = np.zeros(HELD * HELD_BYTES, np.uint8)
        self.counters = np.zeros(COUNTERS, np.int64)

    def hold(self, seq: int, payload: bytes, packet: int = 1, s: int = 0, d: int = 0, now: int = 1) -> bool:
        buf = np.frombuffer(payload, np.uint8)
        return bool(
            hold(
                buf, 0, len(buf), self.streams, s, d, seq, packet, now, 0, self.held, self.data, self.counters
            )
        )

    def next(self, due: int, s: int = 0, d: int = 0) -> int:
        return int(next_held(self.streams, s, d, self.held, due))


@given(NUMBERS, st.integers(-(2**31), 2**31 - 1))
def test_distance_is_what_was_added(number: int, added: int) -> None:
    assert distance((number + added) % 2**32, number) == added


@pytest.mark.parametrize("size", [1, HELD_BYTES, HELD_BYTES + 1, 3 * HELD_BYTES + 7])
def test_what_is_held_is_there_byte_for_byte(size: int) -> None:
    store = Store()
    payload = bytes(i % 251 for i in range(size))
    assert store.hold(1000, payload)
    assert store.counters[C_SEGMENTS_HELD] == 1
    found = b""
    while (i := store.next(1000 + len(found))) >= 0:
        piece = store.data[i * HELD_BYTES : (i + 1) * HELD_BYTES].tobytes()
        found += piece[: min(HELD_BYTES, size - len(found))]
    assert found == payload
    assert store.streams[0, S_HELD] == 0


def test_the_piece_that_came_first_is_read_first() -> None:
    store = Store()
    store.hold(100, b"x" * 20, packet=7)
    store.hold(95, b"y" * 30, packet=8)
    store.hold(200, b"z", packet=1)
    assert store.held[store.next(90), H_PACKET] == 8
    assert store.held[store.next(97), H_PACKET] == 8
    assert store.held[store.next(100), H_PACKET] == 7
    assert store.held[store.next(121), H_PACKET] == 8
    assert store.held[store.next(130), H_PACKET] == 1
    assert store.next(201) == -1
    assert not store.held[:, H_STREAM].any()


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=12), st.integers(0, 60)
)
def test_a_piece_is_read_up_to_where_another_begins(pieces: list[tuple[int, int]], behind: int) -> None:
    store = Store()
    for packet, (start, size) in enumerate(pieces):
        store.hold((2**32 - 30 + start) % 2**32, b"x" * size, packet)
    due = (2**32 - 30 + behind) % 2**32
    starts = [start - behind for start, _ in pieces if start > behind]
    assert held_from(store.streams, 0, 0, store.held, due, due, 25) == min([25, *starts])


def test_what_a_stream_may_hold_is_bounded() -> None:
    store = Store()
    assert all(store.hold(10 * i, b"x") for i in range(HELD_PER_STREAM))
    assert not store.hold(0, b"x")
    others = sum(store.hold(i, b"x", s=1 + i // HELD_PER_STREAM) for i in range(2 * HELD))
    assert others == HELD - HELD_PER_STREAM
    assert store.counters[C_SEGMENTS_HELD] == HELD


def test_directions_and_streams_are_kept_apart() -> None:
    store = Store()
    store.hold(5, b"a", packet=1)
    store.hold(5, b"b", packet=2, d=1)
    store.hold(5, b"c", packet=3, s=1)
    assert [int(store.held[store.next(5, s, d), H_PACKET]) for s, d in ((0, 0), (0, 1), (1, 0))] == [1, 2, 3]
    store.streams[0, S_CARRIED] = CARRY
    forget(store.streams, 0, store.held)
    assert store.next(5) == store.next(5, 0, 1) == -1
    assert store.next(5, 1) >= 0
    assert store.streams[0, S_CARRIED] == 0


def test_a_gap_is_final_by_time_or_by_acknowledgments_or_by_a_clock_that_jumped() -> None:
    store = Store()
    assert not gap_is_final(store.streams, 0, 0, 10**18)
    store.hold(5, b"a", now=10 * HELD_NS)
    assert not gap_is_final(store.streams, 0, 0, 11 * HELD_NS)
    assert gap_is_final(store.streams, 0, 0, 11 * HELD_NS + 1)
    assert gap_is_final(store.streams, 0, 0, 9 * HELD_NS - 1)
    store.streams[0, S_ACKED] = ACK_PATIENCE << 32
    assert gap_is_final(store.streams, 0, 0, 10 * HELD_NS)


def test_a_gap_is_final_as_far_as_it_is_acknowledged() -> None:
    store = Store()
    due = 2**32 - 10
    assert final_gap(store.streams, 0, 1, due, 1000) == 1000
    store.streams[0, S_ACKED + 1] = (1 << 32) | 20
    assert final_gap(store.streams, 0, 1, due, 1000) == 30
    assert final_gap(store.streams, 0, 1, due, 25) == 25
    assert final_gap(store.streams, 0, 1, due, -5) == -5
    assert final_gap(store.streams, 0, 0, due, 1000) == 1000
