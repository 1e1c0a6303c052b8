"""From rows of flows to conversations: rows of one conversation are joined in columns, for as long as they
may, so that Python runs once per conversation and not per flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

import numpy as np

from otmon.decode.fields import TUNNELS
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
    PROVISIONAL,
    RESET,
    SPOKE_A,
)
from otmon.kernel import Ints
from otmon.ledger.facts import Conversation, Role
from otmon.ledger.fast_init import of_columns
from otmon.ledger.harvest.clients import clients_of, service_ports
from otmon.ledger.harvest.rows import SLICE, busiest_of, by_runs, evidence_of, minutes_of, order_of
from otmon.ledger.tables import bits_of
from otmon.ledger.texts import address_text, transport_text, vlan_text
from otmon.protocols.registry import PROTOCOLS, code_of, ethertype_codes, ip_names, port_hints

_A_THEN_B: Final = (F_A_HI, F_A_LO, F_B_HI, F_B_LO)
_B_THEN_A: Final = (F_B_HI, F_B_LO, F_A_HI, F_A_LO)
_ROLES: Final[tuple[Role, ...]] = ("first packet", "port", "protocol", "handshake")
_SILENT: Final = -100
"""In place of the code of a protocol, of flows without payload."""

_KEY: Final = slice(8)
"""Columns of conversations: both words of the client's address and of the server's, family and protocol of
IP, port, code, VLAN;"""
_MOST: Final = slice(8, 11)
"""role, whether the server answered, time of the last packet: of several the largest is theirs;"""
_SUMS: Final = slice(11, 17)
"""flows, those with a reset, packets to the server and to the client, bytes likewise;"""
_SETS: Final = slice(17, 21)
"""tunnels and hours, as bits;"""
_MINUTE: Final = slice(21, 25)
"""the busiest minute: packets, time, number and offset of its first packet;"""
_BEGIN: Final = slice(25, 28)
"""time, number and offset of the first packet."""
_COLUMNS: Final = 28
_NEVER: Final = np.iinfo(np.int64).max


def conversations_of(flows: Ints) -> Ints:
    """Rows of flows as columns of conversations, several of which may still be the same one."""
    some = [_columns_of(flows[begin : begin + SLICE]) for begin in range(0, len(flows), SLICE)]
    return joined(some)


def _columns_of(flows: Ints) -> Ints:
    client, role = clients_of(flows)
    n = np.arange(len(flows))
    by_b = client == 1
    key = flows[:, F_KEY]
    code = np.where(flows[:, F_PROTOCOL] < 0, flows[:, F_PROTOCOL], flows[:, F_PROTOCOL] & (PROVISIONAL - 1))
    # A flow without payload says nothing about its protocol.
    code[(code == 0) & (flows[:, F_TRIES] == 0)] = _SILENT
    found = np.empty((len(flows), _COLUMNS), np.int64)
    found[:, :4] = np.where(by_b[:, None], flows[:, _B_THEN_A], flows[:, _A_THEN_B])
    found[:, 4] = (key >> 48 & 0xF) << 16 | key & 0xFFFF
    found[:, 5] = service_ports(flows, client)
    found[:, 6] = code
    found[:, 7] = flows[:, F_VLAN]
    found[:, 8] = role
    found[:, 9] = flows[:, F_STATE] & np.where(by_b, SPOKE_A, SPOKE_A << 1) != 0
    found[:, 10] = np.maximum(flows[:, F_FIRST], flows[:, F_LAST])
    found[:, 11] = 1
    found[:, 12] = (flows[:, F_STATE] & RESET) // RESET
    found[:, 13], found[:, 14] = flows[n, F_PACKETS + client], flows[n, F_PACKETS + 1 - client]
    found[:, 15], found[:, 16] = flows[n, F_BYTES + client], flows[n, F_BYTES + 1 - client]
    found[:, 17] = flows[:, F_TUNNEL]
    found[:, 18:21] = flows[:, F_HOURS : F_HOURS + 3]
    minutes = flows[:, F_MINUTE : F_MINUTE + MINUTE_COLUMNS]
    found[:, _MINUTE] = minutes_of(minutes, flows[:, F_PACKETS] + flows[:, F_PACKETS + 1])
    found[:, _BEGIN] = flows[:, [F_FIRST, F_FIRST_PACKET, F_FIRST_OFFSET]]
    return found


def joined(parts: list[Ints]) -> Ints:
    """Columns of conversations, one for each, in the order of their clients and servers."""
    every = np.concatenate(parts) if parts else np.empty((0, _COLUMNS), np.int64)
    if not len(every):
        return every
    # In the order of time among those of one key.
    order = order_of(every[:, _KEY], every[:, _BEGIN.start + 1], every[:, _BEGIN.start])
    every = every[order]
    keys = every[:, _KEY]
    starts = np.flatnonzero(np.append(True, (keys[1:] != keys[:-1]).any(axis=1)))
    found: Ints = every[starts]
    if len(starts) < len(every):
        found[:, _MOST] = np.maximum.reduceat(every[:, _MOST], starts)
        found[:, _SUMS] = np.add.reduceat(every[:, _SUMS], starts)
        found[:, _SETS] = np.bitwise_or.reduceat(every[:, _SETS], starts)
        found[:, _MINUTE] = _busiest_in(every[:, _MINUTE], starts)
    return found


def _busiest_in(minutes: Ints, starts: Ints) -> Ints:
    """The busiest minute of each group: the one with the most, of equal ones the first."""
    sizes = np.diff(starts, append=len(minutes))
    chosen = np.repeat(np.maximum.reduceat(minutes[:, 0], starts), sizes) == minutes[:, 0]
    for column in (1, 2):
        values = np.where(chosen, minutes[:, column], _NEVER)
        chosen &= values == np.repeat(np.minimum.reduceat(values, starts), sizes)
    places = np.flatnonzero(chosen)
    found: Ints = minutes[places[np.searchsorted(places, starts)]]
    return found


_MADE: Final = of_columns(Conversation)


def facts_of_conversations(columns: Ints, source: str) -> Iterator[Conversation]:
    """The facts of columns of conversations, some at a time."""
    for begin in range(0, len(columns), SLICE):
        yield from _facts_of(columns[begin : begin + SLICE], source)


def _facts_of(columns: Ints, source: str) -> Iterator[Conversation]:
    families = columns[:, 4] >> 16
    begins = columns[:, _BEGIN]
    evidence = evidence_of(begins, source)
    transports, ports, protocols, expected = zip(*map(_spoken, *columns[:, 4:7].T.tolist()), strict=True)
    # In the order of its fields: naming them takes as long as everything else.
    return _MADE(
        by_runs(address_text, np.column_stack([families, columns[:, 0:2]])),
        by_runs(address_text, np.column_stack([families, columns[:, 2:4]])),
        transports,
        ports,
        protocols,
        by_runs(vlan_text, columns[:, 7:8]),
        expected,
        map(_ROLES.__getitem__, columns[:, 8].tolist()),
        (columns[:, 9] > 0).tolist(),
        *columns[:, _SUMS].T.tolist(),
        by_runs(_tunnels, columns[:, 17:18]),
        busiest_of(columns[:, _MINUTE], begins, evidence),
        by_runs(lambda *hours: bits_of(hours), columns[:, 18:21]),
        begins[:, 0].tolist(),
        columns[:, 10].tolist(),
        evidence,
    )


@lru_cache(maxsize=1 << 12)
def _spoken(kind: int, number: int, code: int) -> tuple[str, int, str, str]:
    """transport, port, protocol and expected protocol of a conversation."""
    six, proto = kind >> 16, kind & 0xFFFF
    transport = transport_text(six, proto)
    protocol = _protocol(transport, proto, code)
    return transport, proto if six == 2 else number, protocol, _expected(transport, number, protocol)


@lru_cache
def _tunnels(bits: int) -> str:
    return "+".join(sorted(name for bit, name in enumerate(TUNNELS) if bits >> bit & 1))


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
