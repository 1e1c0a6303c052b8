"""The tables that kernels fill: everything that is known of one source while it is read.

All are arrays of fixed size, so that no input can make memory grow. A full table moves its longest
idle row to the table of the same shape named ``ended_*``; the loop over packets stops when such a
table is nearly full, and Python takes its rows (`otmon.ledger.harvest.harvest`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from otmon.decode import ip
from otmon.decode.fields import (
    COUNTERS,
    FIELDS,
)
from otmon.decode.flows import DUPLICATES, F_COLUMNS, FLOWS
from otmon.decode.packet import USUAL
from otmon.decode.streams import CARRY, H_COLUMNS, HELD, HELD_BYTES, S_COLUMNS, STREAMS
from otmon.identity.registry import FIRST_PAYLOADS, IDS, LOG_IN_PAYLOADS
from otmon.kernel import inlined, kernel
from otmon.ledger.course import WINDOWS
from otmon.ledger.facts import HOUR_NS, HOURS, MINUTE_NS, MONDAY
from otmon.protocols.modbus import M_COLUMNS
from otmon.protocols.registry import PROTOCOLS, code_of

OPERATIONS: Final = 1 << 15
ANOMALIES: Final = 1 << 12
ASSETS: Final = 1 << 15
PENDING: Final = 64
"""Requests of one stream that wait for a response; the oldest gives way as unanswered."""
WAYS: Final = 4

ENDED: Final = 1 << 16
"""Rows of operations and anomalies that wait for Python."""
WRITTEN: Final = 1 << 13
"""Elements that a client writes to."""
KEPT: Final = 1 << 14
"""Elements whose value is at hand."""
ROW_BITS: Final = 16
"""Low bits of a number in `operation_places`: the row plus 1; above them are bits of the hash that tell one
operation from most others, and where its place is."""
ROW_MASK: Final = (1 << ROW_BITS) - 1
NOTHING_READ: Final = -1
"""Time of an operation's row in `read_rows` whose values belonged to another one."""
FLOW_PAYLOADS: Final = 128
"""Copied for log-ins of one direction of a flow: a name and a password typed key by key, or some tens of web
pages."""
KEPT_BYTES: Final = 256
"""Bytes of the values that a response can hold, and a few."""

ENDED_WRITTEN: Final = 1 << 13
ENDED_SENDERS: Final = 1 << 14
"""The same for assets, of which a packet can end two at most."""
ENDED_FLOWS: Final = 1 << 16
"""The same for flows: more, as many of one conversation that wait together become one fact."""
TRANSACTIONS: Final = 1 << 16
ROOM_WRITTEN: Final = 2_000
"""Coils or registers that one message can write at most; a packet of more messages may lose some."""
ROOM: Final = 28_000
"""Rows that one packet can add at most: the messages of a 64 KiB frame and of 64 held pieces."""

# Columns of an operation; the key is the first seven.
O_CLIENT_HI, O_CLIENT_LO, O_SERVER_HI, O_SERVER_LO, O_ENDPOINT, O_SERVICE, O_RANGE = range(7)
O_TIMES, O_FIRST, O_LAST, O_PACKET, O_OFFSET, O_SUM, O_MIN, O_MAX, O_ANSWERED = range(7, 16)
O_HOURS: Final = 16
"""As `otmon.decode.flows.F_HOURS`."""
HOURS_IN_COLUMN: Final = 56
"""Bits of a column that holds a set of numbers: no sign is among them."""
O_GAP_NOW: Final = 19
"""The longest gap in the window of its course that goes on."""
O_BEGIN: Final = 20
O_END: Final = 21
"""Times between which that window and the minute go on; none before it was seen twice."""
O_NEXT: Final = 22
"""Row, plus 1, of the operation that its stream did next the last time: a poll does the same ones again and
again. It may have become another's. Below 0 where something else has followed since, 0 where nothing has."""
O_RESPONSES: Final = 23
"""Of each of `otmon.ledger.facts.RESPONSE_BOUNDS_NS` four bits: answers that `V_RESPONSES` has not counted
yet. It lies beside what changes with each answer: columns there would cost a packet another cache line, and
each operation of a flood their room."""
O_OFTEN: Final = 24
"""Columns before it are looked at for each transaction, the others for few."""
O_GAP: Final = 24
"""Of the windows that are over."""
O_BEFORE: Final = 25
"""What O_TIMES, O_ANSWERED and O_SUM were when the window began."""
O_WINDOW: Final = 28
"""Which window since 1970, of that width, is the first one of its course."""
O_COURSE: Final = O_NEXT
"""Where its course is, in rows that were taken out of the tables (`otmon.ledger.harvest.rows`)."""
O_SLOT: Final = 29
"""Place of the window that goes on in its course."""
O_MINUTE: Final = 30
"""Its requests by the minute: the columns of `otmon.decode.flows.begin_minute`, once it was seen twice."""
O_WIDTH: Final = 39
"""Windows of its course last `SHORTEST_NS` << this."""
O_COLUMNS: Final = 40
"""Rows are whole cache lines."""

# Columns of a window of an operation's course.
V_TIMES, V_ANSWERED, V_SUM, V_GAP = range(4)
V_COLUMNS: Final = 4
V_RESPONSES: Final = WINDOWS * V_COLUMNS
"""Behind the windows of a course: the answers of its operation that were within each of
`otmon.ledger.facts.RESPONSE_BOUNDS_NS` and not within the one before."""
FEW_BITS: Final = 4
FEW: Final = (1 << FEW_BITS) - 1
"""The most that one place of `O_RESPONSES` holds: then all are counted there."""
COURSE_COLUMNS: Final = V_RESPONSES + 16
"""Some columns are spare: rows are whole cache lines."""

# Columns of an anomaly; the key is the first six.
A_WHAT: Final = 5
A_TIMES, A_FIRST, A_LAST, A_PACKET, A_OFFSET, A_VALUE, A_NEEDED = range(6, 13)
A_COLUMNS: Final = 14

# Columns of a written value; the key is the first six.
W_CLIENT_HI, W_CLIENT_LO, W_SERVER_HI, W_SERVER_LO, W_ENDPOINT, W_WHAT = range(6)
W_TIMES, W_FIRST, W_LAST, W_PACKET, W_OFFSET = range(6, 11)
W_EXTREMES: Final = 11
"""Smallest and largest value in each of four orders, each of `E_COLUMNS`."""
E_RANK, E_BEFORE, E_TIME, E_PACKET, E_OFFSET = range(5)
E_COLUMNS: Final = 5
ORDERS: Final = 4
"""Unsigned, signed, and both with the words the other way round; one register has the first two."""
W_STEPS: Final = W_EXTREMES + 2 * ORDERS * E_COLUMNS
"""The largest step in each of `STEPS` ways, each of `E_COLUMNS`; `E_RANK` holds the bits as written, and
`E_BEFORE` is UNSEEN_VALUE where there was no step."""
STEPS: Final = 8
"""Those of ORDERS, floating point with the words in either order, the first register unsigned and signed."""
W_CHANGES: Final = W_STEPS + STEPS * E_COLUMNS
"""The same for the largest change within a minute, each of `CHANGE_COLUMNS`: behind those of a step the
write with which it began."""
E_SINCE, E_SINCE_PACKET, E_SINCE_OFFSET = range(5, 8)
CHANGE_COLUMNS: Final = 8
W_REPEATED: Final = W_CHANGES + STEPS * CHANGE_COLUMNS
"""Writes of what the element held."""
W_COLUMNS: Final = 160
UNSEEN_VALUE: Final = -1

# W_WHAT: unit | address << 8 | coil << 24 | two registers << 25
COIL_BIT: Final = 24
PAIR_BIT: Final = 25

KEPT_COLUMNS: Final = 12
"""Of a value that is at hand; they are named in `otmon.ledger.modbus.written`."""
POINTS: Final = 24
"""Values that an element held in the last minute and a half, of each width a dozen at least."""
POINT_COLUMNS: Final = 4

# Columns of an asset; the key is the first four.
X_MAC, X_HI, X_LO, X_PLACE, X_PACKETS, X_BYTES, X_FIRST, X_LAST, X_PACKET, X_OFFSET, X_ARP = range(11)
X_OFTEN: Final = 8
"""Columns before it are looked at for each packet."""
X_ASKED: Final = 11
"""Last octets asked for by ARP: bit *n* % 56 of column *n* // 56."""
ASKED_COLUMNS: Final = 5
X_RATES: Final = 16
"""Of each of `otmon.ledger.facts.RATES`: the second, what was sent in it, the most so far, and in
which second."""
X_TOLD_HOUR, X_TOLD = 36, 37
X_OPENED, X_OPENINGS = 38, 39
"""How it opened a TCP connection last, and the hour with the number of those that were copied in it."""
X_PORT, X_SWITCH_HI, X_SWITCH_LO = 40, 41, 42
"""The switch port where its frames came in, and who mirrored them; 0 where nothing told. Part of the key."""
X_COLUMNS: Final = 48

OPENINGS, DATAGRAMS, BROADCASTS, ARP_PACKETS, REQUESTS = range(5)
"""Places in `otmon.ledger.facts.RATES`."""
SECOND_NS: Final = 1_000_000_000
TO_ALL: Final = (1 << 48) - 1
"""The MAC address of all."""
ARP: Final = 0x0806

# Columns of a request that waits.
P_KEY, P_TIME, P_PACKET, P_OFFSET, P_RANGE, P_SUB, P_WRITES, P_ORDER = range(8)
P_COLUMNS: Final = 8
"""Elements are as in `O_RANGE` (`element_range`), those that it writes besides -1 where there are none: a
request is one cache line."""

PROTOCOL_SHIFT: Final = 43
"""Where the code of a protocol other than Modbus is in `O_ENDPOINT` of an anomaly."""

# What is kept of a transaction: the table is written out by columns, and lies so.
T_TIME, T_CLIENT_HI, T_CLIENT_LO, T_CLIENT_PORT, T_SERVER_HI, T_SERVER_LO, T_SERVER_PORT = range(7)
T_PLACE, T_UNIT, T_ID, T_FUNCTION, T_SUB, T_ADDRESS, T_COUNT, T_EXCEPTION = range(7, 15)
T_REQUEST, T_RESPONSE, T_RESPONSE_NS = range(15, 18)
T_COLUMNS: Final = 18
TRANSACTIONS_WIDTH: Final = TRANSACTIONS + 8
"""A cache line more than can be used: at a distance of a power of two all columns would share one place in a
cache."""

# Columns of a copied payload, behind those of its flow at that moment.
G_WAY, G_TIME, G_PACKET, G_OFFSET, G_SEQ, G_ACK, G_LENGTH, G_AT, G_KEPT = range(F_COLUMNS, F_COLUMNS + 9)
G_MAC, G_MARK = F_COLUMNS + 9, F_COLUMNS + 10
"""The last is `otmon.ledger.copying.messages.mark_of`, 0 where it is not asked for."""
G_COLUMNS: Final = F_COLUMNS + 11
SERVER_NAMES: Final = 1 << 12
"""Names for which servers were asked, and in which hour (`otmon.ledger.copying.server_names`)."""
ASKERS: Final = 1 << 12
"""Directions of flows of which writes are counted: one row each, which two of very many flows may share."""
Y_FLOW, Y_SECOND, Y_COUNT, Y_NUMBERS = range(4)
"""Twice the flow's row, its direction and 1; the second of the clock and the writes copied in it; the numbers
of what waits for an answer, as bits."""
MESSAGES: Final = 1 << 12
MESSAGE_BYTES: Final = 2048
"""Bytes kept of one payload: a full frame, and less than one that the card put together of many."""
MESSAGE_DATA: Final = 1 << 22
# Columns of a message with a command, or of any before it, that the next segment goes on with: direction and
# flow, sequence numbers of that segment and behind the message, bytes that are there, and their time.
U_FLOW, U_NEXT, U_BEHIND, U_HELD, U_TIME = range(5)
CUTS: Final = 1 << 10
CUT_BYTES: Final = 2_048
COMMAND_STREAMS: Final = CUTS // 2
"""Flows whose segments are put in order; the rows of `cuts` behind the first `CUTS` are theirs."""
PIECES: Final = 1 << 8
"""Rows of `cuts` behind those, for flows that speak something else so far."""
SPARE: Final = 2 * CUTS + PIECES
"""The last row of `cuts`, for what is read twice."""
URGENT_PLACES: Final = 1 << 6
"""Flows and directions of which an urgent pointer leads to a later segment: a number and that of the byte."""
CODES: Final = 256
"""Codes of protocols."""

# Rows used of each table in `Tables.used`.
FILL_FLOWS, FILL_ASSETS, FILL_OPERATIONS, FILL_ANOMALIES, FILL_TRANSACTIONS = range(5)
WANT_TRANSACTIONS: Final = 5
"""1 where transactions are to be written out."""
MODBUS: Final = 6
"""Code of Modbus in the registry of protocols."""
LAST_TIME, FILL_WRITTEN = 7, 8
"""The latest packet time; rows of written values."""
READ_ROWS: Final = 13
"""How many operations are in `read_rows`: those that have kept values, in any order."""
MINUTE_BEGIN, MINUTE_END = 9, 10
"""The minute of the packet before, in nanoseconds since 1970."""
HOUR_COLUMN, HOUR_BIT = 11, 12
"""Where that hour of the week is in `F_HOURS` and `O_HOURS`."""
FILL_MESSAGES, FILL_OCTETS = 14, 15
"""Bytes used of `message_data`."""
COPY_SECOND: Final = 16
"""The second of the clock whose copied payloads and bytes the next two count."""
COPY_PAYLOADS, COPY_BYTES = 17, 18
MINUTE: Final = 19
"""The number of that minute since 1970, from 1."""
CLAIM_PAYLOADS, CLAIM_BYTES = 20, 21
"""As the last but two, for payloads that are copied for claims."""
QUESTIONS, COMMANDS = 22, 23
"""Questions to name servers, and payloads with commands, of that second that were copied."""
OPERATION_ROWS: Final = 24
"""Rows of `operations` that were taken, from the first one on."""
ROW: Final = 25
"""Which of `Tables.rows` is that of the packet whose turn it is."""
LOOKED: Final = 26
"""Bytes of payloads that were looked through for log-ins in that second."""
WRITES: Final = 27
"""As `COMMANDS`, for writes."""
LOOKAHEAD: Final = 16
"""Packets whose headers are read before the first of them is counted (`otmon.ledger.packets.lookahead`).
`Tables.rows` has two rows more: for a packet whose headers are read in its turn, and for the tunnel around
one."""
OUTER: Final = LOOKAHEAD + 1

_INT: Final = np.int64
_FIELDS: Final = [
    ("rows", _INT, (OUTER + 1, FIELDS)),
    ("pdu", _INT, (M_COLUMNS,)),
    ("counters", _INT, (COUNTERS,)),
    ("uncounted", _INT, (COUNTERS,)),
    ("used", _INT, (32,)),
    ("recent", _INT, (DUPLICATES, 4)),
    ("slots", _INT, (ip.SLOTS, ip.COLUMNS)),
    ("tags", _INT, (FLOWS,)),
    ("flows", _INT, (FLOWS, F_COLUMNS)),
    ("assets", _INT, (ASSETS, X_COLUMNS)),
    ("streams", _INT, (STREAMS, S_COLUMNS)),
    ("pending", _INT, (STREAMS * PENDING, P_COLUMNS)),
    ("held", _INT, (HELD, H_COLUMNS)),
    ("operation_places", _INT, (OPERATIONS,)),
    ("operations", _INT, (OPERATIONS, O_COLUMNS)),
    ("courses", _INT, (OPERATIONS, COURSE_COLUMNS)),
    ("course", _INT, (1, COURSE_COLUMNS)),
    ("anomalies", _INT, (ANOMALIES, A_COLUMNS)),
    ("written", _INT, (WRITTEN, W_COLUMNS)),
    ("kept", _INT, (KEPT, KEPT_COLUMNS)),
    ("points", _INT, (KEPT, POINTS * POINT_COLUMNS)),
    ("read_times", _INT, (OPERATIONS,)),
    ("read_rows", _INT, (OPERATIONS,)),
    ("read_keys", _INT, (OPERATIONS,)),
    ("read_last", _INT, (ROOM_WRITTEN,)),
    ("ended_flows", _INT, (ENDED_FLOWS, F_COLUMNS)),
    ("ended_assets", _INT, (ENDED_SENDERS, X_COLUMNS)),
    ("ended_operations", _INT, (ENDED, O_COLUMNS)),
    ("ended_courses", _INT, (ENDED, COURSE_COLUMNS)),
    ("ended_anomalies", _INT, (ENDED, A_COLUMNS)),
    ("ended_written", _INT, (ENDED_WRITTEN, W_COLUMNS)),
    ("transactions", _INT, (T_COLUMNS, TRANSACTIONS_WIDTH)),
    ("messages", _INT, (MESSAGES, G_COLUMNS)),
    ("cuts", _INT, (SPARE + 1, 8)),
    ("urgent", _INT, (URGENT_PLACES, 2)),
    ("command_streams", _INT, (COMMAND_STREAMS, S_COLUMNS)),
    ("asked", _INT, (ASKERS, 4)),
    ("server_names", _INT, (SERVER_NAMES, 2)),
    ("early", _INT, (HELD, H_COLUMNS)),
    ("listed", _INT, (CODES,)),
    ("tells", _INT, (CODES,)),
    ("listed_ports", np.uint8, (2 << 16,)),
    ("datagrams", np.uint8, (ip.SLOTS * ip.DATAGRAM,)),
    ("units", np.uint8, (ip.SLOTS, ip.DATAGRAM // ip.UNIT)),
    ("carry", np.uint8, (STREAMS * 2 * CARRY,)),
    ("read_values", np.uint8, (OPERATIONS * KEPT_BYTES,)),
    ("held_data", np.uint8, (HELD * HELD_BYTES,)),
    ("message_data", np.uint8, (MESSAGE_DATA,)),
    ("cut_data", np.uint8, ((SPARE + 1) * CUT_BYTES,)),
    ("early_data", np.uint8, (HELD * HELD_BYTES,)),
    ("spliced", np.uint8, (MESSAGE_BYTES,)),
]
_LINE: Final = 64
"""Bytes of a cache line: each table begins at one, so that rows lie across as few as they can."""


def _layout() -> np.dtype[np.void]:
    names, formats, offsets = [], [], []
    at = 0
    for name, kind, shape in _FIELDS:
        field = np.dtype((kind, shape))
        names.append(name)
        formats.append(field)
        offsets.append(at)
        at += -(-field.itemsize // _LINE) * _LINE
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": at})


_LAYOUT: Final = _layout()

ROOMS: Final = (
    (FILL_FLOWS, ENDED_FLOWS - 2),
    (FILL_ASSETS, ENDED_SENDERS - 2),
    (FILL_OPERATIONS, ENDED - 2 * ROOM),
    (FILL_ANOMALIES, ENDED - 2 * ROOM),
    (FILL_WRITTEN, ENDED_WRITTEN - ROOM_WRITTEN),
    (FILL_MESSAGES, MESSAGES),
    (FILL_OCTETS, MESSAGE_DATA - MESSAGE_BYTES + 1),
)
"""Of each table of ended rows: how many may be taken when another packet comes."""

Tables = np.record
"""All tables of one source as one record: kernels get a single pointer, and know every shape when
they are compiled. The system gives its memory page by page, as rows are used."""


def new_tables(modbus: int, transactions: bool) -> Tables:
    """Empty tables; `modbus` is the protocol's code."""
    memory = np.zeros(_LAYOUT.itemsize + _LINE, np.uint8)
    first = -memory.ctypes.data % _LINE
    tables: Tables = memory[first : first + _LAYOUT.itemsize].view(_LAYOUT).view(np.recarray)[0]
    tables.used[WANT_TRANSACTIONS] = transactions
    tables.used[MODBUS] = modbus
    for column, value in USUAL:
        tables.rows[:LOOKAHEAD, column] = value
    for name in sorted(set(IDS) - set(FIRST_PAYLOADS)):
        one = code_of(name)
        tables.listed[one] = LOG_IN_PAYLOADS.get(name, FLOW_PAYLOADS)
        for udp, ports in enumerate((PROTOCOLS[one - 1].tcp_ports, PROTOCOLS[one - 1].udp_ports)):
            for port in ports:
                tables.listed_ports[udp << 16 | port] = 1
    for name, payloads in FIRST_PAYLOADS.items():
        tables.tells[code_of(name)] = payloads
    return tables


@lru_cache(maxsize=1 << 10)
def bits_of(columns: tuple[int, ...]) -> int:
    """The numbers in columns of `HOURS_IN_COLUMN` bits each as one set: bit *n* for number *n*. Facts of one
    hour share theirs."""
    bits = 0
    for number, column in enumerate(columns):
        bits |= column << number * HOURS_IN_COLUMN
    return bits


@kernel
def set_minute(t: Tables, now: int) -> None:
    """The minute, and the hour of the week from Monday 00:00 UTC, in which `now` lies."""
    minute = now // MINUTE_NS
    t.used[MINUTE_BEGIN] = minute * MINUTE_NS
    t.used[MINUTE_END] = (minute + 1) * MINUTE_NS
    t.used[MINUTE] = minute + 1
    hour = now // HOUR_NS
    of_week = (hour + MONDAY) % HOURS
    t.used[HOUR_COLUMN] = of_week // HOURS_IN_COLUMN
    t.used[HOUR_BIT] = 1 << (of_week % HOURS_IN_COLUMN)


@inlined
def pending_row(s: int, k: int) -> int:
    """Where the request at place `k` of stream `s` is. The first places of all streams lie side by side, as
    most streams have one request that waits: with those of one stream so, each would have a page of memory
    for itself, and all of them the same place in a cache."""
    return k * STREAMS + s


@inlined
def element_range(address: int, count: int) -> int:
    """The elements of a request as one number of 37 bits; either may be -1 for none."""
    return ((address + 1) << 20) | (count + 1)


@inlined
def has_room(t: Tables) -> bool:
    """Whether the rows that one more packet can end have a place."""
    for column, limit in ROOMS:
        if t.used[column] >= limit:
            return False
    return bool(t.used[WANT_TRANSACTIONS] == 0 or t.used[FILL_TRANSACTIONS] < TRANSACTIONS - ROOM)
