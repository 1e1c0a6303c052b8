"""Payloads in which somebody logs in, or tells who it is, copied for Python to read.

What is copied is bounded three times: the first payloads and bytes of each direction of a flow, an
amount in each second of packet time, and the buffer, which is emptied when it is full. What the first
two leave out is counted; what a TCP connection says behind the beginning that is read for claims is none.
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
    HEADER,
    PROTO,
    SEQ,
    SPORT,
    SRC_MAC,
    WIRE_END,
)
from otmon.decode.flows import (
    F_ASSET,
    F_COLUMNS,
    F_COPIED,
    F_COPIED_BYTES,
    F_COPIED_HOUR,
    F_PROTOCOL,
    ROLE_PROTOCOL,
    set_client,
)
from otmon.decode.link import PPPOE_SESSION
from otmon.decode.transport import PROTO_TCP, PROTO_UDP
from otmon.identity.registry import FIRST_PAYLOADS
from otmon.kernel import Bytes, Ints, copy_bytes, inlined, kernel, u8, u16be, u16le, u32be
from otmon.ledger.facts import HOUR_NS
from otmon.ledger.tables import (
    CLAIM_BYTES,
    CLAIM_PAYLOADS,
    CODES,
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
    G_OFFSET,
    G_PACKET,
    G_SEQ,
    G_TIME,
    G_WAY,
    MESSAGE_BYTES,
    MESSAGE_DATA,
    MESSAGES,
    SECOND_NS,
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
S7COMM: Final = code_of("s7comm")
ETHERNET_IP: Final = code_of("ethernet_ip")
BACNET: Final = code_of("bacnet")
FINS: Final = code_of("fins")
SLMP: Final = code_of("slmp")
TLS: Final = code_of("tls")
PACKED_SERVICES: Final = 32
"""Services of a CIP packet that are looked at, as the reader does: a controller's tags come in twenties."""
TELLS_LLDP: Final = FIRST_PAYLOADS["lldp"]
TELLS_PROFINET: Final = FIRST_PAYLOADS["profinet"]
TELLS_PPP: Final = -FIRST_PAYLOADS["pppoe"]


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
    most = t.listed[t.flows[f, F_PROTOCOL] & (CODES - 1)]
    if most == 0:
        most = FLOW_PAYLOADS
    size = min(row[END] - row[AT], MESSAGE_BYTES)
    if t.flows[f, F_COPIED + d] >= most or t.flows[f, F_COPIED_BYTES + d] + size > FLOW_BYTES:
        # Of a protocol that begins with its log-in nothing is missing.
        if most == FLOW_PAYLOADS:
            t.counters[C_LOGINS_QUOTA] += 1
        return
    second = now // SECOND_NS
    if t.used[COPY_SECOND] != second:
        new_second(t, second)
    if t.used[COPY_PAYLOADS] >= SECOND_PAYLOADS or t.used[COPY_BYTES] + size > SECOND_BYTES:
        t.counters[C_LOGINS_SHED] += 1
        return
    t.used[COPY_PAYLOADS] += 1
    t.used[COPY_BYTES] += size
    t.flows[f, F_COPIED + d] += 1
    t.flows[f, F_COPIED_BYTES + d] += size
    keep(t, f, d, src, row[AT], size, length, packet, now, offset)


@kernel
def keep(
    t: Tables, f: int, d: int, src: Bytes, p: int, size: int, length: int, packet: int, now: int, offset: int
) -> None:
    """Copy ``src[p:p + size]`` with the row of its flow. There is room for it."""
    row = t.row
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
    if chosen or t.row[PROTO] != PROTO_TCP:
        hour = now // HOUR_NS
        if t.flows[f, F_COPIED_HOUR] != hour:
            t.flows[f, F_COPIED_HOUR] = hour
            for k in range(F_COPIED, F_COPIED_BYTES + 2):
                t.flows[f, k] = 0
        if t.flows[f, F_COPIED + d] >= most:
            t.counters[C_CLAIMS_QUOTA] += 1
            return
    elif t.flows[f, F_COPIED + d] >= most:
        return
    else:
        x = t.flows[f, F_ASSET + d]
        # Whom it asks for by TLS says more than who it is: a browser would use up its hour.
        asks = (
            t.flows[f, F_COPIED + d] == 0
            and t.flows[f, F_PROTOCOL] & (CODES - 1) == TLS
            and end - p >= 6
            and u8(src, p) == 22
            and u8(src, p + 5) == 1
        )
        if not asks and x >= 0 and told_enough(t, x, now // HOUR_NS):
            t.flows[f, F_COPIED + d] = most
            t.counters[C_CLAIMS_QUOTA] += 1
            return
    size = min(end - p, MESSAGE_BYTES)
    second = now // SECOND_NS
    if t.used[COPY_SECOND] != second:
        new_second(t, second)
    full = t.used[FILL_MESSAGES] >= MESSAGES or t.used[FILL_OCTETS] > MESSAGE_DATA - MESSAGE_BYTES
    # What is shed counts as copied: a connection is not asked again with each packet.
    t.flows[f, F_COPIED + d] += 1
    if full or t.used[CLAIM_PAYLOADS] >= SECOND_CLAIMS or t.used[CLAIM_BYTES] + size > SECOND_CLAIM_BYTES:
        t.counters[C_CLAIMS_SHED] += 1
        return
    t.used[CLAIM_PAYLOADS] += 1
    t.used[CLAIM_BYTES] += size
    t.flows[f, F_COPIED_BYTES + d] += size
    keep(t, f, d, src, p, size, length, packet, now, offset)


@kernel
def copy_opening(t: Tables, f: int, d: int, src: Bytes, packet: int, now: int, offset: int) -> None:
    """Copy the headers of the packet in `Tables.row` that opens a connection, where its sender opens it in
    another way than the last one: by time to live, window and length of the options. It has no payload, so
    that there is room for it."""
    row = t.row
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
def new_second(t: Tables, second: int) -> None:
    """Nothing is copied yet in this second of the clock."""
    t.used[COPY_SECOND] = second
    t.used[COPY_PAYLOADS] = 0
    t.used[COPY_BYTES] = 0
    t.used[CLAIM_PAYLOADS] = 0
    t.used[CLAIM_BYTES] = 0


@kernel
def identifies(code: int, src: Bytes, p: int, end: int, asked: int, answered: int) -> bool:
    """Whether the payload is a message in which a device says what it is, or that has to do with a password,
    of the protocols that are below 0 in `FIRST_PAYLOADS`; for Modbus see `otmon.ledger.exchange`. `asked`
    payloads of the other direction were copied, `answered` of this one. The formats are told by the readers
    in `otmon.identity.claims` and `otmon.identity`."""
    n = end - p
    if code == S7COMM:
        if n < 27 or u8(src, p + 7) != 0x32 or u8(src, p + 8) != 7:
            return False
        # Security functions, and the response of CPU functions: a list of the module or its components.
        if u8(src, p + 22) & 0x3F == 5:
            return True
        if n < 35 or u8(src, p + 22) != 0x84:
            return False
        at = p + 17 + u16be(src, p + 13)
        return bool(at + 6 <= end and (u8(src, at + 5) == 0x11 or u8(src, at + 5) == 0x1C))
    if code == ETHERNET_IP:
        # Answers do not say what was asked: with each one that is, another one may come before it.
        return identifies_cip(src, p, end, answered < 2 * asked)
    if code == BACNET:
        return identifies_bacnet(src, p, end)
    if code == FINS:
        at = p + 16 if n >= 30 and u32be(src, p) == 0x46494E53 else p
        if end - at < 14:
            return False
        # Model and version; and the passwords that protect a program, which both sides name.
        known = u16be(src, at + 10)
        return bool((u8(src, at) & 0x40 and known == 0x0501) or known == 0x0304 or known == 0x0305)
    if code == SLMP:
        begin = p + 4 if n >= 2 and u8(src, p + 1) == 0 and u8(src, p) in (0x54, 0xD4) else p
        if end - begin >= 15 and u8(src, p) in (0x50, 0x54) and u16le(src, begin + 11) == 0x1630:
            return True
        # An answer of nothing but its code, perhaps to that.
        if asked > 0 and end - begin == 11 and u8(src, p) in (0xD0, 0xD4):
            return True
        # The answer that has the length of a type name; of format 4E with a serial number before.
        at = p + 4 if n >= 2 and u16be(src, p) == 0xD400 else p
        return bool(
            end - at >= 29
            and (at > p or u16be(src, p) == 0xD000)
            and u16le(src, at + 7) == 20
            and u16be(src, at + 9) == 0
        )
    return False


@kernel
def identifies_cip(src: Bytes, p: int, end: int, asked: bool) -> bool:
    """Whether it is an identity of EtherNet/IP, or its request; or CIP that asks for attributes of the
    identity object, also of a module behind this one (Unconnected_Send), or may answer that; or opens a
    connection for messages that leads to another network."""
    if end - p < 24:
        return False
    command = u16le(src, p)
    if command == 0x0063:
        return True
    if (command != 0x006F and command != 0x0070) or end - p < 36:
        return False
    # The first item is an address, mostly none; the second one has the message.
    at = p + 36 + u16le(src, p + 34)
    if end - at < 10:
        return False
    kind = u16le(src, at)
    if kind == 0x00B1:
        at += 6
    elif kind == 0x00B2:
        at += 4
    else:
        return False
    if end - at < 4:
        return False
    service = u8(src, at)
    if service == 0x52 or service == 0x54 or service == 0x5B:
        behind = behind_object(src, at + 2, end, 6)
        if behind == 0:
            return False
        if service != 0x52:
            return leads_away(src, behind + (34 if service == 0x54 else 38), end)
        at = behind + 4
        if end - at < 4:
            return False
        service = u8(src, at)
    if service == 0x0A or service == 0x8A:
        return packs_identity(src, at, end, asked)
    return is_about_identity(src, at, end, asked)


@kernel
def is_about_identity(src: Bytes, at: int, end: int, asked: bool) -> bool:
    """Whether a CIP message reads attributes of the identity object that tell what a device is (not its
    status, which clients poll), or may answer that."""
    if end - at < 4:
        return False
    service = u8(src, at)
    status = u8(src, at + 2)
    if service == 0x81 or service == 0x8E:
        return asked and status == 0
    if service == 0x83:
        return asked and (status == 0 or status == 0x0A)
    if service != 0x01 and service != 0x03 and service != 0x0E:
        return False
    at = behind_object(src, at + 2, end, 1)
    if at == 0 or service == 0x01:
        return at > 0
    if end - at < 2:
        return False
    if service == 0x0E:
        if u8(src, at) == 0x30:
            return tells_identity(u8(src, at + 1))
        return u8(src, at) == 0x31 and end - at >= 4 and tells_identity(u16le(src, at + 2))
    for n in range(min(u16le(src, at), PACKED_SERVICES)):
        place = at + 2 + 2 * n
        if end - place < 2:
            return False
        if tells_identity(u16le(src, place)):
            return True
    return False


@kernel
def packs_identity(src: Bytes, at: int, end: int, asked: bool) -> bool:
    """Whether one of the first `PACKED_SERVICES` services of a packet is about the identity object."""
    if u8(src, at) == 0x8A:
        if not asked or (u8(src, at + 2) != 0 and u8(src, at + 2) != 0x1E):
            return False
        at += 4
    else:
        at = behind_object(src, at + 2, end, 2)
        if at == 0:
            return False
    if end - at < 2:
        return False
    for n in range(min(u16le(src, at), PACKED_SERVICES)):
        place = at + 2 + 2 * n
        if end - place < 2:
            return False
        if is_about_identity(src, at + u16le(src, place), end, asked):
            return True
    return False


@inlined
def tells_identity(attribute: int) -> bool:
    """Whether an attribute of the identity object is vendor, type, revision, serial number or name."""
    return attribute == 1 or attribute == 2 or attribute == 4 or attribute == 6 or attribute == 7


@inlined
def leads_away(src: Bytes, at: int, end: int) -> bool:
    """Whether a connection of class 3, whose transport is told at `at` before the length of its path, leads
    further than a module at the backplane (port 1)."""
    if end - at < 6 or u8(src, at) & 0x0F != 3 or u8(src, at + 2) >> 5 != 0:
        return False
    return bool(u8(src, at + 2) != 1 or u8(src, at + 4) >> 5 == 0)


@kernel
def behind_object(src: Bytes, at: int, end: int, of: int) -> int:
    """Where the path to instance 1 of a CIP class ends that begins at `at`; 0 for another path."""
    at = behind_segment(src, at, end, 0x20, of)
    return behind_segment(src, at, end, 0x24, 1) if at > 0 else 0


@kernel
def behind_segment(src: Bytes, at: int, end: int, kind: int, value: int) -> int:
    """Where a logical segment of a CIP path ends that has this value in 8, 16 or 32 bits; else 0."""
    if end - at >= 2 and u8(src, at) == kind and u8(src, at + 1) == value:
        return at + 2
    if end - at >= 4 and u8(src, at) == kind + 1 and u8(src, at + 1) == 0 and u16le(src, at + 2) == value:
        return at + 4
    if (
        end - at >= 6
        and u8(src, at) == kind + 2
        and u8(src, at + 1) == 0
        and u16le(src, at + 2) == value
        and u16le(src, at + 4) == 0
    ):
        return at + 6
    return 0


@kernel
def identifies_bacnet(src: Bytes, p: int, end: int) -> bool:
    """Whether it is I-Am, or a property of a device object."""
    if end - p < 8:
        return False
    at = p + (10 if u8(src, p + 1) == 4 else 4)
    if end - at < 4 or u8(src, at) != 1:
        return False
    control = u8(src, at + 1)
    if control & 0x80:
        return False
    at += 2
    for bit in (0x20, 0x08):
        if control & bit:
            if end - at < 4:
                return False
            at += 3 + u8(src, at + 2)
    at += 1 if control & 0x20 else 0
    if end - at < 8:
        return False
    if u16be(src, at) == 0x1000:
        return True
    return bool(
        u8(src, at) == 0x30
        and u8(src, at + 2) == 12
        and u8(src, at + 3) == 0x0C
        and u32be(src, at + 4) >> 22 == 8
    )


@inlined
def tells_below_ip(row: Ints, src: Bytes) -> int:
    """How many frames like this one are copied for claims and log-ins in an hour, 0 for none: LLDP;
    PROFINET's identification, whose frame ids begin with FE (IEC 61158-6-10); CDP, by Cisco's SNAP header;
    and the log-ins of PPP (C023 PAP, C223 CHAP)."""
    proto = row[PROTO]
    if proto == 0x88CC:
        return TELLS_LLDP
    p = row[AT]
    if proto == 0x8892:
        return TELLS_PROFINET if row[END] - p >= 12 and u8(src, p) == 0xFE else 0
    if proto == 0 and row[END] - p >= 12 and u32be(src, p + 4) == 0x000C2000 and u32be(src, p) == 0xAAAA0300:
        return TELLS_LLDP
    if proto == PPPOE_SESSION and p == row[HEADER] + 2 and row[END] - p >= 4:
        protocol = u16be(src, p - 2)
        return TELLS_PPP if protocol == 0xC223 or protocol == 0xC023 else 0
    return 0


@kernel
def copy_below_ip(
    t: Tables, f: int, d: int, src: Bytes, most: int, packet: int, now: int, offset: int
) -> None:
    """Copy the frame in `Tables.row` of which `most` are copied in an hour: of PPP with its protocol field.
    Who answers there, by a response of CHAP or a request of PAP, is the client."""
    row = t.row
    p = row[AT]
    if row[PROTO] == PPPOE_SESSION:
        if u8(src, p) == (2 if u8(src, p - 2) == 0xC2 else 1):
            set_client(t.flows, f, d, ROLE_PROTOCOL)
        p -= 2
    copy_claim(t, f, d, src, p, row[END], row[WIRE_END] - p, most, packet, now, offset)
