"""How facts of one key become one.

Each function is commutative and associative, exactly. How each field joins:

- counts and sums add; hours are those of both;
- first times and evidence take the smallest, last times the largest;
- `Conversation.role` takes the surest, `answered` is true when either is, `tunnel` lists every
  wrapping that was seen ("erspan+gre"), and `expected`, which follows from the key, takes the
  larger text should two versions of otmon differ;
- courses are those of all requests (`otmon.ledger.course`), none where a part has none;
- response times take the extremes of those that were answered, and their counts add; the longest gap and
  of each kind the highest peak stay, of equal peaks the earlier one, and so the busiest minute;
- of two extremes in one order the more extreme one stays, of two steps or changes the larger one, of
  equal ones the one that was seen first;
- `Anomaly.value` and `needed` belong to the first evidence; `Damage.detail` is the smaller text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import reduce
from itertools import chain, zip_longest
from operator import or_
from typing import TypeVar

from otmon.ledger.course import joined
from otmon.ledger.facts import (
    LONGEST_NS,
    Anomaly,
    Asset,
    AssetClaim,
    Busiest,
    Conversation,
    CredentialSeen,
    Damage,
    Evidence,
    NamesAsked,
    Operation,
    Peak,
    Role,
    Source,
)

_SURENESS: dict[Role, int] = {"handshake": 0, "protocol": 1, "port": 2, "first packet": 3}


def join_sources(a: Source, b: Source) -> Source:
    """One fact of two that have one key."""
    timed = [source for source in (a, b) if source.packets] or [a, b]
    counters = Counter[str]()
    for name, count in chain(a.counters, b.counters):
        counters[name] += count
    return Source(
        a.name,
        a.packets + b.packets,
        a.bytes + b.bytes,
        min(source.first_ns for source in timed),
        max(source.last_ns for source in timed),
        tuple(sorted(counters.items())),
    )


def join_damage(a: Damage, b: Damage) -> Damage:
    """One fact of two that have one key."""
    return Damage(a.source, a.kind, a.offset, a.count + b.count, min(a.detail, b.detail))


def join_assets(a: Asset, b: Asset) -> Asset:
    """One fact of two that have one key."""
    return Asset(
        a.mac,
        a.address,
        a.vlan,
        a.packets + b.packets,
        a.bytes + b.bytes,
        a.arp + b.arp,
        a.arp_asked | b.arp_asked,
        _highest(a.peaks, b.peaks),
        min(a.first_ns, b.first_ns),
        max(a.last_ns, b.last_ns),
        min(a.evidence, b.evidence),
    )


def _highest(a: tuple[Peak, ...], b: tuple[Peak, ...]) -> tuple[Peak, ...]:
    if a == b:
        return a
    found: dict[str, Peak] = {}
    for peak in (*a, *b):
        known = found.get(peak.kind)
        if known is None or (known.packets, -known.time_ns) < (peak.packets, -peak.time_ns):
            found[peak.kind] = peak
    return tuple(sorted(found.values()))


def _busier(a: Busiest, b: Busiest) -> Busiest:
    if a.count == b.count:
        return a if a.evidence <= b.evidence else b
    return a if a.count > b.count else b


def join_conversations(a: Conversation, b: Conversation) -> Conversation:
    """One fact of two that have one key."""
    tunnel = a.tunnel
    if a.tunnel != b.tunnel:
        tunnel = "+".join(sorted({name for name in (*a.tunnel.split("+"), *b.tunnel.split("+")) if name}))
    return Conversation(
        a.client,
        a.server,
        a.transport,
        a.port,
        a.protocol,
        a.vlan,
        a.expected if a.expected >= b.expected else b.expected,
        a.role if _SURENESS[a.role] <= _SURENESS[b.role] else b.role,
        a.answered or b.answered,
        a.flows + b.flows,
        a.resets + b.resets,
        a.packets_to_server + b.packets_to_server,
        a.packets_to_client + b.packets_to_client,
        a.bytes_to_server + b.bytes_to_server,
        a.bytes_to_client + b.bytes_to_client,
        tunnel,
        _busier(a.busiest, b.busiest),
        a.hours | b.hours,
        # Many times as fast as asking for the smaller and the larger one.
        a.first_ns if a.first_ns <= b.first_ns else b.first_ns,
        a.last_ns if a.last_ns >= b.last_ns else b.last_ns,
        a.evidence if a.evidence <= b.evidence else b.evidence,
    )


def join_anomalies(a: Anomaly, b: Anomaly) -> Anomaly:
    """One fact of two that have one key."""
    first = min(a, b, key=lambda fact: (fact.evidence, fact.value, fact.needed))
    return Anomaly(
        a.client,
        a.server,
        a.transport,
        a.port,
        a.protocol,
        a.vlan,
        a.from_client,
        a.reason,
        a.field,
        a.function,
        first.value,
        first.needed,
        a.times + b.times,
        min(a.first_ns, b.first_ns),
        max(a.last_ns, b.last_ns),
        first.evidence,
    )


_Said = TypeVar("_Said", CredentialSeen, AssetClaim, NamesAsked)


def join_claims(a: AssetClaim, b: AssetClaim) -> AssetClaim:
    """One fact of two that have one key."""
    return AssetClaim(a.mac, a.address, a.vlan, a.kind, a.value, a.protocol, *_times(a, b))


def join_credentials(a: CredentialSeen, b: CredentialSeen) -> CredentialSeen:
    """One fact of two that have one key."""
    return CredentialSeen(
        a.client,
        a.server,
        a.transport,
        a.port,
        a.protocol,
        a.vlan,
        a.account,
        a.method,
        a.entry,
        a.kind,
        a.outcome,
        *_times(a, b),
    )


def join_names(a: NamesAsked, b: NamesAsked) -> NamesAsked:
    """One fact of two that have one key."""
    times, first_ns, last_ns, evidence = _times(a, b)
    return NamesAsked(
        a.client,
        a.server,
        a.transport,
        a.port,
        a.protocol,
        a.vlan,
        a.domain,
        a.day,
        times,
        a.free + b.free,
        a.names | b.names,
        a.carried_bits + b.carried_bits,
        first_ns,
        last_ns,
        evidence,
    )


def _times(a: _Said, b: _Said) -> tuple[int, int, int, Evidence]:
    """times, first_ns, last_ns and evidence of both."""
    return (
        a.times + b.times,
        min(a.first_ns, b.first_ns),
        max(a.last_ns, b.last_ns),
        min(a.evidence, b.evidence),
    )


def sum_of(operations: Iterable[Operation], address: int, count: int, swept: bool) -> Operation:
    """One operation for several of the same service."""
    every = tuple(operations)
    one = every[0]
    answered = [operation for operation in every if operation.answered]
    return Operation(
        one.client,
        one.server,
        one.transport,
        one.port,
        one.protocol,
        one.vlan,
        one.unit,
        one.function,
        one.subfunction,
        one.service,
        one.access,
        address,
        count,
        one.status,
        swept,
        sum(operation.times for operation in every),
        min(sum(operation.response_ns_sum for operation in every), LONGEST_NS),
        min((operation.response_ns_min for operation in answered), default=0),
        max((operation.response_ns_max for operation in answered), default=0),
        sum(operation.answered for operation in every),
        _added(operation.response_counts for operation in every),
        max(operation.gap_ns for operation in every),
        reduce(_busier, (operation.busiest for operation in every)),
        joined((operation.first_ns, operation.last_ns, operation.course) for operation in every),
        reduce(or_, (operation.hours for operation in every)),
        min(operation.first_ns for operation in every),
        max(operation.last_ns for operation in every),
        min(operation.evidence for operation in every),
    )


def _added(counts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Place by place; as none ends with 0, neither does the sum."""
    several = list(filter(None, counts))
    return several[0] if len(several) == 1 else tuple(map(sum, zip_longest(*several, fillvalue=0)))
