"""Numbers as IEEE 754 binary32."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.protocols.protocol import real_bits


@given(st.floats(width=32, allow_nan=False))
def test_the_bits_of_a_number_are_those_of_it(number: float) -> None:
    assert struct.unpack(">f", real_bits(number).to_bytes(4, "big"))[0] == number


@pytest.mark.parametrize(("number", "found"), [(1e300, math.inf), (-1e300, -math.inf), (math.inf, math.inf)])
def test_what_is_too_large_is_beyond_every_limit(number: float, found: float) -> None:
    assert struct.unpack(">f", real_bits(number).to_bytes(4, "big"))[0] == found


def test_whole_numbers_of_many_bits_are_rounded() -> None:
    assert real_bits(16_777_217) == real_bits(16_777_216) != real_bits(16_777_218)
