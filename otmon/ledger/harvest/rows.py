"""Rows of the tables, taken out of them, so that facts can be made while the tables go on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from otmon.decode.fields import PROTO_UDP
from otmon.decode.flows import F_A_HI, F_COLUMNS, F_KEY, F_PACKETS, F_VLAN, MOST, TOTAL_BEFORE
from otmon.decode.streams import S_CLIENT, S_FLOW, S_PENDING, STREAMS
from otmon.kernel import Bytes, Ints
from otmon.ledger.course import NOTHING, SHORTEST_NS, WINDOWS, Window
from otmon.ledger.facts import HOUR_NS, HOURS, MONDAY, RESPONSE_BOUNDS_NS, Busiest, Evidence
from otmon.ledger.fast_init import of_columns
from otmon.ledger.tables import (
    A_COLUMNS,
    A_TIMES,
    ANOMALIES,
    ASSETS,
    COURSE_COLUMNS,
    FEW,
    FEW_BITS,
    FILL_ANOMALIES,
    FILL_ASSETS,
    FILL_FLOWS,
    FILL_MESSAGES,
    FILL_OCTETS,
    FILL_OPERATIONS,
    FILL_WRITTEN,
    G_COLUMNS,
    HOURS_IN_COLUMN,
    O_ANSWERED,
    O_BEFORE,
    O_CLIENT_HI,
    O_CLIENT_LO,
    O_COLUMNS,
    O_COURSE,
    O_ENDPOINT,
    O_FIRST,
    O_GAP_NOW,
    O_HOURS,
    O_LAST,
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
    P_KEY,
    P_OFFSET,
    P_PACKET,
    P_RANGE,
    P_SUB,
    P_TIME,
    P_WRITES,
    PROTOCOL_SHIFT,
    ROOMS,
    V_COLUMNS,
    V_GAP,
    V_RESPONSES,
    V_TIMES,
    W_COLUMNS,
    W_TIMES,
    WRITTEN,
    X_COLUMNS,
    X_PACKETS,
    Tables,
)
from otmon.ledger.texts import address_text, vlan_text
from otmon.protocols.registry import PROTOCOLS

_Made = TypeVar("_Made")
Marks = npt.NDArray[np.bool_]
"""Of each row of a table whether it is meant."""
SLICE: Final = 1 << 12
"""Rows that are copied, or become facts, at a time: as lists of numbers they take ten times their place."""
LISTED: Final = 1 << 9
"""Rows that are lists at a time."""
FEW_ROWS: Final = 128
"""Of fewer rows it takes longer to find those that are equal than to look at each."""
WIDTHS: Final = (F_COLUMNS, X_COLUMNS, O_COLUMNS, COURSE_COLUMNS, W_COLUMNS, A_COLUMNS, G_COLUMNS)
"""Columns of the fields of `Rows`; the last field is bytes."""
FIELDS: Final = {
    "anomalies": "anomalies", "written": "written", "operations": "operations", "assets": "assets",
    "conversations": "flows",
}  # fmt: skip
"""Which field of `Rows` has the rows of a kind of fact."""
MODBUS: Final = "modbus"
"""The one protocol whose operations kernels count, in rows."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the tables, copied out of them: facts can be made of them while the tables go on."""

    flows: Ints
    assets: Ints
    operations: Ints
    courses: Ints
    """Of operations that were seen more than once: where, is in their `O_COURSE`."""
    written: Ints
    anomalies: Ints
    messages: Ints
    """Copied payloads, whose bytes are in `octets` (`otmon.ledger.dialogues.dialogues`); none of rows in
    use."""
    octets: Bytes

    @property
    def entries(self) -> dict[str, int]:
        """How many there are of each table; requests that wait count as operations."""
        return {
            "flows": len(self.flows),
            "assets": len(self.assets),
            "operations": len(self.operations),
            "written": len(self.written),
            "anomalies": len(self.anomalies),
        }

    def __len__(self) -> int:
        parts = self.assets, self.operations, self.written, self.anomalies, self.messages
        return len(self.flows) + sum(map(len, parts))


def ended_rows(t: Tables) -> Rows:
    """All ended rows, which are free again afterwards."""
    used = t.used
    ended = slice(used[FILL_OPERATIONS])
    rows = Rows(
        t.ended_flows[: used[FILL_FLOWS]].copy(),
        t.ended_assets[: used[FILL_ASSETS]].copy(),
        *operations_of(t.ended_operations[ended], t.ended_courses[ended]),
        t.ended_written[: used[FILL_WRITTEN]].copy(),
        t.ended_anomalies[: used[FILL_ANOMALIES]].copy(),
        *_messages_of(t),
    )
    used[: FILL_ANOMALIES + 1] = 0
    used[FILL_WRITTEN] = 0
    return rows


def rows_in_the_way(t: Tables) -> Rows:
    """What must leave the tables so that they have room again: the copied payloads alone where these need it,
    nothing where only transactions did, else all ended rows. Facts of many rows at once are fewer, and most
    of their joins are done by numpy."""
    full = {column for column, most in ROOMS if t.used[column] >= most}
    if full & {FILL_MESSAGES, FILL_OCTETS}:
        return messages_alone(t)
    return ended_rows(t) if full else no_rows()


def no_rows() -> Rows:
    """Rows with none of any kind in them."""
    flows, assets, operations, courses, written, anomalies, messages = (
        np.zeros((0, width), np.int64) for width in WIDTHS
    )
    none = np.zeros(0, np.uint8)
    return Rows(flows, assets, operations, courses, written, anomalies, messages, none)


def messages_alone(t: Tables) -> Rows:
    """The copied payloads, whose places are free again afterwards; everything else stays where it is."""
    messages, octets = _messages_of(t)
    return replace(no_rows(), messages=messages, octets=octets)


def _messages_of(t: Tables) -> tuple[Ints, Bytes]:
    """Copies of the copied payloads and of their bytes, whose places are free again."""
    used = t.used
    taken = t.messages[: used[FILL_MESSAGES]].copy(), t.message_data[: used[FILL_OCTETS]].copy()
    used[FILL_MESSAGES] = 0
    used[FILL_OCTETS] = 0
    return taken


def slices_in_use(t: Tables) -> Iterator[Rows]:
    """All rows that are in use at the end of a source, when no request waits any more, at most `SLICE` of
    each kind at a time. Where no row was ever taken nothing is read, so that the system gives no memory for
    it."""
    rest = no_rows()
    flows = np.flatnonzero(t.tags)
    taken = t.used[OPERATION_ROWS]
    for begin in range(0, max(len(flows), ASSETS, ANOMALIES, WRITTEN, taken), SLICE):
        part = slice(begin, begin + SLICE)
        assets, written, anomalies = t.assets[part], t.written[part], t.anomalies[part]
        operations, courses = operations_of(t.operations[:taken][part], t.courses[:taken][part])
        yield replace(
            rest,
            flows=t.flows[flows[part]],
            assets=assets[assets[:, X_PACKETS] > 0],
            operations=operations,
            courses=courses,
            written=written[written[:, W_TIMES] > 0],
            anomalies=anomalies[anomalies[:, A_TIMES] > 0],
        )


def rows_in_use(t: Tables, wanted: Callable[[str, Ints, Marks], Marks] = lambda _, __, used: used) -> Rows:
    """All rows that are still in use, as they stand now; requests that wait for their answer among them, as
    a command that nobody answers must be told at once. `wanted` may choose fewer, given the kind of fact that
    a table's rows become, the table, and which rows of it are in use."""
    operations, courses = t.operations[: t.used[OPERATION_ROWS]], t.courses[: t.used[OPERATION_ROWS]]
    asked = wanted("operations", operations, operations[:, O_TIMES] > 0)
    operations, courses = operations_of(operations, courses, asked)
    return Rows(
        t.flows[wanted("conversations", t.flows, t.tags != 0)],
        t.assets[wanted("assets", t.assets, t.assets[:, X_PACKETS] > 0)],
        np.concatenate((operations, waiting_requests(t))),
        courses,
        t.written[wanted("written", t.written, t.written[:, W_TIMES] > 0)],
        t.anomalies[wanted("anomalies", t.anomalies, t.anomalies[:, A_TIMES] > 0)],
        t.messages[:0].copy(),
        t.message_data[:0].copy(),
    )


def operations_of(operations: Ints, courses: Ints, wanted: Marks | None = None) -> tuple[Ints, Ints]:
    """Copies of the rows that are in use, or of those that are wanted, and of the courses that they have."""
    used = operations[:, O_TIMES] > 0 if wanted is None else wanted
    several = used & (operations[:, O_TIMES] > 1)
    taken = operations[used]
    place = np.arange(np.count_nonzero(several))
    taken[taken[:, O_TIMES] > 1, O_COURSE] = place
    # The window that goes on is not in the course yet, nor are the latest answers.
    rows, windows = operations[several], courses[several]
    at = rows[:, O_SLOT] * V_COLUMNS
    for k, total in enumerate((O_TIMES, O_ANSWERED, O_SUM)):
        windows[place, at + k] += rows[:, total] - rows[:, O_BEFORE + k]
    few = rows[:, O_RESPONSES, None] >> FEW_BITS * np.arange(len(RESPONSE_BOUNDS_NS)) & FEW
    windows[:, V_RESPONSES : V_RESPONSES + len(RESPONSE_BOUNDS_NS)] += few
    windows[place, at + V_GAP] = np.maximum(windows[place, at + V_GAP], rows[:, O_GAP_NOW])
    return taken, windows


def waiting_requests(t: Tables) -> Ints:
    """The requests that were not answered yet, as rows of operations that are open at the end."""
    streams = np.flatnonzero((t.streams[:, S_FLOW] != 0) & (t.streams[:, S_PENDING] > 0))
    counts = t.streams[streams, S_PENDING]
    s = np.repeat(streams, counts)
    n = np.arange(len(s))
    asked = t.pending[(n - np.repeat(np.cumsum(counts) - counts, counts)) * STREAMS + s]
    flow, client = t.flows[t.streams[s, S_FLOW] - 1], t.streams[s, S_CLIENT]
    key = flow[:, F_KEY]
    # As `otmon.ledger.operation_rows` has them.
    port = np.where(client == 1, key >> 16, key >> 32) & 0xFFFF
    udp, six = key & 0xFFFF == PROTO_UDP, key >> 48 & 0xF == 6
    what = asked[:, P_KEY]
    rows = np.zeros((len(s), O_COLUMNS), np.int64)
    for high, low, side in ((O_CLIENT_HI, O_CLIENT_LO, client), (O_SERVER_HI, O_SERVER_LO, 1 - client)):
        rows[:, high], rows[:, low] = flow[n, F_A_HI + 2 * side], flow[n, F_A_HI + 2 * side + 1]
    rows[:, O_ENDPOINT] = port | flow[:, F_VLAN] << 16 | np.where(udp, 1 << 40, 0) | np.where(six, 1 << 41, 0)
    rows[:, O_ENDPOINT] |= 1 << 42
    rows[:, O_SERVICE] = (what >> 8 & 0xFF) | (what & 0xFF) << 8 | (asked[:, P_SUB] + 1) << 16
    rows[:, O_RANGE] = asked[:, P_RANGE]
    rows[:, O_TIMES] = 1
    rows[:, O_FIRST] = rows[:, O_LAST] = asked[:, P_TIME]
    rows[:, O_PACKET], rows[:, O_OFFSET] = asked[:, P_PACKET], asked[:, P_OFFSET]
    hour = (asked[:, P_TIME] // HOUR_NS + MONDAY) % HOURS
    rows[n, O_HOURS + hour // HOURS_IN_COLUMN] = 1 << hour % HOURS_IN_COLUMN
    both = asked[:, P_WRITES] >= 0
    writes = rows[both]
    writes[:, O_SERVICE] |= 1 << 34
    writes[:, O_RANGE] = asked[both, P_WRITES]
    return np.concatenate((rows, writes))


_ONE_ANSWER: Final = (*((0,) * place + (1,) for place in range(len(RESPONSE_BOUNDS_NS))), ())
"""`Operation.response_counts` of one answer by its place."""


def counts_of_one(response_ns: int) -> tuple[int, ...]:
    """As `Operation.response_counts`, of one answer."""
    return _ONE_ANSWER[bisect_left(RESPONSE_BOUNDS_NS, response_ns)]


def response_counts_of(rows: Ints, courses: Ints) -> list[tuple[int, ...]]:
    """As `Operation.response_counts`, of operations' rows."""
    found: list[tuple[int, ...]] = [()] * len(rows)
    answered = rows[:, O_ANSWERED] > 0
    once = np.flatnonzero(answered & (rows[:, O_TIMES] == 1))
    for at, response_ns in zip(once.tolist(), rows[once, O_SUM].tolist(), strict=True):
        found[at] = counts_of_one(response_ns)
    several = np.flatnonzero(answered & (rows[:, O_TIMES] > 1))
    counts = courses[rows[several, O_COURSE], V_RESPONSES : V_RESPONSES + len(RESPONSE_BOUNDS_NS)]
    # None ends with 0.
    lengths = ((counts > 0) * np.arange(1, len(RESPONSE_BOUNDS_NS) + 1)).max(axis=1)
    for at, every, length in zip(several.tolist(), counts.tolist(), lengths.tolist(), strict=True):
        found[at] = tuple(every[:length])
    return found


_ASKED_ONCE: Final[tuple[Window, ...]] = (Window(1, 0, 0, 0),)


def courses_of(rows: Ints, courses: Ints) -> list[tuple[Window, ...]]:
    """As `Operation.course`, of operations' rows. What many share is one value: a window of nothing, and the
    course of one request that nobody answered."""
    found = [_ASKED_ONCE] * len(rows)
    once = np.flatnonzero((rows[:, O_TIMES] == 1) & (rows[:, O_ANSWERED] > 0))
    for at, answered, sum_ns in zip(
        once.tolist(), *rows[once][:, [O_ANSWERED, O_SUM]].T.tolist(), strict=True
    ):
        found[at] = (Window(1, answered, sum_ns, 0),)
    several = np.flatnonzero(rows[:, O_TIMES] > 1)
    some = rows[several]
    lengths = (some[:, O_LAST] // SHORTEST_NS >> some[:, O_WIDTH]) - some[:, O_WINDOW] + 1
    every = courses[some[:, O_COURSE], :V_RESPONSES].reshape(len(some), WINDOWS, V_COLUMNS)
    columns = every[np.arange(WINDOWS) < lengths[:, None]]
    windows = list(map(tuple.__new__, repeat(Window), zip(*columns.T.tolist(), strict=True)))
    for at in np.flatnonzero(columns[:, V_TIMES] == 0).tolist():
        windows[at] = NOTHING
    end = 0
    for at, length in zip(several.tolist(), lengths.tolist(), strict=True):
        begin, end = end, end + length
        found[at] = tuple(windows[begin:end])
    return found


def evidence_of(columns: Ints, source: str) -> list[Evidence]:
    """The evidence in columns of times, packet numbers and byte offsets of a source."""
    times, packets, offsets = columns.T.tolist()
    # As the class makes them, without a call of Python for each.
    return list(map(tuple.__new__, repeat(Evidence), zip(times, repeat(source), packets, offsets)))


_BUSIEST: Final = of_columns(Busiest)


def busiest_of(found: Ints, begins: Ints, evidence: list[Evidence]) -> Iterator[Busiest]:
    """The busiest minutes of facts: count, time, packet, offset. `begins` has time, number and offset of
    `evidence`, the first packet of each: where the minute began with that, one value is kept and not two that
    are equal."""
    shown = evidence.copy()
    others = np.flatnonzero((found[:, 1:3] != begins[:, :2]).any(axis=1))
    source = evidence[0].source if evidence else ""
    for at, seen in zip(others.tolist(), evidence_of(found[others, 1:], source), strict=True):
        shown[at] = seen
    return _BUSIEST(found[:, 0].tolist(), shown)


def minutes_of(columns: Ints, totals: Ints) -> Ints:
    """The busiest minute in columns of `otmon.decode.flows.begin_minute`, the one that goes on among them:
    count, time, packet, offset. `totals` is what was counted in all."""
    last, before = columns[:, TOTAL_BEFORE:MOST].copy(), columns[:, MOST:]
    last[:, 0] = totals - last[:, 0]
    found: Ints = np.where(last[:, :1] > before[:, :1], last, before)
    return found


def order_of(keys: Ints, *later: Ints) -> Ints:
    """The order of rows by their keys, then by other columns, the last of these first."""
    # Columns of one value, as half of them have where all are of IPv4, tell nothing.
    telling = keys.T[(keys != keys[:1]).any(axis=0)]
    order: Ints = np.lexsort((*later, *telling[::-1])) if len(telling) or later else np.arange(len(keys))
    return order


def by_runs(of: Callable[..., _Made], columns: Ints) -> list[_Made]:
    """What a function gives for the numbers of each row: it is called once for a run of equal rows."""
    if len(columns) < FEW_ROWS:
        return list(map(of, *columns.T.tolist()))
    fresh = np.append(True, (columns[1:] != columns[:-1]).any(axis=1))
    made = list(map(of, *columns[fresh].T.tolist()))
    return list(map(made.__getitem__, (np.cumsum(fresh) - 1).tolist()))


def lists_of(rows: Ints) -> Iterator[list[int]]:
    """Each row as a list, made some at a time: as lists of numbers rows take ten times their place."""
    for begin in range(0, len(rows), LISTED):
        yield from rows[begin : begin + LISTED].tolist()


def by_kind(rows: Rows) -> dict[str, Rows]:
    """The rows of facts, one kind at a time, the largest last."""
    none = no_rows()
    return {
        "anomalies": replace(none, anomalies=rows.anomalies),
        "written": replace(none, written=rows.written),
        "operations": replace(none, operations=rows.operations, courses=rows.courses),
        "assets": replace(none, assets=rows.assets),
        "conversations": replace(none, flows=rows.flows),
    }


def chosen(rows: Rows, kind: str, wanted: Marks) -> Rows:
    """The rows, but of one kind of fact only those that are wanted."""
    table: Ints = getattr(rows, FIELDS[kind])[wanted]
    if kind != "operations":
        its: Any = {FIELDS[kind]: table}
        return replace(rows, **its)
    several = table[:, O_TIMES] > 1
    courses = rows.courses[table[several, O_COURSE]]
    table[several, O_COURSE] = np.arange(len(courses))
    return replace(rows, operations=table, courses=courses)


def together(parts: Sequence[Rows]) -> Rows:
    """The rows of facts of all parts, as one."""
    if len(parts) == 1:
        return parts[0]
    kinds: Any = {field: np.concatenate([getattr(one, field) for one in parts]) for field in FIELDS.values()}
    courses = np.concatenate([one.courses for one in parts])
    begins = np.cumsum([0, *(len(one.courses) for one in parts)])[:-1]
    operations = kinds["operations"]
    several = operations[:, O_TIMES] > 1
    operations[several, O_COURSE] += np.repeat(begins, [len(one.operations) for one in parts])[several]
    return replace(no_rows(), **kinds, courses=courses)


def amounts_of(rows: Rows) -> dict[str, int]:
    """What `Ledger.overflow` says of rows that never become facts."""
    packets = rows.flows[:, F_PACKETS] + rows.flows[:, F_PACKETS + 1]
    amounts = {
        "conversations": packets,
        "assets": rows.assets[:, X_PACKETS],
        "operations": rows.operations[:, O_TIMES],
        "written": rows.written[:, W_TIMES],
        "anomalies": rows.anomalies[:, A_TIMES],
        "credentials": np.ones(len(rows.messages), np.int64),
    }
    return {kind: total for kind, amount in amounts.items() if (total := int(amount.sum()))}


def parties_of(rows: Ints) -> Iterator[Sequence[Any]]:
    """Columns of clients, servers, transports, ports, protocols and VLANs, of rows of operations, written
    values or anomalies."""
    families = np.where(rows[:, O_ENDPOINT] >> 41 & 1, 6, 4)
    for end in (O_CLIENT_HI, O_SERVER_HI):
        yield by_runs(address_text, np.column_stack([families, rows[:, end : end + 2]]))
    yield from zip(*by_runs(_endpoint, rows[:, O_ENDPOINT, None]), strict=True)


@lru_cache(maxsize=1 << 10)
def _endpoint(endpoint: int) -> tuple[str, int, str, str]:
    """transport, port, protocol, vlan: the same few for all facts."""
    transport = "udp" if endpoint >> 40 & 1 else "tcp"
    code = endpoint >> PROTOCOL_SHIFT
    protocol = PROTOCOLS[code - 1].id if code else MODBUS
    return transport, endpoint & 0xFFFF, protocol, vlan_text(endpoint >> 16 & 0xFFFFFF)
