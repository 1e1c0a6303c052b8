"""Payloads in which somebody logs in, or tells who it is, copied for Python to read.

What is copied is bounded in three ways: of each direction of a flow, to its first payloads and bytes and some
later ones in which somebody may log in; in each second of packet time; and by the buffer, which is emptied
when it is full. What the first two leave out is counted, apart from what a TCP connection says behind the
beginning that is read for claims.
Claims have a budget of their own, so that no flood of them hides a log-in.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    ACK,
    AT,
    BUFFER,
    C_CLAIMS_QUOTA,
    C_CLAIMS_SHED,
    C_LOGINS_QUOTA,
    C_LOGINS_SHED,
    DPORT,
    END,
    FAMILY,
    FLAGS,
    HEADER,
    PROTO,
    PROTO_TCP,
    PROTO_UDP,
    SEQ,
    SPORT,
    SRC_MAC,
    TCP_ACK,
    WIRE_END,
)
from otmon.decode.flows import (
    CLIENT,
    CLIENT_A,
    F_ASSET,
    F_COLUMNS,
    F_COPIED,
    F_COPIED_BYTES,
    F_COPIED_HOUR,
    F_PROTOCOL,
    F_STATE,
    ROLE_PROTOCOL,
    set_client,
)
from otmon.decode.link import PPPOE_SESSION
from otmon.identity.registry import FIRST_PAYLOADS
from otmon.kernel import Bytes, Ints, copy_bytes, inlined, kernel, u8, u16be, u32be
from otmon.ledger.copying.server_names import asked_name, is_told, keep_name
from otmon.ledger.facts import HOUR_NS
from otmon.ledger.tables import (
    CLAIM_BYTES,
    CLAIM_PAYLOADS,
    CODES,
    COMMANDS,
    COPY_BYTES,
    COPY_PAYLOADS,
    COPY_SECOND,
    FILL_MESSAGES,
    FILL_OCTETS,
    FLOW_PAYLOADS,
    G_ACK,
    G_AT,
    G_KEPT,
    G_LENGTH,
    G_MAC,
    G_MARK,
    G_OFFSET,
    G_PACKET,
    G_SEQ,
    G_TIME,
    G_WAY,
    LOOKED,
    MESSAGE_BYTES,
    MESSAGE_DATA,
    MESSAGES,
    QUESTIONS,
    ROW,
    SECOND_NS,
    WRITES,
    X_OPENED,
    X_OPENINGS,
    X_TOLD,
    X_TOLD_HOUR,
    Tables,
)
from otmon.protocols.registry import code_of

FLOW_BYTES: Final = 32_768
SECOND_PAYLOADS: Final = 2_048
"""Copied in one second: Python reads them in a tenth of that, if each is of another flow."""
SECOND_BYTES: Final = 1 << 20
SHORT: Final = 16
"""Bytes of a payload: a shorter one is not counted, and counts as so many bytes, as a log-in may be typed key
by key, or cut into as many segments."""
HIDDEN_PAYLOADS: Final = 32
HIDDEN_BYTES: Final = 8_192
"""Copied for log-ins of one direction of a flow that speaks another protocol, as far as one knows."""
LATE_PAYLOADS: Final = 128
"""Copied behind the first ones of one direction of a flow, where somebody may log in with them."""
SECOND_WORDS: Final = 512
"""Copied in one second beyond `SECOND_PAYLOADS`, or `SECOND_BYTES`, where somebody may log in with them."""
LOOKED_BYTES: Final = 1 << 18
"""Looked through for that in one second, in less than a millisecond."""
WORD_BYTES: Final = 128
"""Bytes of a payload of a server in which it asks for a name or a password."""
_WORDS: Final = tuple(int.from_bytes(word, "big") for word in (b"pass", b"auth", b"logi", b"pwd="))
"""Of forms, of header fields and of commands."""
_COMMANDS: Final = tuple(
    int.from_bytes(word, "big") for word in (b"user", b"post", b"port", b"eprt", b"227 ", b"229 ")
)
"""Commands before a password, and a request that sends a form, of which one segment may have the head and the
next one the fields; and what tells where the data of FTP goes."""
SECOND_CLAIMS: Final = 512
SECOND_CLAIM_BYTES: Final = 1 << 18
"""The same for claims: who a host is changes seldom, and it says so again."""
SENDER_CLAIMS: Final = 32
"""Payloads of connections in which one sender tells who it is, in an hour: some visits to shares, in all of
which it says the same."""
SENDER_OPENINGS: Final = 8
"""First packets of connections that are copied of one sender in an hour, if they differ."""
SECOND_OPENINGS: Final = 64
"""They are copied while fewer payloads than that were, in this second, for claims: forged senders leave the
rest to what says more, and nothing counts what is passed over."""
OPENING_BYTES: Final = 120
"""Of the two longest headers of IPv4 and TCP; IPv6 has 100 without extensions."""
OPENING: Final = 2
"""Added to the direction in `G_WAY`: these are headers, and no payload."""
TLS: Final = code_of("tls")
TELLS_LLDP: Final = FIRST_PAYLOADS["lldp"]
TELLS_PROFINET: Final = FIRST_PAYLOADS["profinet"]
TELLS_SETTING: Final = 64
"""Of frames that set something in a station: a controller sets each of its devices once, when they start."""
TELLS_PPP: Final = -FIRST_PAYLOADS["pppoe"]
TELLS_EAP: Final = -FIRST_PAYLOADS["eapol"]
EAPOL: Final = 0x888E


@kernel
def copy_message(
    t: Tables, f: int, d: int, src: Bytes, length: int, packet: int, now: int, offset: int
) -> None:
    """Copy the packet's payload, whose length on the wire is `length`, where somebody may log in with it: of
    a flow that speaks a protocol of which that is read, or uses the port of one. Other flows may have a wrong
    name, or none yet, where `is_text` holds: of them less is copied."""
    row = t.rows[t.used[ROW]]
    p, end = row[AT], row[END]
    name = t.flows[f, F_PROTOCOL]
    most = t.listed[name & (CODES - 1)]
    most_bytes = FLOW_BYTES
    if most == 0:
        most = HIDDEN_PAYLOADS
        udp = 1 << 16 if row[PROTO] == PROTO_UDP else 0
        if t.listed_ports[udp | row[SPORT]] == 0 and t.listed_ports[udp | row[DPORT]] == 0:
            if udp != 0 or not is_text(src, p, end, name != 0):
                return
            most_bytes = HIDDEN_BYTES
        elif name == 0:
            most = FLOW_PAYLOADS
    seq = row[SEQ]
    mark = mark_of(row, src) if row[PROTO] == PROTO_TCP else 0
    while True:
        size = min(end - p, MESSAGE_BYTES)
        few = size < SHORT
        late = False
        if t.flows[f, F_COPIED + d] >= most or t.flows[f, F_COPIED_BYTES + d] + size > most_bytes:
            # Of a protocol that begins with its log-in nothing is missing.
            if most < FLOW_PAYLOADS:
                break
            late = is_late(t, f, d, src, p, p + size, now)
            if not late:
                t.counters[C_LOGINS_QUOTA] += 1
                break
        second = now // SECOND_NS
        if t.used[COPY_SECOND] != second:
            new_second(t, second)
        if is_full(t) or (
            (t.used[COPY_PAYLOADS] >= SECOND_PAYLOADS or t.used[COPY_BYTES] + size > SECOND_BYTES)
            and (
                late
                or t.used[COPY_PAYLOADS] >= SECOND_PAYLOADS + SECOND_WORDS
                or not may_log_in(t, f, d, src, p, p + size, now)
            )
        ):
            t.counters[C_LOGINS_SHED] += 1
            break
        t.used[COPY_PAYLOADS] += 1
        t.used[COPY_BYTES] += size
        t.flows[f, F_COPIED + d] += 0 if few and not late else 1
        t.flows[f, F_COPIED_BYTES + d] += max(size, SHORT)
        keep(t, f, d, src, p, size, length, packet, now, offset)
        t.messages[t.used[FILL_MESSAGES] - 1, G_MARK] = mark
        p += size
        # What a card put together of many segments is as many.
        if p >= end or row[PROTO] == PROTO_UDP:
            break
        row[SEQ] = (row[SEQ] + size) & 0xFFFFFFFF
    row[SEQ] = seq


@kernel
def mark_of(row: Ints, src: Bytes) -> int:
    """What tells a TCP segment from one that its receiver does not take, or that somebody else sent: its hops
    to live, whether its checksum is right, and whether it acknowledges anything (RFC 9293, 3.1 and 3.10.7.4).
    0 where the packet came in fragments."""
    h, end = row[HEADER], row[END]
    if row[BUFFER] != 0 or end - h < 40:
        return 0
    four = row[FAMILY] == 4
    p = h + (u8(src, h) & 0xF) * 4 if four else h + 40
    hops = u8(src, h + 8) if four else u8(src, h + 7)
    right = 0
    if end == row[WIRE_END] and end - p >= 20 and (four or u8(src, h + 6) == PROTO_TCP):
        total = PROTO_TCP + end - p
        for k in range(h + 12 if four else h + 8, h + 20 if four else h + 40, 2):
            total += u16be(src, k)
        # Two words at once: what overflows the lower one is carried all the same (RFC 1071, 2 (B)).
        rest = (end - p) & 3
        for k in range(p, end - rest, 4):
            total += u32be(src, k)
        if rest >= 2:
            total += u16be(src, end - rest)
        if rest & 1:
            total += u8(src, end - 1) << 8
        right = total % 0xFFFF == 0
    return int(hops << 2 | right << 1 | (row[FLAGS] & TCP_ACK != 0))


@kernel
def is_text(src: Bytes, p: int, end: int, named: bool) -> bool:
    """Whether a payload begins like the text of somebody who logs in. Of a flow that has a name more must be
    text, as much that is encrypted looks like some; and it is none of SSH."""
    size = min(end - p, SHORT if named else SHORT // 2)
    if named and (size < SHORT or u32be(src, p) == 0x5353482D):
        return False
    for k in range(p, p + size):
        byte = u8(src, k)
        if (byte < 0x20 or byte > 0x7E) and (byte < 0x09 or byte > 0x0D):
            return False
    return True


@kernel
def is_late(t: Tables, f: int, d: int, src: Bytes, p: int, end: int, now: int) -> bool:
    """Whether a payload of a flow whose first ones were copied is copied as well: where somebody may log in
    with it, or it may answer to that."""
    t.flows[f, F_COPIED + d] = max(t.flows[f, F_COPIED + d], FLOW_PAYLOADS)
    if (
        t.flows[f, F_COPIED + d] >= FLOW_PAYLOADS + LATE_PAYLOADS
        or t.flows[f, F_COPIED_BYTES + d] + end - p > 2 * FLOW_BYTES
    ):
        return False
    asked = t.flows[f, F_COPIED + 1 - d]
    if not may_log_in(t, f, d, src, p, end, now):
        return bool(t.flows[f, F_COPIED + d] < asked)
    # So that it may be answered.
    t.flows[f, F_COPIED + d] = max(t.flows[f, F_COPIED + d], asked)
    return True


@kernel
def may_log_in(t: Tables, f: int, d: int, src: Bytes, p: int, end: int, now: int) -> bool:
    """Whether the payload ``src[p:end]`` begins with one of `_COMMANDS`, or one of `_WORDS` stands in it, in
    any case of letters. Of what a server sends only short payloads are looked through, and of all of them
    `LOOKED_BYTES` in each second of packet time."""
    second = now // SECOND_NS
    if t.used[COPY_SECOND] != second:
        new_second(t, second)
    client = t.flows[f, F_STATE] & CLIENT
    if end - p > WORD_BYTES and client != 0 and client != CLIENT_A + d:
        return False
    if t.used[LOOKED] + end - p > LOOKED_BYTES:
        return False
    t.used[LOOKED] += end - p
    last = 0
    for k in range(p, end):
        last = (last << 8 | u8(src, k) | 0x20) & 0xFFFFFFFF
        if last in _WORDS or (k == p + 3 and last in _COMMANDS):
            return True
    return False


@inlined
def is_full(t: Tables) -> bool:
    """Whether one more message may find no room; for the first one of a packet there is some (`has_room`)."""
    return bool(t.used[FILL_MESSAGES] >= MESSAGES or t.used[FILL_OCTETS] > MESSAGE_DATA - MESSAGE_BYTES)


@kernel
def keep(
    t: Tables, f: int, d: int, src: Bytes, p: int, size: int, length: int, packet: int, now: int, offset: int
) -> None:
    """Copy ``src[p:p + size]`` with the row of its flow. There is room for it."""
    row = t.rows[t.used[ROW]]
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
    t.messages[m, G_MAC] = row[SRC_MAC]
    t.messages[m, G_MARK] = 0
    copy_bytes(t.message_data, at, src, p, size)
    t.used[FILL_MESSAGES] = m + 1
    t.used[FILL_OCTETS] = at + size


@kernel
def copy_claim(
    t: Tables, f: int, d: int, src: Bytes, p: int, end: int, length: int, most: int,
    packet: int, now: int, offset: int,
) -> None:  # fmt: skip
    """Copy ``src[p:end]``, in which its sender may tell who it is. `most` is that of
    `otmon.identity.registry.FIRST_PAYLOADS`; `length` is what there was on the wire."""
    chosen = most < 0
    most = abs(most)
    asked = 0
    if chosen or t.rows[t.used[ROW], PROTO] != PROTO_TCP:
        new_hour(t, f, now)
        if t.flows[f, F_COPIED + d] >= most:
            t.counters[C_CLAIMS_QUOTA] += 1
            return
    elif t.flows[f, F_COPIED + d] >= most:
        return
    else:
        x = t.flows[f, F_ASSET + d]
        if t.flows[f, F_PROTOCOL] & (CODES - 1) == TLS:
            asked = asked_name(t, f, d, src, p, end)
            if is_told(t, asked, now):
                return
        # Whom it asks for says more than who it is: a browser would use up its hour.
        if asked == 0 and x >= 0 and told_enough(t, x, now // HOUR_NS):
            t.flows[f, F_COPIED + d] = most
            t.counters[C_CLAIMS_QUOTA] += 1
            return
    size = min(end - p, MESSAGE_BYTES)
    second = now // SECOND_NS
    if t.used[COPY_SECOND] != second:
        new_second(t, second)
    # What is shed counts as copied: a connection is not asked again with each packet.
    t.flows[f, F_COPIED + d] += 1
    if (
        is_full(t)
        or t.used[CLAIM_PAYLOADS] >= SECOND_CLAIMS
        or t.used[CLAIM_BYTES] + size > SECOND_CLAIM_BYTES
    ):
        t.counters[C_CLAIMS_SHED] += 1
        return
    t.used[CLAIM_PAYLOADS] += 1
    t.used[CLAIM_BYTES] += size
    t.flows[f, F_COPIED_BYTES + d] += size
    keep(t, f, d, src, p, size, length, packet, now, offset)
    keep_name(t, asked, now)


@kernel
def new_hour(t: Tables, f: int, now: int) -> None:
    """Nothing of the flow is counted as copied yet in this hour, unless it is the one of what was."""
    hour = now // HOUR_NS
    if t.flows[f, F_COPIED_HOUR] != hour:
        t.flows[f, F_COPIED_HOUR] = hour
        for k in range(F_COPIED, F_COPIED_BYTES + 2):
            t.flows[f, k] = 0


@kernel
def copy_opening(t: Tables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int) -> None:
    """Copy the headers of the packet that opens a connection, where its sender opens it in
    another way than the last one: by time to live, window and length of the options. It has no payload, so
    that there is room for it."""
    row = t.rows[t.used[ROW]]
    x = t.flows[f, F_ASSET + d]
    p = row[HEADER]
    end = row[AT]
    if x < 0 or row[BUFFER] != 0 or end - p < 40 or end - p > OPENING_BYTES:
        return
    four = u8(src, p) >> 4 == 4
    at = p + (u8(src, p) & 0xF) * 4 if four else p + 40
    if at + 20 > end:
        return
    hops = u8(src, p + 8) if four else u8(src, p + 7)
    way = hops << 24 | u16be(src, at + 14) << 8 | u8(src, at + 12) | 1 << 32
    if t.assets[x, X_OPENED] == way:
        return
    t.assets[x, X_OPENED] = way
    hour = now // HOUR_NS
    if t.assets[x, X_OPENINGS] >> 8 != hour:
        t.assets[x, X_OPENINGS] = hour << 8
    second = now // SECOND_NS
    if t.used[COPY_SECOND] != second:
        new_second(t, second)
    if t.assets[x, X_OPENINGS] & 0xFF >= SENDER_OPENINGS or t.used[CLAIM_PAYLOADS] >= SECOND_OPENINGS:
        return
    t.assets[x, X_OPENINGS] += 1
    t.used[CLAIM_PAYLOADS] += 1
    t.used[CLAIM_BYTES] += end - p
    keep(t, f, d | OPENING, src, p, end - p, end - p, packet, now, offset)


@inlined
def told_enough(t: Tables, x: int, hour: int) -> bool:
    """Whether the sender in row `x` has said in connections of this hour what is read of it; else one more
    of its payloads is."""
    if t.assets[x, X_TOLD_HOUR] != hour:
        t.assets[x, X_TOLD_HOUR] = hour
        t.assets[x, X_TOLD] = 0
    t.assets[x, X_TOLD] += 1
    return bool(t.assets[x, X_TOLD] > SENDER_CLAIMS)


@kernel
def may_copy(t: Tables, now: int, counted: int, most: int, shed: int) -> bool:
    """Whether one more payload is copied in this second, of those that `Tables.used` counts in `counted`:
    at most `most`, and those beyond are added to the counter `shed`."""
    second = now // SECOND_NS
    if t.used[COPY_SECOND] != second:
        new_second(t, second)
    if t.used[counted] >= most:
        t.counters[shed] += 1
        return False
    t.used[counted] += 1
    return True


@kernel
def new_second(t: Tables, second: int) -> None:
    """Nothing is copied yet in this second of the clock."""
    t.used[COPY_SECOND] = second
    t.used[COPY_PAYLOADS] = 0
    t.used[COPY_BYTES] = 0
    t.used[CLAIM_PAYLOADS] = 0
    t.used[CLAIM_BYTES] = 0
    t.used[QUESTIONS] = 0
    t.used[COMMANDS] = 0
    t.used[WRITES] = 0
    t.used[LOOKED] = 0


@inlined
def tells_below_ip(row: Ints, src: Bytes) -> int:
    """How many frames like this one are copied for claims and log-ins in an hour, 0 for none: LLDP;
    PROFINET's identification, whose frame ids begin with FE (IEC 61158-6-10); CDP, by Cisco's SNAP header;
    and the log-ins of PPP (C023 PAP, C223 CHAP) and 802.1X, of the types that `otmon.identity.eap` reads."""
    proto = row[PROTO]
    if proto == 0x88CC:
        return TELLS_LLDP
    p = row[AT]
    if proto == 0x8892:
        if row[END] - p < 12 or u8(src, p) != 0xFE:
            return 0
        return TELLS_SETTING if u8(src, p + 2) == 4 else TELLS_PROFINET
    if proto == 0 and row[END] - p >= 12 and u32be(src, p + 4) == 0x000C2000 and u32be(src, p) == 0xAAAA0300:
        return TELLS_LLDP
    if proto == PPPOE_SESSION and p == row[HEADER] + 2 and row[END] - p >= 4:
        protocol = u16be(src, p - 2)
        return TELLS_PPP if protocol == 0xC223 or protocol == 0xC023 else 0
    if proto == EAPOL and row[END] - p >= 8 and u8(src, p + 1) == 0:
        code = u8(src, p + 4)
        # Those that end it have no type.
        kind = u8(src, p + 8) if row[END] - p >= 9 else 0
        if code == 3 or code == 4 or kind == 4 or kind == 6 or kind == 26 or (code == 2 and kind == 1):
            return TELLS_EAP
    return 0


@kernel
def copy_below_ip(
    t: Tables, f: int, d: int, src: Bytes, most: int, packet: int, now: int, offset: int
) -> None:
    """Copy the packet's frame of which `most` are copied in an hour: of PPP with its protocol field.
    Who answers there, by a response of CHAP or EAP or a request of PAP, is the client."""
    row = t.rows[t.used[ROW]]
    p = row[AT]
    if row[PROTO] == PPPOE_SESSION:
        if u8(src, p) == (2 if u8(src, p - 2) == 0xC2 else 1):
            set_client(t.flows, f, d, ROLE_PROTOCOL)
        p -= 2
    elif row[PROTO] == 0x8892:
        # Who asks one station for something, or sets it: of Get and Set (IEC 61158-6-10, 4.3.1).
        if u16be(src, p) == 0xFEFD and u8(src, p + 3) <= 1:
            set_client(t.flows, f, d if u8(src, p + 3) == 0 else 1 - d, ROLE_PROTOCOL)
    elif row[PROTO] == EAPOL:
        set_client(t.flows, f, d if u8(src, p + 4) == 2 else 1 - d, ROLE_PROTOCOL)
    copy_claim(t, f, d, src, p, row[END], row[WIRE_END] - p, most, packet, now, offset)
