"""What S7comm writes to data blocks, flags and outputs, as tshark reads it too; whatever is cut off or
wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otmon.engine import replay
from otmon.protocols.protocol import Run, Written
from otmon.protocols.s7_writes import s7_written
from tests.oracle import Tshark

WRITE, MODIFY = 5, 0x0108
DB, FLAGS, OUTPUTS = 0x84, 0x83, 0x82
BYTE, WORD, REAL, BIT = 2, 4, 8, 1
SNAP7 = "cisagov+icsnpp-s7comm/tests/traces/snap7.pcap"


def item(
    area: int, first: int, octets: bytes, block: int = 0, size: int = BYTE, bit: int = 0
) -> tuple[bytes, bytes]:
    """An address, and its data in bits, bytes or a bit."""
    count = len(octets) if size == BYTE else 1
    address = (8 * first + bit).to_bytes(3, "big")
    where = b"\x12\x0a\x10" + bytes((size,)) + count.to_bytes(2, "big") + block.to_bytes(2, "big")
    kind, length = (3, 1) if size == BIT else (7, len(octets)) if size == REAL else (4, 8 * len(octets))
    return where + bytes((area,)) + address, b"\0" + bytes((kind,)) + length.to_bytes(2, "big") + octets


def write_var(*items: tuple[bytes, bytes]) -> bytes:
    """A job in TPKT and COTP; data but the last is filled up to an even length."""
    parameter = bytes((WRITE, len(items))) + b"".join(where for where, _ in items)
    data = b"".join(one + bytes(len(one) % 2) for _, one in items[:-1]) + items[-1][1]
    head = b"\x32\1\0\0\0\7" + len(parameter).to_bytes(2, "big") + len(data).to_bytes(2, "big")
    whole = b"\x02\xf0\x80" + head + parameter + data
    return b"\3\0" + (4 + len(whole)).to_bytes(2, "big") + whole


REAL_150 = b"\x43\x16\0\0"
TWO = Run("DB10", 4, (0x4316, 0), "word", 2)


@pytest.mark.parametrize("size", [REAL, WORD, BYTE])
def test_a_number_is_two_words_whatever_it_is_called(size: int) -> None:
    assert s7_written(write_var(item(DB, 4, REAL_150, 10, size)), WRITE) == Written((TWO,))


def test_several_items_of_flags_and_outputs() -> None:
    odd = item(DB, 4, b"\1\2\3", 10)
    message = write_var(odd, item(FLAGS, 20, b"\0\7"), item(OUTPUTS, 8, b"\0\1"))
    assert s7_written(message, WRITE) == Written(
        (
            Run("DB10", 4, (0x0102,), "word", 2),
            Run("DB10", 6, (0x0300,), "word", 2, mask=0xFF00),
            Run("M", 20, (7,), "word", 2),
            Run("Q", 8, (1,), "word", 2),
        )
    )
    # The headers may have come in segments of their own.
    assert s7_written(message[4:], WRITE) == s7_written(message[7:], WRITE) == s7_written(message, WRITE)


def test_parts_of_words() -> None:
    assert s7_written(write_var(item(DB, 5, b"\xaa\1\2", 10)), WRITE) == Written(
        (Run("DB10", 4, (0xAA,), "word", 2, mask=0xFF), Run("DB10", 6, (0x0102,), "word", 2))
    )
    for first, mask in ((4, 0x0800), (5, 0x0008)):
        found = s7_written(write_var(item(DB, first, b"\1", 10, BIT, bit=3)), WRITE)
        assert found == Written((Run("DB10", 4, (mask,), "word", 2, mask=mask),))


def test_timers_counters_and_inputs_are_none() -> None:
    for area in (0x1C, 0x1D, 0x81):
        assert s7_written(write_var(item(area, 4, b"\0\1")), WRITE) == Written(())


def test_outputs_past_the_process_image_are_outputs() -> None:
    for area in (0x80, 0x82):
        found = s7_written(write_var(item(area, 8, b"\0\1")), WRITE)
        assert found == Written((Run("Q", 8, (1,), "word", 2),))


def test_what_nobody_can_read_is_said() -> None:
    assert s7_written(write_var(item(DB, 4, b"\0\1", 10)), MODIFY) == Written((), whole=False)
    assert s7_written(write_var(item(0x87, 4, b"\0\1")), WRITE) == Written((), whole=False)
    symbolic = b"\x12\x0a\xb2" + bytes(9), b"\0\4\0\x10\0\1"
    first = item(FLAGS, 20, b"\0\7")
    assert s7_written(write_var(first, symbolic), WRITE) == Written(
        (Run("M", 20, (7,), "word", 2),), whole=False
    )


def test_what_is_cut_off_has_what_is_there_and_says_so() -> None:
    message = write_var(item(FLAGS, 20, b"\0\7"), item(DB, 4, REAL_150, 10))
    for size in range(len(message)):
        found = s7_written(message[:size], WRITE)
        assert not found.whole
        assert {run.table for run in found.runs} <= {"M", "DB10"}


@given(st.binary(max_size=60))
def test_whatever_the_bytes(data: bytes) -> None:
    for message in (data, b"\x32\1\0\0\0\7" + data, b"\x32\1\0\0\0\7\0\x0e\0\6\5\1\x12\x0a\x10\2" + data):
        for run in s7_written(message, WRITE).runs:
            assert run.address % 2 == 0 and run.values
            assert all(0 <= value <= 0xFFFF and value & ~run.mask == 0 for value in run.values)


def test_what_snap7_writes_is_read_as_tshark_reads_it(corpus: Path, reader: Tshark) -> None:
    path = corpus / SNAP7
    wanted = "s7comm.header.rosctr == 1 && s7comm.param.func == 5"
    fields = "s7comm.param.item.area", "s7comm.param.item.address.byte", "s7comm.resp.data"
    shown = [option for field in fields for option in ("-e", field)]
    told: dict[tuple[int, int], int] = {}
    for line in reader.read(path, "-Y", wanted, "-T", "fields", *shown).splitlines():
        areas, firsts, data = (part.split(",") for part in line.split("\t"))
        for area, octets in zip(areas, data, strict=True):
            # Timers and counters have no byte.
            first = int(firsts.pop(0), 0) if int(area, 0) > 0x80 else 0
            for n in range(0, len(octets) // 2 - 1, 2):
                key, value = (int(area, 0), first + n), int(octets[2 * n : 2 * n + 4], 16)
                told[key] = min(value, told.get(key, value))
    tables = {"M": FLAGS, "Q": OUTPUTS}
    written = replay([str(path)]).ledger.written
    found = {(tables[one.table], one.address): one.extremes[0].value for one in written if one.words == 1}
    assert found == {key: value for key, value in told.items() if key[0] in tables.values()} != {}
