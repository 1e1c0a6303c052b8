"""Which of the requests that wait a response belongs to.

It is the newest one of its transaction id, unit and function that it fits, as ids are used again once a
client has given up; requests that were sent nearly at once are answered in order.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.streams import S_PENDING
from otmon.kernel import Ints, inlined
from otmon.ledger.tables import P_KEY, P_ORDER, P_RANGE, P_TIME, element_range, pending_row
from otmon.protocols.modbus import M_ADDRESS, M_BYTES, M_COUNT, M_EXCEPTION, M_REASON, R_OK

PIPELINE_NS: Final = 50_000_000
"""Requests of one transaction id within this time are answered in order; clients wait longer
than this before they give up and use the id again."""


@inlined
def expected_bytes(pending: Ints, i: int) -> int:
    """How many bytes of values answer waiting request `i`, -1 where it asks for none."""
    function = pending[i, P_KEY] & 0xFF
    count = (pending[i, P_RANGE] & 0xFFFFF) - 1
    if function in (1, 2):
        return int((count + 7) // 8)
    if function in (3, 4, 23):
        return int(count * 2)
    return -1


@inlined
def fits(pdu: Ints, pending: Ints, i: int) -> bool:
    """Whether the response in `pdu` can be the answer to waiting request `i`."""
    if pdu[M_EXCEPTION] != 0 or pdu[M_REASON] != R_OK:
        return True
    expected = expected_bytes(pending, i)
    if pdu[M_BYTES] >= 0 and expected >= 0:
        return bool(pdu[M_BYTES] == expected)
    return bool(pdu[M_ADDRESS] < 0 or element_range(pdu[M_ADDRESS], pdu[M_COUNT]) == pending[i, P_RANGE])


@inlined
def request_of(streams: Ints, pending: Ints, pdu: Ints, s: int, key: int) -> int:
    """Which waiting request the response in `pdu` answers: its place in the list, -1 for none; one
    that does not fit is given as -2 minus its place."""
    newest = -1
    other = -1
    n = streams[s, S_PENDING]
    for k in range(n):
        if pending[pending_row(s, k), P_KEY] != key:
            continue
        if fits(pdu, pending, pending_row(s, k)):
            if newest < 0 or pending[pending_row(s, k), P_ORDER] > pending[pending_row(s, newest), P_ORDER]:
                newest = k
        elif other < 0 or pending[pending_row(s, k), P_ORDER] > pending[pending_row(s, other), P_ORDER]:
            other = k
    if newest < 0:
        return -1 if other < 0 else -2 - other
    chosen = newest
    if n > 1:
        limit = pending[pending_row(s, newest), P_TIME] - PIPELINE_NS
        for k in range(n):
            if (
                pending[pending_row(s, k), P_KEY] == key
                and pending[pending_row(s, k), P_TIME] >= limit
                and pending[pending_row(s, k), P_ORDER] < pending[pending_row(s, chosen), P_ORDER]
                and fits(pdu, pending, pending_row(s, k))
            ):
                chosen = k
    return chosen
