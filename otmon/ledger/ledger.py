"""The ledger: every fact of one or many captures, as one immutable value.

Invariants of a `Ledger` that `otmon.ledger.merge` made (nothing else makes one):

- each tuple is sorted by its facts' key and holds a key once;
- the operations of one service on one conversation are either at most `Limits.ranges` distinct
  (address, count) pairs, none of them swept, or ranges that neither overlap nor touch, all of
  them swept;
- no tuple is longer than its limit; what did not fit is counted in `overflow`.

So two ledgers of the same facts are equal values, however they were put together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

from otmon.ledger.facts import (
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

ConversationKey = tuple[str, str, str, int, str, str]
"""client, server, transport, port, protocol, vlan."""

conversation_key: Callable[[Any], ConversationKey] = attrgetter(
    "client", "server", "transport", "port", "protocol", "vlan"
)
"""The conversation that a Conversation, Operation or Anomaly belongs to."""
source_key: Callable[[Source], tuple[Any, ...]] = lambda fact: (fact.name,)  # noqa: E731
damage_key: Callable[[Damage], tuple[Any, ...]] = attrgetter("source", "kind", "offset")
asset_key: Callable[[Asset], tuple[Any, ...]] = attrgetter("mac", "address", "vlan")
service_key: Callable[[Operation], tuple[Any, ...]] = attrgetter(
    "client", "server", "transport", "port", "protocol", "vlan",
    "unit", "function", "subfunction", "service", "access", "status",
)  # fmt: skip
"""An operation's key without address and count: what a sweep is counted over."""
operation_key: Callable[[Operation], tuple[Any, ...]] = attrgetter(
    "client", "server", "transport", "port", "protocol", "vlan",
    "unit", "function", "subfunction", "service", "access", "address", "count", "status",
)  # fmt: skip
written_key: Callable[[WrittenValue], tuple[Any, ...]] = attrgetter(
    "client", "server", "transport", "port", "protocol", "vlan", "unit", "table", "address", "words"
)
anomaly_key: Callable[[Anomaly], tuple[Any, ...]] = attrgetter(
    "client", "server", "transport", "port", "protocol", "vlan", "from_client", "reason", "field", "function"
)
credential_key: Callable[[CredentialSeen], tuple[Any, ...]] = attrgetter(
    "client", "server", "transport", "port", "protocol", "vlan",
    "account", "method", "entry", "kind", "outcome",
)  # fmt: skip
names_key: Callable[[NamesAsked], tuple[Any, ...]] = attrgetter(
    "client", "server", "transport", "port", "protocol", "vlan", "domain", "day"
)
claim_key: Callable[[AssetClaim], tuple[Any, ...]] = attrgetter(
    "mac", "address", "vlan", "kind", "value", "protocol"
)
claimant_key: Callable[[AssetClaim], tuple[Any, ...]] = attrgetter("mac", "address", "vlan", "kind")
"""A claim's key without what is said: of how many values one sender may hold several."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many facts a ledger holds at most. A factory network has some thousand of each; only
    scans, floods and forged senders reach these, and then memory must stay bounded: with every
    limit reached a ledger takes about 60 MB (0.6 kB a fact)."""

    assets: int = 16_384
    conversations: int = 32_768
    operations: int = 32_768
    written: int = 8_192
    """Elements that somebody writes to."""
    anomalies: int = 8_192
    credentials: int = 4_096
    """Whoever tries passwords gives many names."""
    claims: int = 16_384
    values: int = 8
    """Of one kind from one sender: a host has a name or two, and who gives more is making them up."""
    domains: int = 256
    """That one sender reached by way of proxies: as many as a person's browser asks for in a week."""
    transfers: int = 2_048
    """For which one host waited, by their ports: a week of recipes and logs; those of a camera that sends a
    picture each minute use each port again."""
    names: int = 8_192
    """Domains, clients and days: a browser finds some tens of domains with long names in a day."""
    damage: int = 4_096
    ranges: int = 512
    """Distinct (address, count) pairs of one service on one conversation before they collapse to
    ranges. A recipe or an HMI page reads some tens of blocks, a large gateway a few hundred; a
    sweep of all registers asks for 65,536."""
    secret: int = 0
    """64 bits with which the order is hashed in which facts are kept (`otmon.ledger.rank`); 0 in replays."""


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Ledger:
    """All facts, in canonical order (see the module's invariants)."""

    sources: tuple[Source, ...] = ()
    damage: tuple[Damage, ...] = ()
    assets: tuple[Asset, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    operations: tuple[Operation, ...] = ()
    written: tuple[WrittenValue, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    credentials: tuple[CredentialSeen, ...] = ()
    claims: tuple[AssetClaim, ...] = ()
    names: tuple[NamesAsked, ...] = ()
    overflow: tuple[tuple[str, int], ...] = ()
    """Sorted (kind of fact, amount) of what found no place: packets for assets and conversations,
    transactions for operations, times for written values, anomalies, log-ins, claims, names and damage; for
    log-ins also payloads that a sensor could not wait for, which may have held claims. No fact of a kind
    that is not named here is missing."""


KINDS: Final = tuple(field.name for field in fields(Ledger) if field.name != "overflow")
"""The fields that hold facts."""
EMPTY = Ledger()
"""The identity of `merge`."""
