"""Urgent data of TCP in connections that change what a controller does.

Most receivers take the byte that the urgent pointer tells out of the stream (RFC 6093, 3.2 and 3.4), others
leave it in: a byte that is put into a request hides it from who reads all of them. Such a payload is read
both ways, the second time as one that was sent again with other content. A pointer may lead to a later
segment, which then needs none of its own. As no controller needs one, it is told in any case.
"""

from __future__ import annotations

from otmon.decode.fields import AT, BUFFER, END, PROTO, PROTO_TCP, SEQ, URGENT, WIRE_END
from otmon.decode.flows import CLIENT_B, F_PROTOCOL, F_STATE, F_TRIES, PROVISIONAL, URGENT_A
from otmon.decode.streams import distance
from otmon.kernel import Bytes, copy_bytes, kernel
from otmon.ledger.copying.command_messages import is_commanded
from otmon.ledger.copying.commands import move_cut
from otmon.ledger.copying.messages import is_full
from otmon.ledger.operation_rows import note_anomaly
from otmon.ledger.packets.naming import TRIES
from otmon.ledger.packets.payload import read_payload
from otmon.ledger.tables import CODES, CUTS, MESSAGE_BYTES, MODBUS, ROW, SPARE, U_FLOW, URGENT_PLACES, Tables
from otmon.protocols.modbus import R_OVERLAP, R_URGENT
from otmon.protocols.signature import SignatureTables


@kernel
def urgent_place(t: Tables, f: int, d: int) -> int:
    """Where in the packet's payload a byte is that the receiver may leave out, by its own urgent pointer or
    one of a segment before; -1 for none. One that leads farther is remembered. What goes on with a cut is
    kept, for it to be read twice."""
    row = t.rows[t.used[ROW]]
    code = t.flows[f, F_PROTOCOL]
    undecided = (code == 0 or code & PROVISIONAL) and t.flows[f, F_TRIES] < TRIES
    if row[PROTO] != PROTO_TCP or not (undecided or is_spoken(t, f)):
        return -1
    size = row[END] - row[AT]
    v = (2 * f + d) & (URGENT_PLACES - 1)
    place = row[URGENT] - 1
    if place < 0 and t.flows[f, F_STATE] & (URGENT_A << d) and t.urgent[v, 0] == 2 * f + d + 1:
        place = distance(t.urgent[v, 1], row[SEQ])
    t.flows[f, F_STATE] &= ~(URGENT_A << d)
    if place >= row[WIRE_END] - row[AT]:
        t.flows[f, F_STATE] |= URGENT_A << d
        t.urgent[v, 0] = 2 * f + d + 1
        t.urgent[v, 1] = (row[SEQ] + place) & 0xFFFFFFFF
    if place < 0 or place >= size or not 1 < size <= MESSAGE_BYTES + 1:
        return -1
    move_cut(t, (2 * f + d) & (CUTS - 1), SPARE)
    return int(place)


@kernel
def read_urgent(
    t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, place: int, packet: int, now: int,
    offset: int,
) -> None:  # fmt: skip
    """Read the packet's payload, which was read as it is, without the byte at `place`, as `urgent_place` gave
    it, and tell that it has an urgent pointer."""
    row = t.rows[t.used[ROW]]
    at, end, wire_end, buffer = row[AT], row[END], row[WIRE_END], row[BUFFER]
    pointer = row[URGENT]
    size = end - at - 1
    if place >= 0 and not is_full(t):
        u = (2 * f + d) & (CUTS - 1)
        if t.cuts[SPARE, U_FLOW] == 2 * f + d + 1:
            move_cut(t, SPARE, u)
        copy_bytes(t.spliced, 0, src, at, place)
        copy_bytes(t.spliced, place, src, at + place + 1, size - place)
        row[AT], row[END], row[WIRE_END], row[BUFFER], row[URGENT] = 0, size, size + wire_end - end, 1, -1
        read_payload(t, signatures, f, d, t.spliced[:], packet, now, offset)
        row[AT], row[END], row[WIRE_END], row[BUFFER], row[URGENT] = at, end, wire_end, buffer, pointer
    if pointer != 0 and is_spoken(t, f):
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
