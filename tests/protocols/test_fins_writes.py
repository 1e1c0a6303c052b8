"""What FINS writes to which words; whatever is cut off or wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.protocols.fins_writes import FINS_PRESENT, FINS_TABLES, fins_written
from otmon.protocols.protocol import MOST_WRITTEN, Run, Written

WRITE, FILL, TRANSFER = 0x0102, 0x0103, 0x0105


def fins(command: int, data: bytes, tcp: bool = False) -> bytes:
    frame = b"\x80\0\x02\0\x01\0\0\x05\0\x2a" + command.to_bytes(2, "big") + data
    return frame if not tcp else b"FINS" + (8 + len(frame)).to_bytes(4, "big") + b"\0\0\0\2\0\0\0\0" + frame


DM200 = b"\x82\0\xc8\0"


@pytest.mark.parametrize("tcp", [False, True])
def test_words_in_a_row_and_filled(tcp: bool) -> None:
    message = fins(WRITE, DM200 + b"\0\2\x12\x34\xab\xcd", tcp)
    assert fins_written(message, WRITE) == Written((Run("D", 200, (0x1234, 0xABCD), "word"),))
    message = fins(FILL, DM200 + b"\0\3\0\x07", tcp)
    assert fins_written(message, FILL) == Written((Run("D", 200, (7, 7, 7), "word"),))


@pytest.mark.parametrize(
    ("area", "table"),
    [(0xB0, "CIO"), (0xB1, "W"), (0xB2, "H"), (0xB3, "A"), (0xA0, "E0_"), (0xAF, "EF_"), (0x97, "E7_"),
     (0x60, "E10_"), (0x68, "E18_")],
)  # fmt: skip
def test_areas_have_the_names_of_the_engineering_tool(area: int, table: str) -> None:
    message = fins(WRITE, bytes((area, 0, 10, 0)) + b"\0\1\0\5")
    assert fins_written(message, WRITE) == Written((Run(table, 10, (5,), "word"),))
    assert table in FINS_TABLES


def test_present_values_of_timers_and_counters() -> None:
    for address, run in ((b"\0\5", Run("T", 5, (9,), "word")), (b"\x80\5", Run("C", 5, (9,), "word"))):
        assert fins_written(fins(WRITE, b"\x89" + address + b"\0\0\1\0\x09"), WRITE) == Written((run,))


def test_bits_are_parts_of_their_words() -> None:
    message = fins(WRITE, b"\x30\0\x64\x0e\0\3\1\0\1")
    first = Run("CIO", 100, (0x4000,), "word", mask=0xC000)
    assert fins_written(message, WRITE) == Written((first, Run("CIO", 101, (1,), "word", mask=1)))


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (fins(TRANSFER, DM200 + b"\x82\0\0\0\0\1"), TRANSFER),
        # The current bank of extended memory, and an area that nobody knows.
        (fins(WRITE, b"\x98\0\0\0\0\1\0\1"), WRITE),
        (fins(WRITE, b"\x77\0\0\0\0\1\0\1"), WRITE),
        # No such bit, and bits that are filled.
        (fins(WRITE, b"\x30\0\x64\x10\0\1\1"), WRITE),
        (fins(FILL, b"\x30\0\x64\0\0\1\0\1"), FILL),
    ],
)
def test_what_nobody_can_read_is_said(message: bytes, command: int) -> None:
    assert fins_written(message, command) == Written((), whole=False)


def test_flags_of_timers_are_no_words() -> None:
    assert fins_written(fins(WRITE, b"\x09\0\5\0\0\1\1"), WRITE) == Written(())


def test_no_fill_is_larger_than_what_is_looked_at() -> None:
    found = fins_written(fins(FILL, DM200 + b"\xff\xff\0\x07"), FILL)
    assert len(found.runs[0].values) == MOST_WRITTEN and not found.whole


def test_what_is_cut_off_has_what_is_there_and_says_so() -> None:
    message = fins(WRITE, DM200 + b"\0\2\x12\x34\xab\xcd")
    for size in range(len(message)):
        found = fins_written(message[:size], WRITE)
        assert not found.whole
        assert found.runs in ((), (Run("D", 200, (0x1234,), "word"),))
    assert not fins_written(fins(FILL, DM200 + b"\0\3\0"), FILL).whole


@given(st.binary(max_size=40), st.sampled_from((WRITE, FILL, TRANSFER)), st.booleans())
def test_whatever_the_bytes(data: bytes, command: int, tcp: bool) -> None:
    for message in (data, fins(command, data, tcp)):
        for run in fins_written(message, command).runs:
            assert run.table in FINS_TABLES or run.table in FINS_PRESENT
            assert run.values and all(0 <= value <= 0xFFFF for value in run.values)
