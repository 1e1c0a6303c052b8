"""From the bytes of a Modbus stream to whole messages: framing and step.

Theory of operation. A direction of a stream is *in step* when the next byte begins a message. It
gets out of step by a gap, by a start in the middle, or by a header that cannot be one; then the
next plausible message is looked for, at the start of a segment first. Messages in one segment are
read where they lie; one that is cut is completed in the stream's carry buffer.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import C_CUT_MESSAGES
from otmon.decode.flows import F_KEY, F_PROTOCOL
from otmon.decode.streams import (
    BAD_STEP,
    CARRY,
    IN_STEP,
    LOST_STEP,
    S_ANSWERED,
    S_BAD,
    S_CARRIED,
    S_CARRY_OFFSET,
    S_CARRY_PACKET,
    S_CARRY_TIME,
    S_CLIENT,
    S_MODE,
    S_PENDING,
    S_SYNC,
)
from otmon.kernel import Bytes, copy_bytes, kernel, u8, u16be
from otmon.ledger.modbus.transactions import choose_client, message
from otmon.ledger.operation_rows import note_anomaly
from otmon.ledger.tables import MODBUS, Tables
from otmon.protocols.modbus import PORT, R_CRC, R_LENGTH, R_PROTOCOL_ID, READ_WRITE
from otmon.protocols.modbus_framing import (
    HEADER,
    MAX_LENGTH,
    MBAP,
    MORE,
    NO,
    RTU,
    mbap_size,
    plausible,
    recognise,
    rtu_frame,
    rtu_plausible,
    rtu_size,
)
from otmon.protocols.modbus_pdu import has_meaning, length_fits

CANDIDATE: Final = 0
"""`S_MODE` of a stream that may be Modbus; else MBAP or RTU."""
BAD_BYTES: Final = 2048
"""Bytes after which a candidate on Modbus's own port is no candidate any more."""
LONGEST: Final = 260
"""Bytes of the longest message: what is kept of a place where none was found."""
RTU_SEARCH: Final = 512
"""Places of one segment where a serial frame is looked for: each costs a CRC."""


@kernel
def frame_size(t: Tables, s: int, d: int, src: Bytes, p: int, end: int) -> int:
    """Bytes of the message that begins at `p`: 0 more are needed to tell, -1 none can begin here."""
    if t.streams[s, S_MODE] == RTU:
        return serial_size(src, p, end, d == t.streams[s, S_CLIENT])
    return mbap_size(src, p, end)


@kernel
def serial_size(src: Bytes, p: int, end: int, request: bool) -> int:
    """As `frame_size` for a serial frame: its CRC decides, should the roles be the other way."""
    more = False
    for k in range(2):
        size = rtu_size(src, p, end, request == (k == 0))
        if size < 0:
            size = end - p
        if size == 0 or (size > end - p and size <= 256):
            more = more or k == 0
        elif rtu_frame(src, p, min(p + size, end)) and p + size <= end:
            return size
    return 0 if more else -1


@kernel
def begins_message(t: Tables, s: int, src: Bytes, p: int, end: int) -> bool:
    """Whether a message can begin at `p`, for a stream that is out of step."""
    if t.streams[s, S_MODE] != RTU:
        return plausible(src, p, end, t.pdu) != 0
    for k in range(2):
        size = rtu_size(src, p, end, k == 0)
        if size >= 4 and p + size <= end and rtu_plausible(src, p, p + size, t.pdu) != 0:
            return True
    return False


@kernel
def begins_segment(t: Tables, s: int, d: int, src: Bytes, p: int, end: int) -> bool:
    """The same for the start of a segment, where messages mostly begin: there a length that leads
    to the segment's end or to another message is believed, whatever the message says."""
    if begins_message(t, s, src, p, end):
        return True
    if t.streams[s, S_MODE] == RTU or end - p < HEADER + 1 or u16be(src, p + 2) != 0:
        return False
    if t.streams[s, S_SYNC + d] == LOST_STEP and is_zeros(src, p, end):
        return False
    behind = p + 6 + u16be(src, p + 4)
    if behind < p + HEADER + 1 or behind > p + 6 + MAX_LENGTH:
        return False
    return behind == end or (behind < end and begins_message(t, s, src, behind, end))


@kernel
def is_zeros(src: Bytes, p: int, end: int) -> bool:
    """Whether the whole message ``src[p:end]`` has function 0, which does not exist: behind lost
    bytes it is the inside of another message, as these are full of zeros."""
    return end - p > HEADER and end - p == 6 + u16be(src, p + 4) and u8(src, p + HEADER) & 0x7F == 0


@kernel
def next_message(t: Tables, s: int, src: Bytes, p: int, end: int) -> int:
    """Where in ``src[p:end]`` the stream gets into step again, `end` if nowhere. Inside a segment
    a message must be followed by another or by the segment's end: data can look like a header."""
    serial = t.streams[s, S_MODE] == RTU
    stop = min(end - 3, p + RTU_SEARCH) if serial else end - HEADER
    for q in range(p, stop):
        if not begins_message(t, s, src, q, end):
            continue
        if serial:
            return q
        behind = q + 6 + u16be(src, q + 4)
        if behind == end or (behind < end and may_begin(t, s, src, behind, end)):
            return q
    return end


@kernel
def may_begin(t: Tables, s: int, src: Bytes, p: int, end: int) -> bool:
    """As `begins_message`, where a header that is cut is believed as far as it goes."""
    if end - p > HEADER:
        return begins_message(t, s, src, p, end)
    for i in range(p + 2, min(p + 5, end)):
        if u8(src, i) != 0:
            return False
    return end - p < 6 or 2 <= u8(src, p + 5) <= MAX_LENGTH


@kernel
def search(t: Tables, s: int, d: int, src: Bytes, p: int, end: int) -> int:
    """Get into step behind `p`, or keep as many bytes as the beginning of a message may have."""
    q = next_message(t, s, src, p, end)
    if q < end:
        t.streams[s, S_SYNC + d] = IN_STEP
        return q
    if t.streams[s, S_SYNC + d] == IN_STEP:
        t.streams[s, S_SYNC + d] = LOST_STEP
    return max(p, end - LONGEST)


@kernel
def bad_header(
    t: Tables, s: int, f: int, d: int, src: Bytes, p: int, end: int, packet: int, now: int, offset: int
) -> int:
    """A message cannot begin at `p` although the stream was in step: say why, and return where to
    go on. One wrong field does not silence the rest: a length that leads to a message or to the
    segment's end is believed."""
    if unsure(t, s, f):
        disown(t, s, f)
        return end
    tell_header(t, s, f, d, src, p, end, packet, now, offset)
    if t.streams[s, S_MODE] == MBAP:
        behind = p + 6 + u16be(src, p + 4)
        if behind == end or (behind < end and begins_message(t, s, src, behind, end)):
            if u16be(src, p + 2) != 0 and behind > p + HEADER and behind <= p + 6 + MAX_LENGTH:
                # Many servers do not look at it, and do what is asked.
                message(t, s, f, d, src, p, behind, packet, now, offset)
            return behind
    t.streams[s, S_SYNC + d] = BAD_STEP
    return search(t, s, d, src, p + 1, end)


@kernel
def tell_header(
    t: Tables, s: int, f: int, d: int, src: Bytes, p: int, end: int, packet: int, now: int, offset: int
) -> None:
    """Note what is wrong with the header at `p`."""
    client = max(t.streams[s, S_CLIENT], 0)
    if t.streams[s, S_MODE] == RTU:
        function = u8(src, p + 1) if end - p > 1 else -1
        note_anomaly(t, f, client, d, R_CRC, function, -1, -1, now, packet, offset)
        return
    if end - p < 6:
        return
    length = u16be(src, p + 4)
    function = u8(src, p + HEADER) & 0x7F if end - p > HEADER else -1
    if u16be(src, p + 2) != 0:
        note_anomaly(t, f, client, d, R_PROTOCOL_ID, function, u16be(src, p + 2), 0, now, packet, offset)
    if length < 2 or length > MAX_LENGTH:
        needed = 2 if length < 2 else MAX_LENGTH
        note_anomaly(t, f, client, d, R_LENGTH, function, length, needed, now, packet, offset)


@kernel
def has_other_protocol(src: Bytes, p: int, end: int) -> bool:
    """Whether ``src[p:end]`` is a request but for the protocol id in its header, which many servers do not
    look at."""
    if end - p < HEADER + 2 or u16be(src, p + 2) == 0 or u16be(src, p + 4) != end - p - 6:
        return False
    function, length = u8(src, p + HEADER), end - p - HEADER
    return bool(has_meaning(function) and length_fits(function, length, True))


@kernel
def settle(t: Tables, s: int, f: int, d: int, src: Bytes, p: int, end: int) -> int:
    """What a candidate turns out to be, from ``src[p:end]``. Returns where its first message
    begins; bytes up to there are done with. `S_MODE` and `S_BAD` tell the outcome."""
    key = t.flows[f, F_KEY]
    usual = (key >> 16) & 0xFFFF == PORT or (key >> 32) & 0xFFFF == PORT
    verdict = recognise(src, p, end, usual, t.pdu)
    if t.streams[s, S_SYNC + d] == LOST_STEP and is_zeros(src, p, end):
        verdict = NO
    q = p
    if verdict == NO and usual and has_other_protocol(src, p, end):
        verdict = MBAP
    if verdict == NO and not usual:
        t.streams[s, S_BAD] = BAD_BYTES
        return end
    if verdict == NO and t.streams[s, S_SYNC + d] == IN_STEP:
        # The connection began with something else; the next segment may begin otherwise.
        t.streams[s, S_BAD] += end - p
        return end
    if verdict == MORE and (not usual or t.streams[s, S_SYNC + d] == IN_STEP):
        return p
    if verdict == NO or verdict == MORE:
        q = search(t, s, d, src, p, end)
        if t.streams[s, S_SYNC + d] != IN_STEP:
            t.streams[s, S_BAD] += q - p
            return q
        verdict = MBAP
    t.streams[s, S_MODE] = verdict
    t.streams[s, S_SYNC + d] = IN_STEP
    t.flows[f, F_PROTOCOL] = t.used[MODBUS]
    if t.streams[s, S_CLIENT] < 0:
        shapes = plausible(src, q, end, t.pdu) if verdict == MBAP else rtu_plausible(src, q, end, t.pdu)
        choose_client(t, s, f, d, shapes)
    return q


@kernel
def unsure(t: Tables, s: int, f: int) -> bool:
    """Whether the stream may still turn out to be something else: other protocols end their frames
    with the same CRC, but answer in other ways."""
    if t.streams[s, S_MODE] != RTU or t.streams[s, S_ANSWERED] != 0:
        return False
    key = t.flows[f, F_KEY]
    return bool((key >> 16) & 0xFFFF != PORT and (key >> 32) & 0xFFFF != PORT)


@kernel
def disown(t: Tables, s: int, f: int) -> None:
    """The stream is none of Modbus after all: what waited for an answer was no request."""
    t.streams[s, S_PENDING] = 0
    t.streams[s, S_MODE] = CANDIDATE
    t.streams[s, S_BAD] = BAD_BYTES
    t.flows[f, F_PROTOCOL] = 0


@kernel
def step(
    t: Tables, s: int, f: int, d: int, src: Bytes, p: int, old: int, end: int,
    packet: int, now: int, offset: int,
) -> int:  # fmt: skip
    """Read one message at `p`, or find where one begins. Returns the position to go on from; `p`
    where more bytes are needed. Bytes up to `old` came with the packets before this one."""
    if t.streams[s, S_MODE] == CANDIDATE:
        q = settle(t, s, f, d, src, p, end)
        if q == end and p < old < end and t.streams[s, S_BAD] < BAD_BYTES:
            # What came before was none, and this segment may begin one.
            return old
        if q != p or t.streams[s, S_MODE] == CANDIDATE:
            return q
    elif t.streams[s, S_SYNC + d] >= LOST_STEP:
        q = search(t, s, d, src, p, end)
        if q != p or t.streams[s, S_SYNC + d] >= LOST_STEP:
            return q
    size = frame_size(t, s, d, src, p, end)
    if size < 0:
        return bad_header(t, s, f, d, src, p, end, packet, now, offset)
    if size == 0 or p + size > end:
        return p
    if unsure(t, s, f) and t.streams[s, S_CLIENT] >= 0:
        expected = 1 if d == t.streams[s, S_CLIENT] else 2
        if rtu_plausible(src, p, p + size, t.pdu) & expected == 0:
            disown(t, s, f)
            return end
    if p < old and (p + size <= old or t.streams[s, S_CARRY_PACKET + d] > packet):
        packet = t.streams[s, S_CARRY_PACKET + d]
        now = t.streams[s, S_CARRY_TIME + d]
        offset = t.streams[s, S_CARRY_OFFSET + d]
    message(t, s, f, d, src, p, p + size, packet, now, offset)
    return p + size


@kernel
def consume(
    t: Tables, s: int, f: int, d: int, src: Bytes, a: int, end: int, packet: int, now: int, offset: int
) -> None:
    """Read the new bytes ``src[a:end]`` of direction `d`, which continue the stream. A message
    belongs to the highest packet that holds a byte of it."""
    if t.streams[s, S_SYNC + d] >= LOST_STEP and begins_segment(t, s, d, src, a, end):
        t.streams[s, S_CARRIED + d] = 0
        if t.streams[s, S_MODE] != CANDIDATE:
            t.streams[s, S_SYNC + d] = IN_STEP
    bad = t.streams[s, S_SYNC + d] == BAD_STEP
    read_messages(t, s, f, d, src, a, end, packet, now, offset)
    if bad and t.streams[s, S_SYNC + d] == BAD_STEP:
        tell_header(t, s, f, d, src, a, end, packet, now, offset)


@kernel
def read_messages(
    t: Tables, s: int, f: int, d: int, src: Bytes, a: int, end: int, packet: int, now: int, offset: int
) -> None:
    """Read every message that ends in ``src[a:end]``, and carry what is left."""
    base = (s * 2 + d) * CARRY
    while a < end or t.streams[s, S_CARRIED + d] > 0:
        carried = t.streams[s, S_CARRIED + d]
        take = 0
        buf, p, old, stop = src, a, a, end
        if carried > 0:
            take = min(end - a, CARRY - carried)
            copy_bytes(t.carry, base + carried, src, a, take)
            buf, p, old, stop = t.carry[:], base, base + carried, base + carried + take
        q = step(t, s, f, d, buf, p, old, stop, packet, now, offset)
        if q > p:
            used = q - p
            if used >= carried:
                a += used - carried
                t.streams[s, S_CARRIED + d] = 0
            else:
                copy_bytes(t.carry, base, t.carry, base + used, carried - used)
                t.streams[s, S_CARRIED + d] = carried - used
            continue
        if carried == 0:
            take = min(end - a, CARRY)
            copy_bytes(t.carry, base, src, a, take)
        elif take == 0:
            # Nothing new to read, or no place for it: the message stays cut.
            if a < end:
                t.streams[s, S_CARRIED + d] = 0
                t.streams[s, S_SYNC + d] = LOST_STEP
            return
        t.streams[s, S_CARRIED + d] = carried + take
        if carried == 0 or packet > t.streams[s, S_CARRY_PACKET + d]:
            t.streams[s, S_CARRY_PACKET + d] = packet
            t.streams[s, S_CARRY_TIME + d] = now
            t.streams[s, S_CARRY_OFFSET + d] = offset
        a += take
        if a >= end:
            return


@kernel
def read_cut(t: Tables, s: int, f: int, d: int, missing: int, packet: int, now: int, offset: int) -> int:
    """Read the message that waits to be completed, if it ends within the `missing` bytes behind it that the
    capture left out, and has all that stands before its values: who asks whom for what, and that it was
    answered, are told by that. Returns how many of the missing bytes are its own."""
    carried = t.streams[s, S_CARRIED + d]
    if t.streams[s, S_MODE] != MBAP or t.streams[s, S_SYNC + d] != IN_STEP or carried < HEADER + 2:
        return 0
    base = (s * 2 + d) * CARRY
    size = mbap_size(t.carry, base, base + carried)
    if size <= carried or size - carried > missing:
        return 0
    function = u8(t.carry, base + HEADER)
    if d == t.streams[s, S_CLIENT] and carried < HEADER + (10 if function == READ_WRITE else 6):
        return 0
    for k in range(base + carried, base + size):
        t.carry[k] = 0
    t.streams[s, S_CARRIED + d] = 0
    t.counters[C_CUT_MESSAGES] += 1
    message(t, s, f, d, t.carry[:], base, base + size, packet, now, offset, False)
    return int(size - carried)


@kernel
def end_datagram(t: Tables, s: int, f: int, d: int, whole: bool, packet: int, now: int, offset: int) -> None:
    """A datagram holds whole messages: what is left of one that was captured `whole` has a wrong
    length."""
    carried = t.streams[s, S_CARRIED + d]
    if carried > 0 and t.streams[s, S_MODE] != CANDIDATE and whole:
        base = (s * 2 + d) * CARRY
        needed = u16be(t.carry, base + 4) if carried >= 6 and t.streams[s, S_MODE] == MBAP else -1
        client = max(t.streams[s, S_CLIENT], 0)
        note_anomaly(t, f, client, d, R_LENGTH, -1, carried, needed, now, packet, offset)
    t.streams[s, S_CARRIED + d] = 0
