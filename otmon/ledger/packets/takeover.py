"""What another protocol's command makes of a flow that has a name, or none that was found: it takes the flow
over (`otmon.ledger.packets.naming` says when).

Of a command that segments cut the beginning is kept until the next one comes, where so far it can be nothing
else, and where nobody else's is in its place: what is random is kept for seconds, and takes nothing over.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import AT, DPORT, END, PROTO, PROTO_TCP, PROTO_UDP, SEQ, SPORT, WIRE_END
from otmon.decode.flows import (
    CLIENT,
    F_COPIED,
    F_COPIED_BYTES,
    F_PROTOCOL,
    F_STATE,
    F_STREAM,
    PIECE_A,
    ROLE,
    ROLE_PROTOCOL,
    set_client,
)
from otmon.decode.streams import CARRY, S_CARRIED, S_CARRY_OFFSET, S_CARRY_PACKET, S_CARRY_TIME
from otmon.kernel import Bytes, Ints, copy_bytes, inlined, kernel, u8, u16be
from otmon.ledger.copying.cip_messages import COMMANDS
from otmon.ledger.copying.command_messages import SLMP, begun_by, is_beginning, message_at
from otmon.ledger.copying.commands import WAIT_NS, join_cut, move_cut
from otmon.ledger.modbus.transactions import WRITING
from otmon.ledger.tables import (
    CODES,
    CUT_BYTES,
    CUTS,
    MODBUS,
    PIECES,
    ROW,
    U_BEHIND,
    U_FLOW,
    U_HELD,
    U_NEXT,
    U_TIME,
    Tables,
)
from otmon.protocols.modbus import PORT as MODBUS_PORT
from otmon.protocols.modbus_framing import HEADER, MBAP, MORE, plausible
from otmon.protocols.modbus_framing import recognise as recognise_modbus
from otmon.protocols.signature import LOOSE, PROVISIONAL, SignatureTables, commanded_on, recognise

PIECE_BYTES: Final = 256
"""Of a command whose beginning is kept: those that stop or start something are shorter."""


@kernel
def taken_over_by(t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, now: int) -> int:
    """Code of the protocol of which the packet's payload is surely, although its flow has another name or
    none was found; 0 for none. Of Modbus on its own port it may go on in the next segment."""
    row = t.rows[t.used[ROW]]
    p, end = row[AT], row[END]
    usual = row[SPORT] == MODBUS_PORT or row[DPORT] == MODBUS_PORT
    if t.flows[f, F_PROTOCOL] & (CODES - 1) == t.used[MODBUS]:
        pass
    elif usual and row[PROTO] == PROTO_TCP:
        verdict = recognise_modbus(src, p, end, True, t.pdu)
        return int(t.used[MODBUS]) if verdict == MBAP or verdict == MORE else 0
    elif end - p > HEADER and u16be(src, p + 2) == 0 and writes(src, p, end, t.pdu):
        return int(t.used[MODBUS])
    return commanded_by(t, signatures, f, d, src, now) if may_command(t, f, d, src) else 0


@inlined
def may_command(t: Tables, f: int, d: int, src: Bytes) -> bool:
    """Whether the packet's payload may be of use for `commanded_by`: few are."""
    row = t.rows[t.used[ROW]]
    p = row[AT]
    datagram = row[PROTO] != PROTO_TCP
    begun = begun_by(u8(src, p), datagram)
    return bool(
        (begun != 0 and begun != t.flows[f, F_PROTOCOL] & (CODES - 1))
        or t.flows[f, F_STATE] & (PIECE_A << d)
        or (not datagram and (row[END] - p < 4 or u16be(src, p + 2) == 0))
    )


@kernel
def commanded_by(t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, now: int) -> int:
    """Code of another protocol of which a command is in the packet's payload, or ends there, or of Modbus
    where a request to write ends that was cut; 0 for none, and on Modbus's own port. Before it there may be
    other messages of that protocol, and nothing else."""
    row = t.rows[t.used[ROW]]
    p, end = row[AT], row[END]
    if row[SPORT] == MODBUS_PORT or row[DPORT] == MODBUS_PORT:
        return 0
    waits = 0
    if t.flows[f, F_STATE] & (PIECE_A << d):
        waits = end_piece(t, signatures, f, d, src)
        if waits > 0:
            return waits
    datagram = row[PROTO] != PROTO_TCP
    other = begun_by(u8(src, p), datagram)
    if other != 0 and not may_take_over(t, signatures, f, other, src, p):
        other = 0
    at = p
    while other != 0 and at < end:
        found = message_at(other, src, at, end, at == p, datagram)
        size = found >> 2
        if size == 0 or size > end - at:
            break
        if found & COMMANDS and is_surely(t, signatures, other, src, at, at + size):
            return other
        at += size
    # One that is cut, or has another length, may tell enough.
    if other != 0 and at == p and message_at(other, src, p, end, True, datagram) & COMMANDS:
        if is_surely(t, signatures, other, src, p, end):
            return other
    goes_on = not datagram and row[WIRE_END] == end
    if other != 0 and goes_on and 0 < end - at <= PIECE_BYTES and is_beginning(other, src, at, end):
        if waits == 0:
            hold_piece(t, f, d, src, at, now)
        return 0
    if not goes_on or waits != 0:
        return 0
    while end - p > HEADER and u16be(src, p + 2) == 0 and plausible(src, p, end, t.pdu) & 1:
        p += 6 + u16be(src, p + 4)
    if 0 < end - p <= PIECE_BYTES and may_write(src, p, end):
        hold_piece(t, f, d, src, p, now)
    return 0


@inlined
def may_write(src: Bytes, p: int, end: int) -> bool:
    """Whether ``src[p:end]`` is as a request of Modbus that writes begins, as far as it goes."""
    n = end - p
    return bool(
        (n < 3 or u8(src, p + 2) == 0)
        and (n < 4 or u8(src, p + 3) == 0)
        and (n < 5 or u8(src, p + 4) <= 1)
        and (n <= HEADER or u8(src, p + HEADER) in WRITING)
    )


@inlined
def may_take_over(t: Tables, signatures: SignatureTables, f: int, other: int, src: Bytes, p: int) -> bool:
    """Whether the protocol of code `other`, of which a message begins at `p`, may take over the flow: who has
    the port of another one of these is that."""
    row = t.rows[t.used[ROW]]
    code = t.flows[f, F_PROTOCOL] & (CODES - 1)
    if other == code:
        return False
    if other == SLMP and code != 0 and u8(src, p) in (0x13, 0x14):
        # Frames 1E in binary code are so short that what has a name may send the same.
        return False
    return bool(
        code == 0
        or (
            commanded_on(signatures, row[PROTO], row[SPORT]) != code
            and commanded_on(signatures, row[PROTO], row[DPORT]) != code
        )
    )


@inlined
def is_surely(t: Tables, signatures: SignatureTables, code: int, src: Bytes, p: int, end: int) -> bool:
    """Whether ``src[p:end]`` is of the protocol with this code, whatever the ports."""
    found = recognise(signatures, src, p, end, t.rows[t.used[ROW], PROTO], 0, 0)
    return bool(found & 0xFFFF == code and found & (PROVISIONAL | LOOSE) == 0)


@inlined
def piece_row(f: int, d: int) -> int:
    """The row of `Tables.cuts` for the beginning of a command in this direction of a flow."""
    return 2 * CUTS + ((2 * f + d) & (PIECES - 1))


@kernel
def hold_piece(t: Tables, f: int, d: int, src: Bytes, p: int, now: int) -> None:
    """Keep what begins at `p` in the packet's payload, as it may be the beginning of a command."""
    row = t.rows[t.used[ROW]]
    v = piece_row(f, d)
    whose = t.cuts[v, U_FLOW]
    if whose != 0 and whose != 2 * f + d + 1 and abs(now - t.cuts[v, U_TIME]) <= WAIT_NS:
        return
    t.cuts[v, U_FLOW] = 2 * f + d + 1
    t.cuts[v, U_NEXT] = (row[SEQ] + row[END] - row[AT]) & 0xFFFFFFFF
    t.cuts[v, U_HELD] = row[END] - p
    t.cuts[v, U_BEHIND] = 0
    t.cuts[v, U_TIME] = now
    t.flows[f, F_STATE] |= PIECE_A << d
    copy_bytes(t.cut_data, v * CUT_BYTES, src, p, row[END] - p)


@kernel
def end_piece(t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes) -> int:
    """Code of the protocol of which what is kept begins a command, where the packet's payload ends that; then
    it is what was cut for `otmon.ledger.copying.commands.copy_commands`. Below 0 where it goes on, else 0:
    what does not go on with it may be a segment that the receiver does not take."""
    row = t.rows[t.used[ROW]]
    u, v = (2 * f + d) & (CUTS - 1), piece_row(f, d)
    if t.cuts[v, U_FLOW] != 2 * f + d + 1:
        t.flows[f, F_STATE] &= ~(PIECE_A << d)
        return 0
    late = (t.cuts[v, U_NEXT] - row[SEQ]) & 0xFFFFFFFF
    if late >= t.cuts[v, U_HELD]:
        return 0
    # The receiver may have taken this one, and not what came before it.
    t.cuts[v, U_HELD] -= late
    t.cuts[v, U_NEXT] = row[SEQ]
    held = join_cut(t, v, src)
    begin = v * CUT_BYTES
    cut = t.cut_data[:]
    goes_on = False
    if t.flows[f, F_PROTOCOL] & (CODES - 1) != t.used[MODBUS]:
        if writes(cut, begin, begin + held, t.pdu):
            t.cuts[v, U_BEHIND] = 1
            return int(t.used[MODBUS])
        goes_on = may_write(cut, begin, begin + held)
    other = begun_by(u8(cut, begin), False)
    if other != 0 and may_take_over(t, signatures, f, other, cut, begin):
        found = message_at(other, cut, begin, begin + held, False, False)
        size = found >> 2
        if found & COMMANDS and size <= held:
            if is_surely(t, signatures, other, cut, begin, begin + size):
                move_cut(t, v, u)
                t.cuts[v, U_FLOW] = 0
                return other
        goes_on |= (size == 0 or size > held) and is_beginning(other, cut, begin, begin + held)
    if goes_on and held <= PIECE_BYTES and row[WIRE_END] == row[END]:
        t.cuts[v, U_HELD] = held
        t.cuts[v, U_NEXT] = (row[SEQ] + row[END] - row[AT]) & 0xFFFFFFFF
        return -1
    return 0


@kernel
def carry_piece(t: Tables, f: int, d: int, packet: int, now: int, offset: int) -> None:
    """The Modbus stream that the packet begins in the flow begins with what is kept, where `end_piece` found
    that."""
    v = piece_row(f, d)
    s = t.flows[f, F_STREAM]
    if t.cuts[v, U_FLOW] != 2 * f + d + 1 or t.cuts[v, U_BEHIND] == 0:
        return
    copy_bytes(t.carry, (2 * s + d) * CARRY, t.cut_data, v * CUT_BYTES, t.cuts[v, U_HELD])
    t.streams[s, S_CARRIED + d] = t.cuts[v, U_HELD]
    t.streams[s, S_CARRY_PACKET + d] = packet
    t.streams[s, S_CARRY_TIME + d] = now
    t.streams[s, S_CARRY_OFFSET + d] = offset
    t.cuts[v, U_FLOW] = 0


@kernel
def writes(src: Bytes, p: int, end: int, pdu: Ints) -> bool:
    """Whether ``src[p:end]`` is one whole request of Modbus, or several, and one of these writes."""
    found = False
    while end - p > HEADER and plausible(src, p, end, pdu) & 1:
        found |= u8(src, p + HEADER) in WRITING
        p += 6 + u16be(src, p + 4)
    return bool(found and p == end)


@kernel
def take_over(t: Tables, f: int, d: int, code: int) -> None:
    """The flow speaks the protocol with this code, and the packet's payload is a command of it."""
    t.flows[f, F_PROTOCOL] = code
    for k in range(F_COPIED, F_COPIED_BYTES + 2):
        t.flows[f, k] = 0
    if t.rows[t.used[ROW], PROTO] == PROTO_UDP:
        # Who is the client was told of something else.
        t.flows[f, F_STATE] &= ~(CLIENT | ROLE)
    set_client(t.flows, f, d, ROLE_PROTOCOL)
