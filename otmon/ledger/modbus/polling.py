"""Polls of Modbus: a short way for nearly all that is said on a plant's connections.

A request to read coils or registers, of which nothing is wrong, begins to wait; its answer, when no other
request waits, ends it. All else goes the long way (`otmon.ledger.modbus.transactions.message`), which comes
to the same.
"""

from __future__ import annotations

from otmon.decode.flows import F_STATE, ROLE, ROLE_PROTOCOL, ROLE_SHIFT
from otmon.decode.streams import S_ANSWERED, S_CLIENT, S_GOOD, S_OPERATION, S_PENDING
from otmon.kernel import Bytes, inlined, prefetch, prefetch_row, u8, u16be
from otmon.ledger.modbus.matching import expected_bytes
from otmon.ledger.modbus.transactions import ask, count_transaction
from otmon.ledger.modbus.written import keep_read
from otmon.ledger.operation_rows import note_operation, row_named, service_of
from otmon.ledger.tables import (
    KEPT_BYTES,
    O_NEXT,
    O_OFTEN,
    P_KEY,
    P_OFFSET,
    P_PACKET,
    P_RANGE,
    P_TIME,
    PENDING,
    Tables,
    element_range,
    pending_row,
)
from otmon.protocols.modbus import MOST_COILS, MOST_REGISTERS
from otmon.protocols.modbus_framing import HEADER


@inlined
def polled(
    t: Tables, s: int, f: int, d: int, src: Bytes, p: int, end: int, packet: int, now: int, offset: int
) -> bool:
    """Take the whole message ``src[p:end]`` of a stream of Modbus/TCP, if it is one of a poll: functions 1 to
    4 (MODBUS Application Protocol V1.1b3, 6.1 to 6.4). False, with nothing done, for every other one."""
    function = u8(src, p + HEADER)
    client = t.streams[s, S_CLIENT]
    if (
        function < 1
        or function > 4
        or t.streams[s, S_GOOD] == 0
        or (t.flows[f, F_STATE] & ROLE) >> ROLE_SHIFT < ROLE_PROTOCOL
    ):
        return False
    key = ((u16be(src, p) + 1) << 16) | (u8(src, p + 6) << 8) | function
    if d == client:
        if end - p != HEADER + 5 or t.streams[s, S_PENDING] == PENDING:
            return False
        address = u16be(src, p + 8)
        count = u16be(src, p + 10)
        if count < 1 or count > (MOST_COILS if function <= 2 else MOST_REGISTERS) or address + count > 65536:
            return False
        t.streams[s, S_GOOD] += 1
        ask(t, s, f, key, element_range(address, count), -1, -1, packet, now, offset)
        # What its answer will be counted in, most likely, is at hand by then.
        row = row_named(t.operations[row_named(t.streams[s, S_OPERATION]), O_NEXT])
        prefetch_row(t.operations, row, 0, O_OFTEN)
        for at in range(0, KEPT_BYTES, 64):
            prefetch(t.read_values, row * KEPT_BYTES + at)
        return True
    i = pending_row(s, 0)
    octets = end - p - HEADER - 2
    if (
        t.streams[s, S_PENDING] != 1
        or t.pending[i, P_KEY] != key
        or octets < 1
        or u8(src, p + HEADER + 1) != octets
        or expected_bytes(t.pending, i) != octets
    ):
        return False
    t.streams[s, S_GOOD] += 1
    t.streams[s, S_ANSWERED] = 1
    t.streams[s, S_PENDING] = 0
    time = t.pending[i, P_TIME]
    elements = t.pending[i, P_RANGE]
    asked = t.pending[i, P_PACKET]
    took = max(now - time, 0)
    count_transaction(t, s, f, time, key, -1, elements, 0, asked, packet, took)
    row = note_operation(
        t, s, f, service_of(key, -1, 0), elements, time, asked, t.pending[i, P_OFFSET], took
    )  # fmt: skip
    if function == 1 or function == 3:
        keep_read(t, row, src, p + HEADER + 2, octets, now)
    return True
