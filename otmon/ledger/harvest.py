"""From rows of the tables to facts: numbers become addresses, names and evidence.

Rows of one key are first joined by numpy, so that Python runs once per fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain, repeat
from typing import Final, TypeVar

import numpy as np

from otmon.decode.fields import COUNTER_NAMES, TUNNELS
from otmon.decode.flows import (
    F_A_HI,
    F_A_LO,
    F_B_HI,
    F_B_LO,
    F_BYTES,
    F_FIRST,
    F_FIRST_OFFSET,
    F_FIRST_PACKET,
    F_HOURS,
    F_KEY,
    F_LAST,
    F_MINUTE,
    F_PACKETS,
    F_PROTOCOL,
    F_STATE,
    F_TRIES,
    F_TUNNEL,
    F_VLAN,
    MINUTE_COLUMNS,
    MOST,
    PROVISIONAL,
    RESET,
    SPOKE_A,
    TOTAL_BEFORE,
)
from otmon.kernel import Ints
from otmon.ledger.clients import clients_of, service_ports
from otmon.ledger.facts import (
    Anomaly,
    Busiest,
    Conversation,
    Evidence,
    Operation,
    Role,
    Source,
)
from otmon.ledger.ledger import LIMITS, Ledger, Limits
from otmon.ledger.rank import NO_BARS, Bars
from otmon.ledger.row_ranks import service_of, thinned
from otmon.ledger.rows import (
    SLICE,
    Rows,
    by_runs,
    courses_of,
    evidence_of,
    order_of,
    parties_of,
    response_counts_of,
)
from otmon.ledger.senders import assets_of, ports_of
from otmon.ledger.swift import of_columns
from otmon.ledger.tables import (
    A_FIRST,
    A_LAST,
    A_NEEDED,
    A_OFFSET,
    A_PACKET,
    A_TIMES,
    A_VALUE,
    A_WHAT,
    LAST_TIME,
    O_ANSWERED,
    O_FIRST,
    O_GAP,
    O_GAP_NOW,
    O_HOURS,
    O_LAST,
    O_MAX,
    O_MIN,
    O_MINUTE,
    O_OFFSET,
    O_PACKET,
    O_RANGE,
    O_SERVICE,
    O_SUM,
    O_TIMES,
    W_WHAT,
    Tables,
    bits_of,
)
from otmon.ledger.texts import address_text, transport_text, vlan_text
from otmon.ledger.values import written_values
from otmon.protocols.modbus import REASONS
from otmon.protocols.registry import PROTOCOLS, code_of, ethertype_codes, ip_names, port_hints

_Fact = TypeVar("_Fact")
_ROLES: Final[tuple[Role, ...]] = ("first packet", "port", "protocol", "handshake")
_A_THEN_B: Final = (F_A_HI, F_A_LO, F_B_HI, F_B_LO)
_B_THEN_A: Final = (F_B_HI, F_B_LO, F_A_HI, F_A_LO)


def facts_of(rows: Rows, source: str, bars: Bars = NO_BARS, limits: Limits = LIMITS) -> Ledger:
    """The facts of rows, but for messages, which are read by `otmon.ledger.dialogues`. Rows behind `bars`,
    or behind so many others of their own that a ledger has no place for them, are counted in `overflow` only.
    They are in no order, and keys are repeated, until they are merged."""
    rows_left, _, lost = thinned(rows, bars, limits)
    # Claims have room of their own.
    claims = tuple(ports_of(rows.assets, source))
    return replace(harvested(rows_left, source), claims=claims, overflow=tuple(lost.items()))


def harvested(rows: Rows, source: str) -> Ledger:
    """The facts of all rows, in no order; without the claims that tell where senders came in."""

    def made(of: Callable[[Ints, str], Iterator[_Fact]], rows: Ints, keys: int = 0) -> tuple[_Fact, ...]:
        """By the first columns: rows of the same hosts then share their texts and lie together."""
        slices = (rows[begin : begin + SLICE] for begin in range(0, len(rows), SLICE))
        ordered = (some[order_of(some[:, :keys])] for some in slices) if keys else slices
        return tuple(chain.from_iterable(of(some, source) for some in ordered))

    return Ledger(
        conversations=made(_conversations, rows.flows),
        assets=made(assets_of, rows.assets),
        operations=made(
            lambda some, source: _operations(some, rows.courses, source), rows.operations, O_RANGE + 1
        ),
        written=made(written_values, rows.written, W_WHAT + 1),
        anomalies=made(_anomalies, rows.anomalies),
    )


def by_ends(flows: Ints) -> Iterator[Ints]:
    """Rows of flows, at most `SLICE` at a time, by clients and servers: those of one conversation are
    together, but where a part ends, and what will be looked at one after the other lies so in memory."""
    order = order_of(_ends_of(flows)) if len(flows) > SLICE else np.arange(len(flows))
    for begin in range(0, len(order), SLICE):
        yield flows[order[begin : begin + SLICE]]


def _ends_of(flows: Ints) -> Ints:
    """Both words of the addresses of the client and the server of each row."""
    found = np.empty((len(flows), len(_A_THEN_B)), np.int64)
    for begin in range(0, len(flows), SLICE):
        some = flows[begin : begin + SLICE]
        by_b = clients_of(some)[0][:, None] == 1
        found[begin : begin + SLICE] = np.where(by_b, some[:, _B_THEN_A], some[:, _A_THEN_B])
    return found


def source_of(t: Tables, name: str, octets: int, first_ns: int) -> Source:
    """The source as a fact, with every counter that is not zero."""
    counters = t.counters.tolist()
    named = sorted((name, count) for name, count in zip(COUNTER_NAMES, counters, strict=True) if count)
    last_ns = int(t.used[LAST_TIME]) if counters[0] else 0
    return Source(name, counters[0], octets, first_ns, last_ns, tuple(named))


def _grouped(keys: Ints, first: Ints, packet: Ints) -> tuple[Ints, Ints]:
    """Rows that share a key behind each other, in the order of time: the order of the rows, and
    where in it each group begins. There is at least one row."""
    order = order_of(keys, packet, first)
    ordered = keys[order]
    return order, np.flatnonzero(np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1)))


_CONVERSATIONS: Final = of_columns(Conversation)
_BUSIEST: Final = of_columns(Busiest)
_NEVER: Final = np.iinfo(np.int64).max


def _conversations(flows: Ints, source: str) -> Iterator[Conversation]:
    client, role = clients_of(flows)
    n = np.arange(len(flows))
    by_b = client == 1
    key = flows[:, F_KEY]
    port = service_ports(flows, client)
    code = np.where(flows[:, F_PROTOCOL] < 0, flows[:, F_PROTOCOL], flows[:, F_PROTOCOL] & (PROVISIONAL - 1))
    # A flow without payload says nothing about its protocol.
    code[(code == 0) & (flows[:, F_TRIES] == 0)] = _SILENT
    keys = np.column_stack(
        [
            np.where(by_b[:, None], flows[:, _B_THEN_A], flows[:, _A_THEN_B]),
            (key >> 48 & 0xF) << 16 | key & 0xFFFF,
            port,
            code,
            flows[:, F_VLAN],
        ]
    )
    order, starts = _grouped(keys, flows[:, F_FIRST], flows[:, F_FIRST_PACKET])
    state, tunnel = flows[:, F_STATE], flows[:, F_TUNNEL]
    minutes = flows[:, F_MINUTE : F_MINUTE + MINUTE_COLUMNS]
    minutes = _of_minutes(minutes, flows[:, F_PACKETS] + flows[:, F_PACKETS + 1])[order]
    # To the server, and to the client.
    packets = flows[n, F_PACKETS + client], flows[n, F_PACKETS + 1 - client]
    octets = flows[n, F_BYTES + client], flows[n, F_BYTES + 1 - client]
    counts = np.column_stack([(state & RESET) // RESET, *packets, *octets])
    sets = np.column_stack([tunnel, flows[:, F_HOURS : F_HOURS + 3]])
    answered = state & np.where(by_b, SPOKE_A, SPOKE_A << 1) != 0
    firsts = order[starts]
    key = keys[firsts]
    ends = np.column_stack([key[:, 4] >> 16, key])
    begins = flows[firsts][:, [F_FIRST, F_FIRST_PACKET, F_FIRST_OFFSET]]
    first_ns = begins[:, 0].tolist()
    evidence = evidence_of(begins, source)
    transports, ports, protocols, expected = zip(*map(_spoken, *key[:, 4:7].T.tolist()), strict=True)
    tunnels_and_hours = np.bitwise_or.reduceat(sets[order], starts)
    # In the order of its fields: naming them takes as long as everything else.
    yield from _CONVERSATIONS(
        by_runs(address_text, ends[:, [0, 1, 2]]),
        by_runs(address_text, ends[:, [0, 3, 4]]),
        transports,
        ports,
        protocols,
        by_runs(vlan_text, key[:, 7:]),
        expected,
        map(_ROLES.__getitem__, np.maximum.reduceat(role[order], starts).tolist()),
        np.logical_or.reduceat(answered[order], starts).tolist(),
        np.diff(starts, append=len(flows)).tolist(),
        *np.add.reduceat(counts[order], starts).T.tolist(),
        by_runs(_tunnels, tunnels_and_hours[:, :1]),
        _busiest(_busiest_of(minutes, starts), begins, evidence),
        by_runs(lambda *columns: bits_of(columns), tunnels_and_hours[:, 1:]),
        first_ns,
        np.maximum(begins[:, 0], np.maximum.reduceat(flows[order, F_LAST], starts)).tolist(),
        evidence,
    )


@lru_cache(maxsize=1 << 12)
def _spoken(kind: int, number: int, code: int) -> tuple[str, int, str, str]:
    """transport, port, protocol and expected protocol of a conversation."""
    six, proto = kind >> 16, kind & 0xFFFF
    transport = transport_text(six, proto)
    protocol = _protocol(transport, proto, code)
    return transport, proto if six == 2 else number, protocol, _expected(transport, number, protocol)


def _busiest(found: Ints, begins: Ints, evidence: list[Evidence]) -> Iterator[Busiest]:
    """The busiest minutes of facts: count, time, packet, offset. `begins` has time, number and offset of
    `evidence`, the first packet of each: where the minute began with that, one value is kept and not two that
    are equal."""
    shown = evidence.copy()
    others = np.flatnonzero((found[:, 1:3] != begins[:, :2]).any(axis=1))
    source = evidence[0].source if evidence else ""
    for at, seen in zip(others.tolist(), evidence_of(found[others, 1:], source), strict=True):
        shown[at] = seen
    return _BUSIEST(found[:, 0].tolist(), shown)


def _busiest_of(minutes: Ints, starts: Ints) -> Ints:
    """Of each group of busiest minutes the one with the most, of equal ones the first."""
    sizes = np.diff(starts, append=len(minutes))
    chosen = np.repeat(np.maximum.reduceat(minutes[:, 0], starts), sizes) == minutes[:, 0]
    for column in (1, 2):
        values = np.where(chosen, minutes[:, column], _NEVER)
        chosen &= values == np.repeat(np.minimum.reduceat(values, starts), sizes)
    places = np.flatnonzero(chosen)
    found: Ints = minutes[places[np.searchsorted(places, starts)]]
    return found


def _of_minutes(columns: Ints, totals: Ints) -> Ints:
    """The busiest minute in columns of `otmon.decode.flows.begin_minute`, the one that goes on among them:
    count, time, packet, offset. `totals` is what was counted in all."""
    last, before = columns[:, TOTAL_BEFORE:MOST].copy(), columns[:, MOST:]
    last[:, 0] = totals - last[:, 0]
    found: Ints = np.where(last[:, :1] > before[:, :1], last, before)
    return found


@lru_cache
def _tunnels(bits: int) -> str:
    return "+".join(sorted(name for bit, name in enumerate(TUNNELS) if bits >> bit & 1))


_SILENT: Final = -100


def _protocol(transport: str, number: int, code: int) -> str:
    """Id of what a conversation speaks."""
    if code == _SILENT and transport in ("tcp", "udp"):
        return "none"
    if code > 0:
        return PROTOCOLS[code - 1].id
    if _SILENT < code < 0:
        return TUNNELS[-code]
    if transport == "ethernet":
        known = int(ethertype_codes()[number])
        return PROTOCOLS[known - 1].id if known else "unknown"
    if transport in ("tcp", "udp"):
        return "unknown"
    return _named_ip().get(transport, transport)


@cache
def _named_ip() -> dict[str, str]:
    """The transports of IP that are protocols of their own, such as "ip-2"."""
    return {f"ip-{number}": name for number, name in ip_names().items()}


def _expected(transport: str, port: int, protocol: str) -> str:
    """The protocol that a port is usually used for, where the conversation speaks another one."""
    if transport not in ("tcp", "udp") or protocol in TUNNELS:
        return ""
    usual = int(port_hints()[0 if transport == "tcp" else 1, port])
    if not usual:
        return ""
    if protocol not in ("unknown", "none"):
        spoken = PROTOCOLS[code_of(protocol) - 1]
        if port in (spoken.tcp_ports if transport == "tcp" else spoken.udp_ports):
            return ""
    return PROTOCOLS[usual - 1].id


_OPERATIONS: Final = of_columns(Operation)


def _operations(rows: Ints, courses: Ints, source: str) -> Iterator[Operation]:
    services, ranges, times = rows[:, O_SERVICE], rows[:, O_RANGE], rows[:, O_TIMES]
    named = by_runs(service_of, services[:, None])
    begins = rows[:, [O_FIRST, O_PACKET, O_OFFSET]]
    evidence = evidence_of(begins, source)
    minutes = _of_minutes(rows[:, O_MINUTE : O_MINUTE + MINUTE_COLUMNS], times)
    # Of most only one request was seen, and that is its minute.
    once = times == 1
    minutes[once, 0], minutes[once, 1:] = 1, begins[once]
    # In the order of its fields, as they are many.
    yield from _OPERATIONS(
        *parties_of(rows),
        (services & 0xFF).tolist(),
        (services >> 8 & 0xFF).tolist(),
        ((services >> 16 & 0x3FFFF) - 1).tolist(),
        [one.name for one in named],
        [one.access for one in named],
        ((ranges >> 20) - 1).tolist(),
        ((ranges & 0xFFFFF) - 1).tolist(),
        ((services >> 36) - 2).tolist(),
        repeat(False, len(rows)),
        times.tolist(),
        *rows[:, [O_SUM, O_MIN, O_MAX, O_ANSWERED]].T.tolist(),
        response_counts_of(rows, courses),
        np.maximum(rows[:, O_GAP], rows[:, O_GAP_NOW]).tolist(),
        _busiest(minutes, begins, evidence),
        courses_of(rows, courses),
        by_runs(lambda *columns: bits_of(columns), rows[:, O_HOURS : O_HOURS + 3]),
        begins[:, 0].tolist(),
        np.where(once, begins[:, 0], rows[:, O_LAST]).tolist(),
        evidence,
    )


def _anomalies(rows: Ints, source: str) -> Iterator[Anomaly]:
    what = rows[:, A_WHAT]
    reasons = [REASONS[number] for number in (what & 0xFF).tolist()]
    return map(
        Anomaly,
        *parties_of(rows),
        (what >> 20 & 1 == 1).tolist(),
        [reason for reason, _ in reasons],
        [field for _, field in reasons],
        ((what >> 8 & 0xFFF) - 1).tolist(),
        *rows[:, [A_VALUE, A_NEEDED, A_TIMES, A_FIRST, A_LAST]].T.tolist(),
        evidence_of(rows[:, [A_FIRST, A_PACKET, A_OFFSET]], source),
    )
