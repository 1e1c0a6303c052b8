"""Packets that hold byte strings are those that Python's own search finds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otmon.capture.byte_search import latest, latest_holding

FEW = st.binary(max_size=8).map(lambda data: bytes(octet & 1 for octet in data))


@given(st.lists(FEW, max_size=6), st.lists(FEW, max_size=3), st.integers(0, 9), st.integers(0, 4))
def test_the_packets_are_those_that_hold_all(
    packets: list[bytes], needles: list[bytes], within: int, most: int
) -> None:
    # Bytes before and behind each packet belong to nobody.
    buf = np.frombuffer(b"\1".join([b"", *packets, b""]), np.uint8)
    size = np.array([len(one) for one in packets], np.int64)
    start = np.cumsum(size + 1) - size
    right = [i for i, one in enumerate(packets) if all(needle in one[:within] for needle in needles)]
    expected = right[max(len(right) - most, 0) :] if needles and all(needles) and most else []
    assert latest(buf, start, size, needles, within, most) == expected


def test_no_more_are_given_than_there_is_room_for() -> None:
    buf = np.frombuffer(b"ab" * 5, np.uint8)
    start = np.arange(0, 10, 2, dtype=np.int64)
    found = np.full(2, -1, np.int64)
    needle, length = np.frombuffer(b"a", np.uint8), np.array([1], np.int64)
    assert latest_holding(buf, start, start * 0 + 2, needle, length, 256, found) == 2
    assert found.tolist() == [4, 3]
