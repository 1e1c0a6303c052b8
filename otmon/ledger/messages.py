"""Payloads of protocols in which somebody logs in, copied for Python to read.

What is copied is bounded three times: the first payloads and bytes of each direction of a flow, an
amount in each second of packet time, and the buffer, which is emptied when it is full. What the first
two leave out is counted.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    ACK,
    AT,
    C_LOGINS_QUOTA,
    C_LOGINS_SHED,
    DPORT,
    END,
    PROTO,
    SEQ,
    SPORT,
)
from otmon.decode.flows import F_COLUMNS, F_COPIED, F_COPIED_BYTES, F_PROTOCOL
from otmon.decode.transport import PROTO_UDP
from otmon.kernel import Bytes, copy_bytes, kernel
from otmon.ledger.tables import (
    COPY_BYTES,
    COPY_PAYLOADS,
    COPY_SECOND,
    FILL_MESSAGES,
    FILL_OCTETS,
    G_ACK,
    G_AT,
    G_KEPT,
    G_LENGTH,
    G_OFFSET,
    G_PACKET,
    G_SEQ,
    G_TIME,
    G_WAY,
    MESSAGE_BYTES,
    SECOND_NS,
    Tables,
)

FLOW_PAYLOADS: Final = 128
"""Of one direction: a name and a password typed key by key, or some tens of web pages."""
FLOW_BYTES: Final = 32_768
SECOND_PAYLOADS: Final = 2_048
"""Copied in one second: Python reads them in a tenth of that, if each is of another flow."""
SECOND_BYTES: Final = 1 << 20


@kernel
def copy_message(
    t: Tables, f: int, d: int, src: Bytes, length: int, packet: int, now: int, offset: int
) -> None:
    """Copy the payload in `Tables.row`, whose length on the wire is `length`. There is room for one
    (`otmon.ledger.tables.has_room`). A flow that has no name yet is copied on usual ports only."""
    row = t.row
    if t.flows[f, F_PROTOCOL] == 0:
        udp = 1 << 16 if row[PROTO] == PROTO_UDP else 0
        if t.listed_ports[udp | row[SPORT]] == 0 and t.listed_ports[udp | row[DPORT]] == 0:
            return
    size = min(row[END] - row[AT], MESSAGE_BYTES)
    if t.flows[f, F_COPIED + d] >= FLOW_PAYLOADS or t.flows[f, F_COPIED_BYTES + d] + size > FLOW_BYTES:
        t.counters[C_LOGINS_QUOTA] += 1
        return
    second = now // SECOND_NS
    if t.used[COPY_SECOND] != second:
        t.used[COPY_SECOND] = second
        t.used[COPY_PAYLOADS] = 0
        t.used[COPY_BYTES] = 0
    if t.used[COPY_PAYLOADS] >= SECOND_PAYLOADS or t.used[COPY_BYTES] + size > SECOND_BYTES:
        t.counters[C_LOGINS_SHED] += 1
        return
    t.used[COPY_PAYLOADS] += 1
    t.used[COPY_BYTES] += size
    t.flows[f, F_COPIED + d] += 1
    t.flows[f, F_COPIED_BYTES + d] += size
    m = t.used[FILL_MESSAGES]
    at = t.used[FILL_OCTETS]
    for k in range(F_COLUMNS):
        t.messages[m, k] = t.flows[f, k]
    t.messages[m, G_WAY] = d
    t.messages[m, G_TIME] = now
    t.messages[m, G_PACKET] = packet
    t.messages[m, G_OFFSET] = offset
    t.messages[m, G_SEQ] = row[SEQ]
    t.messages[m, G_ACK] = row[ACK]
    t.messages[m, G_LENGTH] = length
    t.messages[m, G_AT] = at
    t.messages[m, G_KEPT] = size
    copy_bytes(t.message_data, at, src, row[AT], size)
    t.used[FILL_MESSAGES] = m + 1
    t.used[FILL_OCTETS] = at + size
