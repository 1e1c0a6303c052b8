"""Which facts are kept where there are more than a ledger may hold: an order that is a function of a
fact's key.

Conversations of a recognised protocol and operations that change something come before the others;
within that a hash of the addresses and the port decides, so that a flood takes its share of places
and no more. Whoever can compute the hash can make up senders that come before a fact of his own, so that
it is dropped: in a sensor's ledger it begins with a secret (`Limits.secret`). A replay has none, as the
same captures must give the same facts. The hash is the same over the text of facts and over the numbers
in tables: rows that would find no place (`Bars`) are counted and left out before they become facts, which
is what keeps a flood cheap.

In a sensor's ledger, the one with a secret, what somebody answered comes before all that nobody did, and
senders that were heard often before others: a flood of forged senders pushes none of the plant's facts out,
though it speaks as the plant does. That is no function of the key. Which part is kept of a fact whose first
packets nobody answered depends there on the order of merging, and one process does all of it; in a replay it
must not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from otmon.ledger.facts import (
    Anomaly,
    Asset,
    AssetClaim,
    Conversation,
    CredentialSeen,
    NamesAsked,
    Operation,
    WrittenValue,
)
from otmon.ledger.ledger import Ledger, Limits
from otmon.ledger.texts import words_of_all

Place = tuple[int, int]
"""How much lesser a fact is, 0 for those that come first, and its hash: smaller ones are kept."""
Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]
"""How much lesser facts are, 0 for those that come first, and their hashes."""

Ranks = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]
"""The same for rows."""

_FACTOR: Final = 0x9E3779B97F4A7C15
READING: Final = frozenset({"read", "identify", "diagnose", "unknown"})
"""Access classes of operations that change nothing."""
OFTEN: Final = 16
"""Packets of a sender that was heard often: to forge one then costs so many."""
UNNAMED: Final = frozenset({"unknown", "none"})
"""Protocols of conversations of which nothing is known."""

_Fact = TypeVar("_Fact")


def hashed_columns(*columns: npt.NDArray[Any], secret: int = 0) -> npt.NDArray[np.uint64]:
    """64 bits of each row of columns of 64 bits, beginning with the secret: of each number in turn, it is
    taken in by exclusive or, multiplied, and its upper half is folded into the lower one."""
    h = np.full(len(columns[0]), secret, np.uint64)
    for column in columns:
        h = (h ^ column.astype(np.uint64)) * np.uint64(_FACTOR)
        h ^= h >> np.uint64(32)
    return h


def level(
    lesser: npt.NDArray[np.bool_], unanswered: npt.NDArray[np.bool_], secret: int
) -> npt.NDArray[np.int64]:
    """How much lesser facts or rows are; that nobody answered counts in a sensor's ledger."""
    return lesser + (2 * unanswered if secret else 0)


def _of_links(
    facts: Sequence[Conversation | Operation | WrittenValue | Anomaly | CredentialSeen | NamesAsked],
    secret: int,
) -> npt.NDArray[np.uint64]:
    """All facts of two hosts and a port have one hash."""
    clients = words_of_all([one.client for one in facts])
    servers = words_of_all([one.server for one in facts])
    ports = np.array([one.port for one in facts], np.uint64)
    return hashed_columns(*clients.T, *servers.T, ports, secret=secret)


def _of_senders(facts: Sequence[Asset | AssetClaim], secret: int) -> npt.NDArray[np.uint64]:
    """All facts of one sender have one hash."""
    macs, addresses = words_of_all([one.mac for one in facts]), words_of_all([one.address for one in facts])
    return hashed_columns(macs[:, 1], *addresses.T, secret=secret)


def of_conversations(facts: Sequence[Conversation], secret: int) -> Places:
    """Their places, as of each kind of fact below."""
    unanswered = np.array([not one.answered for one in facts], bool)
    lesser = np.array([one.protocol in UNNAMED for one in facts], bool)
    return level(lesser, unanswered, secret), _of_links(facts, secret)


def of_operations(facts: Sequence[Operation], secret: int) -> Places:
    unanswered = np.array([not one.answered for one in facts], bool)
    lesser = np.array([one.access in READING for one in facts], bool)
    return level(lesser, unanswered, secret), _of_links(facts, secret)


def of_assets(facts: Sequence[Asset], secret: int) -> Places:
    seldom = np.array([one.packets < OFTEN for one in facts], bool)
    return level(np.zeros(len(facts), bool), seldom, secret), _of_senders(facts, secret)


def of_claims(facts: Sequence[AssetClaim], secret: int) -> Places:
    """What tells who a host is comes before the domains that it reached."""
    return np.array([one.kind in ("reaches", "expects") for one in facts], np.int64), _of_senders(
        facts, secret
    )


def of_others(facts: Sequence[WrittenValue | Anomaly], secret: int) -> Places:
    return np.zeros(len(facts), np.int64), _of_links(facts, secret)


def of_credentials(facts: Sequence[CredentialSeen], secret: int) -> Places:
    """What is on the list comes before all others, and what was let in before what was not."""
    lesser = [2 * (one.kind != "default") + (one.outcome != "accepted") for one in facts]
    return np.array(lesser, np.int64), _of_links(facts, secret)


def of_names(facts: Sequence[NamesAsked], secret: int) -> Places:
    """The latest day comes first: names of days gone by leave no place to those of today for ever. Of one
    client, too, who asks below ever other domains takes his share of places alone."""
    hashes = _of_links(facts, secret)
    words = [int.from_bytes(blake2b(one.domain.encode(), digest_size=8).digest()) for one in facts]
    days = np.array([-one.day for one in facts], np.int64)
    return days, hashed_columns(hashes, np.array(words, np.uint64))


def of_equals(facts: Sequence[Any], secret: int) -> Places:
    """Facts of which only the keys tell which are kept."""
    return np.zeros(len(facts), np.int64), np.zeros(len(facts), np.uint64)


def first_of(
    facts: Sequence[_Fact],
    limit: int,
    places: Callable[[Sequence[_Fact], int], Places],
    key: Callable[[_Fact], tuple[Any, ...]],
    secret: int,
) -> tuple[list[_Fact], list[_Fact]]:
    """The facts that are kept where there may be `limit`, and the others; of one place those with the
    smaller keys are kept."""
    if len(facts) <= limit:
        return list(facts), []
    lesser, hashes = places(facts, secret)
    order = np.lexsort((hashes, lesser))
    ranked = [facts[at] for at in order.tolist()]
    lesser, hashes = lesser[order], hashes[order]
    tied = np.flatnonzero((lesser == lesser[limit]) & (hashes == hashes[limit]))
    begin, end = int(tied[0]), int(tied[-1]) + 1
    ranked[begin:end] = sorted(ranked[begin:end], key=key)
    return ranked[:limit], ranked[limit:]


@dataclass(frozen=True, slots=True)
class Bars:
    """The last place that a full ledger has of each kind, None while there is room."""

    conversations: Place | None = None
    operations: Place | None = None
    assets: Place | None = None
    written: Place | None = None
    anomalies: Place | None = None
    secret: int = 0
    """With which places are hashed."""

    def tightened(self, other: Bars) -> Bars:
        """Of each kind the nearer bar of both, which hash places alike."""

        def nearer(one: Place | None, two: Place | None) -> Place | None:
            return min((bar for bar in (one, two) if bar is not None), default=None)

        return Bars(
            nearer(self.conversations, other.conversations),
            nearer(self.operations, other.operations),
            nearer(self.assets, other.assets),
            nearer(self.written, other.written),
            nearer(self.anomalies, other.anomalies),
            self.secret,
        )


NO_BARS: Final = Bars()


def bars_of(ledger: Ledger, limits: Limits) -> Bars:
    """What a fact must not lie behind to be kept when it is merged into `ledger`."""

    def last(
        facts: tuple[_Fact, ...], limit: int, places: Callable[[Sequence[_Fact], int], Places]
    ) -> Place | None:
        if len(facts) < limit or not facts:
            return None
        lesser, hashes = places(facts, limits.secret)
        worst = lesser.max()
        return int(worst), int(hashes[lesser == worst].max())

    return Bars(
        last(ledger.conversations, limits.conversations, of_conversations),
        last(ledger.operations, limits.operations, of_operations),
        last(ledger.assets, limits.assets, of_assets),
        last(ledger.written, limits.written, of_others),
        last(ledger.anomalies, limits.anomalies, of_others),
        limits.secret,
    )


def last_place(lesser: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint64], limit: int) -> Place | None:
    """The last place that rows have in a ledger of nothing else, None where all find room. Facts of different
    places are different facts, so what lies behind `limit` places is dropped whatever it is merged with."""
    order = np.lexsort((hashes, lesser))
    lesser, hashes = lesser[order], hashes[order]
    first = np.append(True, (hashes[1:] != hashes[:-1]) | (lesser[1:] != lesser[:-1]))
    places = np.flatnonzero(first)
    if len(places) <= limit:
        return None
    at = places[limit - 1]
    return int(lesser[at]), int(hashes[at])


def within(
    bar: Place, lesser: npt.NDArray[np.int64], hashes: npt.NDArray[np.uint64]
) -> npt.NDArray[np.bool_]:
    """Which rows do not lie behind the bar."""
    last_lesser, last = bar
    fits: npt.NDArray[np.bool_] = (lesser < last_lesser) | (
        (lesser == last_lesser) & (hashes <= np.uint64(last))
    )
    return fits
