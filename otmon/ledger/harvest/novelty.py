"""What is new among the rows of the tables: a sensor asks several times a second, and judges only then.

A row's *identity* is what makes its fact a different or a graver one: who, how, and how high its peaks are,
in powers of two (of four for a flow's busiest minute). What changes all the time in a plant that polls is not
in it: counts and times, the client's port, and a request that waits for its answer as many did before.
"""

from __future__ import annotations

from typing import Final

from otmon.decode.flows import (
    CLIENT,
    CLIENT_A,
    F_A_HI,
    F_A_LO,
    F_B_HI,
    F_B_LO,
    F_KEY,
    F_MINUTE,
    F_PACKETS,
    F_PROTOCOL,
    F_STATE,
    F_TRIES,
    F_TUNNEL,
    F_VLAN,
    FLOWS,
    MOST,
    RESET,
    ROLE,
    SPOKE_A,
    TOTAL_BEFORE,
    mix,
)
from otmon.decode.streams import S_CLIENT, S_FLOW, S_PENDING, STREAMS
from otmon.kernel import Ints, kernel
from otmon.ledger.facts import RATES
from otmon.ledger.operation_rows import endpoint_of
from otmon.ledger.tables import (
    A_TIMES,
    A_WHAT,
    ANOMALIES,
    ASKED_COLUMNS,
    ASSETS,
    CHANGE_COLUMNS,
    E_COLUMNS,
    E_RANK,
    FILL_ANOMALIES,
    FILL_ASSETS,
    FILL_FLOWS,
    FILL_OPERATIONS,
    FILL_WRITTEN,
    O_CLIENT_HI,
    O_RANGE,
    O_SERVICE,
    OPERATION_ROWS,
    ORDERS,
    P_KEY,
    P_RANGE,
    P_SUB,
    P_WRITES,
    STEPS,
    W_CHANGES,
    W_CLIENT_HI,
    W_EXTREMES,
    W_TIMES,
    W_WHAT,
    WRITTEN,
    X_ASKED,
    X_HI,
    X_LO,
    X_MAC,
    X_PACKETS,
    X_PLACE,
    X_PORT,
    X_RATES,
    X_SWITCH_HI,
    X_SWITCH_LO,
    Tables,
    pending_row,
)

KNOWN: Final = 1 << 19
"""Identities that are remembered: more than all tables have rows. The oldest of a full set gives way, and is
new when it comes again."""
KNOWN_WAYS: Final = 8

_ASKED: Final = (1 << 36) - 1
"""Of O_SERVICE all but how it was answered."""
_WRITES: Final = 1 << 34
_RATES: Final = len(RATES)

_FLOW, _ASSET, _OPERATION, _WRITTEN, _ANOMALY = range(1, 6)


@kernel
def note_new(t: Tables, known: Ints, secret: int) -> int:
    """Remember in `known`, int64[KNOWN], 0 where it is empty, the identities of all rows, of those that have
    ended and still wait among them. Returns how many were not known. Identities are made from a number that
    is `secret`: whoever knew it could send what is taken for something known."""
    new = 0
    for f in range(FLOWS):
        if t.tags[f] != 0:
            new += is_unknown(known, flow_identity(t.flows, f, secret))
    for f in range(t.used[FILL_FLOWS]):
        new += is_unknown(known, flow_identity(t.ended_flows, f, secret))
    for i in range(ASSETS):
        if t.assets[i, X_PACKETS] > 0:
            new += is_unknown(known, asset_identity(t.assets, i, secret))
    for i in range(t.used[FILL_ASSETS]):
        new += is_unknown(known, asset_identity(t.ended_assets, i, secret))
    for i in range(t.used[OPERATION_ROWS]):
        new += note_operation_of(known, t.operations, i, secret)
    for i in range(t.used[FILL_OPERATIONS]):
        new += note_operation_of(known, t.ended_operations, i, secret)
    for s in range(STREAMS):
        if t.streams[s, S_FLOW] != 0 and t.streams[s, S_PENDING] > 0:
            new += note_waiting(t, s, known, secret)
    for i in range(WRITTEN):
        if t.written[i, W_TIMES] > 0:
            new += is_unknown(known, written_identity(t.written, i, secret))
    for i in range(t.used[FILL_WRITTEN]):
        new += is_unknown(known, written_identity(t.ended_written, i, secret))
    for i in range(ANOMALIES):
        if t.anomalies[i, A_TIMES] > 0:
            new += is_unknown(known, columns_identity(t.anomalies, i, 0, A_WHAT + 1, _ANOMALY, secret))
    for i in range(t.used[FILL_ANOMALIES]):
        new += is_unknown(known, columns_identity(t.ended_anomalies, i, 0, A_WHAT + 1, _ANOMALY, secret))
    return new


@kernel
def is_unknown(known: Ints, identity: int) -> int:
    """1 for an identity that was not in `known`; it is now."""
    base = (identity >> 8) % (KNOWN // KNOWN_WAYS) * KNOWN_WAYS
    for i in range(base, base + KNOWN_WAYS):
        if known[i] == identity:
            return 0
        if known[i] == 0:
            known[i] = identity
            return 1
    for i in range(base, base + KNOWN_WAYS - 1):
        known[i] = known[i + 1]
    known[base + KNOWN_WAYS - 1] = identity
    return 1


@kernel
def columns_identity(rows: Ints, i: int, begin: int, end: int, kind: int, secret: int) -> int:
    """The identity of some columns of a row."""
    h = mix(secret, kind)
    for k in range(begin, end):
        h = mix(h, rows[i, k])
    return h | 1


@kernel
def power_of_two(count: int) -> int:
    """0 for nothing, n + 1 for a count from 2^n on."""
    bits = 0
    while count > 0:
        count >>= 1
        bits += 1
    return bits


@kernel
def flow_identity(flows: Ints, f: int, secret: int) -> int:
    """A conversation's, and what its facts say besides counts."""
    key, state = flows[f, F_KEY], flows[f, F_STATE]
    port = (key >> 16) & 0xFFFF
    other = (key >> 32) & 0xFFFF
    # Of an unknown client's flow the lower port is taken for the service: wrong, it only makes more work.
    if state & CLIENT == CLIENT_A or (state & CLIENT == 0 and other < port):
        port = other
    h = mix(mix(mix(secret, _FLOW), flows[f, F_A_HI]), flows[f, F_A_LO])
    h = mix(mix(h, flows[f, F_B_HI]), flows[f, F_B_LO])
    h = mix(mix(h, port << 20 | (key >> 48 & 0xF) << 16 | (key & 0xFFFF)), flows[f, F_VLAN])
    h = mix(mix(h, flows[f, F_PROTOCOL]), flows[f, F_TUNNEL])
    h = mix(h, state & (CLIENT | ROLE | SPOKE_A | SPOKE_A << 1 | RESET))
    count = flows[f, F_PACKETS] + flows[f, F_PACKETS + 1] - flows[f, F_MINUTE + TOTAL_BEFORE]
    most = max(count, flows[f, F_MINUTE + MOST])
    return mix(h, (power_of_two(most) + 1 >> 1) << 1 | (1 if flows[f, F_TRIES] > 0 else 0)) | 1


@kernel
def asset_identity(assets: Ints, i: int, secret: int) -> int:
    """A sender's, with whom it asked for by ARP and its rates."""
    h = mix(mix(mix(secret, _ASSET), assets[i, X_MAC]), assets[i, X_HI])
    h = mix(mix(h, assets[i, X_LO]), assets[i, X_PLACE])
    h = mix(mix(mix(h, assets[i, X_PORT]), assets[i, X_SWITCH_HI]), assets[i, X_SWITCH_LO])
    for k in range(ASKED_COLUMNS):
        h = mix(h, assets[i, X_ASKED + k])
    for k in range(_RATES):
        h = mix(h, power_of_two(assets[i, X_RATES + 4 * k + 2]))
    return h | 1


@kernel
def note_operation_of(known: Ints, rows: Ints, i: int, secret: int) -> int:
    """How many identities of an operation are new: its own, and that of what was asked, whatever became of
    it, as requests that wait have it (`note_waiting`)."""
    h = columns_identity(rows, i, O_CLIENT_HI, O_SERVICE, _OPERATION, secret)
    asked = mix(mix(h, rows[i, O_SERVICE] & _ASKED), rows[i, O_RANGE]) | 1
    return is_unknown(known, asked) + is_unknown(known, mix(asked, rows[i, O_SERVICE]) | 1)


@kernel
def note_waiting(t: Tables, s: int, known: Ints, secret: int) -> int:
    """How many requests that wait in a stream ask for what nobody asked before: a command that nobody answers
    must be told at once."""
    f, client = t.streams[s, S_FLOW] - 1, t.streams[s, S_CLIENT]
    a, b = F_A_HI + 2 * client, F_A_HI + 2 * (1 - client)
    h = mix(mix(mix(secret, _OPERATION), t.flows[f, a]), t.flows[f, a + 1])
    h = mix(mix(h, t.flows[f, b]), t.flows[f, b + 1])
    h = mix(h, endpoint_of(t, f, client)) | 1
    new = 0
    for k in range(t.streams[s, S_PENDING]):
        i = pending_row(s, k)
        what = t.pending[i, P_KEY]
        service = (what >> 8 & 0xFF) | (what & 0xFF) << 8 | (t.pending[i, P_SUB] + 1) << 16
        new += is_unknown(known, mix(mix(h, service), t.pending[i, P_RANGE]) | 1)
        if t.pending[i, P_WRITES] >= 0:
            new += is_unknown(known, mix(mix(h, service | _WRITES), t.pending[i, P_WRITES]) | 1)
    return new


@kernel
def written_identity(rows: Ints, i: int, secret: int) -> int:
    """A written element's, with its extremes, largest steps and largest changes."""
    h = columns_identity(rows, i, W_CLIENT_HI, W_WHAT + 1, _WRITTEN, secret)
    for k in range(2 * ORDERS + STEPS):
        h = mix(h, rows[i, W_EXTREMES + E_COLUMNS * k + E_RANK])
    for k in range(STEPS):
        h = mix(h, rows[i, W_CHANGES + CHANGE_COLUMNS * k + E_RANK])
    return h | 1
