"""The permissions of one list, as sets of numbers: what each of them lacks is found for all at once.

Bit *n* of a set is the *n*th permission of the list, in the order of the file. Each thing that a
permission restricts has a set of those that admit what was seen; what is missing in it lacks that
thing. So a decision costs a few operations on integers, however long the list is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, attrgetter, or_
from typing import Any, Final, NamedTuple

from otmon.ledger.facts import UNKNOWN, Conversation, Operation, WrittenValue
from otmon.zones.address import Address
from otmon.zones.functions import MODBUS_FUNCTIONS, MODBUS_OBJECTS, normal, writing
from otmon.zones.lack import ASPECTS, Fact, Lacking, allowed, assumed, may_speak
from otmon.zones.model import Boundary, Limit, Permission, Ranges, Zone
from otmon.zones.nearest import NEAREST, Fit, Nearest, NearTo, Set, nearest, numbers
from otmon.zones.quantity import Excess, excess, higher_word

ENDS: Final[tuple[Lacking, ...]] = ("direction", "client", "server")
Carriers = Mapping[Address, tuple[Address, ...]]
"""By IP address the MAC addresses that speak for it, by link-local address also the other addresses of its
device: a permission for one of these admits it."""

_WRITING: Final = {
    table: (codes, tuple(name for name, (number, _) in MODBUS_FUNCTIONS.items() if number in codes))
    for table, codes in (("coils", (5, 15)), ("holding_registers", (6, 16, 22, 23)))
}
"""Modbus functions that write values to a table, by number and by name."""


def _writing(written: WrittenValue) -> tuple[Iterable[int], Iterable[str]]:
    """The functions that write such a value, by number and by name."""
    if written.protocol == "modbus":
        return _WRITING.get(written.table, ((), ()))
    return writing(written.protocol)


NEARBY: Final = 1 << 12
"""Answers of one list that are kept at hand, of each kind."""
_LOOKED_AT: Final[Mapping[type[Fact], Callable[[Any], tuple[object, ...]]]] = {
    Conversation: attrgetter("transport", "port", "protocol", "expected", "role"),
    Operation: attrgetter(
        "transport", "port", "protocol", "access", "function", "subfunction", "service", "unit", "address",
        "count",
    ),
    WrittenValue: attrgetter("transport", "port", "protocol", "unit", "table", "address", "words"),
}  # fmt: skip
"""What a list asks of a fact besides its ends, times and limits: no two kinds are asked as much."""


class Asked(NamedTuple):
    """The permissions that admit what a fact is, whoever has it."""

    rest: tuple[Set, ...]
    """As in `Fit`."""
    every: Set
    """Those in all of these."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Sets by number: `sets[i]` from `starts[i]` to the next start."""

    starts: list[int]
    sets: list[Set]

    def at(self, number: int) -> Set:
        place = bisect_right(self.starts, number)
        return self.sets[place - 1] if place else 0


Sides = tuple[Set, Set]
"""Those that admit an end as the client, and those that do as the server."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Both sides of the permissions: who admits an address in a zone."""

    zones: dict[str, Sides]
    """Those that admit the whole zone."""
    networks: dict[str, dict[int, tuple[tuple[int, dict[int, Sides]], ...]]]
    """By zone those that admit a part of it: by the bits of addresses (bits that are not told, the others
    -> those that admit them)."""
    carriers: Carriers

    def at(self, zone: str, address: Address | None) -> Sides:
        clients, servers = self.zones.get(zone, _NOBODY)
        parts = self.networks.get(zone)
        if parts is not None and address is not None:
            for bits, value in (address, *self.carriers.get(address, ())):
                for rest, sides in parts.get(bits, ()):
                    found = sides.get(value >> rest)
                    if found is not None:
                        clients |= found[0]
                        servers |= found[1]
        return clients, servers


_NOBODY: Final[Sides] = 0, 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Permissions by a text or number of which each lists some, or restricts nothing."""

    free: Set
    """Those that restrict nothing."""
    listed: dict[object, Set]

    def at(self, value: object) -> Set:
        return self.free | self.listed.get(value, 0)


@dataclass(frozen=True, slots=True)
class Functions:
    """Permissions by function: its number, number and subfunction, or name."""

    free: Set
    numbers: dict[int, Set]
    pairs: dict[tuple[int, int], Set]
    names: dict[str, Set]

    def named(self, operation: Operation) -> Set:
        """The permissions that name the function of an operation."""
        found = self.numbers.get(operation.function, 0)
        if self.pairs:
            found |= self.pairs.get((operation.function, operation.subfunction), 0)
        if self.names:
            found |= self.names.get(normal(operation.service), 0)
        return found


@dataclass(frozen=True, slots=True)
class PermissionTable:
    """The permissions of one zone or boundary, ready for decisions."""

    owner: str
    """Id of the zone or boundary."""
    line: str
    """Where that stands, "file:line"."""
    permissions: tuple[Permission, ...]
    lines: tuple[str, ...]
    """"file:line" of each."""
    everyone: Set
    sides: Ends
    client_zones: dict[str, Set]
    """By the zone in which the clients are."""
    transports: Choice
    free_ports: Set
    ports: Steps
    protocols: Choice
    access: Choice
    functions: Functions
    free_units: Set
    units: Steps
    free_elements: Set
    elements: dict[str, tuple[Set, tuple[Steps, ...]]]
    """By type of element: those that list it, and its ranges; one `Steps` holds at most one range of
    each permission, so that two elements in one step set lie in one range."""
    limits: dict[tuple[str, str, int], tuple[tuple[Set, Limit], ...]]
    """Limits of written values by (protocol, type of element, address), with the permission of each; of a
    number in two registers also by the address of its higher word."""
    timed: tuple[tuple[Set, Permission], ...]
    """Those that hold at some times only."""
    rated: Set
    """Those that say how often at most."""
    worded: dict[tuple[int, tuple[Lacking, ...]], NearTo] = field(default_factory=dict, compare=False)
    """Permissions with what they lack, kept as they are needed."""
    nearby: dict[Fit, Nearest] = field(default_factory=dict, compare=False)
    """The nearest permissions, kept as they are needed."""
    ends: dict[tuple[str, Address | None], Sides] = field(default_factory=dict, compare=False)
    """Those that admit an address in a zone, kept as they are needed."""
    requests: dict[tuple[object, ...], Asked] = field(default_factory=dict, compare=False)
    """Those that admit what a fact is, likewise."""
    allowed: dict[tuple[str, str, int, str], Any] = field(default_factory=dict, compare=False)
    """What is decided where a permission allows, by the zones of both ends, its number, and what is taken for
    granted."""

    def admitting_ends(
        self, client: Address | None, server: Address | None, client_zone: str, server_zone: str
    ) -> tuple[Set, Set, Set, Set]:
        """Which permissions admit the ends of a fact: client, server, and both turned (`Fit`)."""
        clients, turned_servers = self._of_end(client_zone, client)
        turned_clients, servers = self._of_end(server_zone, server)
        return clients, servers, turned_clients, turned_servers

    def _of_end(self, zone: str, address: Address | None) -> Sides:
        key = zone, address
        known = self.ends.get(key)
        if known is None:
            if len(self.ends) >= NEARBY:
                self.ends.clear()
            known = self.ends[key] = self.sides.at(zone, address)
        return known

    def lacking(self, fit: Fit) -> list[Set]:
        """For each of `ASPECTS` the permissions that do not admit a fact there."""
        everyone = self.everyone
        return [*self._lacking_ends(fit), *[everyone & ~those for those in fit.rest]]

    def deciding(self, allowing: Set) -> int:
        """Which of several permissions counts: the first without a rate, else that of the highest rate."""
        free = allowing & ~self.rated
        if free:
            return (free & -free).bit_length() - 1
        every = numbers(allowing, len(self.permissions))
        return max(every, key=lambda number: (self.permissions[number].rate or 0, -number))

    def asked(self, fact: Fact) -> Asked:
        """For each of `ASPECTS` from the transport on the permissions that admit a fact."""
        key = _LOOKED_AT[type(fact)](fact)
        beyond = 0
        if isinstance(fact, WrittenValue):
            beyond = self.exceeding(fact)
            key += (beyond,)
        known = self.requests.get(key)
        if known is None:
            if len(self.requests) >= NEARBY:
                self.requests.clear()
            if isinstance(fact, Operation):
                rest = *self._admitting_talk(fact), *self._admitting_request(fact)
            elif isinstance(fact, WrittenValue):
                rest = *self._admitting_talk(fact), *self._admitting_value(fact, beyond)
            else:
                rest = self._admitting_talk(fact)
            known = self.requests[key] = Asked(rest, reduce(and_, rest))
        return self._at_times(fact, known) if self.timed else known

    def _admitting_talk(self, fact: Fact) -> tuple[Set, ...]:
        protocols = reduce(or_, map(self.protocols.at, may_speak(fact)), self.protocols.free)
        if assumed(fact):
            # A port that the permission names speaks for its protocol, where no payload could.
            protocols |= self.everyone & ~self.free_ports | self.protocols.at(fact.protocol)
        return self.transports.at(fact.transport), self.free_ports | self.ports.at(fact.port), protocols

    def _admitting_value(self, written: WrittenValue, beyond: Set) -> tuple[Set, ...]:
        """For each aspect the permissions that admit a written value; `beyond` are those that `exceeding`
        said."""
        functions = self.functions
        named = 0
        if functions.numbers or functions.names:
            codes, names = _writing(written)
            named = reduce(or_, (functions.numbers.get(n, 0) for n in codes), 0)
            named = reduce(or_, (functions.names.get(name, 0) for name in names), named)
        return (
            self.access.at("write"),
            functions.free | named,
            self.free_units | self.units.at(written.unit),
            self._admits_span(written.table, written.address, written.address + written.words - 1),
            self.everyone & ~beyond,
        )

    def _at_times(self, fact: Fact, asked: Asked) -> Asked:
        """With the permissions that hold at the times of a fact."""
        # Aspects that are not asked of this fact keep their places.
        others = [self.everyone] * (ASPECTS.index("hours") - len(ENDS) - len(asked.rest))
        hours, expiry = self._admitting_times(fact)
        return Asked((*asked.rest, *others, hours, expiry), asked.every & hours & expiry)

    def _admitting_times(self, fact: Fact) -> tuple[Set, Set]:
        """The permissions whose hours a fact keeps, and those that had not expired."""
        hours = 0 if isinstance(fact, WrittenValue) else fact.hours
        outside = expired = 0
        for bit, permission in self.timed:
            if permission.schedule and not permission.schedule.keeps(hours, fact.first_ns, fact.last_ns):
                outside |= bit
            if permission.expires_ns is not None and fact.last_ns >= permission.expires_ns:
                expired |= bit
        return self.everyone & ~outside, self.everyone & ~expired

    def nearest_to(self, fit: Fit) -> Nearest:
        """The permissions that lack least, at most `NEAREST`."""
        known = self.nearby.get(fit)
        if known is None:
            told = [pair for pair in zip(ASPECTS, self.lacking(fit), strict=False) if pair[1]]
            numbers = nearest([lacking for _, lacking in told], self.everyone, NEAREST)
            found = [self._near_to(number, told) for number in numbers]
            if len(self.nearby) >= NEARBY:
                self.nearby.clear()
            aspects = tuple(dict.fromkeys([aspect for near in found for aspect, _ in near.lacks]))
            known = self.nearby[fit] = Nearest(aspects, tuple(found))
        return known

    def _near_to(self, number: int, told: list[tuple[Lacking, Set]]) -> NearTo:
        bit = 1 << number
        aspects = tuple([aspect for aspect, lacking in told if lacking & bit])
        if "direction" in aspects:
            # Which names both ends.
            aspects = tuple([aspect for aspect in aspects if aspect != "client"])
        known = self.worded.get((number, aspects))
        if known is None:
            permission = self.permissions[number]
            lacks = tuple((aspect, allowed(aspect, permission)) for aspect in aspects)
            place = self.lines[number], permission.schedule.zone
            known = self.worded[number, aspects] = NearTo(number, permission.called(), *place, lacks)
        return known

    def admitting_request(self, operation: Operation) -> Set:
        """The permissions that admit what an operation asks for, whoever asks whom over what."""
        return reduce(and_, self._admitting_request(operation))

    def _admitting_request(self, operation: Operation) -> list[Set]:
        named = self.functions.named(operation)
        return [
            self.access.at(operation.access),
            self.functions.free | named,
            self.free_units | self.units.at(operation.unit),
            self._admits_elements(operation, named),
        ]

    def exceeding(self, written: WrittenValue) -> Set:
        """The permissions of which a written value breaks a limit."""
        return reduce(or_, [bit for bit, _ in self.exceeded(written)], 0)

    def exceeded(self, written: WrittenValue) -> list[tuple[Set, Excess]]:
        """The limits that a written value breaks, each with its permission."""
        limits = self.limits.get((written.protocol, written.table, written.address), ())
        found = ((bit, excess(limit, written)) for bit, limit in limits)
        return [(bit, beyond) for bit, beyond in found if beyond is not None]

    def _lacking_ends(self, fit: Fit) -> tuple[Set, Set, Set]:
        """The permissions that lack the direction, the client, and the server."""
        rest = self.everyone & ~(fit.clients & fit.servers)
        if not rest:
            return 0, 0, 0
        turned = fit.turned_clients & fit.turned_servers & rest
        rest &= ~turned
        away = rest & ~self.client_zones.get(fit.client_zone, 0)
        here = rest & ~away
        return turned | away, away | (here & ~fit.clients), here & ~fit.servers

    def _admits_elements(self, operation: Operation, named: Set) -> Set:
        """Those that list no elements, or these.

        An operation on no element passes those that list some only where they admit it in another
        way: by its function, or by an access class that is not about data.
        """
        kind = MODBUS_OBJECTS.get(operation.function)
        if kind is None:
            about_data = operation.access in ("read", "write")
            return (
                self.free_elements
                | named
                | (0 if about_data else self.access.listed.get(operation.access, 0))
            )
        if operation.address == UNKNOWN:
            return self.free_elements | self.elements.get(kind, (0, ()))[0]
        # A count that was not seen is of one.
        return self._admits_span(kind, operation.address, operation.address + max(operation.count, 1) - 1)

    def _admits_span(self, kind: str, first: int, last: int) -> Set:
        if kind not in self.elements:
            return self.free_elements
        found = self.free_elements
        for steps in self.elements[kind][1]:
            found |= steps.at(first) & steps.at(last)
        return found


def permission_table(owner: Zone | Boundary, carriers: Carriers) -> PermissionTable:
    """Index the permissions of a zone or boundary."""
    return table_of(owner.id, str(owner.line), owner.permissions, carriers)


def table_of(
    owner: str, line: str, permissions: tuple[Permission, ...], carriers: Carriers
) -> PermissionTable:
    """Index permissions; `owner` and `line` tell whose list they are."""
    by_zone: dict[str, Set] = {}
    for number, permission in enumerate(permissions):
        zone = permission.clients[0].zone
        by_zone[zone] = by_zone.get(zone, 0) | 1 << number
    return PermissionTable(
        owner,
        line,
        permissions,
        tuple(str(permission.line) for permission in permissions),
        (1 << len(permissions)) - 1,
        _ends(permissions, carriers),
        by_zone,
        _choice(permissions, lambda permission: permission.transports),
        _free(permissions, lambda permission: permission.ports),
        _steps((number, permission.ports) for number, permission in enumerate(permissions)),
        _choice(permissions, lambda permission: permission.protocols),
        _choice(permissions, lambda permission: permission.access),
        _functions(permissions),
        _free(permissions, lambda permission: permission.units),
        _steps((number, permission.units) for number, permission in enumerate(permissions)),
        _free(permissions, lambda permission: permission.objects),
        _elements(permissions),
        _limits(permissions),
        tuple(
            (1 << number, permission)
            for number, permission in enumerate(permissions)
            if permission.schedule or permission.expires_ns is not None
        ),
        sum(1 << number for number, permission in enumerate(permissions) if permission.rate is not None),
    )


def _ends(permissions: tuple[Permission, ...], carriers: Carriers) -> Ends:
    zones: dict[str, Sides] = {}
    networks: dict[str, dict[int, dict[int, dict[int, Sides]]]] = {}
    for number, permission in enumerate(permissions):
        bit = 1 << number
        for end, clients, servers in (
            *((end, bit, 0) for end in permission.clients),
            *((end, 0, bit) for end in permission.servers),
        ):
            if end.network is None:
                as_client, as_server = zones.get(end.zone, _NOBODY)
                zones[end.zone] = as_client | clients, as_server | servers
                continue
            bits, prefix = end.network.bits, end.network.prefix
            lengths = networks.setdefault(end.zone, {}).setdefault(bits, {})
            sides = lengths.setdefault(bits - end.network.length, {})
            as_client, as_server = sides.get(prefix, _NOBODY)
            sides[prefix] = as_client | clients, as_server | servers
    parts = {
        zone: {bits: tuple(lengths.items()) for bits, lengths in widths.items()}
        for zone, widths in networks.items()
    }
    return Ends(zones, parts, carriers)


def _free(permissions: tuple[Permission, ...], values: Callable[[Permission], object]) -> Set:
    return sum(1 << number for number, permission in enumerate(permissions) if not values(permission))


def _choice(permissions: tuple[Permission, ...], values: Callable[[Permission], Iterable[str]]) -> Choice:
    listed: dict[object, Set] = {}
    for number, permission in enumerate(permissions):
        for value in values(permission):
            listed[value] = listed.get(value, 0) | 1 << number
    return Choice(_free(permissions, values), listed)


def _steps(entries: Iterable[tuple[int, Ranges]]) -> Steps:
    """Sets by number, of permissions with merged ranges."""
    turns: dict[int, Set] = {}
    for number, ranges in entries:
        for low, high in ranges:
            turns[low] = turns.get(low, 0) ^ 1 << number
            turns[high + 1] = turns.get(high + 1, 0) ^ 1 << number
    starts, now = sorted(turns), 0
    sets: list[Set] = []
    for start in starts:
        now ^= turns[start]
        sets.append(now)
    return Steps(starts, sets)


def _functions(permissions: tuple[Permission, ...]) -> Functions:
    table = Functions(_free(permissions, lambda permission: permission.functions), {}, {}, {})
    for number, permission in enumerate(permissions):
        bit = 1 << number
        for one in permission.functions:
            if one.number is None:
                table.names[one.name] = table.names.get(one.name, 0) | bit
            elif one.subfunction is None:
                table.numbers[one.number] = table.numbers.get(one.number, 0) | bit
            else:
                pair = (one.number, one.subfunction)
                table.pairs[pair] = table.pairs.get(pair, 0) | bit
    return table


def _limits(
    permissions: tuple[Permission, ...],
) -> dict[tuple[str, str, int], tuple[tuple[Set, Limit], ...]]:
    found: dict[tuple[str, str, int], tuple[tuple[Set, Limit], ...]] = {}
    for number, permission in enumerate(permissions):
        for limit in permission.limits:
            for address in sorted({limit.address, higher_word(limit)}):
                key = limit.protocol, limit.table, address
                found[key] = (*found.get(key, ()), (1 << number, limit))
    return found


def _elements(permissions: tuple[Permission, ...]) -> dict[str, tuple[Set, tuple[Steps, ...]]]:
    listed: dict[str, list[tuple[int, Ranges]]] = {}
    for number, permission in enumerate(permissions):
        for kind, ranges in permission.objects:
            listed.setdefault(kind, []).append((number, ranges))
    found: dict[str, tuple[Set, tuple[Steps, ...]]] = {}
    for name, entries in listed.items():
        layers = range(max(len(ranges) for _, ranges in entries))
        steps = (_steps((number, ranges[at : at + 1]) for number, ranges in entries) for at in layers)
        found[name] = reduce(or_, (1 << number for number, _ in entries)), tuple(steps)
    return found
