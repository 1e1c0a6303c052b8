"""The loop over packets: one pass from bytes to everything that is counted.

For each packet: decode it, leave out copies that a mirror made, find its flow and its sender, follow
the connection, and give its payload to the protocol it speaks or find out which that is.
"""

from __future__ import annotations

from otmon.decode.fields import (
    ACK,
    AT,
    BUFFER,
    C_DUPLICATE,
    C_FLOWS_EVICTED,
    DPORT,
    DST_HI,
    DST_LO,
    END,
    FAMILY,
    FLAGS,
    FRAGMENT,
    OUTER_DST_HI,
    OUTER_DST_LO,
    OUTER_FAMILY,
    OUTER_SRC_HI,
    OUTER_SRC_LO,
    PORT,
    PRINT,
    PROTO,
    PROTO_GRE,
    PROTO_IPIP,
    PROTO_TCP,
    PROTO_UDP,
    SENDER_IP,
    SEQ,
    SPORT,
    SRC_HI,
    SRC_LO,
    SRC_MAC,
    TAG,
    TCP_ACK,
    TCP_RST,
    TCP_SYN,
    TUNNEL,
    TUNNEL_IPIP,
    TUNNEL_TZSP,
    TUNNEL_VXLAN,
    VLAN,
    WIRE_END,
)
from otmon.decode.flows import (
    CLOSED,
    F_ASSET,
    F_COPIED,
    F_HOURS,
    F_ISN,
    F_KEY,
    F_MINUTE,
    F_PACKETS,
    F_PROTOCOL,
    F_STATE,
    F_STREAM,
    F_TRIES,
    F_TUNNEL,
    F_VLAN,
    PROVISIONAL,
    ROLE_PROTOCOL,
    SPOKE_A,
    begin_flow,
    begin_minute,
    count_packet,
    find_flow,
    flow_tag_of,
    is_copy,
    is_duplicate,
    note_copied,
    set_client,
    tcp_flags,
)
from otmon.decode.packet import count_usual
from otmon.decode.streams import (
    IN_STEP,
    LOST_STEP,
    S_BAD,
    S_CARRIED,
    S_HELD,
    S_LAST,
    S_MODE,
    S_NEXT,
    S_OLD,
    S_OWN,
    S_SYNC,
    UNSEEN,
)
from otmon.decode.transport import PORT_TZSP, PORT_VXLAN
from otmon.kernel import Bytes, Ints, inlined, kernel, u16be
from otmon.ledger.ahead import look_ahead, read_headers
from otmon.ledger.command_messages import is_commanded
from otmon.ledger.commands import copy_commands
from otmon.ledger.endings import end_flow
from otmon.ledger.exchange import end_stream, message
from otmon.ledger.framing import BAD_BYTES, CANDIDATE, end_datagram
from otmon.ledger.identification import identifies
from otmon.ledger.messages import (
    copy_below_ip,
    copy_claim,
    copy_message,
    copy_opening,
    tells_below_ip,
)
from otmon.ledger.naming import (
    TRIES,
    apply_signatures,
    begin_modbus,
    ends_stream,
    may_be_modbus,
    name_own,
    start_stream,
    take_over,
    taken_over_by,
)
from otmon.ledger.questions import DNS, copy_question
from otmon.ledger.segments import acknowledge, answered, feed
from otmon.ledger.tables import (
    AHEAD,
    ARP,
    CODES,
    CUTS,
    HOUR_BIT,
    HOUR_COLUMN,
    LAST_TIME,
    MINUTE,
    MINUTE_BEGIN,
    MINUTE_END,
    MODBUS,
    ROW,
    X_HI,
    X_LO,
    X_MAC,
    X_PLACE,
    Tables,
    asset_place,
    count_asset,
    has_room,
    is_other_port,
    note_asset,
    set_minute,
)
from otmon.ledger.turns import EARLY, READ, read_in_turn
from otmon.protocols.modbus import PORT as MODBUS_PORT
from otmon.protocols.modbus_framing import HEADER, MAX_LENGTH, MBAP
from otmon.protocols.signature import SignatureTables


@kernel
def observe(
    buf: Bytes,
    start: Ints,
    caplen: Ints,
    wirelen: Ints,
    time_ns: Ints,
    linktype: Ints,
    first_number: int,
    base: int,
    begin: int,
    t: Tables,
    signatures: SignatureTables,
) -> int:
    """Take the packets of a batch from index `begin` on (arrays as in `otmon.capture.batch.Batch`).

    Returns the index of the first packet that was not taken: less than the number of packets when
    a table of ended rows must be emptied first.
    """
    for i in range(begin, len(start)):
        if not has_room(t):
            return i
        r = (i - begin) & (AHEAD - 1)
        if r == 0:
            look_ahead(buf, start, caplen, wirelen, linktype, i, t)
        if t.rows[r, PRINT] == 0:
            r = AHEAD
        t.used[ROW] = r
        row = t.rows[r]
        now = time_ns[i]
        packet = first_number + i
        offset = base + start[i]
        if now > t.used[LAST_TIME]:
            t.used[LAST_TIME] = now
        if now < t.used[MINUTE_BEGIN] or now >= t.used[MINUTE_END]:
            set_minute(t, now)
        if r == AHEAD:
            read_headers(t, buf, start[i], caplen[i], wirelen[i], linktype[i], now)
        else:
            count_usual(row, t.counters)
        src = t.datagrams[:] if row[BUFFER] else buf
        if row[FAMILY] == 0:
            continue
        opens = row[FLAGS] & (TCP_SYN | TCP_ACK | TCP_RST) == TCP_SYN
        f = -1
        d = 0
        if row[FRAGMENT] == 0:
            if not is_duplicate(row, now, t.recent):
                note_copied(row, packet, t.recent)
            elif is_copy(row, buf, first_number, packet, t.recent):
                t.counters[C_DUPLICATE] += 1
                continue
            if row[TUNNEL] != 0:
                count_tunnel(t, now, packet, offset)
            if row[FAMILY] != 2 or row[PROTO] != ARP:
                found = find_flow(
                    row[PROTO], row[FAMILY], row[SRC_HI], row[SRC_LO], row[DST_HI], row[DST_LO],
                    row[SPORT], row[DPORT], row[VLAN], row[TAG], t.flows, t.tags,
                )  # fmt: skip
                if found < 0 or (opens and is_other_connection(t, found)):
                    found = open_flow(
                        t, found, row[PROTO], row[FAMILY], row[SRC_HI], row[SRC_LO], row[DST_HI], row[DST_LO],
                        row[SPORT], row[DPORT], row[VLAN], now, packet, offset,
                    )  # fmt: skip
                f = found >> 1
                d = found & 1
                count_time(t, f, now, packet, offset)
                count_packet(row, now, t.flows, f, d)
        count_sender(t, f, d, now, packet, offset)
        if f < 0 or row[FAMILY] == 2:
            if f >= 0:
                t.flows[f, F_STATE] |= SPOKE_A << d
                most = tells_below_ip(row, src)
                if most > 0:
                    copy_below_ip(t, f, d, src, most, packet, now, offset)
            continue
        if row[PROTO] != PROTO_TCP:
            t.flows[f, F_STATE] |= SPOKE_A << d
            if row[PROTO] != PROTO_UDP:
                continue
        else:
            tcp_flags(row, t.flows, f, d)
            # What comes with it is numbered behind it (RFC 9293, 3.4).
            if row[FLAGS] & TCP_SYN:
                row[SEQ] = (row[SEQ] + 1) & 0xFFFFFFFF
            if opens and row[END] == row[AT]:
                copy_opening(t, f, d, src, packet, now, offset)
        s = t.flows[f, F_STREAM]
        if s >= 0 and t.streams[s, S_OWN] != 0 and ends_stream(t, signatures, f, s, src):
            end_stream(t, s, False)
            s = -1
        length = row[WIRE_END] - row[AT]
        if s >= 0 and row[SPORT] != MODBUS_PORT and row[DPORT] != MODBUS_PORT and row[END] > row[AT]:
            other = taken_over_by(t, signatures, f, src)
            if other == t.used[MODBUS]:
                end_stream(t, s, False)
                begin_modbus(t, signatures, f, d, now)
                s = t.flows[f, F_STREAM]
            elif other != 0:
                end_stream(t, s, False)
                take_over(t, f, d, other)
                s = -1
        if s >= 0:
            t.streams[s, S_LAST] = now
            p = row[AT]
            end = row[END]
            # The usual case first: in its turn, in step, one whole message.
            if (
                row[SEQ] == t.streams[s, S_NEXT + d]
                and t.streams[s, S_MODE] == MBAP
                and t.streams[s, S_SYNC + d] == IN_STEP
                and t.streams[s, S_CARRIED + d] == 0
                and t.streams[s, S_HELD] + t.streams[s, S_HELD + 1] == 0
                and length == end - p
                and length >= HEADER + 1
                and length <= 6 + MAX_LENGTH
                and u16be(src, p + 4) == length - 6
                and u16be(src, p + 2) == 0
                and row[PROTO] == PROTO_TCP
            ):
                t.streams[s, S_NEXT + d] = (row[SEQ] + length) & 0xFFFFFFFF
                t.streams[s, S_OLD + d] = 0
                message(t, s, f, d, src, p, end, packet, now, offset)
            elif length > 0 or t.streams[s, S_HELD + 1 - d] > 0:
                follow(t, signatures, f, d, src, length, packet, now, offset)
        elif row[END] > row[AT]:
            code = t.flows[f, F_PROTOCOL]
            undecided = code == 0 or code & PROVISIONAL
            undecided = undecided and t.flows[f, F_TRIES] < TRIES
            if not undecided and code != t.used[MODBUS]:
                other = taken_over_by(t, signatures, f, src)
                if other == t.used[MODBUS]:
                    begin_modbus(t, signatures, f, d, now)
                    follow(t, signatures, f, d, src, length, packet, now, offset)
                    continue
                if other != 0:
                    take_over(t, f, d, other)
                    code = other
            u = (2 * f + d) & (CUTS - 1)
            turn = 0
            if row[PROTO] == PROTO_TCP and (undecided or is_commanded(code & (CODES - 1))):
                turn = read_in_turn(t, signatures, f, d, src, packet, now, offset)
            if turn != READ and (undecided or code == t.used[MODBUS]):
                # What is ahead of its turn begins nothing.
                if not (undecided and (name_own(t, signatures, f, d, u, src, now) or turn == EARLY)):
                    follow(t, signatures, f, d, src, length, packet, now, offset)
            code = t.flows[f, F_PROTOCOL]
            if t.listed[code & (CODES - 1)] or (code == 0 and t.flows[f, F_TRIES] <= TRIES):
                copy_message(t, f, d, src, length, packet, now, offset)
                continue
            if code & (CODES - 1) == DNS:
                copy_question(t, f, d, src, packet, now, offset)
                continue
            if is_commanded(code & (CODES - 1)) and turn != READ:
                copy_commands(t, f, d, u, code & (CODES - 1), src, packet, now, offset)
            most = t.tells[code & (CODES - 1)]
            if most == 0:
                continue
            asked, answered = t.flows[f, F_COPIED + 1 - d], t.flows[f, F_COPIED + d]
            if most < 0 and not identifies(code & (CODES - 1), src, row[AT], row[END], asked, answered):
                continue
            # A connection that has told enough is passed over without a call.
            if row[PROTO] != PROTO_TCP or most < 0 or t.flows[f, F_COPIED + d] < most:
                copy_claim(t, f, d, src, row[AT], row[END], length, most, packet, now, offset)
    return len(start)


@inlined
def count_sender(t: Tables, f: int, d: int, now: int, packet: int, offset: int) -> None:
    """Add the packet to the asset that sent it; flows remember its row."""
    row = t.rows[t.used[ROW]]
    hi, lo, mac = row[SRC_HI], row[SRC_LO], row[SRC_MAC]
    if row[FAMILY] == 2:
        hi = 0
        lo = row[SENDER_IP]
    place = asset_place(row)
    x = t.flows[f, F_ASSET + d] if f >= 0 else -1
    if x < 0 or (
        t.assets[x, X_LO] != lo
        or t.assets[x, X_MAC] != mac
        or t.assets[x, X_PLACE] != place
        or t.assets[x, X_HI] != hi
        or (row[PORT] != 0 and is_other_port(t, x))
    ):
        x = note_asset(t, mac, hi, lo, place, now, packet, offset)
        if f >= 0:
            t.flows[f, F_ASSET + d] = x
    count_asset(t, x, now)


@inlined
def count_time(t: Tables, f: int, now: int, packet: int, offset: int) -> None:
    """Add the packet to the hours of its flow; where it is the first one of a minute that begins, before it
    is counted."""
    t.flows[f, F_HOURS + t.used[HOUR_COLUMN]] |= t.used[HOUR_BIT]
    if t.flows[f, F_MINUTE] != t.used[MINUTE]:
        before = t.flows[f, F_PACKETS] + t.flows[f, F_PACKETS + 1]
        begin_minute(t.flows, f, F_MINUTE, t.used[MINUTE], before, now, packet, offset)


@kernel
def is_other_connection(t: Tables, found: int) -> bool:
    """Whether a packet begins a TCP handshake that is not the flow's: its ports are used again, or, under
    another tag, a host of another network has the same address."""
    row = t.rows[t.used[ROW]]
    f = found >> 1
    d = found & 1
    return bool(
        t.flows[f, F_ISN + d] != row[SEQ]
        and (
            t.flows[f, F_ISN + d] >= 0
            or t.flows[f, F_PACKETS + d] > 0
            or t.flows[f, F_STATE] & CLOSED != 0
            or t.flows[f, F_VLAN] != row[VLAN]
        )
    )


@kernel
def open_flow(
    t: Tables, found: int, proto: int, family: int, hi: int, lo: int, to_hi: int, to_lo: int,
    sport: int, dport: int, vlan: int, now: int, packet: int, offset: int,
) -> int:  # fmt: skip
    """A new row for a flow, where `find_flow` said; what was there is moved to the ended flows."""
    evicts = found < 0
    if evicts:
        found = -1 - found
    f = found >> 1
    if t.flows[f, F_KEY] != 0:
        t.counters[C_FLOWS_EVICTED] += evicts
        end_flow(t, f)
    begin_flow(
        proto, family, hi, lo, to_hi, to_lo, sport, dport, vlan, t.flows, t.tags, f, found & 1,
        now, packet, offset,
    )  # fmt: skip
    t.flows[f, F_TUNNEL] = t.rows[t.used[ROW], TUNNEL]
    return found


@kernel
def count_tunnel(t: Tables, now: int, packet: int, offset: int) -> None:
    """The tunnel is a conversation of its own: who mirrors to whom. Its protocol is the tunnel's
    kind, below 0."""
    row = t.rows[t.used[ROW]]
    kind = row[TUNNEL]
    proto = PROTO_GRE
    port = 0
    if kind == TUNNEL_VXLAN or kind == TUNNEL_TZSP:
        proto = PROTO_UDP
        port = PORT_VXLAN if kind == TUNNEL_VXLAN else PORT_TZSP
    elif kind == TUNNEL_IPIP:
        proto = PROTO_IPIP
    hi, lo, to_hi, to_lo = row[OUTER_SRC_HI], row[OUTER_SRC_LO], row[OUTER_DST_HI], row[OUTER_DST_LO]
    tag = flow_tag_of(proto, row[OUTER_FAMILY], hi, lo, to_hi, to_lo, 0, port, 0)
    found = find_flow(proto, row[OUTER_FAMILY], hi, lo, to_hi, to_lo, 0, port, 0, tag, t.flows, t.tags)
    if found < 0:
        found = open_flow(
            t, found, proto, row[OUTER_FAMILY], hi, lo, to_hi, to_lo, 0, port, 0, now, packet, offset
        )
        t.flows[found >> 1, F_TUNNEL] = 0
        t.flows[found >> 1, F_PROTOCOL] = -kind
        set_client(t.flows, found >> 1, found & 1, ROLE_PROTOCOL)
    f = found >> 1
    t.flows[f, F_STATE] |= SPOKE_A << (found & 1)
    count_time(t, f, now, packet, offset)
    count_packet(row, now, t.flows, f, found & 1)


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
