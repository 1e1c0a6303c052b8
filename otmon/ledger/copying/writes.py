"""Which writes are copied of protocols of which no kernel reads them (`otmon.ledger.copying.commands`), and
which answers are to one of those.

A screen may write hundreds of times in a second, and always the same. So writes have a budget of their own,
of all flows and of each: no flood of them hides a command, and none of one flow those of another one. What is
beyond it is counted. An answer is copied where the request was, which its number tells.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import C_COMMANDS_SHED
from otmon.kernel import Bytes, inlined, kernel, u8, u16be, u16le, u32be
from otmon.ledger.copying.cip_messages import pccc_number
from otmon.ledger.copying.command_messages import BACNET, DNP3, ETHERNET_IP, FINS, S7COMM, SLMP
from otmon.ledger.copying.messages import may_copy
from otmon.ledger.copying.station_messages import bacnet_apdu_at
from otmon.ledger.tables import ASKERS, SECOND_NS, WRITES, Y_COUNT, Y_FLOW, Y_NUMBERS, Y_SECOND, Tables

SECOND_WRITES: Final = 256
"""Copied in one second: Python reads them, and as many answers, in some milliseconds."""
FLOW_WRITES: Final = 64
"""Those of one direction of a flow."""
NUMBERS: Final = 62
"""Requests of which the answers are told apart: bits of a number with a sign."""


@kernel
def may_copy_write(t: Tables, f: int, d: int, now: int) -> bool:
    """Whether one more write in this direction of a flow is copied in this second; else it is counted. What
    another flow still has a share in is not taken from it."""
    y = row_of(f, d)
    second = now // SECOND_NS
    asked = t.asked[y]
    if asked[Y_SECOND] != second or asked[Y_FLOW] == 0:
        if asked[Y_FLOW] != 2 * f + d + 1:
            asked[Y_FLOW] = 2 * f + d + 1
            asked[Y_NUMBERS] = 0
        asked[Y_SECOND] = second
        asked[Y_COUNT] = 0
    if asked[Y_FLOW] != 2 * f + d + 1 or asked[Y_COUNT] >= FLOW_WRITES:
        t.counters[C_COMMANDS_SHED] += 1
        return False
    asked[Y_COUNT] += 1
    return bool(may_copy(t, now, WRITES, SECOND_WRITES, C_COMMANDS_SHED))


@kernel
def await_answer(t: Tables, f: int, d: int, number: int, now: int) -> None:
    """The answer with this `number` to what was copied in this direction of a flow is copied as well."""
    y = row_of(f, d)
    if t.asked[y, Y_FLOW] != 2 * f + d + 1:
        t.asked[y, Y_FLOW] = 2 * f + d + 1
        t.asked[y, Y_SECOND] = now // SECOND_NS
        t.asked[y, Y_COUNT] = 0
        t.asked[y, Y_NUMBERS] = 0
    t.asked[y, Y_NUMBERS] |= 1 << number


@kernel
def take_answer(t: Tables, f: int, d: int, number: int) -> bool:
    """Whether an answer with this `number` to direction `d` of a flow is awaited; it is no longer."""
    y = row_of(f, d)
    if t.asked[y, Y_FLOW] != 2 * f + d + 1 or t.asked[y, Y_NUMBERS] >> number & 1 == 0:
        return False
    t.asked[y, Y_NUMBERS] &= ~(1 << number)
    return True


@inlined
def row_of(f: int, d: int) -> int:
    """Which row of `Tables.asked` is that of a direction of a flow."""
    return (2 * f + d) & (ASKERS - 1)


@kernel
def number_of(code: int, src: Bytes, p: int, end: int) -> int:
    """What tells the answer to the message ``src[p:end]``, or to which request it is the answer, below
    `NUMBERS`: what the protocol has for it, or else what it is about."""
    n = end - p
    number = 0
    if code == S7COMM:
        at = p + (7 if u8(src, p) == 3 else 3 if u8(src, p) == 2 else 0)
        number = u16be(src, at + 4) if end - at >= 6 else 0
    elif code == FINS:
        at = p + (16 if n >= 16 and u32be(src, p) == 0x46494E53 else 0)
        number = u8(src, at + 9) if end - at >= 10 else 0
    elif code == SLMP:
        # Only frames 4E have a serial number.
        serial = 2 if u8(src, p) & 0x7F == 0x54 else 7 if n >= 8 and u16be(src, p) in (0x3534, 0x4434) else 0
        number = u8(src, p + serial) if serial and n > serial else 0
    elif code == ETHERNET_IP:
        # Of PCCC nothing else tells which answer is which: values are read by the same service.
        number = pccc_number(src, p, end)
        at = p + 36 + (u16le(src, p + 34) if n >= 36 else 0)
        if number == 0 and end - at >= 6:
            number = (
                u16le(src, at + 4) if u16le(src, at) == 0x00B1 else u32be(src, p + 12) + u32be(src, p + 16)
            )
    elif code == DNP3:
        number = u8(src, p + 11) & 0x0F if n >= 12 else 0
    elif code == BACNET:
        at = bacnet_apdu_at(src, p, end)
        if at > 0 and end - at >= 3:
            number = u8(src, at + (2 if u8(src, at) >> 4 == 0 else 1))
    elif n >= 13:
        number = u8(src, p + 6) + u8(src, p + 12)
    return int(number % NUMBERS)
