"""Joining facts: the one operation on which determinism, parallel replay and many sensors rest.

`merge` is commutative and associative and `EMPTY` is its identity, exactly, for ledgers below
their limits. How facts of one key join is in `otmon.ledger.joining`.

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
its sources. The amount in `overflow` is always what is missing, no more and no less. In a sensor's ledger at
its limit what somebody answered comes before the rest: what was dropped before it was answered is missing
then, and which facts these are depends on the order of merging. A replay's order is of keys alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain, groupby
from typing import Any, TypeVar

from otmon.ledger.extremes import join_written
from otmon.ledger.facts import (
    UNKNOWN,
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    CredentialSeen,
    Damage,
    NamesAsked,
    Operation,
    Source,
    WrittenValue,
)
from otmon.ledger.joining import (
    join_anomalies,
    join_assets,
    join_claims,
    join_conversations,
    join_credentials,
    join_damage,
    join_names,
    join_sources,
    sum_of,
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

_Fact = TypeVar("_Fact")


def merge(a: Ledger, b: Ledger, limits: Limits = LIMITS) -> Ledger:
    """The ledger of all facts of both."""
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

    said, unheard = _few(_joined(claims, claim_key, join_claims), limits)
    sources_by_name = _joined(sources, source_key, join_sources)
    lost["claims"] += unheard
    return Ledger(
        sources=tuple(map(sources_by_name.__getitem__, sorted(sources_by_name))),
        damage=kept(
            "damage", _joined(damage, damage_key, join_damage), limits.damage,
            of_equals, lambda fact: fact.count, damage_key,
        ),
        assets=kept(
            "assets", _joined(assets, asset_key, join_assets), limits.assets,
            of_assets, lambda fact: fact.packets, asset_key,
        ),
        conversations=kept(
            "conversations", _joined(conversations, conversation_key, join_conversations),
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
            "anomalies", _joined(anomalies, anomaly_key, join_anomalies), limits.anomalies,
            of_others, lambda fact: fact.times, anomaly_key,
        ),
        credentials=kept(
            "credentials", _joined(credentials, credential_key, join_credentials), limits.credentials,
            of_credentials, lambda fact: fact.times, credential_key,
        ),
        claims=kept("claims", said, limits.claims, of_claims, lambda fact: fact.times, claim_key),
        names=kept(
            "names", _joined(names, names_key, join_names), limits.names,
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


def _few(
    claims: dict[tuple[Any, ...], AssetClaim], limits: Limits
) -> tuple[dict[tuple[Any, ...], AssetClaim], int]:
    """The first claims of each kind from each sender, and how often the others were made."""
    found: dict[tuple[Any, ...], AssetClaim] = {}
    lost = 0
    for _, same in groupby(map(claims.__getitem__, sorted(claims)), claimant_key):
        every = list(same)
        several = {"reaches": limits.domains, "expects": limits.transfers}
        values = several.get(every[0].kind, limits.values)
        found.update((claim_key(fact), fact) for fact in every[:values])
        lost += sum(fact.times for fact in every[values:])
    return found, lost


def _joined_operations(operations: Iterable[Operation], ranges: int) -> dict[tuple[Any, ...], Operation]:
    """As `_joined`, for operations. Of most services there is one, which stands for itself: dictionaries of
    one are half of what a full ledger takes here. What was looked at goes."""
    services: dict[tuple[Any, ...], Operation | dict[tuple[int, int], Operation]] = {}
    for operation in operations:
        key = service_key(operation)
        there = services.get(key)
        if there is None:
            services[key] = operation
            continue
        if not isinstance(there, dict):
            there = services[key] = {(there.address, there.count): there}
        pair = (operation.address, operation.count)
        known = there.get(pair)
        there[pair] = (
            operation if known is None else sum_of((known, operation), *pair, known.swept or operation.swept)
        )
    found: dict[tuple[Any, ...], Operation] = {}
    while services:
        _, there = services.popitem()
        every: Iterable[Operation] = there.values() if isinstance(there, dict) else (there,)
        if (isinstance(there, dict) and len(there) > ranges) or any([one.swept for one in every]):
            every = _ranges(every)
        found.update((operation_key(one), one) for one in every)
    return found


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
        yield sum_of(nameless, UNKNOWN, UNKNOWN, True)
    named.sort(key=lambda item: item[:2])
    run: list[Operation] = []
    start = end = 0
    for first, after, operation in named:
        if run and first > end:
            yield sum_of(run, start, end - start, True)
            run = []
        if not run:
            start, end = first, after
        run.append(operation)
        end = max(end, after)
    if run:
        yield sum_of(run, start, end - start, True)
