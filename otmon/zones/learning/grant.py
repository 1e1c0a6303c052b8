"""What traffic needs as permissions: the fewest that allow it and nothing else, or fewer that allow more.

A `Grant` is a permission in the making with what was seen of it. Guaranteed: `exact` joins grants only along
one thing at a time, all others being equal, so that what the joined ones allow together is what each of
them allowed (elements that touch become one range). `coarse` joins more than that, level by level; each level
allows at least what the level before it allowed.

As in `otmon.zones.model.Permission`, what is empty does not restrict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from operator import attrgetter
from typing import Any, Final, get_args

from otmon.protocols.protocol import AccessClass
from otmon.zones.address import MAC_BITS, Network
from otmon.zones.extent import collapsed
from otmon.zones.files.permission import Sides, endpoint
from otmon.zones.functions import MODBUS_OBJECTS
from otmon.zones.model import Endpoint, FunctionRef, Line, ObjectType, Permission, Ranges, merged

LEVELS: Final = (1, 2, 3)
NAMED: Final = 8
"""Addresses that are listed one by one, as people know them."""
_ACCESS: Final[tuple[AccessClass, ...]] = get_args(AccessClass)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a grant rests on."""

    conversations: frozenset[int]
    """Numbers of conversations in their ledger."""
    requests: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Grant:
    clients: frozenset[Endpoint]
    servers: frozenset[Endpoint]
    protocols: frozenset[str]
    transports: frozenset[str]
    ports: Ranges
    access: frozenset[AccessClass]
    functions: frozenset[FunctionRef]
    units: Ranges
    objects: tuple[tuple[ObjectType, Ranges], ...]
    """Sorted."""
    seen: Seen


def exact(grants: Iterable[Grant]) -> list[Grant]:
    """The same in fewer grants. Each of `grants` has at most one function and one type of elements."""
    found = _along(grants, "objects", attrgetter("objects"), _objects)
    # A scan of subfunctions has thousands, which are joined at once.
    found = _along(found, "functions", _addresses_none, _union("functions"))
    found = _join_functions(found)
    for key in ("units", "servers", "clients", "ports", "servers", "clients"):
        found = _along(found, key, attrgetter(key), _union(key))
    return _ordered(found)


def coarse(grants: Sequence[Grant], level: int) -> list[Grant]:
    """Fewer grants that allow what `grants` allow, and more: from level 1 on every client of a service may
    use every server of it, from 2 on services of one protocol and access class are one, 3 is one grant."""
    keys: dict[int, Callable[[Grant], Any]] = {
        1: lambda g: (g.protocols, g.transports, g.ports, g.access, g.functions, g.units, g.objects),
        2: lambda g: (g.protocols, g.transports, g.access),
        3: lambda g: (),
    }
    groups: dict[Any, list[Grant]] = {}
    for grant in grants:
        groups.setdefault(keys[level](grant), []).append(grant)
    return _ordered(_hull(group) for group in groups.values())


def trimmed(grant: Grant, most: int) -> Grant:
    """The grant with at most `most` entries in each list: a longer one becomes the whole zone, the range from
    its first to its last number, or functions without their subfunctions (of which there are 127)."""

    def ends(some: frozenset[Endpoint]) -> frozenset[Endpoint]:
        zone = next(iter(some)).zone
        return some if len(some) <= most else frozenset((Endpoint(zone, None),))

    def ranges(some: Ranges) -> Ranges:
        return some if len(some) <= most else ((some[0][0], some[-1][1]),)

    return replace(
        grant,
        clients=ends(grant.clients),
        servers=ends(grant.servers),
        ports=ranges(grant.ports),
        functions=grant.functions
        if len(grant.functions) <= most
        else frozenset(FunctionRef(function.number, None, "") for function in grant.functions),
        units=ranges(grant.units),
        objects=tuple((kind, ranges(some)) for kind, some in grant.objects),
    )


def longest(grant: Grant) -> int:
    """How many entries its longest list has."""
    lists = (grant.clients, grant.servers, grant.ports, grant.functions, grant.units)
    return max(*map(len, lists), *(len(ranges) for _, ranges in grant.objects), 0)


def permission(grant: Grant, id: str) -> Permission:
    """The grant as a value of a model."""
    return Permission(
        id=id,
        line=Line("draft", 0),
        clients=_ends(grant.clients),
        servers=_ends(grant.servers),
        protocols=tuple(sorted(grant.protocols)),
        transports=tuple(sorted(grant.transports)),
        ports=grant.ports,
        access=tuple(access for access in _ACCESS if access in grant.access),
        functions=tuple(sorted(grant.functions, key=_function_key)),
        units=grant.units,
        objects=grant.objects,
        limits=(),
        reason="",
    )


def joined(seen: Iterable[Seen]) -> Seen:
    """What several grants rest on, together."""
    every = list(seen)
    return Seen(
        frozenset(chain.from_iterable(one.conversations for one in every)),
        sum(one.requests for one in every),
        min(one.first_ns for one in every),
        max(one.last_ns for one in every),
    )


def _function_key(function: FunctionRef) -> tuple[int, int]:
    return function.number or 0, -1 if function.subfunction is None else function.subfunction


def _ends(ends: frozenset[Endpoint]) -> tuple[Endpoint, ...]:
    """The endpoints in order."""
    return tuple(sorted(ends, key=lambda end: (end.zone, end.network is not None, end.network or _NONE)))


_NONE: Final = Network(0, 0, 0)


def condensed(grant: Grant, sides: Sides) -> Grant:
    """The grant with its ends in the fewest networks that hold the same addresses and that a model with the
    zones `sides` can name."""
    return replace(grant, clients=_together(grant.clients, sides), servers=_together(grant.servers, sides))


def _together(ends: frozenset[Endpoint], sides: Sides) -> frozenset[Endpoint]:
    zone = next(iter(ends)).zone
    networks = [end.network for end in ends if end.network is not None]
    if len(networks) < len(ends) or len(ends) <= NAMED:
        return ends
    macs = [network for network in networks if network.bits == MAC_BITS]
    fewest = [*macs, *collapsed(network for network in networks if network.bits != MAC_BITS)]
    found = frozenset(Endpoint(zone, network) for network in fewest)
    return found if all(endpoint(str(end.network), sides) == end for end in found) else ends


def _every_end(sets: Iterable[frozenset[Endpoint]]) -> frozenset[Endpoint]:
    """All ends of one zone; the whole zone alone where it is among them."""
    every = frozenset(chain.from_iterable(sets))
    return frozenset(end for end in every if end.network is None) or every


def _along(
    grants: Iterable[Grant], key: str, joins: Callable[[Grant], object], join: Callable[[list[Grant]], Any]
) -> list[Grant]:
    """Join the grants that differ in `key` only, as far as they restrict it."""
    names = [field.name for field in fields(Grant) if field.name not in ("seen", key)]
    groups: dict[Any, list[Grant]] = {}
    for grant in grants:
        about = (bool(joins(grant)), *(getattr(grant, name) for name in names))
        groups.setdefault(about, []).append(grant)
    return [
        group[0]
        if len(group) == 1
        else replace(group[0], **{key: join(group)}, seen=joined(one.seen for one in group))
        for group in groups.values()
    ]


def _union(key: str) -> Callable[[list[Grant]], Any]:
    def union(group: list[Grant]) -> Any:
        values = [getattr(grant, key) for grant in group]
        if key in ("clients", "servers"):
            return _every_end(values)
        if key == "functions":
            return _all_or_any(values)
        return merged(list(chain.from_iterable(values)))

    return union


def _objects(group: Iterable[Grant]) -> tuple[tuple[ObjectType, Ranges], ...]:
    """All elements of all, by type."""
    found: dict[ObjectType, list[tuple[int, int]]] = {}
    for grant in group:
        for kind, ranges in grant.objects:
            found.setdefault(kind, []).extend(ranges)
    return tuple((kind, merged(found[kind])) for kind in sorted(found))


def _join_functions(grants: Iterable[Grant]) -> list[Grant]:
    """Join what differs in functions and elements only. Functions that address the same type of elements are
    joined if the elements are the same, and those that address none with any."""
    groups: dict[Any, list[Grant]] = {}
    for grant in grants:
        about = tuple(
            getattr(grant, f.name) for f in fields(Grant) if f.name not in ("seen", "functions", "objects")
        )
        groups.setdefault(about, []).append(grant)
    found: list[Grant] = []
    for group in groups.values():
        buckets: list[Grant] = []
        for grant in sorted(group, key=lambda g: (not g.objects, sorted(map(_function_key, g.functions)))):
            for number, bucket in enumerate(buckets):
                if _fit(bucket, grant):
                    buckets[number] = replace(
                        bucket,
                        functions=bucket.functions | grant.functions,
                        objects=_objects((bucket, grant)),
                        seen=joined((bucket.seen, grant.seen)),
                    )
                    break
            else:
                buckets.append(grant)
        found += buckets
    return found


def _fit(bucket: Grant, grant: Grant) -> bool:
    if not bucket.functions or not grant.functions:
        # The same grant twice; without functions each of them allows every one.
        return bucket.functions == grant.functions and bucket.objects == grant.objects
    if _addresses(grant) and not grant.objects:
        return not bucket.objects
    if not grant.objects:
        return True
    held = dict(bucket.objects)
    free = _addresses(bucket) and not bucket.objects
    return not free and all(held.get(kind, ranges) == ranges for kind, ranges in grant.objects)


def _addresses(grant: Grant) -> bool:
    """Whether one of its functions addresses elements."""
    return any(function.number in MODBUS_OBJECTS for function in grant.functions)


def _addresses_none(grant: Grant) -> bool:
    return bool(grant.functions) and not grant.objects and not _addresses(grant)


def _hull(group: Sequence[Grant]) -> Grant:
    """One grant that allows what all of them allow."""
    protocols = _all_or_any(grant.protocols for grant in group)
    one_protocol = len(protocols) == 1
    functions = _all_or_any(grant.functions for grant in group) if one_protocol else frozenset()
    restricting = [g for g in group if g.objects or (g.functions and not _addresses(g))]
    listed = one_protocol and len(restricting) == len(group)
    units = [grant.units for grant in group]
    ports = [grant.ports for grant in group]
    return Grant(
        clients=_every_end(grant.clients for grant in group),
        servers=_every_end(grant.servers for grant in group),
        protocols=protocols,
        transports=_all_or_any(grant.transports for grant in group),
        ports=merged(list(chain.from_iterable(ports))) if all(ports) else (),
        access=_all_or_any(grant.access for grant in group),
        functions=functions,
        units=merged(list(chain.from_iterable(units))) if all(units) and one_protocol else (),
        # Elements without functions would shut out functions that address none.
        objects=_objects(group) if listed and functions else (),
        seen=joined(grant.seen for grant in group),
    )


def _all_or_any(sets: Iterable[frozenset[Any]]) -> frozenset[Any]:
    every = list(sets)
    return frozenset(chain.from_iterable(every)) if all(every) else frozenset()


def _ordered(grants: Iterable[Grant]) -> list[Grant]:
    return sorted(grants, key=_order)


def _order(grant: Grant) -> Any:
    value = permission(grant, "")
    return (
        value.protocols, value.transports, value.ports, value.access,
        [_function_key(function) for function in value.functions],
        value.units, value.objects, [str(end) for end in value.clients], [str(end) for end in value.servers],
    )  # fmt: skip
