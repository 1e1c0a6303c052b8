"""Facts that nobody has seen again for long make room, so that a sensor can run for years.

What is old is said by spans of time in which packets came, and not by one time before which all is old: a
clock that was wrong for a moment, or is set right after the start, makes nothing old.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import compress, pairwise
from typing import Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from otmon.ledger.facts import HOUR_NS
from otmon.ledger.ledger import Ledger

Span = tuple[int, int]
"""First and last time of packets, in nanoseconds since 1970."""
APART_NS: Final = HOUR_NS
"""Times that lie no further apart are of one span."""

LITTLE_BYTES: Final = 2_048
LITTLE_FREE: Final = 128
"""Half of what `rules/data-in-names.yml` asks for: bytes that names could carry, and questions for texts or
any bytes. A day may be in two parts."""


class _Timed(Protocol):
    @property
    def last_ns(self) -> int: ...


_Fact = TypeVar("_Fact", bound=_Timed)
_Which = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]]


def spans_of(times_ns: npt.NDArray[np.int64]) -> list[Span]:
    """The spans in which these times lie."""
    if not len(times_ns):
        return []
    first, last = int(times_ns.min()), int(times_ns.max())
    if last - first <= APART_NS:
        return [(first, last)]
    times = np.sort(times_ns)
    cuts = np.flatnonzero(np.diff(times) > APART_NS)
    firsts, lasts = np.append(times[:1], times[cuts + 1]), np.append(times[cuts], times[-1:])
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def joined_spans(spans: Iterable[Span], most: int | None = None) -> tuple[Span, ...]:
    """Spans in order, those that are not apart as one; of more than `most` also the ones that are nearest."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first - found[-1][1] <= APART_NS:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    while most is not None and len(found) > most:
        gaps = [after[0] - before[1] for before, after in pairwise(found)]
        at = gaps.index(min(gaps))
        found[at : at + 2] = [(found[at][0], found[at + 1][1])]
    return tuple(found)


def without_old(ledger: Ledger, young: tuple[Span, ...]) -> tuple[Ledger, int]:
    """The ledger without facts that were last seen before the end of `young` (joined spans) and in none of
    them, and how many these were. Sources, damage and what found no place are kept: sums, and few."""
    if not young:
        return ledger, 0
    last_ns = young[-1][1]
    return _kept(ledger, lambda times: within_spans(times, young) | (times > last_ns))


def without_span(ledger: Ledger, span: Span) -> tuple[Ledger, int]:
    """The ledger without facts that were last seen in the span, and how many these were."""
    return _kept(ledger, lambda times: ~within_spans(times, (span,)))


def without_little(ledger: Ledger, today: int) -> tuple[Ledger, int]:
    """The ledger without what little was asked for in names (`NamesAsked`) on days that are over, and how
    many facts that were: what all clients together asked for below a domain on a day, where one of them alone
    would be no finding. Else the names of a month of browsing take all places. `today` is the day since 1970;
    the days beside it are not over."""
    carried, free = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for fact in ledger.names:
        carried[fact.domain, fact.day] += fact.carried_bits
        free[fact.domain, fact.day] += fact.free
    kept = tuple(
        [
            fact
            for fact in ledger.names
            if abs(fact.day - today) <= 1
            or carried[fact.domain, fact.day] >= 8 * LITTLE_BYTES
            or free[fact.domain, fact.day] >= LITTLE_FREE
        ]
    )
    return replace(ledger, names=kept), len(ledger.names) - len(kept)


def _kept(ledger: Ledger, which: _Which) -> tuple[Ledger, int]:
    """The ledger with facts of these last times, and how many others there were."""
    kept = replace(
        ledger,
        assets=_chosen(ledger.assets, which),
        conversations=_chosen(ledger.conversations, which),
        operations=_chosen(ledger.operations, which),
        written=_chosen(ledger.written, which),
        anomalies=_chosen(ledger.anomalies, which),
        credentials=_chosen(ledger.credentials, which),
        claims=_chosen(ledger.claims, which),
        names=_chosen(ledger.names, which),
    )
    return kept, _size(ledger) - _size(kept)


def _chosen(facts: tuple[_Fact, ...], which: _Which) -> tuple[_Fact, ...]:
    if not facts:
        return facts
    stay = which(_times(facts))
    return facts if stay.all() else tuple(compress(facts, stay.tolist()))


def within_spans(times_ns: npt.NDArray[np.int64], spans: tuple[Span, ...]) -> npt.NDArray[np.bool_]:
    """Which times lie in one of the joined spans."""
    if not spans:
        return np.zeros(len(times_ns), np.bool_)
    firsts, lasts = np.array(spans, np.int64).T
    at = np.searchsorted(firsts, times_ns, "right") - 1
    inside: npt.NDArray[np.bool_] = (at >= 0) & (times_ns <= lasts[at])
    return inside


def times_of(ledger: Ledger) -> npt.NDArray[np.int64]:
    """When each fact that can be old was last seen."""
    return np.concatenate([_times(facts) for facts in _aging(ledger)])


def _times(facts: Sequence[_Timed]) -> npt.NDArray[np.int64]:
    return np.fromiter((fact.last_ns for fact in facts), np.int64, len(facts))


def _aging(ledger: Ledger) -> tuple[tuple[_Timed, ...], ...]:
    talk = ledger.conversations, ledger.operations, ledger.written, ledger.anomalies, ledger.credentials
    return (ledger.assets, *talk, ledger.claims, ledger.names)


def _size(ledger: Ledger) -> int:
    return sum(map(len, _aging(ledger)))
