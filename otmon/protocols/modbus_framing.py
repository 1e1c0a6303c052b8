"""Modbus on the wire: the MBAP header of TCP and UDP, and serial (RTU) frames inside TCP.

Sources: *MODBUS Messaging on TCP/IP Implementation Guide V1.0b*: section 3.1.3 (MBAP header); *MODBUS
over Serial Line V1.02*: sections 2.2 (addresses), 2.5.1 (RTU frame) and 6.2.2 (CRC).

Contract: a kernel reads ``buf[p:end]`` only, and uses `pdu` (``int64[M_COLUMNS]``) for its work.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from otmon.kernel import Bytes, Ints, kernel, u8, u16be, u16le
from otmon.protocols.modbus import M_REASON, MAX_PDU, R_OK, UMAS
from otmon.protocols.modbus_pdu import has_meaning, length_fits, parse_request, parse_response

HEADER: Final = 7
"""Bytes of the MBAP header; its length field counts from the unit id on."""
MAX_LENGTH: Final = MAX_PDU + 1
"""Largest length field: unit id and PDU."""
MAX_UMAS_LENGTH: Final = 1_040
"""The same for UMAS, which says in its first messages how long others may be: blocks of a program have up to
1,022 bytes (Liras, "The Unity (UMAS) protocol", parts I and III), and some stand before them."""

NO: Final = 0
MBAP: Final = 1
RTU: Final = 2
MORE: Final = 3
"""What `recognise` and a stream's mode say: not Modbus, a framing, or too few bytes to tell."""


@kernel
def mbap_size(buf: Bytes, p: int, end: int) -> int:
    """Bytes of the message at `p` as its header says: 0 where more are needed to tell, -1 where none can
    begin there. One that only UMAS may be as long as is believed where all of it is there: who waited for
    the rest would miss what comes instead."""
    if end - p < 6:
        return 0
    length = u16be(buf, p + 4)
    if u16be(buf, p + 2) != 0 or length < 2 or length > MAX_UMAS_LENGTH:
        return -1
    if length > MAX_LENGTH and (end - p < 6 + length or u8(buf, p + HEADER) & 0x7F != UMAS):
        return -1
    return int(6 + length)


@kernel
def plausible(buf: Bytes, p: int, end: int, pdu: Ints) -> int:
    """What the MBAP message at ``buf[p:end]``, which may be cut, can be: 1 a request, 2 a response,
    3 either, 0 neither. Strict: unknown function codes are not plausible."""
    if end - p < HEADER + 1 or u16be(buf, p + 2) != 0:
        return 0
    length = u16be(buf, p + 4)
    function = u8(buf, p + HEADER)
    if length < 2 or length > MAX_LENGTH or not has_meaning(function & 0x7F):
        return 0
    shapes = 0
    whole = end - p >= 6 + length
    for request in range(2):
        if not length_fits(function, length - 1, request == 1):
            continue
        if whole:
            if request == 1:
                parse_request(buf, p + HEADER, p + 6 + length, pdu)
            else:
                parse_response(buf, p + HEADER, p + 6 + length, pdu)
            if pdu[M_REASON] != R_OK:
                continue
        shapes |= 1 if request == 1 else 2
    return shapes


def _crc_table() -> Ints:
    table = np.zeros(256, np.int64)
    for i in range(256):
        crc = i
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
        table[i] = crc
    return table


_CRC: Final = _crc_table()


@kernel
def crc16(buf: Bytes, p: int, end: int) -> int:
    """CRC of an RTU frame (Serial Line V1.02, section 6.2.2)."""
    crc = 0xFFFF
    for i in range(p, end):
        crc = (crc >> 8) ^ _CRC[(crc ^ u8(buf, i)) & 0xFF]
    return int(crc)


@kernel
def rtu_size(buf: Bytes, p: int, end: int, request: bool) -> int:
    """Bytes of the RTU frame at `p` (unit, PDU, CRC); 0 where more bytes are needed to know, -1
    where its function does not tell."""
    if end - p < 2:
        return 0
    function = u8(buf, p + 1)
    if function & 0x80:
        return 5
    if function in (5, 6):
        return 8
    if function == 22:
        return 10
    if request:
        if 1 <= function <= 4:
            return 8
        if function in (7, 11, 12, 17):
            return 4
        if function == 24:
            return 6
        at = 0
        if function in (15, 16):
            at = 6
        elif function in (20, 21):
            at = 2
        elif function == 23:
            at = 10
    else:
        if function == 7:
            return 5
        if function in (11, 15, 16):
            return 8
        if function == 24:
            return 4 + u16be(buf, p + 2) + 2 if end - p >= 4 else 0
        at = 2 if function <= 4 or function in (12, 17, 20, 21, 23) else 0
    if at == 0:
        return -1
    if end - p <= at:
        return 0
    return at + 1 + u8(buf, p + at) + 2


@kernel
def rtu_frame(buf: Bytes, p: int, end: int) -> bool:
    """Whether ``buf[p:end]`` is one RTU frame: at least 4 bytes and a CRC that fits."""
    return end - p >= 4 and end - p <= 256 and crc16(buf, p, end - 2) == u16le(buf, end - 2)


@kernel
def rtu_plausible(buf: Bytes, p: int, end: int, pdu: Ints) -> int:
    """As `plausible`, for the RTU frame ``buf[p:end]``, whose CRC must fit."""
    if u8(buf, p) > 247 or not has_meaning(u8(buf, p + 1) & 0x7F) or not rtu_frame(buf, p, end):
        return 0
    shapes = 0
    parse_request(buf, p + 1, end - 2, pdu)
    if pdu[M_REASON] == R_OK:
        shapes |= 1
    parse_response(buf, p + 1, end - 2, pdu)
    if pdu[M_REASON] == R_OK:
        shapes |= 2
    return shapes


@kernel
def recognise(buf: Bytes, p: int, end: int, usual_port: bool, pdu: Ints) -> int:
    """Which framing of Modbus ``buf[p:end]`` begins with. On the usual port a whole message counts
    whatever its function, so that it can be told what is wrong with it."""
    size = end - p
    if size >= 4 and rtu_plausible(buf, p, end, pdu) != 0:
        return RTU
    if size < HEADER + 1:
        return MORE
    if plausible(buf, p, end, pdu) != 0:
        return MBAP
    length = u16be(buf, p + 4)
    if usual_port and 2 <= length <= MAX_LENGTH and size == 6 + length and u16be(buf, p + 2) == 0:
        return MBAP
    for request in range(2):
        frame = rtu_size(buf, p, end, request == 1)
        if frame >= 4 and frame < size and rtu_plausible(buf, p, p + frame, pdu) != 0:
            return RTU
        if usual_port and size < frame <= 256 and u8(buf, p) <= 247 and has_meaning(u8(buf, p + 1) & 0x7F):
            return MORE
    return NO
