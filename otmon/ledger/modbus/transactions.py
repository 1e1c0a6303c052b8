"""From the messages of a Modbus stream to transactions: who asks, who answers, and what.

A request waits in its stream's list until its response comes (`otmon.ledger.modbus.matching`). A response
that does not fit what was asked for is a fact of its own.

Contract: the message that a kernel is about has been read into `Tables.pdu`.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.fields import (
    ACK,
    C_OPEN_AT_END,
    C_STREAMS_EVICTED,
    C_TRANSACTIONS,
    C_UNANSWERED,
    C_UNMATCHED,
    SRC_LO,
)
from otmon.decode.flows import (
    CLIENT,
    CLIENT_A,
    CLIENT_B,
    CLOSED,
    F_A_HI,
    F_A_LO,
    F_ASSET,
    F_ISN,
    F_KEY,
    F_STATE,
    F_STREAM,
    F_VLAN,
    FIRST_B,
    ROLE,
    ROLE_FIRST,
    ROLE_PORT,
    ROLE_PROTOCOL,
    ROLE_SHIFT,
    hash_of,
    mix,
    set_client,
)
from otmon.decode.streams import (
    S_ANSWERED,
    S_CLIENT,
    S_ENDPOINT,
    S_FLOW,
    S_GAPS,
    S_GOOD,
    S_HANDSHAKE,
    S_HASH,
    S_HELD,
    S_LAST,
    S_MODE,
    S_NEXT,
    S_ORDER,
    S_PENDING,
    S_SYNC,
    S_WRITES,
    STREAM_WAYS,
    STREAMS,
    UNSEEN,
    WRITES,
    distance,
    forget,
)
from otmon.identity.registry import FIRST_PAYLOADS
from otmon.kernel import Bytes, clear_row, copy_row, inlined, kernel, u8, u16be
from otmon.ledger.asset_rows import count_rate
from otmon.ledger.copying.messages import copy_claim
from otmon.ledger.facts import ACKNOWLEDGE
from otmon.ledger.modbus.matching import expected_bytes, request_of
from otmon.ledger.modbus.written import keep_read, note_values, take_back
from otmon.ledger.operation_rows import endpoint_of, note_anomaly, note_operation, service_of
from otmon.ledger.tables import (
    FILL_TRANSACTIONS,
    LAST_TIME,
    P_KEY,
    P_OFFSET,
    P_ORDER,
    P_PACKET,
    P_RANGE,
    P_SUB,
    P_TIME,
    P_WRITES,
    PENDING,
    REQUESTS,
    ROW,
    T_ADDRESS,
    T_CLIENT_HI,
    T_CLIENT_LO,
    T_CLIENT_PORT,
    T_COUNT,
    T_EXCEPTION,
    T_FUNCTION,
    T_ID,
    T_PLACE,
    T_REQUEST,
    T_RESPONSE,
    T_RESPONSE_NS,
    T_SERVER_HI,
    T_SERVER_LO,
    T_SERVER_PORT,
    T_SUB,
    T_TIME,
    T_UNIT,
    WANT_TRANSACTIONS,
    X_LO,
    Tables,
    element_range,
    pending_row,
)
from otmon.protocols.modbus import (
    M_ADDRESS,
    M_BYTES,
    M_COUNT,
    M_EXCEPTION,
    M_FUNCTION,
    M_NEEDED,
    M_REASON,
    M_SUB,
    M_VALUE,
    M_WRITE_ADDRESS,
    M_WRITE_COUNT,
    MASK_WRITE,
    PORT,
    R_MISMATCH,
    R_OK,
    R_UNMATCHED,
    READ_WRITE,
)
from otmon.protocols.modbus_framing import HEADER, RTU, plausible, rtu_plausible
from otmon.protocols.modbus_pdu import parse_request, parse_response

OPEN_NS: Final = 10_000_000_000
"""A request this close to the end of the capture may have been answered after it."""

WRITING: Final = (5, 6, 15, 16, MASK_WRITE, READ_WRITE)
"""Functions whose requests hold values."""
IDENTIFYING: Final = (17, 43)
"""Functions whose responses say what the device is."""
TELLS_MODBUS: Final = FIRST_PAYLOADS["modbus"]

UNANSWERED, OPEN = -1, -2


@kernel
def new_stream(t: Tables, f: int, now: int) -> int:
    """The stream of flow `f`: a free row, or the longest idle one's of its set after ending that."""
    base = (mix(f, 0) % (STREAMS // STREAM_WAYS)) * STREAM_WAYS
    s = base
    for i in range(base, base + STREAM_WAYS):
        if t.streams[i, S_FLOW] == 0:
            s = i
            break
        if t.streams[i, S_LAST] < t.streams[s, S_LAST]:
            s = i
    if t.streams[s, S_FLOW] != 0:
        t.counters[C_STREAMS_EVICTED] += 1
        other = t.streams[s, S_FLOW] - 1
        t.flows[other, F_ISN] = -1
        t.flows[other, F_ISN + 1] = -1
        end_stream(t, s, False)
    clear_row(t.streams, s)
    t.streams[s, S_FLOW] = f + 1
    t.streams[s, S_LAST] = now
    t.streams[s, S_CLIENT] = -1
    t.streams[s, S_SYNC] = UNSEEN
    t.streams[s, S_SYNC + 1] = UNSEEN
    t.flows[f, F_STREAM] = s
    return s


@kernel
def end_stream(t: Tables, s: int, at_end: bool) -> None:
    """Finish its requests and free the row. `at_end`: the capture ended, not the connection."""
    f = t.streams[s, S_FLOW] - 1
    drop_requests(t, s, f, at_end and t.flows[f, F_STATE] & CLOSED == 0)
    forget(t.streams, s, t.held)
    t.streams[s, S_FLOW] = 0
    t.flows[f, F_STREAM] = -1


@kernel
def drop_requests(t: Tables, s: int, f: int, may_be_open: bool) -> None:
    """End every request that still waits, oldest first."""
    while t.streams[s, S_PENDING] > 0:
        oldest = oldest_request(t, s)
        status = UNANSWERED
        if may_be_open and t.used[LAST_TIME] - t.pending[pending_row(s, oldest), P_TIME] < OPEN_NS:
            status = OPEN
        finish(t, s, f, oldest, status, -1, 0)


@kernel
def oldest_request(t: Tables, s: int) -> int:
    """The place in the list of the request that has waited longest; there is one."""
    oldest = 0
    for k in range(1, t.streams[s, S_PENDING]):
        if t.pending[pending_row(s, k), P_ORDER] < t.pending[pending_row(s, oldest), P_ORDER]:
            oldest = k
    return oldest


@kernel
def finish(t: Tables, s: int, f: int, k: int, status: int, now: int, packet: int) -> int:
    """End request `k` of the stream: its operation, its transaction, its place in the list. Returns what
    `note_operation` does.
    `now` and `packet` are the response's, below 0 and 0 where there was none; `status` is the
    exception code, or says why there is no response."""
    i = pending_row(s, k)
    key = t.pending[i, P_KEY]
    time = t.pending[i, P_TIME]
    took = max(now - time, 0) if now >= 0 else -1
    if status == OPEN:
        t.counters[C_OPEN_AT_END] += 1
    elif status == UNANSWERED:
        t.counters[C_UNANSWERED] += 1
    elements = t.pending[i, P_RANGE]
    sub = t.pending[i, P_SUB]
    count_transaction(t, s, f, time, key, sub, elements, max(status, 0), t.pending[i, P_PACKET], packet, took)
    service = service_of(key, sub, status)
    row = -1
    for half in range(2 if t.pending[i, P_WRITES] >= 0 else 1):
        if half == 1:
            elements = t.pending[i, P_WRITES]
        row = note_operation(
            t, s, f, service | (half << 34), elements, time, t.pending[i, P_PACKET], t.pending[i, P_OFFSET],
            took,
        )  # fmt: skip
    last = t.streams[s, S_PENDING] - 1
    if k != last:
        copy_row(t.pending, i, t.pending, pending_row(s, last))
    t.streams[s, S_PENDING] = last
    return row


@inlined
def count_transaction(
    t: Tables, s: int, f: int, time: int, key: int, sub: int, elements: int, exception: int,
    request: int, response: int, took: int,
) -> None:  # fmt: skip
    """Count it, and write it out where that is wanted."""
    t.counters[C_TRANSACTIONS] += 1
    if t.used[WANT_TRANSACTIONS] != 0:
        write_transaction(t, s, f, time, key, sub, elements, exception, request, response, took)


@kernel
def write_transaction(
    t: Tables, s: int, f: int, time: int, key: int, sub: int, elements: int, exception: int,
    request: int, response: int, took: int,
) -> None:  # fmt: skip
    """One row for `--transactions`; `elements` is an `element_range`, packet numbers are 0 where there is no
    such packet."""
    n = t.used[FILL_TRANSACTIONS]
    t.used[FILL_TRANSACTIONS] = n + 1
    c = t.streams[s, S_CLIENT]
    flow = t.flows[f, F_KEY]
    port_a = (flow >> 16) & 0xFFFF
    port_b = (flow >> 32) & 0xFFFF
    out = t.transactions
    out[T_TIME, n] = time
    out[T_CLIENT_HI, n] = t.flows[f, F_A_HI + 2 * c]
    out[T_CLIENT_LO, n] = t.flows[f, F_A_LO + 2 * c]
    out[T_SERVER_HI, n] = t.flows[f, F_A_HI + 2 - 2 * c]
    out[T_SERVER_LO, n] = t.flows[f, F_A_LO + 2 - 2 * c]
    out[T_CLIENT_PORT, n] = port_b if c == 1 else port_a
    out[T_SERVER_PORT, n] = port_a if c == 1 else port_b
    out[T_PLACE, n] = t.flows[f, F_VLAN] | ((flow & 0xFFFF) << 24) | (((flow >> 48) & 0xF) << 40)
    out[T_UNIT, n] = (key >> 8) & 0xFF
    # A serial frame inside TCP has no transaction id: it is -1, and 0 in the key.
    out[T_ID, n] = (key >> 16) - 1
    out[T_FUNCTION, n] = key & 0xFF
    out[T_SUB, n] = sub
    out[T_ADDRESS, n] = (elements >> 20) - 1
    out[T_COUNT, n] = (elements & 0xFFFFF) - 1
    out[T_EXCEPTION, n] = exception
    out[T_REQUEST, n] = request
    out[T_RESPONSE, n] = response
    out[T_RESPONSE_NS, n] = took


@kernel
def choose_client(t: Tables, s: int, f: int, d: int, shapes: int) -> None:
    """Say in which direction requests go, from what is surest: the flow's handshake, the usual
    port, the message's shape, the lower port, and last the first packet."""
    state = t.flows[f, F_STATE]
    key = t.flows[f, F_KEY]
    port_a = (key >> 16) & 0xFFFF
    port_b = (key >> 32) & 0xFFFF
    if state & CLIENT == 0:
        if (port_a == PORT) != (port_b == PORT):
            set_client(t.flows, f, 0 if port_b == PORT else 1, ROLE_PROTOCOL)
        elif shapes == 1 or shapes == 2:
            set_client(t.flows, f, d if shapes == 1 else 1 - d, ROLE_PROTOCOL)
        elif min(port_a, port_b) < 1024 and port_a != port_b:
            set_client(t.flows, f, 0 if port_b < port_a else 1, ROLE_PORT)
        else:
            set_client(t.flows, f, 1 if state & FIRST_B else 0, ROLE_FIRST)
    set_requester(t, s, f, 0 if t.flows[f, F_STATE] & CLIENT == CLIENT_A else 1)


@kernel
def set_requester(t: Tables, s: int, f: int, client: int) -> None:
    """Requests go in direction `client`; what tells the conversation from others goes with it."""
    t.streams[s, S_CLIENT] = client
    t.streams[s, S_ENDPOINT] = endpoint_of(t, f, client)
    a = F_A_HI + 2 * client
    b = F_A_HI + 2 * (1 - client)
    h = mix(mix(mix(0, t.flows[f, a]), t.flows[f, a + 1]), t.flows[f, b + 1])
    t.streams[s, S_HASH] = mix(h, t.flows[f, b])


@kernel
def check_roles(t: Tables, s: int, f: int, d: int, shapes: int) -> None:
    """Turn the roles when the message contradicts them: a guess may have been wrong, and some devices
    connect to their master, who then asks. What only looks wrong for a request turns no handshake."""
    if t.streams[s, S_CLIENT] < 0:
        choose_client(t, s, f, d, shapes)
    seen = 1 if d == t.streams[s, S_CLIENT] else 2
    guessed = (t.flows[f, F_STATE] & ROLE) >> ROLE_SHIFT < ROLE_PROTOCOL
    fresh = t.streams[s, S_GOOD] == 0 and t.streams[s, S_PENDING] == 0
    key = t.flows[f, F_KEY]
    ports = (key >> 16) & 0xFFFF, (key >> 32) & 0xFFFF
    contradicts = shapes == 1 or (ports[d] == PORT and ports[1 - d] != PORT)
    if shapes in (1, 2) and shapes != seen and (guessed or (fresh and contradicts)):
        client = d if shapes == 1 else 1 - d
        drop_requests(t, s, f, False)
        t.flows[f, F_STATE] &= ~(CLIENT | ROLE)
        t.flows[f, F_STATE] |= (CLIENT_B if client else CLIENT_A) | (ROLE_PROTOCOL << ROLE_SHIFT)
        set_requester(t, s, f, client)


@kernel
def message(
    t: Tables, s: int, f: int, d: int, src: Bytes, p: int, end: int, packet: int, now: int, offset: int,
    seen: bool = True,
) -> None:  # fmt: skip
    """The whole message ``src[p:end]`` of a stream or datagram, in the stream's framing. Not `seen`: of its
    values none is known, only what stands before them."""
    serial = t.streams[s, S_MODE] == RTU
    if t.streams[s, S_GOOD] == 0 or (t.flows[f, F_STATE] & ROLE) >> ROLE_SHIFT < ROLE_PROTOCOL:
        shapes = rtu_plausible(src, p, end, t.pdu) if serial else plausible(src, p, end, t.pdu)
        if u8(src, p + 1 if serial else p + HEADER) & 0x80:
            # However wrong it is otherwise: no request has this bit.
            shapes = 2
        check_roles(t, s, f, d, shapes)
    client = t.streams[s, S_CLIENT]
    first = p + 1 if serial else p + HEADER
    stop = end - 2 if serial else end
    if d == client:
        parse_request(src, first, stop, t.pdu)
    else:
        parse_response(src, first, stop, t.pdu)
    if t.pdu[M_REASON] == R_OK:
        t.streams[s, S_GOOD] += 1
    elif seen:
        note_anomaly(
            t, f, client, d, t.pdu[M_REASON], t.pdu[M_FUNCTION], t.pdu[M_VALUE], t.pdu[M_NEEDED],
            now, packet, offset,
        )  # fmt: skip
    if t.pdu[M_FUNCTION] < 0:
        return
    unit = u8(src, p) if serial else u8(src, p + 6)
    transaction = 0 if serial else u16be(src, p) + 1
    key = (transaction << 16) | (unit << 8) | (t.pdu[M_FUNCTION] & 0xFF)
    sound = seen and t.pdu[M_REASON] == R_OK
    if d == client:
        if t.streams[s, S_PENDING] == PENDING:
            finish(t, s, f, oldest_request(t, s), UNANSWERED, -1, 0)
        elements, writes = element_range(t.pdu[M_ADDRESS], t.pdu[M_COUNT]), -1
        if t.pdu[M_WRITE_ADDRESS] >= 0:
            writes = element_range(t.pdu[M_WRITE_ADDRESS], t.pdu[M_WRITE_COUNT])
        ask(t, s, f, key, elements, t.pdu[M_SUB], writes, packet, now, offset)
        if sound and t.pdu[M_FUNCTION] in WRITING:
            remember_write(t, s, hash_of(src, p, end))
            note_values(t, s, f, unit, src, first, packet, now, offset)
        return
    i = answer(t, s, f, d, key, packet, now, offset, seen)
    own = t.rows[t.used[ROW], SRC_LO] == t.flows[f, F_A_LO + 2 * d]
    if sound and own and t.pdu[M_FUNCTION] in IDENTIFYING and t.pdu[M_EXCEPTION] == 0:
        copy_claim(t, f, d, src, first, stop, stop - first, TELLS_MODBUS, packet, now, offset)
    if i >= 0 and sound and t.pdu[M_FUNCTION] in (1, 3) and t.pdu[M_EXCEPTION] == 0:
        keep_read(t, i, src, first + 2, stop - first - 2, now)


@kernel
def remember_write(t: Tables, s: int, written: int) -> None:
    """Keep the hash of a request that writes among the newest ones of its stream."""
    for k in range(S_WRITES + WRITES - 1, S_WRITES, -1):
        t.streams[s, k] = t.streams[s, k - 1]
    t.streams[s, S_WRITES] = written


@inlined
def ask(
    t: Tables,
    s: int,
    f: int,
    key: int,
    elements: int,
    sub: int,
    writes: int,
    packet: int,
    now: int,
    offset: int,
) -> None:
    """The request begins to wait; there is room for it. `elements` and `writes`, -1 for none, are of
    `element_range`."""
    n = t.streams[s, S_PENDING]
    i = pending_row(s, n)
    t.streams[s, S_PENDING] = n + 1
    t.streams[s, S_ORDER] += 1
    t.pending[i, P_KEY] = key
    t.pending[i, P_TIME] = now
    t.pending[i, P_PACKET] = packet
    t.pending[i, P_OFFSET] = offset
    t.pending[i, P_RANGE] = elements
    t.pending[i, P_SUB] = sub
    t.pending[i, P_WRITES] = writes
    t.pending[i, P_ORDER] = t.streams[s, S_ORDER]
    client = t.streams[s, S_CLIENT]
    x = t.flows[f, F_ASSET + client]
    # A piece that had to wait may come when the row is another sender's.
    if x >= 0 and t.assets[x, X_LO] == t.flows[f, F_A_LO + 2 * client]:
        count_rate(t, x, REQUESTS, now)


@inlined
def answer(
    t: Tables, s: int, f: int, d: int, key: int, packet: int, now: int, offset: int, seen: bool
) -> int:
    """The response ends the request that it belongs to. Returns the row of its operation, -1 where
    it answers none that fits. `seen` as in `message`."""
    k = request_of(t.streams, t.pending, t.pdu, s, key)
    if k == -1:
        unmatched(t, s, f, d, key, packet, now, offset)
        return -1
    fitting = k >= 0
    if not fitting:
        k = -2 - k
    if not fitting and seen:
        value, needed = t.pdu[M_BYTES], expected_bytes(t.pending, pending_row(s, k))
        if value < 0:
            value, needed = t.pdu[M_ADDRESS], (t.pending[pending_row(s, k), P_RANGE] >> 20) - 1
        note_anomaly(t, f, 1 - d, d, R_MISMATCH, key & 0xFF, value, needed, now, packet, offset)
    t.streams[s, S_ANSWERED] = 1
    exception = t.pdu[M_EXCEPTION]
    if exception != 0 and exception != ACKNOWLEDGE and key & 0xFF in WRITING:
        i = pending_row(s, k)
        elements = t.pending[i, P_WRITES if key & 0xFF == READ_WRITE else P_RANGE]
        address, count = (elements >> 20) - 1, (elements & 0xFFFFF) - 1
        take_back(t, s, f, (key >> 8) & 0xFF, key & 0xFF, address, count, t.pending[i, P_ORDER])
    row = finish(t, s, f, k, exception, now, packet)
    return row if fitting else -1


@kernel
def unmatched(t: Tables, s: int, f: int, d: int, key: int, packet: int, now: int, offset: int) -> None:
    """A response whose request was not seen. Where nothing was lost that is a fact of its own: not
    when its packet acknowledges more than the capture has."""
    t.counters[C_UNMATCHED] += 1
    function = key & 0xFF
    exception, sub = t.pdu[M_EXCEPTION], t.pdu[M_SUB]
    elements = element_range(t.pdu[M_ADDRESS], t.pdu[M_COUNT])
    count_transaction(t, s, f, now, key, sub, elements, exception, 0, packet, -1)
    note_operation(t, s, f, service_of(key, sub, exception), elements, now, packet, offset, -1)
    held = t.streams[s, S_HELD] + t.streams[s, S_HELD + 1]
    ahead = distance(t.rows[t.used[ROW], ACK], t.streams[s, S_NEXT + 1 - d])
    if t.streams[s, S_HANDSHAKE] and t.streams[s, S_GAPS] == 0 and held == 0 and ahead <= 0:
        note_anomaly(t, f, 1 - d, d, R_UNMATCHED, function, (key >> 16) - 1, -1, now, packet, offset)
