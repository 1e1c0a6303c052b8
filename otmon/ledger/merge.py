"""Joining facts: the one operation on which determinism, parallel replay and many sensors rest.

`merge` is commutative and associative and `EMPTY` is its identity, exactly, for ledgers below
their limits. How each field joins:

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

Sweeps. Operations that differ in address and count only collapse once there are more than
`Limits.ranges` distinct pairs, to the maximal ranges of the elements that were asked for; ranges
that overlap or touch are joined. Whether a service collapses depends only on the set of pairs, and
the ranges only on the union of their elements, so it does not matter which merge noticed.
A pair with an address but no count is one element. Pairs that name no element (no address, or a
count of zero) become one operation with address and count UNKNOWN.

Limits. Where there are more facts than a limit, those are kept that come first in an order that is
a function of the key (`otmon.ledger.rank`). For all but operations the laws hold exactly at the limit
too: what is dropped once would be dropped in the end, whatever comes. Of the claims of one kind from one
sender the first `Limits.values` by their text are kept, which lie together in that order. For
operations they hold below the limit; at it, a range that grows in a later merge may have made room
too late, so which ones are kept depends on the order of merging, which replay fixes to the order of
its sources. The amount in `overflow` is always what is missing, no more and no less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain, groupby, zip_longest
from operator import or_
from typing import Any, TypeVar

from otmon.ledger.course import joined
from otmon.ledger.facts import (
    LONGEST_NS,
    UNKNOWN,
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
    WrittenValue,
)
from otmon.ledger.ledger import (
    KINDS,
    LIMITS,
    Ledger,
    Limits,
    anomaly_key,
    asset_key,
    claim_key,
    claimant_key,
    conversation_key,
    credential_key,
    damage_key,
    names_key,
    operation_key,
    service_key,
    source_key,
    written_key,
)
from otmon.ledger.rank import (
    Places,
    first_of,
    of_assets,
    of_claims,
    of_conversations,
    of_credentials,
    of_equals,
    of_names,
    of_operations,
    of_others,
)
from otmon.ledger.reach import join_written

_Fact = TypeVar("_Fact")
_SURENESS: dict[Role, int] = {"handshake": 0, "protocol": 1, "port": 2, "first packet": 3}


def merge(a: Ledger, b: Ledger, limits: Limits = LIMITS) -> Ledger:
    """All facts of both."""
    return merge_all((a, b), limits)


def merge_all(ledgers: Iterable[Ledger], limits: Limits = LIMITS) -> Ledger:
    """All facts of all, in one pass: the same value as merging them two by two."""
    every = tuple(ledgers)
    return collect(
        sources=chain.from_iterable(ledger.sources for ledger in every),
        damage=chain.from_iterable(ledger.damage for ledger in every),
        assets=chain.from_iterable(ledger.assets for ledger in every),
        conversations=chain.from_iterable(ledger.conversations for ledger in every),
        operations=chain.from_iterable(ledger.operations for ledger in every),
        written=chain.from_iterable(ledger.written for ledger in every),
        anomalies=chain.from_iterable(ledger.anomalies for ledger in every),
        credentials=chain.from_iterable(ledger.credentials for ledger in every),
        claims=chain.from_iterable(ledger.claims for ledger in every),
        names=chain.from_iterable(ledger.names for ledger in every),
        overflow=chain.from_iterable(ledger.overflow for ledger in every),
        limits=limits,
    )


def grown(merged: Ledger, parts: Sequence[Ledger], limits: Limits = LIMITS) -> Ledger:
    """The same as `merge_all` of a merged ledger and others. Where these have no fact of a kind, those of the
    ledger are not looked at again."""
    same = {
        kind: facts
        for kind in KINDS
        if (facts := getattr(merged, kind)) and not any([getattr(part, kind) for part in parts])
    }
    rest = replace(merged, **dict.fromkeys(same, ()))
    return replace(merge_all((rest, *parts), limits), **same)


def collect(
    *,
    sources: Iterable[Source] = (),
    damage: Iterable[Damage] = (),
    assets: Iterable[Asset] = (),
    conversations: Iterable[Conversation] = (),
    operations: Iterable[Operation] = (),
    written: Iterable[WrittenValue] = (),
    anomalies: Iterable[Anomaly] = (),
    credentials: Iterable[CredentialSeen] = (),
    claims: Iterable[AssetClaim] = (),
    names: Iterable[NamesAsked] = (),
    overflow: Iterable[tuple[str, int]] = (),
    limits: Limits = LIMITS,
) -> Ledger:
    """A ledger of loose facts, in any order and with keys repeated."""
    lost = Counter[str]()
    for kind, amount in overflow:
        lost[kind] += amount

    def kept(
        kind: str,
        found: dict[tuple[Any, ...], _Fact],
        limit: int,
        places: Callable[[Sequence[_Fact], int], Places],
        amount: Callable[[_Fact], int],
        key: Callable[[_Fact], tuple[Any, ...]],
    ) -> tuple[_Fact, ...]:
        if len(found) > limit:
            facts, dropped = first_of(list(found.values()), limit, places, key, limits.secret)
            lost[kind] += sum(map(amount, dropped))
            return tuple(sorted(facts, key=key))
        return tuple(map(found.__getitem__, sorted(found)))

    said, unheard = _few(_joined(claims, claim_key, _join_claims), limits)
    sources_by_name = _joined(sources, source_key, _join_sources)
    lost["claims"] += unheard
    return Ledger(
        sources=tuple(map(sources_by_name.__getitem__, sorted(sources_by_name))),
        damage=kept(
            "damage", _joined(damage, damage_key, _join_damage), limits.damage,
            of_equals, lambda fact: fact.count, damage_key,
        ),
        assets=kept(
            "assets", _joined(assets, asset_key, _join_assets), limits.assets,
            of_assets, lambda fact: fact.packets, asset_key,
        ),
        conversations=kept(
            "conversations", _joined(conversations, conversation_key, _join_conversations),
            limits.conversations,
            of_conversations, lambda fact: fact.packets_to_server + fact.packets_to_client, conversation_key,
        ),
        operations=kept(
            "operations", _joined_operations(operations, limits.ranges), limits.operations,
            of_operations, lambda fact: fact.times, operation_key,
        ),
        written=kept(
            "written", _joined(written, written_key, join_written), limits.written,
            of_others, lambda fact: fact.times, written_key,
        ),
        anomalies=kept(
            "anomalies", _joined(anomalies, anomaly_key, _join_anomalies), limits.anomalies,
            of_others, lambda fact: fact.times, anomaly_key,
        ),
        credentials=kept(
            "credentials", _joined(credentials, credential_key, _join_credentials), limits.credentials,
            of_credentials, lambda fact: fact.times, credential_key,
        ),
        claims=kept("claims", said, limits.claims, of_claims, lambda fact: fact.times, claim_key),
        names=kept(
            "names", _joined(names, names_key, _join_names), limits.names,
            of_names, lambda fact: fact.times, names_key,
        ),
        overflow=tuple(sorted((kind, amount) for kind, amount in lost.items() if amount)),
    )  # fmt: skip


def _joined(
    facts: Iterable[_Fact],
    key: Callable[[_Fact], tuple[Any, ...]],
    join: Callable[[_Fact, _Fact], _Fact],
) -> dict[tuple[Any, ...], _Fact]:
    """By key, what the facts of each come to."""
    found: dict[tuple[Any, ...], _Fact] = {}
    several = 0
    for fact in facts:
        its_key = key(fact)
        known = found.setdefault(its_key, fact)
        # Not whether it is another one: a fact may come twice.
        if len(found) == several:
            found[its_key] = join(known, fact)
        else:
            several += 1
    return found


def _join_sources(a: Source, b: Source) -> Source:
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


def _join_damage(a: Damage, b: Damage) -> Damage:
    return Damage(a.source, a.kind, a.offset, a.count + b.count, min(a.detail, b.detail))


def _join_assets(a: Asset, b: Asset) -> Asset:
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


def _join_conversations(a: Conversation, b: Conversation) -> Conversation:
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


def _join_anomalies(a: Anomaly, b: Anomaly) -> Anomaly:
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


def _join_claims(a: AssetClaim, b: AssetClaim) -> AssetClaim:
    return AssetClaim(a.mac, a.address, a.vlan, a.kind, a.value, a.protocol, *_times(a, b))


def _join_credentials(a: CredentialSeen, b: CredentialSeen) -> CredentialSeen:
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


def _join_names(a: NamesAsked, b: NamesAsked) -> NamesAsked:
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


def _few(
    claims: dict[tuple[Any, ...], AssetClaim], limits: Limits
) -> tuple[dict[tuple[Any, ...], AssetClaim], int]:
    """The first claims of each kind from each sender, and how often the others were made."""
    found: dict[tuple[Any, ...], AssetClaim] = {}
    lost = 0
    for _, same in groupby(map(claims.__getitem__, sorted(claims)), claimant_key):
        every = list(same)
        values = limits.domains if every[0].kind == "reaches" else limits.values
        found.update((claim_key(fact), fact) for fact in every[:values])
        lost += sum(fact.times for fact in every[values:])
    return found, lost


def _joined_operations(operations: Iterable[Operation], ranges: int) -> dict[tuple[Any, ...], Operation]:
    """As `_joined`."""
    services: dict[tuple[Any, ...], dict[tuple[int, int], Operation]] = {}
    for operation in operations:
        key = service_key(operation)
        pairs = services.get(key)
        if pairs is None:
            pairs = services[key] = {}
        pair = (operation.address, operation.count)
        known = pairs.get(pair)
        pairs[pair] = (
            operation if known is None else _sum((known, operation), *pair, known.swept or operation.swept)
        )
    found: dict[tuple[Any, ...], Operation] = {}
    for pairs in services.values():
        if len(pairs) > ranges or any(operation.swept for operation in pairs.values()):
            every = _ranges(pairs.values())
        else:
            every = pairs.values()
        found.update((operation_key(one), one) for one in every)
    return found


def _added(counts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Place by place; as none ends with 0, neither does the sum."""
    several = list(filter(None, counts))
    return several[0] if len(several) == 1 else tuple(map(sum, zip_longest(*several, fillvalue=0)))


def _ranges(operations: Iterable[Operation]) -> Iterable[Operation]:
    """One operation for each maximal range of elements, and one for those that name no element."""
    nameless: list[Operation] = []
    named: list[tuple[int, int, Operation]] = []
    for operation in operations:
        elements = 1 if operation.count == UNKNOWN else operation.count
        if operation.address < 0 or elements <= 0:
            nameless.append(operation)
        else:
            named.append((operation.address, operation.address + elements, operation))
    if nameless:
        yield _sum(nameless, UNKNOWN, UNKNOWN, True)
    named.sort(key=lambda item: item[:2])
    run: list[Operation] = []
    start = end = 0
    for first, after, operation in named:
        if run and first > end:
            yield _sum(run, start, end - start, True)
            run = []
        if not run:
            start, end = first, after
        run.append(operation)
        end = max(end, after)
    if run:
        yield _sum(run, start, end - start, True)


def _sum(operations: Iterable[Operation], address: int, count: int, swept: bool) -> Operation:
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
