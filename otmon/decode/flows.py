"""The table of flows, and the recognition of frames that a mirror copied twice.

Tables are set-associative: a key may lie in one of `WAYS` neighbouring rows, so a look-up reads a
bounded number of rows and needs no deletion marks. When all are taken the longest idle flow is
moved to the table of ended flows, which Python folds into conversations; nothing is lost.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    ACK,
    AROUND,
    AT,
    BUFFER,
    CHECKSUM,
    DPORT,
    DST_HI,
    DST_LO,
    END,
    FAMILY,
    FLAGS,
    HEADER,
    IP_ID,
    KEY,
    PART_BYTES,
    PARTS,
    PRINT,
    PROTO,
    PROTO_ICMP,
    PROTO_ICMPV6,
    PROTO_TCP,
    SEQ,
    SPORT,
    SRC_HI,
    SRC_LO,
    TAG,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    VLAN,
    WAY,
    WIRE_END,
)
from otmon.kernel import Bytes, Ints, clear_row, inlined, kernel, u8, u32be

FLOWS: Final = 1 << 16
"""Flows followed at a time: 16 MiB."""
WAYS: Final = 8

# Columns of a flow. A is the endpoint that sorts first; direction 0 is from A to B.
F_A_HI: Final = 0
F_A_LO: Final = 1
F_B_HI: Final = 2
F_B_LO: Final = 3
F_KEY: Final = 4
"""PROTO | port A << 16 | port B << 32 | FAMILY << 48; 0 is a free row."""
F_VLAN: Final = 5
F_LAST: Final = 6
F_STATE: Final = 7
F_PACKETS: Final = 8
"""And the next column: by direction; so are BYTES and ASSET."""
F_BYTES: Final = 10
F_PROTOCOL: Final = 12
"""0 undecided; else the code in `otmon.protocols.registry`, PROVISIONAL added while a more
precise one may follow; below 0 a tunnel's own flow."""
F_STREAM: Final = 13
"""Row in the table of streams, -1 for none."""
F_ASSET: Final = 14
F_HOURS: Final = 16
"""The hours of the week in which it was seen: bit *n* % 56 of column *n* // 56."""
F_MINUTE: Final = 19
"""Its packets in the minute and in the busiest one: the columns of `begin_minute`."""
F_OFTEN: Final = 20
"""Columns before it are looked at for each packet."""
F_TRIES: Final = 28
"""Payloads that no signature matched."""
F_FIRST: Final = 29
F_FIRST_PACKET: Final = 30
F_FIRST_OFFSET: Final = 31
F_TUNNEL: Final = 32
"""Kinds of tunnels around it (`otmon.decode.fields.AROUND`)."""
F_ISN: Final = 33
"""First sequence number by direction, -1 unknown or used; of an unknown one below that the number of its
first segment, if that had one byte (`keeps_alive`)."""
F_COPIED: Final = 35
"""Payloads that were copied for log-ins, by direction; BYTES likewise."""
F_COPIED_BYTES: Final = 37
F_COPIED_HOUR: Final = 39
"""The hour, from 1970 on, in which the copied payloads that are counted for claims came."""
F_COLUMNS: Final = 40
"""Some columns are spare: rows are whole cache lines."""

# Columns of `begin_minute`, from a row's first one on.
TOTAL_BEFORE: Final = 1
"""What had been counted before the minute; then the time, number and offset of the packet that began it."""
MOST: Final = 5
"""What was counted in the busiest minute that is over, and the same of that."""
MINUTE_COLUMNS: Final = 9

PROVISIONAL: Final = 1 << 20

# Bits of F_STATE.
CLIENT_A: Final = 1
CLIENT_B: Final = 2
CLIENT: Final = 3
"""Mask: who is the client, 0 unknown."""
ROLE_SHIFT: Final = 2
ROLE: Final = 3 << ROLE_SHIFT
ROLE_FIRST: Final = 0
ROLE_PORT: Final = 1
ROLE_PROTOCOL: Final = 2
ROLE_HANDSHAKE: Final = 3
SPOKE_A: Final = 1 << 4
"""A sent something that is not a TCP reset; SPOKE_A << 1 for B."""
CLOSED: Final = 1 << 6
FIRST_B: Final = 1 << 7
"""The first packet came from B."""
RESET: Final = 1 << 8
"""One of the two sent a TCP reset."""
PIECE_A: Final = 1 << 9
"""What A sent last may begin a command (`otmon.ledger.packets.takeover`); PIECE_A << 1 for B."""
URGENT_A: Final = 1 << 11
"""An urgent pointer of A leads to a segment that has not come (`otmon.ledger.packets.urgent`); << 1 for B."""
PARTS_SHIFT: Final = 16
"""From here on, `PARTS_BITS` by direction: how many pieces of messages are copied yet
(`otmon.ledger.dialogues.command_operations`)."""
PARTS_BITS: Final = 7
ERRORS_SHIFT: Final = 32
"""From here on, `ERRORS_BITS`: errors of ICMP about it."""
ERRORS_BITS: Final = 24

DUPLICATES: Final = 1 << 13
"""Fingerprints of recent packets: 256 KiB."""
DUPLICATE_NS: Final = 5_000_000
"""A mirror's copy follows within this time; TCP resends after 200 ms at the earliest (RFC 6298)."""
DUPLICATE_WEAK_NS: Final = 100_000
"""The same for packets that nothing but their content tells apart, such as cyclic frames."""
HASHED_BYTES: Final = 256
COPIES: Final = 64
"""Copies of one frame without a pause that are left out: more than a switch mirrors from its ports."""
COPIES_FADE: Final = 4
"""So many of them are forgotten for each DUPLICATE_NS: what comes less than 800 times a second never adds
up, and what a loop repeats 2,000 times a second comes to COPIES within a tenth of a second."""
COPIES_BITS: Final = 7
"""Low bits of a fingerprint in which its copies are counted."""

MASK: Final = (1 << 62) - 1


@kernel
def mix(h: int, x: int) -> int:
    """One step of a multiplicative hash; always within 62 bits, the same compiled and interpreted.
    The first step of a chain takes a constant: two addresses that are alike would cancel out."""
    h = ((int(h) ^ int(x)) * 0x1E3779B97F4A7C15) & MASK
    return h ^ (h >> 29)


@kernel
def hash_of(src: Bytes, p: int, end: int) -> int:
    """A hash of the bytes ``src[p:end]``."""
    h = 0
    for k in range(p, end):
        h = mix(h, u8(src, k))
    return h


@inlined
def sum_of(a: int, b: int, c: int, d: int, e: int) -> int:
    """A hash of five words, within 62 bits, the same compiled and interpreted: nothing in it waits for what
    is before it, as each `mix` does. Its low bits are made of low bits alone until it is mixed."""
    h = int(a) * 0x2545F4914F6CDD1D + int(b) * 0x3C79AC492BA7B653 + int(c) * 0x1C69B3F74AC4AE35
    h = (h + int(d) * 0x27BB2EE687B0B0FD + int(e) * 0x369DEA0F31A53F85) & MASK
    return h ^ (h >> 31)


@inlined
def fingerprint(buf: Bytes, row: Ints, ends: int) -> int:
    """A hash of what is the same in all copies of a packet: link addresses, tags and TTL may differ. It is
    never 0; its low `COPIES_BITS` are. `ends` is what `name_flow` gave."""
    payload = row[WIRE_END] - row[AT]
    h = sum_of(
        ends, (row[SEQ] << 32) ^ row[ACK] ^ (row[CHECKSUM] << 40),
        (row[IP_ID] << 40) ^ (payload << 16) ^ (row[WAY] << 8) ^ row[FLAGS], 0, 0,
    )  # fmt: skip
    if row[FAMILY] == 2:
        for p in range(row[HEADER], min(row[END], row[HEADER] + HASHED_BYTES)):
            h = mix(h, u8(buf, p))
    elif row[PROTO] != PROTO_TCP and (row[IP_ID] <= 0 or row[CHECKSUM] == 0):
        # A sum is the same for many contents.
        for p in range(row[AT], min(row[END], row[AT] + HASHED_BYTES)):
            h = mix(h, u8(buf, p))
    return ((mix(h, 0) >> COPIES_BITS) | 1) << COPIES_BITS


@inlined
def set_of_print(h: int) -> int:
    """The first one of the two places that a fingerprint has in the table of recent packets: a cache line."""
    return (h >> 20) & (DUPLICATES - 2)


@inlined
def place_of_print(recent: Ints, h: int) -> int:
    """Where a fingerprint is in the table of recent packets, or that of its places with the older one."""
    place = set_of_print(h)
    # All is loaded before anything is asked: which of them is older no processor can foretell.
    ahead = recent[place, 0] - h, recent[place + 1, 0] - h
    second = 1 if recent[place + 1, 1] < recent[place, 1] else 0
    second = 1 if 0 <= ahead[1] <= COPIES else second
    second = 0 if 0 <= ahead[0] <= COPIES else second
    return place + second


@inlined
def is_duplicate(row: Ints, now: int, recent: Ints, slot: int) -> bool:
    """Whether the packet, whose fingerprint has this place, is a copy of one just seen: a mirror of both
    directions, or of both sides of a router, gives each packet twice. What comes back without end is none: a
    loop or a flood of equal frames. `recent` is int64[DUPLICATES, 4]: fingerprint with the number of its
    copies, time; what `is_copy` wants."""
    h = row[PRINT]
    # Where nothing but its content tells it from others.
    weak = row[IP_ID] <= 0 or row[FAMILY] == 2
    if row[PROTO] == PROTO_TCP and row[FAMILY] != 2:
        weak = row[IP_ID] <= 0 and row[WIRE_END] == row[AT]
    age = now - recent[slot, 1]
    copies = recent[slot, 0] - h
    if copies < 0 or copies > COPIES or age < 0:
        copies = 0
    elif age <= (DUPLICATE_WEAK_NS if weak else DUPLICATE_NS):
        if weak:
            # Its copy is accounted for: a third one is a packet of its own.
            recent[slot, 0] = 0
            return True
        if copies < COPIES:
            recent[slot, 0] += 1
            return True
        recent[slot, 1] = now
        return False
    elif copies > 0:
        copies = max(0, copies - COPIES_FADE * (age // DUPLICATE_NS))
    recent[slot, 0] = h + copies
    recent[slot, 1] = now
    return False


@inlined
def is_copy(row: Ints, buf: Bytes, first: int, packet: int, recent: Ints, slot: int) -> bool:
    """Whether the payload in ``buf`` of a packet that `is_duplicate` is that of the one before it as well, as
    far as both are of the batch that begins with packet `first`: who forges a frame with the same checksum
    hides none with it. Where it is not, the next copy is one of this packet."""
    number, at = recent[slot, 2], recent[slot, 3]
    if row[BUFFER] == 0 and number >= first and at >= 0:
        size = row[END] - row[AT]
        k = 0
        if at + size > len(buf):
            k = -1
        while 0 <= k <= size - 4:
            k = k + 4 if u32be(buf, row[AT] + k) == u32be(buf, at + k) else -1
        while 0 <= k < size:
            k = k + 1 if u8(buf, row[AT] + k) == u8(buf, at + k) else -1
        if k >= 0:
            return True
        note_copied(row, packet, recent, slot)
        return False
    return True


@inlined
def note_copied(row: Ints, packet: int, recent: Ints, slot: int) -> None:
    """Of the packet, whose fingerprint has this place, there may be copies."""
    recent[slot, 2] = packet
    recent[slot, 3] = row[AT] if row[BUFFER] == 0 else -1


@inlined
def name_flow(row: Ints, family: int, src_hi: int, dst_hi: int, vlan: int) -> int:
    """Write into a packet's row what its flow is: `TAG`, a hash, never 0, of what tells flows apart, `KEY`
    and `WAY`. What is the same in all usual rows comes as arguments. Returns a hash of the two ends.

    TCP flows are the same whatever their tag: mirrors tag the two directions of a connection in
    different ways, and a routed connection is seen on either side.
    """
    proto, sport, dport = row[PROTO], row[SPORT], row[DPORT]
    src_lo, dst_lo = row[SRC_LO], row[DST_LO]
    way = int(src_lo > dst_lo)
    if src_lo == dst_lo:
        way = int(src_hi > dst_hi or (src_hi == dst_hi and sport > dport))
    # Turned where that is so, without a branch: no processor can foretell it.
    turn = -way
    lo, hi, port = (src_lo ^ dst_lo) & turn, (src_hi ^ dst_hi) & turn, (sport ^ dport) & turn
    key = proto | ((sport ^ port) << 16) | ((dport ^ port) << 32) | (family << 48)
    ends = sum_of(src_hi ^ hi, src_lo ^ lo, dst_hi ^ hi, dst_lo ^ lo, key)
    place = 0 if proto == PROTO_TCP else vlan
    row[WAY] = way
    row[KEY] = key
    row[TAG] = mix(ends, place) | 1
    return ends


@inlined
def set_of_tag(tag: int) -> int:
    """The first of the `WAYS` rows where a flow of this tag may be."""
    return ((tag >> 16) & (FLOWS // WAYS - 1)) * WAYS


@inlined
def place_of_tag(tags: Ints, tag: int) -> int:
    """The row whose flow has this tag; the last of its set where there is none."""
    f = set_of_tag(tag)
    last = f + WAYS - 1
    while f < last and tags[f] != tag:
        f += 1
    return f


@inlined
def find_flow(row: Ints, flows: Ints, tags: Ints) -> int:
    """The row of a packet's flow times two, plus the direction of the packet. Where there is none, the same
    of the row that it shall take, as its complement (below 0). `name_flow` has named it; `tags` is
    int64[FLOWS]: the `TAG` of each row, 0 for a free one, so that a set is looked through in one cache
    line."""
    src = F_A_HI + 2 * row[WAY]
    dst = F_A_HI + 2 * (1 - row[WAY])
    base = set_of_tag(row[TAG])
    for i in range(base, base + WAYS):
        if (
            tags[i] == row[TAG]
            and flows[i, F_KEY] == row[KEY]
            and flows[i, src + 1] == row[SRC_LO]
            and flows[i, dst + 1] == row[DST_LO]
            and flows[i, src] == row[SRC_HI]
            and flows[i, dst] == row[DST_HI]
            and (flows[i, F_VLAN] == row[VLAN] or row[PROTO] == PROTO_TCP)
        ):
            return int(i * 2 + row[WAY])
    victim = base
    for i in range(base, base + WAYS):
        if tags[i] == 0:
            victim = i
            break
        if flows[i, F_LAST] < flows[victim, F_LAST]:
            victim = i
    return int(-1 - (victim * 2 + row[WAY]))


@kernel
def begin_flow(row: Ints, flows: Ints, tags: Ints, f: int, now: int, packet: int, offset: int) -> None:
    """Write a packet's flow, which is new, into row `f`."""
    src = F_A_HI + 2 * row[WAY]
    dst = F_A_HI + 2 * (1 - row[WAY])
    clear_row(flows, f)
    flows[f, src] = row[SRC_HI]
    flows[f, src + 1] = row[SRC_LO]
    flows[f, dst] = row[DST_HI]
    flows[f, dst + 1] = row[DST_LO]
    flows[f, F_KEY] = row[KEY]
    flows[f, F_VLAN] = row[VLAN]
    flows[f, F_STREAM] = -1
    flows[f, F_ASSET] = -1
    flows[f, F_ASSET + 1] = -1
    flows[f, F_FIRST] = now
    flows[f, F_LAST] = now
    flows[f, F_FIRST_PACKET] = packet
    flows[f, F_FIRST_OFFSET] = offset
    flows[f, F_TUNNEL] = row[AROUND]
    flows[f, F_ISN] = -1
    flows[f, F_ISN + 1] = -1
    if row[WAY]:
        flows[f, F_STATE] = FIRST_B
    tags[f] = row[TAG]


@inlined
def count_packet(row: Ints, now: int, flows: Ints, f: int, direction: int) -> None:
    """Add the packet to its flow's counts."""
    if now > flows[f, F_LAST]:
        flows[f, F_LAST] = now
    flows[f, F_PACKETS + direction] += row[PARTS]
    flows[f, F_BYTES + direction] += row[PART_BYTES]


@kernel
def begin_minute(
    rows: Ints, i: int, at: int, minute: int, total: int, now: int, packet: int, offset: int
) -> None:
    """Begin a minute in columns `at` to `at` + 8 of row `i`: its number (from 1), the `total` that was
    counted before it, time, number and offset of its first packet; then the busiest minute that is over. A
    clock that goes back makes the most that was seen smaller, never larger."""
    count = total - rows[i, at + TOTAL_BEFORE]
    if count > rows[i, at + MOST]:
        rows[i, at + MOST] = count
        for k in range(1, 4):
            rows[i, at + MOST + k] = rows[i, at + TOTAL_BEFORE + k]
    rows[i, at] = minute
    rows[i, at + TOTAL_BEFORE] = total
    rows[i, at + TOTAL_BEFORE + 1] = now
    rows[i, at + TOTAL_BEFORE + 2] = packet
    rows[i, at + TOTAL_BEFORE + 3] = offset


@kernel
def set_client(flows: Ints, f: int, direction_of_client: int, role: int) -> None:
    """Say who the client is, unless something surer has said it before."""
    state = flows[f, F_STATE]
    if state & CLIENT and (state & ROLE) >> ROLE_SHIFT >= role:
        return
    state &= ~(CLIENT | ROLE)
    flows[f, F_STATE] = state | (CLIENT_B if direction_of_client else CLIENT_A) | (role << ROLE_SHIFT)


@kernel
def icmp_roles(buf: Bytes, row: Ints, flows: Ints, f: int, direction: int) -> None:
    """Who asks by ICMP, by the type of the message: echo, timestamp and information, address mask (RFC 792,
    RFC 950 appendix I), echo (RFC 4443, section 4)."""
    if row[AT] >= row[END]:
        return
    kind = u8(buf, row[AT])
    if row[PROTO] == PROTO_ICMP:
        if kind == 8 or kind == 13 or kind == 15 or kind == 17:
            set_client(flows, f, direction, ROLE_PROTOCOL)
        elif kind == 0 or kind == 14 or kind == 16 or kind == 18:
            set_client(flows, f, 1 - direction, ROLE_PROTOCOL)
    elif row[PROTO] == PROTO_ICMPV6:
        if kind == 128:
            set_client(flows, f, direction, ROLE_PROTOCOL)
        elif kind == 129:
            set_client(flows, f, 1 - direction, ROLE_PROTOCOL)


@inlined
def tcp_flags(row: Ints, flows: Ints, f: int, direction: int) -> None:
    """Follow the handshake and the end of a connection."""
    flags = row[FLAGS]
    if flags & TCP_RST:
        flows[f, F_STATE] |= CLOSED | RESET
    else:
        flows[f, F_STATE] |= SPOKE_A << direction
    if flags & TCP_SYN and not flags & TCP_RST:
        if flags & TCP_ACK:
            set_client(flows, f, 1 - direction, ROLE_HANDSHAKE)
        else:
            set_client(flows, f, direction, ROLE_HANDSHAKE)
        flows[f, F_ISN + direction] = row[SEQ]
    elif flags & TCP_FIN:
        flows[f, F_STATE] |= CLOSED


@kernel
def keeps_alive(row: Ints, flows: Ints, f: int, direction: int) -> int:
    """Whether the packet's payload, of one byte, only asks whether the other end still lives (RFC 9293,
    3.8.4): its number is one that had its turn before. 2 where it does, 1 where that may be: of a connection
    that began before the capture the first one is told by the next one alone. Else 0."""
    first = flows[f, F_ISN + direction]
    if first == row[SEQ] or first == -2 - row[SEQ]:
        return 2
    if first != -1 or flows[f, F_TRIES] != 0:
        return 0
    flows[f, F_ISN + direction] = -2 - row[SEQ]
    return 1
