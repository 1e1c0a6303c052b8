from __future__ import annotations

from otmon.identity.ber import element


def test_elements_lie_in_the_data_or_are_none() -> None:
    assert element(b"\x04\x02ab", 0) == (4, 2, 4)
    assert element(b"x\x04\x81\x02ab", 1) == (4, 4, 6)
    assert element(b"\x04\x00", 0) == (4, 2, 2)
    for data in (
        b"",
        b"\x04",
        b"\x04\x03ab",
        b"\x04\x80ab",
        b"\x04\x85\0\0\0\0\2ab",
        b"\x04\x84\xff\xff\xff\xffab",
    ):
        assert element(data, 0) is None
    assert element(b"\x04\x02ab", 9) is None
