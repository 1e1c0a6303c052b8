"""PDUs: every public function as the standard has it, and every length, count and value that lies.

pymodbus builds some of the messages, so that a misreading of the standard here shows.
"""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import bit_message, register_message

from otmon.protocols.modbus import (
    FUNCTIONS,
    M_ADDRESS,
    M_BYTES,
    M_COLUMNS,
    M_COUNT,
    M_EXCEPTION,
    M_FUNCTION,
    M_NEEDED,
    M_REASON,
    M_SUB,
    M_VALUE,
    M_WRITE_ADDRESS,
    M_WRITE_COUNT,
    MAX_PDU,
    R_BODY,
    R_BYTE_COUNT,
    R_EXCEPTION,
    R_FUNCTION,
    R_MEI,
    R_OK,
    R_QUANTITY,
    R_RANGE,
    R_REFERENCE,
    R_VALUE,
    REASONS,
    UMAS_ERROR,
    service,
)
from otmon.protocols.modbus_pdu import has_meaning, length_fits, parse_request, parse_response
from tests.truth.messages import Message, public

MARGIN = 5


def read(pdu: bytes, request: bool, filling: int = 0) -> list[int]:
    """The row of a PDU between bytes that must not matter."""
    buf = np.full(len(pdu) + 2 * MARGIN, filling, np.uint8)
    buf[MARGIN : MARGIN + len(pdu)] = np.frombuffer(pdu, np.uint8)
    row = np.full(M_COLUMNS, 77, np.int64)
    (parse_request if request else parse_response)(buf, MARGIN, MARGIN + len(pdu), row)
    found: list[int] = row.tolist()
    return found


@pytest.mark.parametrize("message", public(), ids=lambda message: message.name)
def test_every_public_function_is_read_both_ways(message: Message) -> None:
    asked, answered = read(message.request, True), read(message.response, False)
    assert asked[M_REASON] == answered[M_REASON] == R_OK
    assert asked[M_FUNCTION] == answered[M_FUNCTION] == message.function
    assert asked[M_ADDRESS] == (-1 if message.address is None else message.address)
    assert asked[M_COUNT] == (-1 if message.count is None else message.count)
    assert asked[M_SUB] == (-1 if message.subfunction is None else message.subfunction)
    if message.echo:
        assert (answered[M_ADDRESS], answered[M_COUNT]) == (message.address, message.count)


@pytest.mark.parametrize("message", public(), ids=lambda message: message.name)
def test_a_message_cut_or_grown_anywhere_is_told_and_stays_inside(message: Message) -> None:
    for pdu, request in ((message.request, True), (message.response, False)):
        for size in range(len(pdu) + 4):
            changed = (pdu + b"\xee" * 4)[:size]
            rows = [read(changed, request, filling) for filling in (0x00, 0x01, 0xFF)]
            assert rows[0] == rows[1] == rows[2]
            variable = message.function in (8, 12, 17, 20, 21, 24, 43, 90)
            if size != len(pdu) and not variable:
                assert rows[0][M_REASON] != R_OK


@pytest.mark.parametrize("function", range(1, 128))
@pytest.mark.parametrize("code", [0, 1, 4, 5, 6, 8, 10, 11, 12, 255])
def test_an_exception_names_its_function_and_code(function: int, code: int) -> None:
    row = read(bytes((function | 0x80, code)), False)
    assert (row[M_FUNCTION], row[M_EXCEPTION]) == (function, code)
    defined = code in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)
    assert (row[M_REASON] == R_EXCEPTION) == (not defined)


LIES = [
    (struct.pack(">BHH", 3, 0, 0), True, R_QUANTITY, 0, 125),
    (struct.pack(">BHH", 3, 0, 126), True, R_QUANTITY, 126, 125),
    (struct.pack(">BHH", 1, 0, 2001), True, R_QUANTITY, 2001, 2000),
    (struct.pack(">BHH", 4, 65_500, 100), True, R_RANGE, 65_600, 65_536),
    (struct.pack(">BHH", 5, 0, 0x0100), True, R_VALUE, 0x0100, 0xFF00),
    (struct.pack(">BHHBH", 16, 0, 1, 3, 5), True, R_BYTE_COUNT, 3, 2),
    (struct.pack(">BHHB", 15, 0, 9, 1) + b"\0", True, R_BYTE_COUNT, 1, 2),
    (struct.pack(">BHHB", 16, 0, 124, 248) + bytes(248), True, R_QUANTITY, 124, 123),
    (struct.pack(">BHHHHB", 23, 0, 126, 0, 1, 2) + b"\0\0", True, R_QUANTITY, 126, 125),
    (struct.pack(">BHHHHB", 23, 0, 1, 0, 122, 244) + bytes(244), True, R_QUANTITY, 122, 121),
    (bytes((20, 7, 5, 0, 1, 0, 1, 0, 1)), True, R_REFERENCE, 5, 6),
    (bytes((20, 6, 6, 0, 1, 0, 1, 0)), True, R_BYTE_COUNT, 6, None),
    (bytes((43, 15, 1, 0)), True, R_MEI, 15, None),
    (bytes((0, 1)), True, R_FUNCTION, 0, None),
    (bytes((0x83, 1)), True, R_FUNCTION, 0x83, None),
    (bytes((3, 3, 0, 0, 0)), False, R_BYTE_COUNT, 3, None),
    (bytes((3, 0)), False, R_BYTE_COUNT, 0, None),
    (bytes((1, 2, 0)), False, R_BODY, 3, 4),
    (b"", True, R_BODY, 0, 1),
    (b"", False, R_BODY, 0, 1),
]


@pytest.mark.parametrize(("pdu", "request_", "reason", "value", "needed"), LIES)
def test_a_lie_is_told_with_what_was_there_and_what_was_needed(
    pdu: bytes, request_: bool, reason: int, value: int, needed: int | None
) -> None:
    row = read(pdu, request_)
    assert REASONS[row[M_REASON]] == REASONS[reason]
    assert row[M_VALUE] == value
    assert needed is None or row[M_NEEDED] == needed


def test_reading_and_writing_at_once_tells_both_ranges() -> None:
    row = read(struct.pack(">BHHHHB", 23, 3, 6, 14, 3, 6) + bytes(6), True)
    assert (row[M_ADDRESS], row[M_COUNT], row[M_WRITE_ADDRESS], row[M_WRITE_COUNT]) == (3, 6, 14, 3)


@given(st.integers(0, 65_000), st.integers(1, 100))
def test_pymodbus_and_this_reader_agree(address: int, count: int) -> None:
    for made in (
        bit_message.ReadCoilsRequest(address=address, count=count),
        bit_message.ReadDiscreteInputsRequest(address=address, count=count),
        register_message.ReadHoldingRegistersRequest(address=address, count=count),
        register_message.ReadInputRegistersRequest(address=address, count=count),
        bit_message.WriteMultipleCoilsRequest(address=address, bits=[True] * count),
        register_message.WriteMultipleRegistersRequest(address=address, registers=[7] * count),
    ):
        row = read(bytes((made.function_code,)) + made.encode(), True)
        assert (row[M_REASON], row[M_FUNCTION], row[M_ADDRESS], row[M_COUNT]) == (
            R_OK, made.function_code, address, count,
        )  # fmt: skip
    answered = register_message.ReadHoldingRegistersResponse(registers=[5] * count)
    row = read(b"\x03" + answered.encode(), False)
    assert (row[M_REASON], row[M_BYTES]) == (R_OK, 2 * count)


@given(st.binary(max_size=MAX_PDU + 3), st.booleans())
def test_any_bytes_are_read_without_those_around_them(pdu: bytes, request: bool) -> None:
    rows = [read(pdu, request, filling) for filling in (0x00, 0xFF)]
    assert rows[0] == rows[1]
    assert rows[0][M_REASON] in range(len(REASONS))


def test_a_signed_request_of_umas_is_the_one_that_it_holds() -> None:
    signed = b"\x5a\x07\x38\x01" + bytes(range(32)) + b"\x5a\x07\x41\xff\x00"
    assert read(signed, True)[M_SUB] == 0x41
    for other in (
        signed[:38],
        signed[:36] + b"\x5b" + signed[37:],
        b"\x5a\x07\x38",
    ):
        assert (read(other, True)[M_SUB], read(other, True)[M_REASON]) == (0x38, R_OK)
    done, refused = (b"\x5a\x07\xfe\x01" + bytes(32) + b"\x5a\x07" + one for one in (b"\xfe", b"\xfd\x83"))
    assert [read(one, False)[M_EXCEPTION] for one in (done, refused)] == [0, UMAS_ERROR]


def test_umas_says_itself_what_it_refuses() -> None:
    assert read(b"\x5a\0\xfe", False)[M_EXCEPTION] == 0
    assert read(b"\x5a\0\xfd\x83\xa1", False)[M_EXCEPTION] == UMAS_ERROR
    assert read(b"\x5a\xfd", False)[M_EXCEPTION] == read(b"\x5a\0\xfd", True)[M_EXCEPTION] == 0


@pytest.mark.parametrize("message", public(), ids=lambda message: message.name)
def test_the_length_of_every_message_fits_its_function(message: Message) -> None:
    assert length_fits(message.request[0], len(message.request), True)
    assert length_fits(message.response[0], len(message.response), False)
    assert not length_fits(message.request[0], 0, True)
    assert not length_fits(message.request[0], MAX_PDU + 1, True)


@pytest.mark.parametrize("function", range(1, 128))
def test_a_code_has_a_meaning_where_it_has_a_name_of_its_own(function: int) -> None:
    named = service(function).name
    assert has_meaning(function) == (function in FUNCTIONS or named.startswith("User-defined"))
