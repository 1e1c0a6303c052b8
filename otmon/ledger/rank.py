"""Which facts are kept where there are more than a ledger may hold: an order that is a function of a
fact's key.

Conversations of a recognised protocol and operations that change something come before the others;
within that a hash of the addresses and the port decides, so that a flood takes its share of places
and no more. The hash is the same over the text of facts and over the numbers in tables: rows that
would find no place (`Bars`) are counted and left out before they become facts, which is what keeps
a flood cheap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from otmon.kernel import Ints
from otmon.ledger.facts import (
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    CredentialSeen,
    Operation,
    WrittenValue,
)
from otmon.ledger.ledger import (
    Ledger,
    Limits,
    anomaly_key,
    asset_key,
    claim_key,
    conversation_key,
    credential_key,
    service_key,
    written_key,
)
from otmon.ledger.texts import words_of

Place = tuple[bool, int]
"""Whether a fact is one of the lesser ones, and its hash: smaller ones are kept."""

_WORD: Final = (1 << 64) - 1
_FACTOR: Final = 0x9E3779B97F4A7C15
READING: Final = frozenset({"read", "identify", "diagnose", "unknown"})
"""Access classes of operations that change nothing."""
UNNAMED: Final = frozenset({"unknown", "none"})
"""Protocols of conversations of which nothing is known."""


def hashed(numbers: Iterable[int]) -> int:
    """64 bits of whole numbers; of each its lowest 64 bits count."""
    h = 0
    for number in numbers:
        h = ((h ^ (number & _WORD)) * _FACTOR) & _WORD
        h ^= h >> 32
    return h


def hashed_columns(*columns: Ints) -> npt.NDArray[np.uint64]:
    """`hashed` of each row of int64 columns."""
    h = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        h = (h ^ column.astype(np.uint64)) * np.uint64(_FACTOR)
        h ^= h >> np.uint64(32)
    return h


def _of_link(fact: Conversation | Operation | WrittenValue | Anomaly | CredentialSeen) -> int:
    return hashed((*words_of(fact.client), *words_of(fact.server), fact.port))


def of_conversation(fact: Conversation) -> tuple[Any, ...]:
    """Its place, and its key where two have the same."""
    return fact.protocol in UNNAMED, _of_link(fact), conversation_key(fact)


def of_operation(fact: Operation) -> tuple[Any, ...]:
    """The same; all operations of a conversation lie together."""
    return fact.access in READING, _of_link(fact), service_key(fact), fact.address, fact.count


def of_asset(fact: Asset) -> tuple[Any, ...]:
    """The same for an asset."""
    return False, hashed((words_of(fact.mac)[1], *words_of(fact.address))), asset_key(fact)


def of_written(fact: WrittenValue) -> tuple[Any, ...]:
    """The same for a written value."""
    return False, _of_link(fact), written_key(fact)


def of_anomaly(fact: Anomaly) -> tuple[Any, ...]:
    """The same for an anomaly."""
    return False, _of_link(fact), anomaly_key(fact)


def of_credential(fact: CredentialSeen) -> tuple[Any, ...]:
    """The same for a log-in; what is on the list comes before all others, and what was let in before what
    was not."""
    return fact.kind != "default", fact.outcome != "accepted", _of_link(fact), credential_key(fact)


def of_claim(fact: AssetClaim) -> tuple[Any, ...]:
    """The same for a claim; what one sender says lies together."""
    return False, hashed((words_of(fact.mac)[1], *words_of(fact.address))), claim_key(fact)


@dataclass(frozen=True, slots=True)
class Bars:
    """The last place that a full ledger has of each kind, None while there is room."""

    conversations: Place | None = None
    operations: Place | None = None
    assets: Place | None = None
    written: Place | None = None
    anomalies: Place | None = None


NO_BARS: Final = Bars()


def bars_of(ledger: Ledger, limits: Limits) -> Bars:
    """What a fact must not lie behind to be kept when it is merged into `ledger`."""

    def last(facts: tuple[Any, ...], limit: int, rank: Any) -> Place | None:
        if len(facts) < limit:
            return None
        worst = max(map(rank, facts))
        return worst[0], worst[1]

    return Bars(
        last(ledger.conversations, limits.conversations, of_conversation),
        last(ledger.operations, limits.operations, of_operation),
        last(ledger.assets, limits.assets, of_asset),
        last(ledger.written, limits.written, of_written),
        last(ledger.anomalies, limits.anomalies, of_anomaly),
    )


def within(
    bar: Place, lesser: npt.NDArray[np.bool_], hashes: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Which rows do not lie behind the bar."""
    last_lesser, last = bar
    fits: npt.NDArray[np.bool_] = (lesser < last_lesser) | (
        (lesser == last_lesser) & (hashes <= np.uint64(last))
    )
    return fits
