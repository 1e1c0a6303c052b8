"""Whether one permission makes another one idle, or voids what it restricts.

What two permissions allow is compared as in `otmon.zones.review.region`; cheap comparisons come first, so
that most pairs of a long list are told apart by their ends, ports and elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from otmon.zones.address import within
from otmon.zones.files.permission import ANY
from otmon.zones.model import Endpoint, Limit, Permission, Ranges, spans
from otmon.zones.review.region import box, left, opaque, vocabulary

COMPARED: Final = 2_000
"""Permissions of a list that are compared with each other."""
PAIRS: Final = 1_000
"""Pairs of a list that are compared request by request: some milliseconds each."""
_TIMES: Final = frozenset({"schedule", "expires"})
_EVERYBODY: Final = (1, 1)
"""Hosts, where the ends were compared before."""


def covers(wide: Permission, narrow: Permission) -> bool:
    """Whether one permission allows all that another does. Times and limits of the wide one are asked to
    be the same or none."""
    return _may_cover(wide, narrow) and _requests_covered(wide, narrow)


def _may_cover(wide: Permission, narrow: Permission) -> bool:
    """Whether it may, as far as all but single requests tell."""
    lists = ((wide.protocols, narrow.protocols), (wide.transports, narrow.transports))
    if any(a and (not b or not set(b) <= set(a)) for a, b in lists):
        return False
    if wide.objects and not narrow.objects:
        return False
    ranges = [(wide.ports, narrow.ports), (wide.units, narrow.units)]
    elements = dict(wide.objects)
    for kind, held in narrow.objects:
        if wide.objects:
            if kind not in elements:
                return False
            ranges.append((elements[kind], held))
    if any(a and (not b or not all(spans(a, *one) for one in b)) for a, b in ranges):
        return False
    limited = dict(opaque(narrow))
    for name, value in opaque(wide):
        if name not in ("expires", "rate") and limited.get(name) != value:
            return False
    if wide.expires_ns is not None and (narrow.expires_ns is None or narrow.expires_ns > wide.expires_ns):
        return False
    if wide.rate is not None and (narrow.rate is None or narrow.rate > wide.rate or _requests(wide, narrow)):
        return False
    return _ends_cover(wide.clients, narrow.clients) and _ends_cover(wide.servers, narrow.servers)


def _requests(wide: Permission, narrow: Permission) -> bool:
    """Whether the rate of only one of them counts requests."""
    return (wide.protocols == ("modbus",)) != (narrow.protocols == ("modbus",))


@dataclass(frozen=True, slots=True)
class Overlaps:
    """What the permissions of one list are to each other."""

    shadowed: tuple[tuple[Permission, Permission], ...]
    """Permissions with another one, the first, that allows all of it. Of two that allow the same the later
    one is told."""
    voided: tuple[tuple[Permission, str, Permission], ...]
    """Permissions that restrict when, how often or to which values something is allowed, the field that says
    so, and the first other one that allows part of the same traffic without that.

    What another one covers as a whole is left to `shadowed`. Something narrower that is allowed at more times
    is meant: it voids nothing."""
    whole: bool
    """All that could be told is."""


def overlaps(permissions: tuple[Permission, ...]) -> Overlaps:
    """Compare the permissions of a list, as far as it takes no longer than a person waits."""
    compared, spent = permissions[:COMPARED], _Spent()
    shadowed = tuple(_shadowed(compared, spent))
    voided = tuple(_voided(compared, spent))
    return Overlaps(shadowed, voided, len(compared) == len(permissions) and spent.pairs <= PAIRS)


@dataclass(slots=True)
class _Spent:
    """Pairs that were compared request by request."""

    pairs: int = 0

    def more(self) -> bool:
        self.pairs += 1
        return self.pairs <= PAIRS


def _shadowed(compared: tuple[Permission, ...], spent: _Spent) -> Iterator[tuple[Permission, Permission]]:
    for number, permission in enumerate(compared):
        for place, other in enumerate(compared):
            if place == number or not _may_cover(other, permission):
                continue
            if not spent.more():
                return
            if _requests_covered(other, permission):
                if place > number and covers(permission, other):
                    continue
                yield permission, other
                break


def _voided(compared: tuple[Permission, ...], spent: _Spent) -> Iterator[tuple[Permission, str, Permission]]:
    for permission in compared:
        for name, value in opaque(permission):
            for other in compared:
                if other is permission or _keeps(name, value, other) or not _meet(permission, other):
                    continue
                if name == "limits" and not _touches(value, other):
                    continue
                if not spent.more():
                    return
                if covers(other, permission) or (name in _TIMES and _within(other, permission)):
                    continue
                if _in_common(name, value, permission, other):
                    yield permission, name, other
                    break


def _touches(limits: tuple[Limit, ...], other: Permission) -> bool:
    """Whether another permission may write to an element that is limited."""
    held: dict[str, Ranges] = dict(other.objects)
    return not held or any(spans(held.get(one.table, ()), one.address, one.address) for one in limits)


def _keeps(name: str, value: Any, other: Permission) -> bool:
    """Whether another permission restricts the same at least as far, whatever its limits."""
    if name == "limits":
        return False
    # Two windows add up, and each was meant.
    return bool(getattr(other, name)) if name in _TIMES else bool(getattr(other, name) == value)


def _in_common(name: str, value: Any, one: Permission, other: Permission) -> bool:
    """Whether they share requests that the restriction is about."""
    words = vocabulary((one, other))
    marks = box(one, _EVERYBODY, words)[5] & box(other, _EVERYBODY, words)[5]
    shared = [
        request
        for number, request in enumerate(words.requests)
        if marks >> number & 1 and request.operation is not None
    ]
    if name != "limits":
        return bool(shared)
    writes = [request for request in shared if request.access in ("write", ANY)]
    free = [limit for limit in value if not _limited(limit, other)]
    return any(
        request.elements is None or (request.kind == limit.table and _holds(request.elements, limit))
        for limit in free
        for request in writes
    )


def _holds(elements: tuple[int, int], limit: Limit) -> bool:
    return elements[0] <= limit.address <= elements[1]


def _limited(limit: Limit, other: Permission) -> bool:
    """Whether another permission limits the same element at least as narrowly."""
    for own in other.limits:
        if (own.table, own.address, own.type, own.scale) == (
            limit.table, limit.address, limit.type, limit.scale,
        ):  # fmt: skip
            step = limit.step is None or (own.step is not None and own.step <= limit.step)
            change = limit.change is None or (own.change is not None and own.change <= limit.change)
            return step and change and limit.low <= own.low and own.high <= limit.high
    return False


def _requests_covered(wide: Permission, narrow: Permission) -> bool:
    if not (wide.access or wide.functions or wide.units or wide.objects):
        return True
    words = vocabulary((wide, narrow))
    return not left(box(narrow, _EVERYBODY, words), [box(wide, _EVERYBODY, words)])[0]


def _within(narrow: Permission, wide: Permission) -> bool:
    """Whether the traffic of one is a part of the other's, whatever their times and limits."""
    words = vocabulary((wide, narrow))
    ends = _ends_cover(wide.clients, narrow.clients) and _ends_cover(wide.servers, narrow.servers)
    return ends and not left(box(narrow, _EVERYBODY, words), [box(wide, _EVERYBODY, words)])[0]


def _meet(one: Permission, other: Permission) -> bool:
    """Whether they may share requests, as far as ends, protocols, ports, units and elements tell."""
    lists = ((one.protocols, other.protocols), (one.transports, other.transports))
    if any(a and b and not set(a) & set(b) for a, b in lists):
        return False
    if any(a and b and not _overlap(a, b) for a, b in ((one.ports, other.ports), (one.units, other.units))):
        return False
    if one.access and other.access and not set(one.access) & set(other.access):
        return False
    if one.objects and other.objects and not (_asks_beyond(one) and _asks_beyond(other)):
        held = dict(other.objects)
        if not any(_overlap(ranges, held.get(kind, ())) for kind, ranges in one.objects):
            return False
    return _ends_meet(one.clients, other.clients) and _ends_meet(one.servers, other.servers)


def _asks_beyond(permission: Permission) -> bool:
    """Whether a permission with elements may admit requests that address none."""
    return bool(permission.functions) or not set(permission.access) <= {"read", "write"}


def _overlap(one: Ranges, other: Ranges) -> bool:
    return any(low <= last and first <= high for low, high in one for first, last in other)


def _ends_meet(some: tuple[Endpoint, ...], others: tuple[Endpoint, ...]) -> bool:
    return any(
        a.zone == b.zone
        and (
            a.network is None
            or b.network is None
            or within(a.network, b.network)
            or within(b.network, a.network)
        )
        for a in some
        for b in others
    )


def _ends_cover(wide: tuple[Endpoint, ...], narrow: tuple[Endpoint, ...]) -> bool:
    return all(
        any(
            a.zone == b.zone
            and (a.network is None or (b.network is not None and within(b.network, a.network)))
            for a in wide
        )
        for b in narrow
    )
