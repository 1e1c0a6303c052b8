"""Where the payload of a packet goes: to what its flow speaks, or to finding out what that is."""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    ACK,
    AT,
    DPORT,
    END,
    FLAGS,
    PROTO,
    PROTO_TCP,
    PROTO_UDP,
    SEQ,
    SPORT,
    TCP_ACK,
    URGENT,
    WIRE_END,
)
from otmon.decode.flows import (
    F_COPIED,
    F_PROTOCOL,
    F_STREAM,
    F_TRIES,
    PROVISIONAL,
    keeps_alive,
)
from otmon.decode.streams import (
    IN_STEP,
    LOST_STEP,
    S_BAD,
    S_CARRIED,
    S_HELD,
    S_LAST,
    S_MODE,
    S_NEXT,
    S_OWN,
    S_SYNC,
    UNSEEN,
)
from otmon.kernel import Bytes, inlined, kernel, u8, u16be, u32be
from otmon.ledger.copying.command_messages import is_commanded
from otmon.ledger.copying.commands import copy_commands
from otmon.ledger.copying.identification import identifies
from otmon.ledger.copying.messages import (
    copy_claim,
    copy_message,
)
from otmon.ledger.copying.questions import DNS, copy_question
from otmon.ledger.modbus.framing import BAD_BYTES, CANDIDATE, end_datagram
from otmon.ledger.modbus.segments import acknowledge, answered, feed
from otmon.ledger.modbus.transactions import end_stream
from otmon.ledger.packets.naming import (
    TRIES,
    apply_signatures,
    begin_modbus,
    ends_stream,
    may_be_modbus,
    name_own,
    own_of,
    start_stream,
)
from otmon.ledger.packets.reordering import EARLY, READ, read_in_order
from otmon.ledger.packets.takeover import carry_piece, commanded_by, may_command, take_over, taken_over_by
from otmon.ledger.tables import (
    CODES,
    CUTS,
    FILL_MESSAGES,
    MODBUS,
    ROW,
    Tables,
)
from otmon.protocols.modbus import PORT as MODBUS_PORT
from otmon.protocols.registry import code_of, llc_of
from otmon.protocols.signature import SignatureTables

STP: Final = code_of("stp")
CDP: Final = code_of("cdp")
SNAP: Final = 0xAAAA0300
STP_LLC: Final = int.from_bytes(llc_of("stp")[0][:2], "big")
PVST: Final = int.from_bytes(llc_of("stp")[1][4:], "big")
CDP_SNAP: Final = int.from_bytes(llc_of("cdp")[0][4:], "big")
TELLS_ROUTER: Final = 2
"""Of advertisements of one router to one group, which are all alike."""


@kernel
def read_payload(
    t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int
) -> None:
    """As `read_said`, but for who only asks whether the other end still lives, and says nothing."""
    row = t.rows[t.used[ROW]]
    alive = 0
    if row[PROTO] == PROTO_TCP and row[WIRE_END] - row[AT] == 1 and t.flows[f, F_PROTOCOL] == 0:
        alive = keeps_alive(row, t.flows, f, d)
    if alive != 2:
        read_said(t, signatures, f, d, src, packet, now, offset)
    if alive == 1 and t.flows[f, F_PROTOCOL] == 0:
        # It may be a message's first byte, and names nothing.
        t.flows[f, F_TRIES] = 0


@kernel
def read_said(
    t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int
) -> None:
    """Give the payload of the packet in the row to what its flow speaks, or find out what that is. A segment
    without one may acknowledge what the other direction holds."""
    row = t.rows[t.used[ROW]]
    length = row[WIRE_END] - row[AT]
    s = t.flows[f, F_STREAM]
    if s >= 0 and t.streams[s, S_OWN] != 0 and ends_stream(t, signatures, f, s, src):
        end_stream(t, s, False)
        s = -1
    code = t.flows[f, F_PROTOCOL]
    undecided = (code == 0 or code & PROVISIONAL != 0) and t.flows[f, F_TRIES] < TRIES
    own_port = row[SPORT] == MODBUS_PORT or row[DPORT] == MODBUS_PORT
    settled = not own_port if s >= 0 else not undecided and code != t.used[MODBUS]
    if settled and row[END] > row[AT]:
        other = taken_over_by(t, signatures, f, d, src, now)
        if other != 0 and s >= 0:
            end_stream(t, s, False)
            s = -1
        if other == t.used[MODBUS]:
            begin_modbus(t, signatures, f, d, now)
            carry_piece(t, f, d, packet, now, offset)
            s = t.flows[f, F_STREAM]
        elif other != 0:
            take_over(t, f, d, other)
            code, undecided = other, False
    if s >= 0:
        t.streams[s, S_LAST] = now
        if length > 0 or t.streams[s, S_HELD + 1 - d] > 0:
            follow(t, signatures, f, d, src, length, packet, now, offset)
        # A request of Modbus, or what may be one, may hide a log-in.
        if row[END] > row[AT] and not own_port:
            copy_message(t, f, d, src, length, packet, now, offset)
        return
    if row[END] <= row[AT]:
        return
    if undecided and row[PROTO] == PROTO_TCP and may_command(t, f, d, src):
        other = 0 if own_of(t, signatures, f, d) else commanded_by(t, signatures, f, d, src, now)
        if other != 0 and other != t.used[MODBUS]:
            take_over(t, f, d, other)
            code, undecided = other, False
    u = (2 * f + d) & (CUTS - 1)
    order = 0
    # What is read a second time was put in order before.
    if row[PROTO] == PROTO_TCP and row[URGENT] >= 0 and (undecided or is_commanded(code & (CODES - 1))):
        order = read_in_order(t, signatures, f, d, src, packet, now, offset)
    if order != READ and (undecided or code == t.used[MODBUS]):
        # What is ahead of its turn begins nothing.
        if not (undecided and (name_own(t, signatures, f, d, u, src, now) or order == EARLY)):
            follow(t, signatures, f, d, src, length, packet, now, offset)
    code = t.flows[f, F_PROTOCOL]
    kept = t.used[FILL_MESSAGES]
    if t.listed[code & (CODES - 1)] == 0 and code != 0:
        copy_chosen(t, f, d, u, order, src, length, packet, now, offset)
    if t.used[FILL_MESSAGES] == kept:
        copy_message(t, f, d, src, length, packet, now, offset)


@inlined
def copy_chosen(
    t: Tables, f: int, d: int, u: int, order: int, src: Bytes, length: int, packet: int, now: int, offset: int
) -> None:
    """Copy what is read of the payload of a flow of whose protocol only some messages are."""
    row = t.rows[t.used[ROW]]
    code = t.flows[f, F_PROTOCOL] & (CODES - 1)
    if code == DNS:
        copy_question(t, f, d, src, packet, now, offset)
        return
    if is_commanded(code) and order != READ:
        copy_commands(t, f, d, u, code, src, packet, now, offset)
    most = t.tells[code]
    if most == 0:
        return
    asked, answered = t.flows[f, F_COPIED + 1 - d], t.flows[f, F_COPIED + d]
    if most < 0 and not identifies(code, src, row[AT], row[END], asked, answered):
        return
    # A connection that has told enough is passed over without a call.
    if row[PROTO] != PROTO_TCP or most < 0 or t.flows[f, F_COPIED + d] < most:
        copy_claim(t, f, d, src, row[AT], row[END], length, most, packet, now, offset)


@kernel
def name_llc(t: Tables, f: int, src: Bytes) -> None:
    """Name the flow of a frame that has a length for an EtherType, by its header of LLC."""
    row = t.rows[t.used[ROW]]
    p, size = row[AT], row[END] - row[AT]
    if size >= 3 and u16be(src, p) == STP_LLC and u8(src, p + 2) == 3:
        t.flows[f, F_PROTOCOL] = STP
    elif size >= 8 and u32be(src, p) == SNAP:
        if u32be(src, p + 4) == PVST:
            t.flows[f, F_PROTOCOL] = STP
        elif u32be(src, p + 4) == CDP_SNAP:
            t.flows[f, F_PROTOCOL] = CDP


@kernel
def copy_advertisement(t: Tables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int) -> None:
    """Copy the packet's message of ICMPv6 where it advertises a router (RFC 4861, 4.2)."""
    row = t.rows[t.used[ROW]]
    p, end = row[AT], row[END]
    if end - p >= 16 and u8(src, p) == 134:
        copy_claim(t, f, d, src, p, end, row[WIRE_END] - p, TELLS_ROUTER, packet, now, offset)


@kernel
def follow(
    t: Tables, signatures: SignatureTables, f: int, d: int, src: Bytes, length: int,
    packet: int, now: int, offset: int,
) -> None:  # fmt: skip
    """Everything but the usual case: find out what a flow speaks, give the packet's payload
    to its stream, and see what the other direction acknowledges.

    On Modbus's own port Modbus comes first; elsewhere the signatures do. A candidate may turn out
    to be something else, of which a signature then may know the name.
    """
    row = t.rows[t.used[ROW]]
    s = t.flows[f, F_STREAM]
    usual = row[SPORT] == MODBUS_PORT or row[DPORT] == MODBUS_PORT
    known = t.flows[f, F_PROTOCOL] == t.used[MODBUS]
    if s < 0 and known:
        # Its stream gave way to another one.
        s = start_stream(t, signatures, f, d, now)
    elif s < 0:
        given_up = t.flows[f, F_TRIES] >= TRIES - 1
        if not usual or given_up:
            apply_signatures(t, signatures, f, d, src)
            if given_up or t.flows[f, F_PROTOCOL] != 0:
                return
        if not may_be_modbus(t, f, src, length, usual):
            if usual:
                apply_signatures(t, signatures, f, d, src)
            return
        s = start_stream(t, signatures, f, d, now)
    seq = row[SEQ]
    if row[PROTO] == PROTO_UDP:
        # A datagram has its turn at once, and begins with a message.
        seq = t.streams[s, S_NEXT + d]
        t.streams[s, S_SYNC + d] = IN_STEP
    elif t.streams[s, S_SYNC + d] == UNSEEN and length > 0:
        t.streams[s, S_SYNC + d] = LOST_STEP
        t.streams[s, S_NEXT + d] = seq
    a = row[AT]
    end = row[END]
    if row[PROTO] == PROTO_TCP and length > 0 and row[FLAGS] & TCP_ACK:
        answered(t, s, f, 1 - d, src, row[ACK], packet, now, offset)
    for _ in range(2):
        feed(t, s, f, d, src, a, end, length, seq, packet, now, offset)
        if row[PROTO] == PROTO_UDP or row[FLAGS] & TCP_ACK == 0 or t.streams[s, S_HELD + 1 - d] == 0:
            break
        d = 1 - d
        if length < 0 or not acknowledge(t, s, d, row[ACK], now):
            break
        length = -1
    if row[PROTO] == PROTO_UDP:
        end_datagram(t, s, f, d, length == end - a, packet, now, offset)
    if t.streams[s, S_MODE] == CANDIDATE and end > a:
        if t.flows[f, F_TRIES] < TRIES and not known:
            apply_signatures(t, signatures, f, d, src)
        waits = t.streams[s, S_CARRIED] + t.streams[s, S_CARRIED + 1] + t.streams[s, S_HELD + d] > 0
        named = t.flows[f, F_PROTOCOL] != 0 and not known and not (usual and waits)
        if named or t.streams[s, S_BAD] >= BAD_BYTES:
            end_stream(t, s, False)
            t.flows[f, F_TRIES] = max(t.flows[f, F_TRIES], TRIES - 1)
