"""Counting transactions and anomalies into the rows of `otmon.ledger.tables`."""

from __future__ import annotations

from otmon.decode.fields import C_ANOMALIES_EVICTED, C_OPERATIONS_EVICTED, PROTO_UDP
from otmon.decode.flows import F_A_HI, F_KEY, F_PROTOCOL, F_VLAN, begin_minute, mix
from otmon.decode.streams import S_CLIENT, S_ENDPOINT, S_HASH, S_OPERATION
from otmon.kernel import clear_row, copy_row, inlined, kernel
from otmon.ledger.course import SHORTEST_NS, WINDOWS
from otmon.ledger.facts import LONGEST_NS, MINUTE_NS, RESPONSE_BOUNDS_NS
from otmon.ledger.tables import (
    A_FIRST,
    A_LAST,
    A_NEEDED,
    A_OFFSET,
    A_PACKET,
    A_TIMES,
    A_VALUE,
    A_WHAT,
    ANOMALIES,
    CODES,
    FEW,
    FEW_BITS,
    FILL_ANOMALIES,
    FILL_OPERATIONS,
    HOUR_BIT,
    HOUR_COLUMN,
    MODBUS,
    NOTHING_READ,
    O_ANSWERED,
    O_BEFORE,
    O_BEGIN,
    O_CLIENT_HI,
    O_CLIENT_LO,
    O_END,
    O_ENDPOINT,
    O_FIRST,
    O_GAP,
    O_GAP_NOW,
    O_HOURS,
    O_LAST,
    O_MAX,
    O_MIN,
    O_MINUTE,
    O_NEXT,
    O_OFFSET,
    O_PACKET,
    O_RANGE,
    O_RESPONSES,
    O_SERVER_HI,
    O_SERVER_LO,
    O_SERVICE,
    O_SLOT,
    O_SUM,
    O_TIMES,
    O_WIDTH,
    O_WINDOW,
    OPERATION_ROWS,
    OPERATIONS,
    PROTOCOL_SHIFT,
    ROW_BITS,
    ROW_MASK,
    V_COLUMNS,
    V_GAP,
    V_RESPONSES,
    V_TIMES,
    WAYS,
    Tables,
)
from otmon.protocols.modbus import R_OVERLAP, R_URGENT


@kernel
def endpoint_of(t: Tables, f: int, client: int) -> int:
    """What tells conversations of the same two addresses apart: server port, tag, transport, family."""
    key = t.flows[f, F_KEY]
    port = (key >> 16 if client == 1 else key >> 32) & 0xFFFF
    udp = 1 if key & 0xFFFF == PROTO_UDP else 0
    six = 1 if (key >> 48) & 0xF == 6 else 0
    return int(port | (t.flows[f, F_VLAN] << 16) | (udp << 40) | (six << 41) | (1 << 42))


@inlined
def service_of(key: int, sub: int, status: int) -> int:
    """Unit, function, subfunction and outcome of a request with this `P_KEY`, as `O_SERVICE` keeps them."""
    return int(((key >> 8) & 0xFF) | ((key & 0xFF) << 8) | ((sub + 1) << 16) | ((status + 2) << 36))


@kernel
def note_operation(
    t: Tables, s: int, f: int, service: int, span: int, first: int, packet: int, offset: int, response_ns: int
) -> int:
    """Add one transaction to its operation. `response_ns` is below 0 where there was no response.
    Returns the operation's row."""
    client = t.streams[s, S_CLIENT]
    endpoint = t.streams[s, S_ENDPOINT]
    a = F_A_HI + 2 * client
    b = F_A_HI + 2 * (1 - client)
    i = followed(t, s, f, a, b, endpoint, service, span)
    if i < 0:
        i = operation_row(t, s, f, a, b, endpoint, service, span)
        follow(t, s, i if i >= 0 else -1 - i)
    if i < 0:
        i = -1 - i
        if t.operations[i, O_TIMES] != 0:
            t.counters[C_OPERATIONS_EVICTED] += 1
            copy_row(t.ended_operations, t.used[FILL_OPERATIONS], t.operations, i)
            if t.operations[i, O_TIMES] > 1:
                copy_row(t.ended_courses, t.used[FILL_OPERATIONS], t.courses, i)
            t.used[FILL_OPERATIONS] += 1
        clear_row(t.operations, i)
        if t.read_times[i] != 0:
            t.read_times[i] = NOTHING_READ
        t.operations[i, O_CLIENT_HI] = t.flows[f, a]
        t.operations[i, O_CLIENT_LO] = t.flows[f, a + 1]
        t.operations[i, O_SERVER_HI] = t.flows[f, b]
        t.operations[i, O_SERVER_LO] = t.flows[f, b + 1]
        t.operations[i, O_ENDPOINT] = endpoint
        t.operations[i, O_SERVICE] = service
        t.operations[i, O_RANGE] = span
        t.operations[i, O_FIRST] = first
        t.operations[i, O_LAST] = first
        t.operations[i, O_PACKET] = packet
        t.operations[i, O_OFFSET] = offset
    if t.operations[i, O_TIMES] > 0 and (first < t.operations[i, O_BEGIN] or first >= t.operations[i, O_END]):
        begin_window(t, i, first, packet, offset)
    t.operations[i, O_TIMES] += 1
    if first > t.operations[i, O_LAST]:
        t.operations[i, O_GAP_NOW] = max(t.operations[i, O_GAP_NOW], first - t.operations[i, O_LAST])
        t.operations[i, O_LAST] = first
    elif first < t.operations[i, O_FIRST]:
        t.operations[i, O_FIRST] = first
        t.operations[i, O_PACKET] = packet
        t.operations[i, O_OFFSET] = offset
    t.operations[i, O_HOURS + t.used[HOUR_COLUMN]] |= t.used[HOUR_BIT]
    if response_ns >= 0:
        if t.operations[i, O_ANSWERED] == 0 or response_ns < t.operations[i, O_MIN]:
            t.operations[i, O_MIN] = response_ns
        t.operations[i, O_MAX] = max(t.operations[i, O_MAX], response_ns)
        t.operations[i, O_SUM] += min(response_ns, LONGEST_NS - t.operations[i, O_SUM])
        place = response_place(response_ns)
        if place < len(RESPONSE_BOUNDS_NS):
            t.operations[i, O_RESPONSES] += 1 << FEW_BITS * place
            if t.operations[i, O_RESPONSES] >> FEW_BITS * place & FEW == FEW:
                count_responses(t, i)
        t.operations[i, O_ANSWERED] += 1
    return int(i)


@inlined
def row_named(name: int) -> int:
    """The row that `O_NEXT` or `S_OPERATION` names; the first one where they name none."""
    return max(abs(name), 1) - 1


@inlined
def followed(t: Tables, s: int, f: int, a: int, b: int, endpoint: int, service: int, span: int) -> int:
    """The row of the operation, if it is what the stream did next the last time, or what it did after that:
    one may be left out. -1 if it is not."""
    last = t.streams[s, S_OPERATION]
    before = row_named(last)
    i = before
    for _ in range(2):
        i = row_named(t.operations[i, O_NEXT])
        if is_operation(t, i, f, a, b, endpoint, service, span):
            if last > 0 and t.operations[before, O_NEXT] == -1 - i:
                t.operations[before, O_NEXT] = i + 1
            t.streams[s, S_OPERATION] = i + 1
            return int(i)
    return -1


@inlined
def follow(t: Tables, s: int, row: int) -> None:
    """The stream did another operation, of that row, than the last time. Once, that is between the others, as
    a write is; when it happens again before all went as it did, the others come another way now."""
    last = t.streams[s, S_OPERATION]
    before = row_named(last)
    if last > 0 and t.operations[before, O_NEXT] > 0:
        t.operations[before, O_NEXT] *= -1
        t.streams[s, S_OPERATION] = -last
        return
    if last > 0:
        t.operations[before, O_NEXT] = row + 1
    t.streams[s, S_OPERATION] = row + 1


@inlined
def is_operation(t: Tables, i: int, f: int, a: int, b: int, endpoint: int, service: int, span: int) -> bool:
    """Whether row `i` is that of an operation of the flow's two ends, columns `a` and `b` of it on."""
    return bool(
        t.operations[i, O_SERVICE] == service
        and t.operations[i, O_RANGE] == span
        and t.operations[i, O_ENDPOINT] == endpoint
        and t.operations[i, O_CLIENT_LO] == t.flows[f, a + 1]
        and t.operations[i, O_SERVER_LO] == t.flows[f, b + 1]
        and t.operations[i, O_CLIENT_HI] == t.flows[f, a]
        and t.operations[i, O_SERVER_HI] == t.flows[f, b]
    )


@kernel
def operation_row(t: Tables, s: int, f: int, a: int, b: int, endpoint: int, service: int, span: int) -> int:
    """The row of an operation; where there is none, the row to take, as its complement. Rows are taken one
    after the other, so that those of a plant lie close together: it would cost the processor a page of memory
    for each transaction to find them all over the table."""
    h = mix(mix(t.streams[s, S_HASH], service), span ^ endpoint)
    base = ((h >> ROW_BITS) & (OPERATIONS // WAYS - 1)) * WAYS
    places = t.operation_places
    for k in range(base, base + WAYS):
        if places[k] == 0:
            row = t.used[OPERATION_ROWS]
            t.used[OPERATION_ROWS] += 1
            places[k] = h >> ROW_BITS << ROW_BITS | (row + 1)
            return int(-1 - row)
        row = (places[k] & ROW_MASK) - 1
        if places[k] >> ROW_BITS == h >> ROW_BITS and is_operation(t, row, f, a, b, endpoint, service, span):
            return int(row)
    oldest = base
    for k in range(base + 1, base + WAYS):
        if last_use(t, k) < last_use(t, oldest):
            oldest = k
    row = (places[oldest] & ROW_MASK) - 1
    places[oldest] = h >> ROW_BITS << ROW_BITS | (row + 1)
    return int(-1 - row)


@inlined
def last_use(t: Tables, k: int) -> int:
    """When the operation was seen last whose row place `k` names."""
    return int(t.operations[(t.operation_places[k] & ROW_MASK) - 1, O_LAST])


@kernel
def response_place(response_ns: int) -> int:
    """Which of `RESPONSE_BOUNDS_NS` is the first one that holds a response time; their number for none."""
    # All are compared: where a search ends no processor can foretell.
    place = 0
    for bound in RESPONSE_BOUNDS_NS:
        place += response_ns > bound
    return place


@kernel
def count_responses(t: Tables, i: int) -> None:
    """Add the few answers of operation `i` that wait in `O_RESPONSES` to those of its course. More than one
    waits, so there is a course."""
    few = t.operations[i, O_RESPONSES]
    for place in range(len(RESPONSE_BOUNDS_NS)):
        t.courses[i, V_RESPONSES + place] += few >> FEW_BITS * place & FEW
    t.operations[i, O_RESPONSES] = 0


@kernel
def begin_window(t: Tables, i: int, now: int, packet: int, offset: int) -> None:
    """Close the window of operation `i` that went on, and begin that of a request at `now`, which is not
    counted yet; likewise the minute. Most operations are never seen again, and need neither."""
    ops = t.operations
    if ops[i, O_TIMES] == 1:
        clear_row(t.courses, i)
        ops[i, O_WINDOW] = ops[i, O_FIRST] // SHORTEST_NS
        minute = ops[i, O_FIRST] // MINUTE_NS + 1
        begin_minute(ops, i, O_MINUTE, minute, 0, ops[i, O_FIRST], ops[i, O_PACKET], ops[i, O_OFFSET])
    v = ops[i, O_SLOT] * V_COLUMNS
    for k, total in enumerate((O_TIMES, O_ANSWERED, O_SUM)):
        t.courses[i, v + k] += ops[i, total] - ops[i, O_BEFORE + k]
        ops[i, O_BEFORE + k] = ops[i, total]
    t.courses[i, v + V_GAP] = max(t.courses[i, v + V_GAP], ops[i, O_GAP_NOW])
    ops[i, O_GAP] = max(ops[i, O_GAP], ops[i, O_GAP_NOW])
    ops[i, O_GAP_NOW] = 0
    slot = (now // SHORTEST_NS >> ops[i, O_WIDTH]) - ops[i, O_WINDOW]
    if slot < 0 or slot >= WINDOWS:
        widen_course(t, i, now)
        slot = (now // SHORTEST_NS >> ops[i, O_WIDTH]) - ops[i, O_WINDOW]
    ops[i, O_SLOT] = slot
    minute = now // MINUTE_NS + 1
    if ops[i, O_MINUTE] != minute:
        begin_minute(ops, i, O_MINUTE, minute, ops[i, O_TIMES], now, packet, offset)
    window_ns = SHORTEST_NS << ops[i, O_WIDTH]
    begin = (ops[i, O_WINDOW] + slot) * window_ns
    ops[i, O_BEGIN] = max(begin, (minute - 1) * MINUTE_NS)
    ops[i, O_END] = min(begin + window_ns, minute * MINUTE_NS)


@kernel
def widen_course(t: Tables, i: int, now: int) -> None:
    """Double the width of the windows until the course holds `now` as well, as `otmon.ledger.course.width`
    has it."""
    low = min(t.operations[i, O_FIRST], now) // SHORTEST_NS
    high = max(t.operations[i, O_LAST], now) // SHORTEST_NS
    before = t.operations[i, O_WIDTH]
    width = before
    while (high >> width) - (low >> width) >= WINDOWS:
        width += 1
    copy_row(t.course, 0, t.courses, i)
    for k in range(WINDOWS * V_COLUMNS):
        t.courses[i, k] = 0
    for k in range(WINDOWS):
        if t.course[0, k * V_COLUMNS + V_TIMES] == 0:
            continue
        to = ((t.operations[i, O_WINDOW] + k) >> (width - before)) - (low >> width)
        for column in range(V_GAP):
            t.courses[i, to * V_COLUMNS + column] += t.course[0, k * V_COLUMNS + column]
        gap = to * V_COLUMNS + V_GAP
        t.courses[i, gap] = max(t.courses[i, gap], t.course[0, k * V_COLUMNS + V_GAP])
    t.operations[i, O_WIDTH] = width
    t.operations[i, O_WINDOW] = low >> width


@kernel
def note_anomaly(
    t: Tables, f: int, client: int, d: int, reason: int, function: int, value: int, needed: int,
    now: int, packet: int, offset: int,
) -> None:  # fmt: skip
    """Add one message that its protocol does not allow. `client` is the direction of requests."""
    endpoint = endpoint_of(t, f, client)
    code = t.flows[f, F_PROTOCOL] & (CODES - 1)
    if (reason == R_URGENT or reason == R_OVERLAP) and code != t.used[MODBUS]:
        endpoint |= code << PROTOCOL_SHIFT
    a = F_A_HI + 2 * client
    b = F_A_HI + 2 * (1 - client)
    what = reason | ((function + 1) << 8) | ((1 if d == client else 0) << 20)
    h = mix(mix(mix(mix(0, t.flows[f, a + 1]), t.flows[f, b + 1]), endpoint), what)
    base = ((h >> 16) & (ANOMALIES // WAYS - 1)) * WAYS
    victim = base
    i = -1
    for k in range(base, base + WAYS):
        if (
            t.anomalies[k, A_WHAT] == what
            and t.anomalies[k, O_ENDPOINT] == endpoint
            and t.anomalies[k, O_CLIENT_LO] == t.flows[f, a + 1]
            and t.anomalies[k, O_SERVER_LO] == t.flows[f, b + 1]
            and t.anomalies[k, O_CLIENT_HI] == t.flows[f, a]
            and t.anomalies[k, O_SERVER_HI] == t.flows[f, b]
        ):
            i = k
            break
        if t.anomalies[k, A_TIMES] == 0:
            if t.anomalies[victim, A_TIMES] != 0:
                victim = k
        elif t.anomalies[victim, A_TIMES] != 0 and t.anomalies[k, A_LAST] < t.anomalies[victim, A_LAST]:
            victim = k
    if i < 0:
        i = victim
        if t.anomalies[i, A_TIMES] != 0:
            t.counters[C_ANOMALIES_EVICTED] += 1
            copy_row(t.ended_anomalies, t.used[FILL_ANOMALIES], t.anomalies, i)
            t.used[FILL_ANOMALIES] += 1
        clear_row(t.anomalies, i)
        t.anomalies[i, O_CLIENT_HI] = t.flows[f, a]
        t.anomalies[i, O_CLIENT_LO] = t.flows[f, a + 1]
        t.anomalies[i, O_SERVER_HI] = t.flows[f, b]
        t.anomalies[i, O_SERVER_LO] = t.flows[f, b + 1]
        t.anomalies[i, O_ENDPOINT] = endpoint
        t.anomalies[i, A_WHAT] = what
        t.anomalies[i, A_FIRST] = now
        t.anomalies[i, A_LAST] = now
        t.anomalies[i, A_PACKET] = packet
        t.anomalies[i, A_OFFSET] = offset
        t.anomalies[i, A_VALUE] = value
        t.anomalies[i, A_NEEDED] = needed
    t.anomalies[i, A_TIMES] += 1
    if now > t.anomalies[i, A_LAST]:
        t.anomalies[i, A_LAST] = now
