"""Urgent data of TCP in connections that change what a controller does.

Most receivers take the byte that the urgent pointer tells out of the stream (RFC 6093, 3.2 and 3.4), others
leave it in: a byte that is put into a request hides it from who reads all of them. Such a payload is read
both ways, the second time as one that was sent again with other content. As a pointer may lead to a later
segment as well, and no controller needs one, it is told in any case.
"""

from __future__ import annotations

from otmon.decode.fields import AT, BUFFER, END, PROTO, PROTO_TCP, URGENT, WIRE_END
from otmon.decode.flows import CLIENT_B, F_PROTOCOL, F_STATE, F_TRIES, PROVISIONAL
from otmon.kernel import Bytes, copy_bytes, kernel
from otmon.ledger.command_messages import is_commanded
from otmon.ledger.messages import is_full
from otmon.ledger.naming import TRIES
from otmon.ledger.payload import read_payload
from otmon.ledger.tables import CODES, MESSAGE_BYTES, MODBUS, ROW, Tables
from otmon.ledger.tally import note_anomaly
from otmon.protocols.modbus import R_OVERLAP, R_URGENT
from otmon.protocols.signature import SignatureTables


@kernel
def read_urgent(
    t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int
) -> None:
    """Read the packet's payload, which has an urgent pointer and was read as it is, without the urgent byte,
    and tell that it has one."""
    row = t.rows[t.used[ROW]]
    at, end, wire_end, buffer = row[AT], row[END], row[WIRE_END], row[BUFFER]
    pointer = row[URGENT]
    code = t.flows[f, F_PROTOCOL]
    undecided = (code == 0 or code & PROVISIONAL) and t.flows[f, F_TRIES] < TRIES
    if row[PROTO] != PROTO_TCP or not (undecided or is_spoken(t, f)):
        return
    size = end - at - 1
    if pointer <= end - at and 0 < size <= MESSAGE_BYTES and not is_full(t):
        copy_bytes(t.spliced, 0, src, at, pointer - 1)
        copy_bytes(t.spliced, pointer - 1, src, at + pointer, end - at - pointer)
        row[AT], row[END], row[WIRE_END], row[BUFFER] = 0, size, size + wire_end - end, 1
        read_payload(t, signatures, f, d, t.spliced[:], packet, now, offset)
        row[AT], row[END], row[WIRE_END], row[BUFFER] = at, end, wire_end, buffer
    if is_spoken(t, f):
        client = 1 if t.flows[f, F_STATE] & CLIENT_B else 0
        note_anomaly(t, f, client, d, R_URGENT, -1, pointer, -1, now, packet, offset)


@kernel
def note_overlap(t: Tables, f: int, d: int, now: int, packet: int, offset: int) -> None:
    """Tell that fragments of IP contradict each other in what the packet's flow says."""
    if is_spoken(t, f):
        client = 1 if t.flows[f, F_STATE] & CLIENT_B else 0
        note_anomaly(t, f, client, d, R_OVERLAP, -1, 0, -1, now, packet, offset)


@kernel
def is_spoken(t: Tables, f: int) -> bool:
    """Whether the flow speaks Modbus, or a protocol of which commands are read."""
    code = t.flows[f, F_PROTOCOL] & (CODES - 1)
    return bool(code == t.used[MODBUS] or is_commanded(code))
