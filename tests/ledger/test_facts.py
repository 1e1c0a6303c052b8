"""What facts tell that is not written in them."""

from __future__ import annotations

from random import Random

import pytest

from otmon.ledger.facts import NAME_BITS, distinct


@pytest.mark.parametrize("count", [1, 2, 5, 20, 100, 500, 1_000, 2_000])
def test_different_names_are_counted_by_the_bits_of_their_hashes(count: int) -> None:
    random = Random(count)
    names = 0
    for _ in range(count):
        names |= 1 << random.randrange(NAME_BITS)
    assert abs(distinct(names) - count) <= max(1, count // 10)


def test_no_name_is_none_and_more_than_bits_tell_are_at_least_as_many() -> None:
    assert distinct(0) == 0
    full = distinct((1 << NAME_BITS) - 1)
    assert NAME_BITS < full < 10 * NAME_BITS
    assert full == distinct((1 << NAME_BITS) - 2)
