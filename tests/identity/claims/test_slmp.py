"""A type is one by its length and its letters."""

from __future__ import annotations

from tests.identity.claims.messages import said, type_name


def test_both_frames_and_what_only_has_the_length() -> None:
    assert said("slmp", ("s", type_name(b"R04CPU", b"\xd4\0\1\0\0\0"))) == [("model", "R04CPU")]
    for data in (b"\1\2\3\4", b"1234", b"Q03 UDE X", b"", b"AB"):
        assert said("slmp", ("s", type_name(data))) == [], data
    assert said("slmp", ("s", type_name(b"R04CPU")[:-1])) == []
