"""What a model is used for, as the facts of a ledger tell: permissions that nobody used, permissions
wider than what used them, and zones of which nothing was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Final

from otmon.ledger.facts import UNKNOWN, Conversation, Operation
from otmon.ledger.ledger import Ledger
from otmon.zones.address import is_group, parse_address
from otmon.zones.decide import decide
from otmon.zones.files.nesting import written_id
from otmon.zones.functions import MODBUS_OBJECTS, normal
from otmon.zones.model import (
    Boundary,
    Endpoint,
    FunctionRef,
    ObjectType,
    Permission,
    Ranges,
    Zone,
    merged,
    shown,
)
from otmon.zones.place import Index, locate
from otmon.zones.review.notation import ANY, written

FEW: Final = 4
"""So many hosts or fewer, on one side of a permission for a whole zone or network, could be listed."""
_PORTLESS: Final = "icmp", "ip-"
"""How transports begin without ports, and without protocols that a permission could name."""
SHOWN: Final = 8
"""Ranges or names of what was used that are told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for by way of a permission; ranges merged, names sorted."""

    ports: Ranges = ()
    protocols: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    functions: tuple[tuple[int, int, str], ...] = ()
    """(function, subfunction, service); a subfunction that is none is `UNKNOWN`."""
    units: Ranges = ()
    objects: tuple[tuple[ObjectType, Ranges], ...] = ()
    """Elements by type, as numbered on the wire."""


@dataclass(frozen=True, slots=True)
class Excess:
    """One thing of which a permission allows more than was used."""

    what: str
    """Key of a model file, such as "holding_registers"."""
    allowed: str
    used: str


@dataclass(frozen=True, slots=True)
class Used:
    """Who used a permission, and for what."""

    permission: Permission
    conversations: int
    operations: int
    clients: tuple[str, ...]
    """Addresses, sorted."""
    servers: tuple[str, ...]
    asked: Asked = Asked()

    @property
    def unused(self) -> bool:
        return not (self.conversations or self.operations)

    @property
    def wider(self) -> tuple[str, ...]:
        """The sides that allow more than the few hosts that used them: "from", "to". Who speaks to a group
        (multicast, broadcast) uses the whole of its zone."""
        sides = (
            ("from", self.permission.clients, self.clients),
            ("to", self.permission.servers, self.servers),
        )
        return tuple(
            side
            for side, ends, hosts in sides
            if 0 < len(list(filterfalse(_is_of_many, hosts))) <= FEW and any(map(_is_wide, ends))
        )

    @property
    def excess(self) -> tuple[Excess, ...]:
        """What else it allows beyond what was used; nothing where nobody used it."""
        return () if self.unused else tuple(_excess(self.permission, self.asked))


@dataclass(slots=True)
class _Tally:
    """What used one permission so far."""

    counts: list[int] = field(default_factory=lambda: [0, 0])
    clients: set[str] = field(default_factory=set)
    servers: set[str] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    protocols: set[str] = field(default_factory=set)
    access: set[str] = field(default_factory=set)
    functions: set[tuple[int, int, str]] = field(default_factory=set)
    units: set[int] = field(default_factory=set)
    objects: dict[ObjectType, set[tuple[int, int]]] = field(default_factory=dict)

    def add(self, fact: Conversation | Operation) -> None:
        self.counts[isinstance(fact, Operation)] += 1
        self.clients.add(fact.client)
        self.servers.add(fact.server)
        if not fact.transport.startswith(_PORTLESS):
            self.ports.add(fact.port)
            self.protocols.add(fact.protocol)
        if not isinstance(fact, Operation):
            return
        self.access.add(fact.access)
        self.functions.add((fact.function, fact.subfunction, fact.service))
        if fact.unit != UNKNOWN:
            self.units.add(fact.unit)
        kind = MODBUS_OBJECTS.get(fact.function) if fact.protocol == "modbus" else None
        if kind is not None and fact.address != UNKNOWN:
            span = (fact.address, fact.address + max(fact.count, 1) - 1)
            self.objects.setdefault(kind, set()).add(span)

    def asked(self) -> Asked:
        return Asked(
            _ranges(self.ports),
            # A connection on which nothing was said does not show its protocol.
            tuple(sorted(self.protocols - {"none"})),
            tuple(sorted(self.access)),
            tuple(sorted(self.functions)),
            _ranges(self.units),
            tuple((kind, merged(sorted(spans))) for kind, spans in sorted(self.objects.items())),
        )


def _ranges(found: Iterable[int]) -> Ranges:
    return merged([(number, number) for number in sorted(found) if number >= 0])


def _is_wide(end: Endpoint) -> bool:
    return end.network is None or end.network.length < end.network.bits


def _is_of_many(host: str) -> bool:
    address = parse_address(host)
    return address is not None and is_group(address)


def _excess(permission: Permission, asked: Asked) -> Iterator[Excess]:
    """Keys that are left out allow anything. What operations ask for is told where some were seen, as are
    ports and protocols."""
    if asked.ports and _more(permission.ports, asked.ports):
        yield Excess("port", _allowed(permission.ports), _some(_texts(asked.ports)))
    if asked.protocols and (set(permission.protocols) - set(asked.protocols) or not permission.protocols):
        yield Excess("protocol", ", ".join(permission.protocols) or ANY, _some(asked.protocols))
    if not asked.functions:
        return
    classes = set(permission.access) - set(asked.access)
    if classes or not (permission.access or permission.functions):
        yield Excess("access", ", ".join(permission.access) or ANY, _some(asked.access))
    idle = [one for one in permission.functions if not any(_names(one, *asks) for asks in asked.functions)]
    if idle:
        named = [service for _, _, service in asked.functions]
        yield Excess("functions", written(permission.functions), _some(named))
    if (permission.units or asked.units) and _more(permission.units, asked.units):
        yield Excess("units", _allowed(permission.units), _some(_texts(asked.units)))
    used = dict(asked.objects)
    if not permission.objects:
        for kind, ranges in asked.objects:
            yield Excess(kind, ANY, _some(_texts(ranges)))
    for kind, ranges in permission.objects:
        if _more(ranges, used.get(kind, ())):
            yield Excess(kind, shown(ranges), _some(_texts(used.get(kind, ()))))


def _names(function: FunctionRef, number: int, subfunction: int, service: str) -> bool:
    if function.number is None:
        return function.name == normal(service)
    return function.number == number and function.subfunction in (None, subfunction)


def _more(allowed: Ranges, used: Ranges) -> bool:
    """Whether a list allows numbers that nobody used; used ones are among those that it allows."""
    return not allowed or _count(allowed) > _count(used)


def _count(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


def _allowed(ranges: Ranges) -> str:
    return shown(ranges) or ANY


def _texts(ranges: Ranges) -> list[str]:
    return [shown((one,)) for one in ranges]


def _some(texts: Iterable[str]) -> str:
    every = list(dict.fromkeys(texts))
    more = f" (+{len(every) - SHOWN})" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more or "-"


def usage(index: Index, ledger: Ledger) -> tuple[Used, ...]:
    """How each permission of the model was used, in its order, also where it was inherited."""
    tallies: dict[str, _Tally] = {}
    facts: Iterable[Conversation | Operation] = (*ledger.conversations, *ledger.operations)
    for fact in facts:
        permission = decide(index, fact).permission
        if permission is not None:
            tallies.setdefault(written_id(permission.id), _Tally()).add(fact)
    found = []
    written_borders = (border for border in index.model.boundaries if not border.inherited)
    owners: tuple[Zone | Boundary, ...] = (*index.model.zones, *written_borders)
    for owner in owners:
        for permission in owner.permissions:
            tally = tallies.get(permission.id, _Tally())
            seen = tuple(sorted(tally.clients)), tuple(sorted(tally.servers))
            conversations, operations = tally.counts
            found.append(Used(permission, conversations, operations, *seen, tally.asked()))
    return tuple(found)


def unseen_zones(index: Index, ledger: Ledger) -> tuple[str, ...]:
    """Zones of which no host sent anything, in the order of the model."""
    seen = {locate(index, asset.address or asset.mac, asset.vlan).zone for asset in ledger.assets}
    return tuple(zone.id for zone in index.model.zones if zone.id not in seen)
