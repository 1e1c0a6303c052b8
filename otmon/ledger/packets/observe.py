"""The loop over packets: one pass from bytes to everything that is counted.

For each packet: decode it, leave out copies that a mirror made, find its flow and its sender, follow
the connection, and have its payload read (`otmon.ledger.packets.payload`). What most packets are goes a short
way.
"""

from __future__ import annotations

from otmon.decode.fields import (
    AT,
    BUFFER,
    C_DUPLICATE,
    C_FLOWS_EVICTED,
    DEPTH,
    DPORT,
    DST_HI,
    DST_LO,
    END,
    FAMILY,
    FIRST_FRAGMENT,
    FLAGS,
    FRAGMENT,
    LED,
    NESTED,
    NESTED_COLUMNS,
    OTHER,
    OUTER_DST_HI,
    OUTER_DST_LO,
    OUTER_FAMILY,
    OUTER_SRC_HI,
    OUTER_SRC_LO,
    PART_BYTES,
    PARTS,
    PORT,
    PRINT,
    PROTO,
    PROTO_ETHERIP,
    PROTO_GRE,
    PROTO_ICMP,
    PROTO_ICMPV6,
    PROTO_IPIP,
    PROTO_L2TP,
    PROTO_TCP,
    PROTO_UDP,
    SENDER_IP,
    SEQ,
    SPORT,
    SRC_HI,
    SRC_LO,
    SRC_MAC,
    TCP_ACK,
    TCP_RST,
    TCP_SYN,
    TUNNEL,
    TUNNEL_ERSPAN,
    TUNNEL_ETHERIP,
    TUNNEL_GENEVE,
    TUNNEL_GRE,
    TUNNEL_GTP,
    TUNNEL_IPIP,
    TUNNEL_L2TP,
    TUNNEL_L2TP3,
    TUNNEL_TEREDO,
    TUNNEL_TZSP,
    TUNNEL_VXLAN,
    URGENT,
    VLAN,
)
from otmon.decode.flows import (
    CLOSED,
    F_ASSET,
    F_HOURS,
    F_ISN,
    F_KEY,
    F_MINUTE,
    F_PACKETS,
    F_PROTOCOL,
    F_STATE,
    F_STREAM,
    F_VLAN,
    ROLE_PROTOCOL,
    SPOKE_A,
    URGENT_A,
    begin_flow,
    begin_minute,
    count_packet,
    find_flow,
    icmp_roles,
    is_copy,
    is_duplicate,
    name_flow,
    note_copied,
    place_of_print,
    set_client,
    tcp_flags,
)
from otmon.decode.packet import count_usual
from otmon.decode.streams import (
    IN_STEP,
    S_CARRIED,
    S_HELD,
    S_LAST,
    S_MODE,
    S_NEXT,
    S_OLD,
    S_OWN,
    S_SYNC,
)
from otmon.decode.tunnels import (
    PORT_GENEVE,
    PORT_GTP,
    PORT_L2TP,
    PORT_MPLS,
    PORT_TEREDO,
    PORT_TZSP,
    PORT_VXLAN,
)
from otmon.kernel import Bytes, Ints, inlined, kernel, u16be
from otmon.ledger.asset_rows import asset_place, count_asset, is_other_port, note_asset
from otmon.ledger.copying.messages import (
    copy_below_ip,
    copy_opening,
    tells_below_ip,
)
from otmon.ledger.modbus.polling import polled
from otmon.ledger.modbus.transactions import message
from otmon.ledger.packets.endings import end_flow
from otmon.ledger.packets.icmp_errors import answered_by_error
from otmon.ledger.packets.known_flows import count_known
from otmon.ledger.packets.lookahead import look_ahead, read_headers
from otmon.ledger.packets.payload import copy_advertisement, name_llc, read_payload
from otmon.ledger.packets.urgent import note_overlap, read_urgent, urgent_place
from otmon.ledger.tables import (
    ARP,
    HOUR_BIT,
    HOUR_COLUMN,
    LAST_TIME,
    LOOKAHEAD,
    MINUTE,
    MINUTE_BEGIN,
    MINUTE_END,
    OUTER,
    ROW,
    X_HI,
    X_LO,
    X_MAC,
    X_PLACE,
    Tables,
    has_room,
    set_minute,
)
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
        r = (i - begin) & (LOOKAHEAD - 1)
        if r == 0:
            look_ahead(buf, start, caplen, wirelen, linktype, i, t)
        usual = t.rows[r, PRINT] != 0
        if not usual:
            r = LOOKAHEAD
        t.used[ROW] = r
        row = t.rows[r]
        now = time_ns[i]
        packet = first_number + i
        offset = base + start[i]
        if now > t.used[LAST_TIME]:
            t.used[LAST_TIME] = now
        if now < t.used[MINUTE_BEGIN] or now >= t.used[MINUTE_END]:
            set_minute(t, now)
        found = -1
        if usual:
            count_usual(row, t.counters)
            found = count_known(t, row, packet, now)
        else:
            read_headers(t, buf, start[i], caplen[i], wirelen[i], linktype[i], now, t.counters)
            if row[OTHER] == 1:
                read_other(t, signatures, buf, first_number, packet, now, offset)
                read_headers(t, buf, start[i], caplen[i], wirelen[i], linktype[i], now, t.uncounted)
        if found < 0:
            found = count_any(t, buf, first_number, packet, now, offset)
            if found < 0:
                continue
        f = found >> 1
        d = found & 1
        s = t.flows[f, F_STREAM]
        p = row[AT]
        end = row[END]
        if s < 0 and p == end:
            if not usual and row[URGENT] != 0:
                urgent_place(t, f, d)
            continue
        # The usual case first: in its turn, in step, one whole message or nothing.
        if s >= 0 and usual and row[PROTO] == PROTO_TCP and t.streams[s, S_OWN] == 0:
            if p == end and t.streams[s, S_HELD + 1 - d] == 0:
                t.streams[s, S_LAST] = now
                continue
            if (
                row[SEQ] == t.streams[s, S_NEXT + d]
                and t.streams[s, S_MODE] == MBAP
                and t.streams[s, S_SYNC + d] == IN_STEP
                and t.streams[s, S_CARRIED + d] == 0
                and t.streams[s, S_HELD] + t.streams[s, S_HELD + 1] == 0
                and end - p >= HEADER + 1
                and end - p <= 6 + MAX_LENGTH
                and u16be(buf, p + 4) == end - p - 6
                and u16be(buf, p + 2) == 0
                and (row[SPORT] == MODBUS_PORT or row[DPORT] == MODBUS_PORT)
            ):
                t.streams[s, S_LAST] = now
                t.streams[s, S_NEXT + d] = (row[SEQ] + end - p) & 0xFFFFFFFF
                t.streams[s, S_OLD + d] = 0
                if not polled(t, s, f, d, buf, p, end, packet, now, offset):
                    message(t, s, f, d, buf, p, end, packet, now, offset)
                continue
        src = t.datagrams[:] if row[BUFFER] else buf
        urgent = row[URGENT] != 0 or t.flows[f, F_STATE] & (URGENT_A << d) != 0
        place = urgent_place(t, f, d) if urgent else -1
        read_payload(t, signatures, f, d, src, packet, now, offset)
        if urgent:
            read_urgent(t, signatures, f, d, src, place, packet, now, offset)
        if row[OTHER] != 0:
            note_overlap(t, f, d, now, packet, offset)
    return len(start)


@kernel
def read_other(
    t: Tables, signatures: SignatureTables, buf: Bytes, first: int, packet: int, now: int, offset: int
) -> None:
    """Read what came first of the datagram in the row, as a packet of its own that counts for none; fragments
    contradict it."""
    found = count_any(t, buf, first, packet, now, offset)
    row = t.rows[t.used[ROW]]
    if found >= 0 and row[BUFFER] != 0:
        read_payload(t, signatures, found >> 1, found & 1, t.datagrams[:], packet, now, offset)


@kernel
def count_any(t: Tables, buf: Bytes, first: int, packet: int, now: int, offset: int) -> int:
    """Count the packet in the row, in a batch that begins with packet `first`, whatever it is: a copy, its
    tunnel, flow and sender, and what it says of these by itself. Returns its flow times two, plus its
    direction, where its payload is to be read: of TCP and UDP. Else -1."""
    row = t.rows[t.used[ROW]]
    if row[FAMILY] == 0:
        return -1
    src = t.datagrams[:] if row[BUFFER] else buf
    opens = row[FLAGS] & (TCP_SYN | TCP_ACK | TCP_RST) == TCP_SYN
    f = -1
    d = 0
    if row[FRAGMENT] == 0 or row[FIRST_FRAGMENT] != 0:
        place = place_of_print(t.recent, row[PRINT])
        if row[OTHER] != 0:
            # It has the number of the datagram that it contradicts.
            pass
        elif not is_duplicate(row, now, t.recent, place):
            note_copied(row, packet, t.recent, place)
        elif is_copy(row, buf, first, packet, t.recent, place):
            t.counters[C_DUPLICATE] += 1
            return -1
        if row[LED] != 0:
            row[PARTS] -= 1
            row[PART_BYTES] -= row[LED]
        if row[TUNNEL] != 0:
            count_tunnels(t, now, packet, offset)
        if (
            row[FRAGMENT] == 0
            and row[FAMILY] != 2
            and (row[PROTO] == PROTO_ICMP or row[PROTO] == PROTO_ICMPV6)
        ):
            found = answered_by_error(t, src)
            if found >= 0:
                count_time(t, found >> 1, now, packet, offset)
                count_packet(row, now, t.flows, found >> 1, found & 1)
                count_sender(t, -1, 0, now, packet, offset)
                return -1
        if row[FAMILY] != 2 or row[PROTO] != ARP:
            found = find_flow(row, t.flows, t.tags)
            if found < 0 or (opens and is_other_connection(t, found)):
                found = open_flow(t, row, found, now, packet, offset)
            f = found >> 1
            d = found & 1
            count_time(t, f, now, packet, offset)
            count_packet(row, now, t.flows, f, d)
    count_sender(t, f, d, now, packet, offset)
    if f < 0:
        return -1
    if row[FRAGMENT] != 0:
        # Who talks with whom is told even if the rest never comes, or seems to.
        t.flows[f, F_STATE] |= SPOKE_A << d
        return -1
    if row[FAMILY] == 2:
        t.flows[f, F_STATE] |= SPOKE_A << d
        if row[PROTO] == 0:
            name_llc(t, f, src)
        most = tells_below_ip(row, src)
        if most > 0:
            copy_below_ip(t, f, d, src, most, packet, now, offset)
        return -1
    if row[PROTO] == PROTO_TCP:
        tcp_flags(row, t.flows, f, d)
        # What comes with it is numbered behind it (RFC 9293, 3.4).
        if row[FLAGS] & TCP_SYN:
            row[SEQ] = (row[SEQ] + 1) & 0xFFFFFFFF
        if opens and row[END] == row[AT]:
            copy_opening(t, f, d, src, packet, now, offset)
    else:
        t.flows[f, F_STATE] |= SPOKE_A << d
        if row[PROTO] != PROTO_UDP:
            icmp_roles(src, row, t.flows, f, d)
            if row[PROTO] == PROTO_ICMPV6:
                copy_advertisement(t, f, d, src, packet, now, offset)
            return -1
    return f * 2 + d


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
def open_flow(t: Tables, row: Ints, found: int, now: int, packet: int, offset: int) -> int:
    """A new row for a packet's flow, where `find_flow` said; what was there is moved to the ended flows."""
    evicts = found < 0
    if evicts:
        found = -1 - found
    f = found >> 1
    if t.flows[f, F_KEY] != 0:
        t.counters[C_FLOWS_EVICTED] += evicts
        end_flow(t, f)
    begin_flow(row, t.flows, t.tags, f, now, packet, offset)
    return found


@kernel
def count_tunnels(t: Tables, now: int, packet: int, offset: int) -> None:
    """Each tunnel around the packet is a conversation of its own: who mirrors to whom, or who brings what
    past a boundary. Its protocol is the tunnel's kind, below 0."""
    row = t.rows[t.used[ROW]]
    outer = t.rows[OUTER]
    outer[SRC_HI], outer[SRC_LO] = row[OUTER_SRC_HI], row[OUTER_SRC_LO]
    outer[DST_HI], outer[DST_LO] = row[OUTER_DST_HI], row[OUTER_DST_LO]
    count_tunnel(t, row[TUNNEL], row[OUTER_FAMILY], now, packet, offset)
    for n in range(row[DEPTH] - 1):
        at = NESTED + n * NESTED_COLUMNS
        outer[SRC_HI], outer[SRC_LO] = row[at + 1], row[at + 2]
        outer[DST_HI], outer[DST_LO] = row[at + 3], row[at + 4]
        count_tunnel(t, row[at] >> 8, row[at] & 0xFF, now, packet, offset)


@kernel
def count_tunnel(t: Tables, kind: int, family: int, now: int, packet: int, offset: int) -> None:
    """Count the packet in the conversation that a tunnel is, whose addresses are in row `OUTER`."""
    row = t.rows[t.used[ROW]]
    outer = t.rows[OUTER]
    outer[PROTO] = PROTO_UDP
    outer[DPORT] = 0
    if kind == TUNNEL_GRE or kind == TUNNEL_ERSPAN:
        outer[PROTO] = PROTO_GRE
    elif kind == TUNNEL_IPIP:
        outer[PROTO] = PROTO_IPIP
    elif kind == TUNNEL_ETHERIP:
        outer[PROTO] = PROTO_ETHERIP
    elif kind == TUNNEL_L2TP3:
        outer[PROTO] = PROTO_L2TP
    elif kind == TUNNEL_VXLAN:
        outer[DPORT] = PORT_VXLAN
    elif kind == TUNNEL_TZSP:
        outer[DPORT] = PORT_TZSP
    elif kind == TUNNEL_GENEVE:
        outer[DPORT] = PORT_GENEVE
    elif kind == TUNNEL_GTP:
        outer[DPORT] = PORT_GTP
    elif kind == TUNNEL_L2TP:
        outer[DPORT] = PORT_L2TP
    elif kind == TUNNEL_TEREDO:
        outer[DPORT] = PORT_TEREDO
    else:
        outer[DPORT] = PORT_MPLS
    name_flow(outer, family, outer[SRC_HI], outer[DST_HI], 0)
    found = find_flow(outer, t.flows, t.tags)
    if found < 0:
        found = open_flow(t, outer, found, now, packet, offset)
        t.flows[found >> 1, F_PROTOCOL] = -kind
        set_client(t.flows, found >> 1, found & 1, ROLE_PROTOCOL)
    f = found >> 1
    t.flows[f, F_STATE] |= SPOKE_A << (found & 1)
    count_time(t, f, now, packet, offset)
    count_packet(row, now, t.flows, f, found & 1)
