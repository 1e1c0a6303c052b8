"""What a flow speaks, told by the signatures of its payloads.

A name is final, but for what was sent before a command, to hide it or by chance:

- Where a port of the flow is usual for a protocol with commands
  (`otmon.protocols.protocol.Protocol.commanded`) and the name is none of that port, the port's own protocol
  is looked for as long as the flow lasts, and takes it over by one payload that fits. A weak signature is no
  longer believed then. On Modbus's port over TCP a message does so, or the beginning of one.
- On other ports a command does so, or a request of Modbus that writes, with nothing but messages of its own
  protocol before it (`otmon.ledger.packets.takeover`): one random payload in 2 ** 33 or less passes for one.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import AT, DPORT, END, PROTO, PROTO_TCP, PROTO_UDP, SEQ, SPORT
from otmon.decode.flows import (
    CLIENT,
    CLIENT_B,
    F_COPIED,
    F_COPIED_BYTES,
    F_ISN,
    F_PROTOCOL,
    F_STATE,
    F_TRIES,
    FIRST_B,
    PROVISIONAL,
    ROLE,
    ROLE_HANDSHAKE,
    ROLE_PROTOCOL,
    ROLE_SHIFT,
    set_client,
)
from otmon.decode.streams import IN_STEP, S_HANDSHAKE, S_NEXT, S_OWN, S_SYNC, UNSEEN
from otmon.kernel import Bytes, inlined, kernel, u16be
from otmon.ledger.copying.command_messages import S7COMM, is_other_unit, message_at
from otmon.ledger.copying.commands import goes_on, join_cut, note_cut
from otmon.ledger.modbus.transactions import new_stream
from otmon.ledger.tables import CUT_BYTES, MODBUS, ROW, U_BEHIND, U_FLOW, U_HELD, U_NEXT, Tables
from otmon.protocols.modbus import PORT as MODBUS_PORT
from otmon.protocols.modbus_framing import HEADER, MBAP, MORE, RTU
from otmon.protocols.modbus_framing import recognise as recognise_modbus
from otmon.protocols.signature import LOOSE, USUAL, SignatureTables, commanded_on, recognise

TRIES: Final = 8
"""Payloads of a flow on which signatures are tried."""
FOREIGN: Final = PROVISIONAL << 1
"""Added to `F_PROTOCOL` beside PROVISIONAL: none of the port that is usual for a protocol with commands."""
PEER: Final = FOREIGN << 1
"""The same: it has that port, too."""


@kernel
def apply_signatures(t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes) -> None:
    """Name the flow by the packet's payload, or count the try."""
    row = t.rows[t.used[ROW]]
    found = recognise(signatures, src, row[AT], row[END], row[PROTO], row[SPORT], row[DPORT])
    source = commanded_on(signatures, row[PROTO], row[SPORT])
    own = commanded_on(signatures, row[PROTO], row[DPORT])
    # Of two such protocols neither hides the other, nor does one that shares the port.
    disputed = source != 0 and own != 0 and source != own
    own = max(source, own)
    disputed = disputed or (own != 0 and found & 0xFFFF != own)
    # Modbus is looked for elsewhere, and not in the last try.
    most = TRIES - 2 if source == t.used[MODBUS] or own == t.used[MODBUS] else TRIES - 1
    if own != 0 and found & LOOSE and t.flows[f, F_TRIES] >= most:
        found = 0
    foreign = own != 0 and found & USUAL == 0
    if found == 0 or foreign or found & PROVISIONAL:
        t.flows[f, F_TRIES] += 1
        if own != 0:
            t.flows[f, F_TRIES] = min(t.flows[f, F_TRIES], most)
    before = t.flows[f, F_PROTOCOL]
    if found == 0 or (found & PROVISIONAL and before != 0) or (foreign and before & (FOREIGN | PEER)):
        return
    if before & FOREIGN:
        # Who is the client, and what was copied, was told of something else.
        if row[PROTO] == PROTO_UDP:
            t.flows[f, F_STATE] &= ~(CLIENT | ROLE)
        for k in range(F_COPIED, F_COPIED_BYTES + 2):
            t.flows[f, k] = 0
    code = found & (0xFFFF | PROVISIONAL)
    if foreign:
        code |= PROVISIONAL | FOREIGN
    elif disputed and found & PROVISIONAL == 0:
        code |= PROVISIONAL | PEER
    t.flows[f, F_PROTOCOL] = code
    sender = (found >> 16) & 3
    if sender != 0:
        set_client(t.flows, f, d if sender == 1 else 1 - d, ROLE_PROTOCOL)


@kernel
def name_own(t: Tables, signatures: SignatureTables, f: int, d: int, u: int, src: Bytes, now: int) -> bool:
    """As `apply_signatures`, for a flow whose port is `own_of` a protocol with commands; False for another
    one, and for what begins with a message of Modbus where nothing was named yet. There each message of a TCP
    segment may name the flow, and one that goes on in the next segment, as row `u` of `Tables.cuts` says."""
    row = t.rows[t.used[ROW]]
    own = own_of(t, signatures, f, d)
    if own == 0:
        return False
    at, end = row[AT], row[END]
    known = t.cuts[u, U_FLOW] == 2 * f + d + 1
    if own == S7COMM and t.flows[f, F_PROTOCOL] & PEER and not known and is_other_unit(src, at, end):
        return True
    behind = 0
    waits = False
    if known and row[PROTO] == PROTO_TCP and t.cuts[u, U_NEXT] == row[SEQ]:
        behind = (t.cuts[u, U_BEHIND] - row[SEQ]) & 0xFFFFFFFF
        if t.cuts[u, U_HELD] > 0:
            held = join_cut(t, u, src)
            begin = u * CUT_BYTES
            cut = t.cut_data[:]
            row[AT] = begin
            row[END] = begin + held
            apply_signatures(t, signatures, f, d, cut)
            row[AT] = at
            row[END] = end
            if is_named(t, f):
                return True
            size = message_at(own, cut, begin, begin + held, False, False) >> 2
            behind = max(0, size - t.cuts[u, U_HELD])
            waits = held < CUT_BYTES and goes_on(own, cut, begin, begin + held, size)
            if waits:
                t.cuts[u, U_HELD] = held
                t.cuts[u, U_NEXT] = (row[SEQ] + end - at) & 0xFFFFFFFF
    # As in `copy_commands`, one may begin with the segment as well.
    p = at
    while p < end:
        row[AT] = p
        apply_signatures(t, signatures, f, d, src)
        row[AT] = at
        if is_named(t, f) or waits or row[PROTO] != PROTO_TCP:
            return True
        if p == at and behind > 0:
            p += behind
            continue
        size = message_at(own, src, p, end, p == at, False) >> 2
        if size == 0 or size > end - p:
            break
        p += size
    if t.flows[f, F_PROTOCOL] == 0 and recognise_modbus(src, at, end, False, t.pdu) == MBAP:
        return False
    note_cut(t, u, f, d, own, src, p, now)
    return True


@kernel
def start_stream(t: Tables, signatures: SignatureTables, f: int, d: int, now: int) -> int:
    """The stream of the flow of the packet, which goes in direction `d`, from its handshake on where that was
    seen."""
    s = new_stream(t, f, now)
    for way in range(2):
        isn = t.flows[f, F_ISN + way]
        if isn >= 0:
            # What was tried before is not waited for.
            begun = way == d and t.flows[f, F_TRIES] > 1
            t.streams[s, S_NEXT + way] = t.rows[t.used[ROW], SEQ] if begun else (isn + 1) & 0xFFFFFFFF
            t.streams[s, S_SYNC + way] = IN_STEP
    t.streams[s, S_HANDSHAKE] = t.flows[f, F_ISN] >= 0 and t.flows[f, F_ISN + 1] >= 0
    t.streams[s, S_OWN] = own_of(t, signatures, f, d)
    return s


@kernel
def may_be_modbus(t: Tables, f: int, src: Bytes, length: int, usual: bool) -> bool:
    """Whether the packet's payload, which no signature knows, may begin a Modbus stream. On
    another port than its own the first bytes of a connection must say so."""
    row = t.rows[t.used[ROW]]
    verdict = recognise_modbus(src, row[AT], row[END], usual, t.pdu)
    if row[PROTO] == PROTO_UDP:
        return bool(verdict == MBAP and (usual or u16be(src, row[AT] + 4) == length - 6))
    if usual:
        return True
    return bool(
        verdict == MBAP
        or verdict == RTU
        or (verdict == MORE and length <= HEADER and t.flows[f, F_TRIES] == 1)
    )


@kernel
def begin_modbus(t: Tables, signatures: SignatureTables, f: int, d: int, now: int) -> None:
    """Begin a Modbus stream with the packet's payload, in a flow of which something else was believed: it
    has that name until a message is whole. What came before is not waited for."""
    s = start_stream(t, signatures, f, d, now)
    t.streams[s, S_HANDSHAKE] = 0
    t.streams[s, S_SYNC + 1 - d] = UNSEEN
    t.streams[s, S_SYNC + d] = IN_STEP
    t.streams[s, S_NEXT + d] = t.rows[t.used[ROW], SEQ]


@kernel
def ends_stream(t: Tables, signatures: SignatureTables, f: int, s: int, src: Bytes) -> bool:
    """Whether the packet's payload is surely of the protocol whose port the Modbus stream `s` of the flow
    uses. Then it may name the flow."""
    row = t.rows[t.used[ROW]]
    found = recognise(signatures, src, row[AT], row[END], row[PROTO], row[SPORT], row[DPORT])
    if found & 0xFFFF != t.streams[s, S_OWN] or found & (PROVISIONAL | LOOSE):
        return False
    t.flows[f, F_PROTOCOL] = t.used[MODBUS] | PROVISIONAL | FOREIGN
    t.flows[f, F_TRIES] = 0
    return True


@inlined
def is_named(t: Tables, f: int) -> bool:
    """Whether the flow's name is final."""
    return bool(t.flows[f, F_PROTOCOL] != 0 and t.flows[f, F_PROTOCOL] & PROVISIONAL == 0)


@kernel
def own_of(t: Tables, signatures: SignatureTables, f: int, d: int) -> int:
    """Code of the protocol with commands, other than Modbus, for which the port is usual to which the flow of
    the packet's payload goes, 0 for none. Who asks is told by the handshake, or else by the first datagram;
    of other connections either port will do."""
    row = t.rows[t.used[ROW]]
    state = t.flows[f, F_STATE]
    source, target = row[SPORT], row[DPORT]
    if row[PROTO] == PROTO_UDP:
        asks = d == (1 if state & FIRST_B else 0)
        source, target = (0, target) if asks else (source, 0)
    elif (state & ROLE) >> ROLE_SHIFT == ROLE_HANDSHAKE:
        asks = d == (1 if state & CLIENT_B else 0)
        source, target = (0, target) if asks else (source, 0)
    if source == MODBUS_PORT or target == MODBUS_PORT:
        return 0
    return max(commanded_on(signatures, row[PROTO], source), commanded_on(signatures, row[PROTO], target))
