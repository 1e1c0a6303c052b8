"""What SLMP writes to which devices, in all its frames; whatever is cut off or wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.protocols.protocol import Run, Written
from otmon.protocols.slmp_writes import SLMP_TABLES, slmp_written

ROW, HERE_AND_THERE, BLOCKS = 0x1401, 0x1402, 0x1406
HEAD = b"\x00\xff\xff\x03\x00"


def binary(command: int, how: int, data: bytes, serial: bool = False) -> bytes:
    """A request of frame 3E, or 4E."""
    body = b"\x10\x00" + command.to_bytes(2, "little") + how.to_bytes(2, "little") + data
    begin = b"\x54\x00\x07\x00\x00\x00" if serial else b"\x50\x00"
    return begin + HEAD + len(body).to_bytes(2, "little") + body


def text(command: int, how: int, data: bytes, serial: bool = False) -> bytes:
    """The same in ASCII code."""
    body = b"0010%04X%04X" % (command, how) + data
    return (b"540000070000" if serial else b"5000") + b"00FF03FF00%04X" % len(body) + body


def device(code: int, number: int) -> bytes:
    return number.to_bytes(3, "little") + bytes((code,))


D100 = device(0xA8, 100)
BOTH = Run("D", 100, (0x1234, 0xABCD), "word")
ROWS = [
    (binary(ROW, 0, D100 + b"\x02\x00\x34\x12\xcd\xab"), BOTH),
    (binary(ROW, 0, D100 + b"\x02\x00\x34\x12\xcd\xab", serial=True), BOTH),
    (text(ROW, 0, b"D*00010000021234ABCD"), BOTH),
    (text(ROW, 0, b"D 00010000021234abcd", serial=True), BOTH),
    # iQ-R: numbers of 32 bits, codes of 16.
    (binary(ROW, 2, b"\x64\0\0\0\xa8\0\x02\x00\x34\x12\xcd\xab"), BOTH),
    (text(ROW, 2, b"D***0000010000021234ABCD"), BOTH),
    # Link registers are numbered in hexadecimal digits.
    (binary(ROW, 0, device(0xB4, 0x1A0) + b"\x01\x00\x05\x00"), Run("W", 0x1A0, (5,), "word")),
    (text(ROW, 0, b"W*0001A000010005"), Run("W", 0x1A0, (5,), "word")),
    # Bits, half a byte or a digit each; words of bit devices are 16 of them.
    (binary(ROW, 1, device(0x90, 20) + b"\x03\x00\x10\x10"), Run("M", 20, (1, 0, 1), "bit")),
    (text(ROW, 1, b"M*0000200003101"), Run("M", 20, (1, 0, 1), "bit")),
    (
        binary(ROW, 0, device(0x90, 32) + b"\x01\x00\x05\x80"),
        Run("M", 32, (1, 0, 1, *(0,) * 12, 1), "bit"),
    ),
    # Frames 1E of FX3U-ENET: words and bits in a row.
    (b"\x03\xff\x0a\0\x64\0\0\0\x20\x44\x02\0\x34\x12\xcd\xab", BOTH),
    (b"03FF000A44200000006402001234ABCD", BOTH),
    (b"\x02\xff\x0a\0\x14\0\0\0\x20\x4d\x03\0\x10\x10", Run("M", 20, (1, 0, 1), "bit")),
    (b"02FF000A4D20000000140300101", Run("M", 20, (1, 0, 1), "bit")),
]


def number_of(message: bytes) -> int:
    """As `otmon.protocols.commands` calls the write."""
    return int(message[:2], 16) if message[:1] == b"0" else message[0] if message[0] < 6 else ROW


@pytest.mark.parametrize(("message", "run"), ROWS)
def test_devices_in_a_row(message: bytes, run: Run) -> None:
    assert slmp_written(message, number_of(message)) == Written((run,))


@pytest.mark.parametrize(("message", "run"), ROWS)
def test_what_is_cut_off_has_what_is_there_and_says_so(message: bytes, run: Run) -> None:
    for size in range(len(message)):
        found = slmp_written(message[:size], number_of(message) if size else ROW)
        assert not found.whole
        for part in found.runs:
            whole = len(part.values)
            assert part == run._replace(values=run.values[:whole]) and whole < len(run.values)


def test_devices_here_and_there_in_words_numbers_and_bits() -> None:
    data = b"\x01\x01" + D100 + b"\x34\x12" + device(0xAF, 7) + b"\x78\x56\x34\x12"
    runs = Run("D", 100, (0x1234,), "word"), Run("ZR", 7, (0x5678, 0x1234), "word")
    assert slmp_written(binary(HERE_AND_THERE, 0, data), HERE_AND_THERE) == Written(runs)
    said = text(HERE_AND_THERE, 0, b"0101D*0001001234R*00000712345678")
    assert slmp_written(said, HERE_AND_THERE) == Written(runs)
    bits = Run("M", 20, (1,), "bit"), Run("Y", 0x2F, (0,), "bit")
    data = b"\x02" + device(0x90, 20) + b"\x01" + device(0x9D, 0x2F) + b"\x00"
    assert slmp_written(binary(HERE_AND_THERE, 1, data), HERE_AND_THERE) == Written(bits)
    said = text(HERE_AND_THERE, 1, b"02M*00002001Y*00002F00")
    assert slmp_written(said, HERE_AND_THERE) == Written(bits)
    # Tests of frames 1E.
    old = b"\x05\xff\x0a\0\x02\0\x64\0\0\0\x20\x44\x34\x12\x07\0\0\0\x20\x52\x01\x00"
    tests = Run("D", 100, (0x1234,), "word"), Run("ZR", 7, (1,), "word")
    assert slmp_written(old, 5) == Written(tests)
    assert slmp_written(b"\x04\xff\x0a\0\x01\0\x14\0\0\0\x20\x4d\x01", 4) == Written((bits[0],))


@pytest.mark.parametrize(
    ("code", "other", "letters", "table"),
    [(0xAF, 0xB0, b"R*", "ZR"), (0x9C, 0xA2, b"DX", "X"), (0x9D, 0xA3, b"DY", "Y")],
)
def test_what_has_two_names_is_one_device(code: int, other: int, letters: bytes, table: str) -> None:
    found = [
        slmp_written(binary(ROW, 0, device(one, 0x10) + b"\x01\x00\x05\x00"), ROW) for one in (code, other)
    ]
    number = b"000016" if letters == b"R*" else b"000010"
    said = slmp_written(text(ROW, 0, letters + number + b"00010005"), ROW)
    assert found[0] == found[1] == said
    assert (said.whole, said.runs[0].table, said.runs[0].address) == (True, table, 16)


def test_blocks_of_words_and_of_bits() -> None:
    data = b"\x01\x01" + D100 + b"\x02\x00\x34\x12\xcd\xab" + device(0x90, 0) + b"\x01\x00\x01\x00"
    runs = BOTH, Run("M", 0, (1, *(0,) * 15), "bit")
    assert slmp_written(binary(BLOCKS, 0, data), BLOCKS) == Written(runs)
    said = text(BLOCKS, 0, b"0101D*00010000021234ABCDM*00000000010001")
    assert slmp_written(said, BLOCKS) == Written(runs)


@pytest.mark.parametrize(
    "message",
    [
        binary(ROW, 0, device(0x77, 1) + b"\x01\x00\x05\x00"),
        binary(ROW, 0x80, b"\0\0" + D100 + b"\0\0\0\0\x01\x00\x05\x00"),
        # Bits of words, which no controller takes.
        binary(ROW, 1, D100 + b"\x01\x00\x10"),
        text(ROW, 0, b"ZR00010000010005"),
        text(ROW, 0, b"D*0001xx00010005"),
        text(ROW, 0, b"D*00010000zz0005"),
        binary(0x141B, 0, b"\x01\0\0\0\x04\0" + "開度1".encode("utf-16-le")),
    ],
)
def test_what_nobody_can_read_is_said(message: bytes) -> None:
    command = int.from_bytes(message[11:13], "little") if message[0] == 0x50 else ROW
    assert slmp_written(message, command) == Written((), whole=False)


def test_memory_of_modules_has_no_devices() -> None:
    for command in (0x1601, 0x1613):
        assert slmp_written(binary(command, 0, bytes(12)), command) == Written(())
    assert slmp_written(b"\x0f\xff\x0a\0\0\0\0\0\x01\0\x01\0", 0x0F) == Written(())


@given(st.binary(max_size=60), st.sampled_from((ROW, HERE_AND_THERE, BLOCKS, 2, 5, 0x1613)))
def test_whatever_the_bytes(data: bytes, command: int) -> None:
    for message in (data, binary(command, data[0] & 3 if data else 0, data), text(command, 0, data)):
        for run in slmp_written(message, command).runs:
            assert run.table in SLMP_TABLES and run.address >= 0 and run.values
            highest = 1 if run.kind == "bit" else 0xFFFF
            assert all(0 <= value <= highest for value in run.values)
