"""What a message of IEC 104, DNP3 or BACnet does, told by its first bytes
(`otmon.ledger.copying.command_messages`)."""

from __future__ import annotations

from otmon.kernel import Bytes, inlined, kernel, u8, u16be, u16le
from otmon.ledger.copying.cip_messages import ANSWERS, COMMANDS, WRITES
from otmon.protocols.signature import crc16


@kernel
def dnp3_message(src: Bytes, p: int, end: int) -> int:
    """A link frame of DNP3, of which the first one of a fragment has the function, or too few bytes to have
    it: then it is told by one of a master's that goes on with it. What is no frame is passed over, as
    a receiver does (IEEE 1815-2012, 9.2.4)."""
    if not begins_frame(src, p, end):
        for q in range(p + 1, end if end - p >= 10 else p):
            if begins_frame(src, q, end) or (end - q < 10 and u8(src, q) == 5):
                return (q - p) << 2
        return 0
    user = u8(src, p + 2) - 5
    size = 10 + user + 2 * ((user + 15) // 16)
    if user < 1 or end - p < 11:
        return size << 2
    if is_part(src, p):
        return size << 2 | (COMMANDS if u8(src, p + 3) & 0x80 else 0)
    if user < 3 or end - p < 13:
        return size << 2
    function = u8(src, p + 12)
    if is_dnp3_command(function):
        return size << 2 | COMMANDS
    if is_dnp3_write(function):
        return size << 2 | WRITES
    return size << 2 | (ANSWERS if function == 129 else 0)


@inlined
def begins_frame(src: Bytes, p: int, end: int) -> bool:
    """Whether the whole header of a link frame of DNP3 is at `p`."""
    return bool(
        end - p >= 10
        and u16be(src, p) == 0x0564
        and u8(src, p + 2) >= 5
        and crc16(src, p, p + 8, 0xA6BC) ^ 0xFFFF == u16le(src, p + 8)
    )


@inlined
def is_part(src: Bytes, p: int) -> bool:
    """Whether the link frame at `p` begins a fragment without its function, or goes on with one (8.2)."""
    return bool(u8(src, p + 10) & 0x40 == 0 or (u8(src, p + 2) < 8 and u8(src, p + 10) & 0x80 == 0))


@inlined
def is_dnp3_command(function: int) -> bool:
    """Whether it is one of `DNP3_COMMANDS`."""
    return 13 <= function <= 19 or function == 27 or function == 31


@inlined
def is_dnp3_write(function: int) -> bool:
    """Whether it is one of `DNP3_WRITES`."""
    return 2 <= function <= 12 or 20 <= function <= 22 or function == 24 or function == 25


@kernel
def bacnet_message(src: Bytes, p: int, end: int) -> int:
    """A datagram of BACnet/IP."""
    size = end - p
    at = bacnet_apdu_at(src, p, end)
    if at == 0 or end - at < 3:
        return size << 2
    kind = u8(src, at) >> 4
    if kind == 2 or kind == 3 or kind == 5:
        service = u8(src, at + 2)
        return size << 2 | (ANSWERS if is_bacnet_command(service) or is_bacnet_write(service) else 0)
    if kind == 6 or kind == 7:
        return size << 2 | ANSWERS
    if kind == 1:
        return size << 2 | (WRITES if u8(src, at + 1) == 10 else 0)
    behind = at + (5 if u8(src, at) & 0x08 else 3)
    if kind != 0 or behind >= end:
        return size << 2
    if is_bacnet_command(u8(src, behind)):
        return size << 2 | COMMANDS
    # Of a request in segments the first one.
    goes_on = u8(src, at) & 0x08 != 0 and u8(src, at + 3) != 0
    return size << 2 | (WRITES if is_bacnet_write(u8(src, behind)) and not goes_on else 0)


@kernel
def bacnet_apdu_at(src: Bytes, p: int, end: int) -> int:
    """Where the APDU of a datagram of BACnet/IP is; 0 where there is none, or it is cut off."""
    at = p + (10 if end - p > 1 and u8(src, p + 1) == 4 else 4)
    if end - at < 4 or u8(src, at) != 1 or u8(src, at + 1) & 0x80:
        return 0
    control = u8(src, at + 1)
    at += 2
    for bit in (0x20, 0x08):
        if control & bit:
            if end - at < 4:
                return 0
            at += 3 + u8(src, at + 2)
    at += 1 if control & 0x20 else 0
    return int(at) if at < end else 0


@inlined
def is_bacnet_write(service: int) -> bool:
    """Whether it is one of `BACNET_WRITES`."""
    return bool(7 <= service <= 11 or service == 15 or service == 16 or service == 27)


@inlined
def is_bacnet_command(service: int) -> bool:
    """Whether it is one of `BACNET_COMMANDS`."""
    return service == 17 or service == 20


@inlined
def is_iec104_command(kind: int) -> bool:
    """Whether a type is one of `IEC104_COMMANDS`."""
    return bool(
        45 <= kind <= 51 or 58 <= kind <= 64 or (100 <= kind <= 107 and kind != 102) or 110 <= kind <= 113
    )


@kernel
def iec104_message(src: Bytes, p: int, end: int) -> int:
    """A frame of IEC 104, of which those of format I have a type."""
    if end - p < 6 or u8(src, p) != 0x68 or u8(src, p + 1) < 4:
        return 0
    size = 2 + u8(src, p + 1)
    if end - p < 12 or u8(src, p + 2) & 1 or not is_iec104_command(u8(src, p + 6)):
        return size << 2
    kind = u8(src, p + 6)
    cause = u8(src, p + 8) & 0x3F
    if cause == 7 or cause == 9 or 44 <= cause <= 47:
        return size << 2 | ANSWERS
    if cause == 10 or (cause == 3 and (kind == 103 or kind == 106)):
        return size << 2
    return size << 2 | (COMMANDS if kind == 105 else WRITES)
