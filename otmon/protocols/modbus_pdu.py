"""Modbus PDUs, read.

Source: *MODBUS Application Protocol Specification V1.1b3* (2012-04-26): sections 4.1 (lengths), 5 (function
code categories), 6.1 to 6.21 (each function), 7 (exceptions).

Contract: a kernel reads ``buf[p:end]`` only; it says what it found in a row ``int64[M_COLUMNS]``,
and a message that its function does not allow has `M_REASON` set, with all that could be read.
"""

from __future__ import annotations

from typing import Final

from otmon.kernel import Bytes, Ints, kernel, u8, u16be
from otmon.protocols.modbus import (
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
    MOST_COILS,
    MOST_REGISTERS,
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
    UMAS,
    UMAS_ERROR,
    UMAS_SIGNED,
)

SIGNED: Final = 36
"""Where the request begins that a signed one of UMAS holds, and its response."""


@kernel
def has_meaning(function: int) -> bool:
    """Whether the code is public, user-defined or UMAS; others are facts of their own."""
    return (
        1 <= function <= 8
        or function in (11, 12, 15, 16, 17, 43, UMAS)
        or 20 <= function <= 24
        or 65 <= function <= 72
        or 100 <= function <= 110
    )


@kernel
def clear(pdu: Ints) -> None:
    """A message of which nothing has been read."""
    for i in range(M_COLUMNS):
        pdu[i] = -1
    pdu[M_EXCEPTION] = 0
    pdu[M_REASON] = R_OK


@kernel
def wrong(pdu: Ints, reason: int, value: int, needed: int) -> None:
    """Note the first thing that is wrong."""
    if pdu[M_REASON] == R_OK:
        pdu[M_REASON] = reason
        pdu[M_VALUE] = value
        pdu[M_NEEDED] = needed


@kernel
def span(buf: Bytes, p: int, pdu: Ints, limit: int) -> None:
    """Starting address and quantity at ``p``; the quantity goes from 1 to `limit`."""
    pdu[M_ADDRESS] = u16be(buf, p)
    pdu[M_COUNT] = u16be(buf, p + 2)
    if pdu[M_COUNT] < 1 or pdu[M_COUNT] > limit:
        wrong(pdu, R_QUANTITY, pdu[M_COUNT], limit)
    elif pdu[M_ADDRESS] + pdu[M_COUNT] > 65536:
        wrong(pdu, R_RANGE, pdu[M_ADDRESS] + pdu[M_COUNT], 65536)


@kernel
def exactly(pdu: Ints, size: int, needed: int) -> None:
    """The PDU has the length that its function gives it."""
    if size != needed:
        wrong(pdu, R_BODY, size, needed)


@kernel
def parse_request(buf: Bytes, p: int, end: int, pdu: Ints) -> None:
    """Read the request PDU ``buf[p:end]`` (function code first) into `pdu`."""
    clear(pdu)
    size = end - p
    if size < 1:
        wrong(pdu, R_BODY, size, 1)
        return
    function = u8(buf, p)
    pdu[M_FUNCTION] = function
    if function == 0 or function > 127:
        wrong(pdu, R_FUNCTION, function, -1)
    elif function <= 4:
        exactly(pdu, size, 5)
        if size >= 5:
            span(buf, p + 1, pdu, MOST_COILS if function <= 2 else MOST_REGISTERS)
    elif function in (5, 6):
        exactly(pdu, size, 5)
        if size >= 5:
            pdu[M_ADDRESS] = u16be(buf, p + 1)
            pdu[M_COUNT] = 1
            value = u16be(buf, p + 3)
            if function == 5 and value != 0 and value != 0xFF00:
                wrong(pdu, R_VALUE, value, 0xFF00)
    elif function in (7, 11, 12, 17):
        exactly(pdu, size, 1)
    elif function in (15, 16):
        request_of_write(buf, p, size, pdu)
    elif function in (20, 21):
        file_records(buf, p, size, pdu, function == 20)
    elif function == 22:
        exactly(pdu, size, 7)
        if size >= 3:
            pdu[M_ADDRESS] = u16be(buf, p + 1)
            pdu[M_COUNT] = 1
    elif function == 23:
        request_of_read_write(buf, p, size, pdu)
    elif function == 24:
        exactly(pdu, size, 3)
        if size >= 3:
            pdu[M_ADDRESS] = u16be(buf, p + 1)
    else:
        subfunction(buf, p, size, pdu)
        if not has_meaning(function):
            wrong(pdu, R_FUNCTION, function, -1)


@kernel
def request_of_write(buf: Bytes, p: int, size: int, pdu: Ints) -> None:
    """Functions 15 and 16 (6.11, 6.12): address, quantity, byte count, values."""
    if size < 6:
        exactly(pdu, size, 6)
        if size >= 5:
            span(buf, p + 1, pdu, 0xFFFF)
        return
    coils = pdu[M_FUNCTION] == 15
    span(buf, p + 1, pdu, 1968 if coils else 123)
    octets = u8(buf, p + 5)
    needed = (pdu[M_COUNT] + 7) // 8 if coils else pdu[M_COUNT] * 2
    if octets != needed:
        wrong(pdu, R_BYTE_COUNT, octets, needed)
    exactly(pdu, size, 6 + octets)


@kernel
def request_of_read_write(buf: Bytes, p: int, size: int, pdu: Ints) -> None:
    """Function 23 (6.17): what to read, what to write, byte count, values."""
    if size < 10:
        exactly(pdu, size, 10)
        return
    span(buf, p + 5, pdu, 121)
    pdu[M_WRITE_ADDRESS] = pdu[M_ADDRESS]
    pdu[M_WRITE_COUNT] = pdu[M_COUNT]
    span(buf, p + 1, pdu, MOST_REGISTERS)
    octets = u8(buf, p + 9)
    if octets != pdu[M_WRITE_COUNT] * 2:
        wrong(pdu, R_BYTE_COUNT, octets, pdu[M_WRITE_COUNT] * 2)
    exactly(pdu, size, 10 + octets)


@kernel
def file_records(buf: Bytes, p: int, size: int, pdu: Ints, reads: bool) -> None:
    """Functions 20 and 21 (6.14, 6.15): groups of reference type 6, file, record, length."""
    if size < 2:
        exactly(pdu, size, 2)
        return
    octets = u8(buf, p + 1)
    exactly(pdu, size, 2 + octets)
    if octets < 7 or octets > 251 or (reads and (octets % 7 != 0 or octets > 245)):
        wrong(pdu, R_BYTE_COUNT, octets, 7)
    at = p + 2
    end = p + min(size, 2 + octets)
    while at + 7 <= end:
        if u8(buf, at) != 6:
            wrong(pdu, R_REFERENCE, u8(buf, at), 6)
            return
        at += 7 if reads else 7 + 2 * u16be(buf, at + 5)
    if at != end:
        wrong(pdu, R_BODY, end - p, at - p)


@kernel
def subfunction(buf: Bytes, p: int, size: int, pdu: Ints) -> None:
    """The second code of functions 8, 43 and 90."""
    function = pdu[M_FUNCTION]
    if function == 8:
        if size < 5:
            exactly(pdu, size, 5)
        if size >= 3:
            pdu[M_SUB] = u16be(buf, p + 1)
    elif function == 43:
        if size < 2:
            exactly(pdu, size, 2)
            return
        pdu[M_SUB] = u8(buf, p + 1)
        if pdu[M_SUB] not in (13, 14):
            wrong(pdu, R_MEI, pdu[M_SUB], 14)
        elif pdu[M_SUB] == 14 and size < 4:
            exactly(pdu, size, 4)
    elif function == UMAS:
        # One byte of session key, then UMAS's own function code.
        if size < 3:
            exactly(pdu, size, 3)
        else:
            pdu[M_SUB] = u8(buf, p + 2)
            if pdu[M_SUB] == UMAS_SIGNED and is_signed(buf, p, size):
                pdu[M_SUB] = u8(buf, p + SIGNED + 2)


@kernel
def is_signed(buf: Bytes, p: int, size: int) -> bool:
    """Whether the PDU of UMAS has another one behind a byte and a signature of 32."""
    return bool(size >= SIGNED + 3 and u8(buf, p + SIGNED) == UMAS)


@kernel
def parse_response(buf: Bytes, p: int, end: int, pdu: Ints) -> None:
    """Read the response PDU ``buf[p:end]`` into `pdu`; addresses are there for echoes only."""
    clear(pdu)
    size = end - p
    if size < 1:
        wrong(pdu, R_BODY, size, 1)
        return
    function = u8(buf, p) & 0x7F
    pdu[M_FUNCTION] = function
    if u8(buf, p) & 0x80:
        exactly(pdu, size, 2)
        if size >= 2:
            pdu[M_EXCEPTION] = u8(buf, p + 1)
            if pdu[M_EXCEPTION] not in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11):
                wrong(pdu, R_EXCEPTION, pdu[M_EXCEPTION], -1)
    elif function == 0:
        wrong(pdu, R_FUNCTION, function, -1)
    elif function <= 4 or function in (12, 17, 20, 21, 23):
        response_with_count(buf, p, size, pdu)
    elif function in (5, 6, 15, 16):
        exactly(pdu, size, 5)
        if size >= 5:
            pdu[M_ADDRESS] = u16be(buf, p + 1)
            pdu[M_COUNT] = 1 if function <= 6 else u16be(buf, p + 3)
    elif function == 7:
        exactly(pdu, size, 2)
    elif function == 11:
        exactly(pdu, size, 5)
    elif function == 22:
        exactly(pdu, size, 7)
        if size >= 3:
            pdu[M_ADDRESS] = u16be(buf, p + 1)
            pdu[M_COUNT] = 1
    elif function == 24:
        if size < 5:
            exactly(pdu, size, 5)
        else:
            exactly(pdu, size, 3 + u16be(buf, p + 1))
    elif function == UMAS:
        # The session key, and whether it was done (FE) or not.
        if size >= 3 and u8(buf, p + 2) == UMAS_ERROR:
            pdu[M_EXCEPTION] = UMAS_ERROR
        elif is_signed(buf, p, size) and u8(buf, p + SIGNED + 1) == u8(buf, p + 1):
            if u8(buf, p + SIGNED + 2) == UMAS_ERROR:
                pdu[M_EXCEPTION] = UMAS_ERROR
    else:
        subfunction(buf, p, size, pdu)
        if not has_meaning(function):
            wrong(pdu, R_FUNCTION, function, -1)


@kernel
def response_with_count(buf: Bytes, p: int, size: int, pdu: Ints) -> None:
    """Responses of a byte count and that many bytes."""
    if size < 2:
        exactly(pdu, size, 2)
        return
    octets = u8(buf, p + 1)
    pdu[M_BYTES] = octets
    exactly(pdu, size, 2 + octets)
    if octets == 0 or (pdu[M_FUNCTION] in (3, 4, 23) and octets % 2 == 1):
        wrong(pdu, R_BYTE_COUNT, octets, -1)


@kernel
def length_fits(function: int, size: int, request: bool) -> bool:
    """Whether a PDU of this function can have `size` bytes: all that its header tells."""
    if size < 1 or size > MAX_PDU:
        return False
    if function & 0x80:
        return not request and size == 2 and function != 0x80
    if function <= 4:
        return function > 0 and (size == 5 if request else size >= 3)
    if function in (5, 6):
        return size == 5
    if function == 7:
        return size == (1 if request else 2)
    if function == 11:
        return size == (1 if request else 5)
    if function in (12, 17):
        return size == 1 if request else size >= 3
    if function in (15, 16):
        return size >= 7 if request else size == 5
    if function == 22:
        return size == 7
    if function == 23:
        return size >= 12 if request else size >= 4
    if function == 24:
        return size == 3 if request else size >= 5
    return size >= 2
