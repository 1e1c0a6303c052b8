"""What permissions allow, as sets that can be taken away from each other.

A permission allows every combination of its clients, servers, transports, ports, protocols and
requests: a box. What two permissions allow together is the union of two boxes, and what one allows
that others do not is what is left of its box when theirs are taken away. Each side of a box is a set
of marks: values that no permission at hand tells apart share one (`Vocabulary`).

A request is either the conversation itself, which no limit on operations keeps out, or an operation
on a unit; whether a permission admits it is asked of `otmon.zones.permission_table`. Of the elements
it is enough to ask for the ranges that somebody lists and the pieces between their ends: a request
lies in one range as a whole, so whoever may make the largest may make those inside it.

A field that this file does not know is compared as a whole: equal, or empty, which restricts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from otmon.ledger.facts import NEVER, UNKNOWN, Evidence, Operation
from otmon.protocols.protocol import AccessClass
from otmon.zones.files.permission import ANY
from otmon.zones.functions import MODBUS_FUNCTIONS, MODBUS_OBJECTS
from otmon.zones.model import Name, ObjectType, Permission, Range, spans
from otmon.zones.permission_table import PermissionTable, table_of
from otmon.zones.review.address_class import Hosts

BOXES: Final = 4_096
"""Pieces of one box at most; then what is left is told as too much rather than too little."""

_MODELLED: Final = frozenset(
    {
        "id",
        "line",
        "reason",
        "approver",
        "exception",
        "name",
        "expires_ns",
        "clients",
        "servers",
        "transports",
        "ports",
        "protocols",
    }
    | {"access", "functions", "units", "objects"}
)
_UNNAMED: Final = Name("", "")
_OF_REQUESTS: Final = ("access", "functions", "units", "objects")
_CLASSES: Final[tuple[AccessClass, ...]] = (
    "read", "write", "control", "program", "configure", "diagnose", "identify", "unknown",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """Something that a client may ask of a server it may talk to."""

    service: str
    """"" for the conversation itself."""
    access: str
    kind: ObjectType | None
    elements: Range | None
    """None where there are none."""
    units: Range
    operation: Operation | None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The marks of each side, in order: whatever some permissions tell apart."""

    transports: tuple[str, ...]
    """The last, `ANY`, stands for all that nobody names; so with protocols."""
    ports: tuple[Range, ...]
    protocols: tuple[str, ...]
    requests: tuple[Request, ...]


Box = tuple[int, int, int, int, int, int]
"""Clients, servers, transports, ports, protocols, requests: a bit for each mark."""


def vocabulary(permissions: Sequence[Permission]) -> Vocabulary:
    """The marks that these permissions need."""
    return Vocabulary(
        (*_all(permissions, "transports"), ANY),
        _pieces((one for p in permissions for one in p.ports), 65_535),
        (*_all(permissions, "protocols"), ANY),
        tuple(_requests(permissions)),
    )


def box(permission: Permission | None, hosts: tuple[Hosts, Hosts], words: Vocabulary) -> Box:
    """What a permission allows from the first of `hosts` to the second; None restricts nothing."""
    if permission is None:
        limits = (words.transports, words.ports, words.protocols, words.requests)
        return (*hosts, *((1 << len(one)) - 1 for one in limits))  # type: ignore[return-value]
    transports = [not permission.transports or one in permission.transports for one in words.transports]
    ports = [not permission.ports or spans(permission.ports, *one) for one in words.ports]
    protocols = [not permission.protocols or one in permission.protocols for one in words.protocols]
    requests = [_admits(permission, one) for one in words.requests]
    return (*hosts, _marks(transports), _marks(ports), _marks(protocols), _marks(requests))


def opaque(permission: Permission | None) -> tuple[tuple[str, Any], ...]:
    """The fields that restrict and are compared as a whole."""
    if permission is None:
        return ()
    # What a limit is called restricts nothing.
    plain = permission
    if permission.limits:
        unnamed = tuple(replace(limit, name=_UNNAMED, unit="") for limit in permission.limits)
        plain = replace(permission, limits=unnamed)
    values = ((field.name, getattr(plain, field.name)) for field in fields(plain))
    return tuple((name, value) for name, value in values if name not in _MODELLED and value)


def left(whole: Box, away: Iterable[Box]) -> tuple[list[Box], bool]:
    """What is left of a box, in boxes that do not overlap, and whether nothing too much is told."""
    boxes = [whole] if all(whole) else []
    for other in away:
        if not boxes:
            break
        boxes = [piece for one in boxes for piece in _minus(one, other)]
        if len(boxes) > BOXES:
            return [whole], False
    return boxes, True


def meets(one: Box, other: Box) -> bool:
    """Whether two boxes have something in common."""
    return all(a & b for a, b in zip(one, other, strict=True))


def _minus(one: Box, other: Box) -> Iterator[Box]:
    """`one` without `other`: for each side, what sticks out there and lies within on those before."""
    if not meets(one, other):
        yield one
        return
    sides = list(one)
    for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        if mine & ~theirs:
            yield (*sides[:number], mine & ~theirs, *sides[number + 1 :])  # type: ignore[misc]
        sides[number] = mine & theirs


def _marks(flags: Iterable[bool]) -> int:
    return sum(1 << number for number, flag in enumerate(flags) if flag)


def _all(permissions: Iterable[Permission], field: str) -> list[str]:
    return sorted({one for permission in permissions for one in getattr(permission, field)})


def _pieces(ranges: Iterable[Range], last: int) -> tuple[Range, ...]:
    """0 to `last`, cut at the ends of the ranges."""
    edges = {0, last + 1}
    for low, high in ranges:
        edges |= {low, high + 1}
    return tuple((low, after - 1) for low, after in pairwise(sorted(edges)))


def _admits(permission: Permission, request: Request) -> bool:
    if request.operation is None:
        return True
    return bool(_table(permission).admitting_request(request.operation))


@lru_cache(maxsize=1 << 12)
def _table(permission: Permission) -> PermissionTable:
    return table_of(permission.id, "", (permission,), {})


def _requests(permissions: Sequence[Permission]) -> Iterator[Request]:
    """The conversation itself, and operations of every kind that a limit may tell apart."""
    yield Request("", "", None, None, (0, 255), None)
    if not any(getattr(permission, field) for permission in permissions for field in _OF_REQUESTS):
        yield Request(ANY, ANY, None, None, (0, 255), _operation(UNKNOWN, UNKNOWN, ANY, "unknown", 0))
        return
    units = _pieces((one for p in permissions for one in p.units), 255)
    elements = {kind: _elements(permissions, kind) for kind in set(MODBUS_OBJECTS.values())}
    for function, subfunction, service, access in _services(permissions):
        kind = MODBUS_OBJECTS.get(function)
        ranges: tuple[Range | None, ...] = (None,) if kind is None else elements[kind]
        for unit in units:
            for one in ranges:
                operation = _operation(function, subfunction, service, access, unit[0], one)
                yield Request(service, access, kind, one, unit, operation)


def _elements(permissions: Iterable[Permission], kind: ObjectType) -> tuple[Range, ...]:
    listed = {one for p in permissions for of, ranges in p.objects if of == kind for one in ranges}
    return tuple(sorted({*listed, *_pieces(listed, 65_535)}))


def _services(permissions: Iterable[Permission]) -> list[tuple[int, int, str, AccessClass]]:
    """(function, subfunction, name, access): the known ones, those that are named, and for each access
    class one that nobody names."""
    from otmon.protocols.modbus import service

    numbers = {(number, UNKNOWN if sub is None else sub) for number, sub in MODBUS_FUNCTIONS.values()}
    names = set()
    for permission in permissions:
        for function in permission.functions:
            if function.number is None:
                names.add(function.name)
            else:
                numbers.add(
                    (function.number, UNKNOWN if function.subfunction is None else function.subfunction)
                )
    found = [(*pair, service(*pair).name, service(*pair).access) for pair in sorted(numbers)]
    found += [(23, UNKNOWN, service(23, UNKNOWN, True).name, "write")]
    found += [(UNKNOWN, UNKNOWN, name, access) for name in sorted(names) for access in _CLASSES]
    return found + [(UNKNOWN, UNKNOWN, ANY, access) for access in _CLASSES]


def _operation(
    function: int, subfunction: int, service: str, access: AccessClass, unit: int, one: Range | None = None
) -> Operation:
    address, count = (UNKNOWN, UNKNOWN) if one is None else (one[0], one[1] - one[0] + 1)
    return Operation(
        client="", server="", transport="", port=0, protocol="", vlan="", unit=unit, function=function,
        subfunction=subfunction, service=service, access=access, address=address, count=count, status=0,
        swept=False, times=1, response_ns_sum=0, response_ns_min=0, response_ns_max=0, answered=0,
        response_counts=(), gap_ns=0, busiest=NEVER, course=(), hours=0, first_ns=0, last_ns=0,
        evidence=Evidence(0, "", 0, 0),
    )  # fmt: skip
