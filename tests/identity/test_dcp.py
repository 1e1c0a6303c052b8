"""What is set in a PROFINET station."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.identity.dcp import MAX_BLOCKS, settings
from tests.identity.talk import pieces

IP = b"\1\2" + struct.pack("!H", 14) + bytes(2) + bytes((10, 2, 0, 9, 255, 255, 255, 0)) + bytes(4)
NAME = b"\2\2" + struct.pack("!H", 7) + bytes(2) + b"drive" + b"\0"
RESET = b"\5\6\0\2\0\x08"


def frame(*blocks: bytes, kind: int = 0, number: int = 7, service: int = 4) -> bytes:
    body = b"".join(blocks)
    return struct.pack("!HBBIHH", 0xFEFD, service, kind, number, 0, len(body)) + body + bytes(20)


def done(*blocks: tuple[int, int, int], number: int = 7) -> bytes:
    return frame(*(bytes((5, 4, 0, 3, *one, 0)) for one in blocks), kind=1, number=number)


def told(*turns: tuple[str, bytes]) -> list[tuple[str, int]]:
    return [(one.service, one.error) for one in settings(pieces(*turns))]  # type: ignore[arg-type]


def test_each_block_is_a_setting_with_its_answer() -> None:
    asked = ("c", frame(b"\5\1\0\2\0\0", IP, NAME, b"\5\2\0\2\0\0"))
    assert told(asked) == [("Set IP Address", -1), ("Set Name", -1)]
    assert told(asked, ("s", done((1, 2, 0), (2, 2, 3)))) == [("Set IP Address", 0), ("Set Name", 3)]
    # Another transaction's.
    assert told(asked, ("s", done((1, 2, 0), number=8))) == [("Set IP Address", -1), ("Set Name", -1)]


@pytest.mark.parametrize(
    ("block", "service"),
    [
        (RESET, "Reset to Factory"),
        (b"\5\5\0\2\0\0", "Reset to Factory"),
        (b"\5\3\0\4\0\0\1\0", "Signal"),
        (b"\x80\1\0\2\0\0", "Set Parameter"),
    ],
)
def test_what_it_is_called(block: bytes, service: str) -> None:
    assert told(("c", frame(block))) == [(service, -1)]


def test_what_is_no_request_of_a_client_sets_nothing() -> None:
    assert told(("s", frame(IP)), ("c", frame(IP, kind=1)), ("c", frame(IP, service=3))) == []
    assert told(("c", b"\xfe\xfe" + frame(IP)[2:]), ("c", b""), ("c", frame(IP)[:11])) == []


def test_lengths_that_lie_and_many_blocks() -> None:
    assert told(("c", frame(IP[:2] + b"\xff\xff" + IP[4:]))) == []
    assert told(("c", frame(IP)[:20])) == []
    assert len(told(("c", frame(*[RESET] * 200)))) == MAX_BLOCKS


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_give_settings_or_nothing(asked: bytes, answered: bytes) -> None:
    found = list(settings(pieces(("c", frame(asked)), ("c", asked), ("s", frame(answered, kind=1)))))
    assert all(one.error >= -1 and 0 <= one.option < 256 for one in found)
    assert all(one.seen <= other.seen for one, other in pairwise(found))
