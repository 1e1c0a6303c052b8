"""Facts that nobody has seen again for long make room, so that a sensor can run for years."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from otmon.ledger.ledger import Ledger


class _Timed(Protocol):
    @property
    def last_ns(self) -> int: ...


_Fact = TypeVar("_Fact", bound=_Timed)


def without_older(ledger: Ledger, before_ns: int) -> tuple[Ledger, int]:
    """The ledger without facts that were last seen before `before_ns`, and how many these were. Sources,
    damage and what found no place are kept: they are sums, and few."""
    kept = replace(
        ledger,
        assets=_since(ledger.assets, before_ns),
        conversations=_since(ledger.conversations, before_ns),
        operations=_since(ledger.operations, before_ns),
        written=_since(ledger.written, before_ns),
        anomalies=_since(ledger.anomalies, before_ns),
        credentials=_since(ledger.credentials, before_ns),
        claims=_since(ledger.claims, before_ns),
        names=_since(ledger.names, before_ns),
    )
    return kept, _size(ledger) - _size(kept)


def _since(facts: Iterable[_Fact], before_ns: int) -> tuple[_Fact, ...]:
    return tuple(fact for fact in facts if fact.last_ns >= before_ns)


def _size(ledger: Ledger) -> int:
    talk = ledger.conversations, ledger.operations, ledger.written, ledger.anomalies, ledger.credentials
    return sum(map(len, (ledger.assets, *talk, ledger.claims, ledger.names)))
