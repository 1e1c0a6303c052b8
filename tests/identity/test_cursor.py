from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.cursor import Cursor


def test_what_is_taken_follows_what_was_taken() -> None:
    one = Cursor(b"abcdef")
    assert (one.take(2), one.take(0), one.take(4), one.short) == (b"ab", b"", b"cdef", False)
    assert (one.take(1), one.short) == (b"", True)


@given(st.binary(max_size=20), st.lists(st.integers(0, 1 << 40), max_size=8))
def test_what_is_not_there_is_told_and_nothing_is_read_twice(data: bytes, sizes: list[int]) -> None:
    one = Cursor(data)
    taken = b"".join(map(one.take, sizes))
    assert taken == data[: sum(sizes)]
    assert one.short == (sum(sizes) > len(data))
