"""Permissions of a zone or boundary: who may talk to whom, checked against the zones that exist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from otmon.sentence import Sentence, either, sentence
from otmon.zones.address import Address, Network, host, parse_address, parse_network, reach, within
from otmon.zones.elements import EXAMPLES, kind_of, parse_element, shown_element
from otmon.zones.files.document import Problem, quoted
from otmon.zones.files.entry import KINDS, MAX_PROBLEMS, Entry, Path, nearest
from otmon.zones.files.schema import OBJECT_TYPES, LimitForm, PermissionForm
from otmon.zones.files.text import TRANSPORTS, read_function_number
from otmon.zones.functions import MODBUS_FUNCTIONS, normal
from otmon.zones.model import (
    INTERNET,
    Device,
    Endpoint,
    FunctionRef,
    Limit,
    Line,
    Member,
    Name,
    ObjectType,
    Permission,
    ValueType,
    merged,
    spans,
)
from otmon.zones.quantity import words_of
from otmon.zones.role import one_name
from otmon.zones.times import ALWAYS, Dated, Schedule, end_of, instant_of

ANY: Final = "any"
ROLE: Final = "role:"
"""What an end begins with that is told by the role of assets."""
NOT_RECOGNISED: Final = "unknown"
"""Protocol id of a conversation whose protocol nobody recognised."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Zones that a permission may name, by id: one zone, or the two of a boundary."""

    zones: tuple[str, ...]
    members: dict[str, tuple[Member, ...]]
    vague: frozenset[str] = frozenset()
    """Zones some of whose members could not be read: what else is in them nobody can say."""


@dataclass(frozen=True, slots=True)
class PermissionReader:
    """Permission forms to permissions, with what all of them share."""

    protocols: frozenset[str]
    ids: dict[str, Line]
    """Ids that were given so far."""
    problems: list[Problem]
    timezone: str
    """Name of the plant's time zone, "" where no file tells it."""
    devices: tuple[Device, ...]

    def read(self, entry: Entry[Any], sides: Sides) -> tuple[Permission, ...]:
        """The permissions of one zone or boundary; one that is wrong is left out."""
        found = []
        for path, form in entry.permissions:
            if len(self.problems) >= MAX_PROBLEMS:
                break
            before = len(self.problems)
            permission = self._permission(entry, path, form, sides)
            if len(self.problems) == before:
                found.append(permission)
        for path, form, misread in entry.partial:
            if len(self.problems) < MAX_PROBLEMS:
                self._rest(entry, path, form, misread, sides)
        return tuple(found)

    def read_unplaced(self, entry: Entry[Any]) -> None:
        """Check what the permissions of a boundary say that does not depend on its zones, which are wrong."""
        given = (*entry.permissions, *((path, form) for path, form, _ in entry.partial))
        for path, form in given:
            if len(self.problems) < MAX_PROBLEMS:
                self._protocols(entry, path, form)
                list(self._functions(entry, path, form))

    def _rest(
        self, entry: Entry[Any], path: Path, form: PermissionForm, misread: frozenset[str], sides: Sides
    ) -> None:
        """Check what else a permission says of which some keys are wrong."""
        if misread & {"from", "to"}:
            self._endpoints(entry, (*path, "from"), form.from_, sides)
            self._endpoints(entry, (*path, "to"), form.to, sides)
        else:
            self._ends(entry, path, form, sides)
        if "id" not in misread:
            self._id(entry, path, form)
        self._protocols(entry, path, form)
        list(self._functions(entry, path, form))
        if form.hours or form.during or form.expires:
            self._has_timezone(entry, path)
        if not misread & _OF_ELEMENTS:
            list(self._limits(entry, path, form))

    def _permission(self, entry: Entry[Any], path: Path, form: PermissionForm, sides: Sides) -> Permission:
        clients, servers = self._ends(entry, path, form, sides)
        return Permission(
            id=self._id(entry, path, form),
            line=entry.line(path),
            clients=clients,
            servers=servers,
            protocols=self._protocols(entry, path, form),
            transports=form.transport,
            ports=merged(list(form.port)),
            access=form.access,
            functions=tuple(self._functions(entry, path, form)),
            units=merged(list(form.units)),
            objects=form.objects(),
            limits=tuple(self._limits(entry, path, form)),
            reason=form.reason or "",
            schedule=self._schedule(entry, path, form),
            expires_ns=self._expiry(entry, path, form),
            expires="" if form.expires is None else form.expires.isoformat(),
            approver=form.approver or "",
            exception=path[0] == "exceptions",
            rate=form.rate,
            name=None if form.name is None else form.name.value(),
        )

    def _id(self, entry: Entry[Any], path: Path, form: PermissionForm) -> str:
        if form.id is None:
            # A slash is in no id that a file can give.
            number = int(path[-1]) + 1
            return f"{entry.id}/{number}" if path[0] == "allow" else f"{entry.id}/exception-{number}"
        if form.id in self.ids:
            what = sentence(
                "{kind} {id} a second time, expected an id of its own (first at {first})",
                kind=KINDS["permission"], id=quoted(form.id), first=str(self.ids[form.id]),
            )  # fmt: skip
            self._say(entry, (*path, "id"), what)
        self.ids.setdefault(form.id, entry.line((*path, "id")))
        return form.id

    def _protocols(self, entry: Entry[Any], path: Path, form: PermissionForm) -> tuple[str, ...]:
        for number, protocol in enumerate(form.protocol):
            if protocol in self.protocols or protocol in (ANY, NOT_RECOGNISED):
                continue
            if protocol in TRANSPORTS:
                # As tables show what has no other name.
                what = sentence(
                    "no protocol {id}, expected `transport: {name}`", id=quoted(protocol), name=protocol
                )
            else:
                what = sentence(
                    "no protocol {id}, expected {expected}",
                    id=quoted(protocol),
                    expected=nearest(protocol, (ANY, *sorted(self.protocols), NOT_RECOGNISED)),
                )
            self._say(entry, (*path, "protocol", number), what)
        return () if form.protocol == (ANY,) else form.protocol

    def _functions(self, entry: Entry[Any], path: Path, form: PermissionForm) -> Iterator[FunctionRef]:
        for number, text in enumerate(form.functions):
            numbered = read_function_number(text)
            if numbered is not None:
                if form.protocol == ("modbus",) and not 1 <= numbered[0] <= 127:
                    what = sentence(
                        "no Modbus function {number}, expected a number from 1 to 127", number=numbered[0]
                    )
                    self._say(entry, (*path, "functions", number), what)
                yield FunctionRef(*numbered, "")
            elif form.protocol != ("modbus",):
                yield FunctionRef(None, None, normal(text))
            elif normal(text) in MODBUS_FUNCTIONS:
                yield FunctionRef(*MODBUS_FUNCTIONS[normal(text)], "")
            else:
                what = sentence(
                    "no Modbus function {name}, expected a number such as 6 or 43/14, or {expected}",
                    name=quoted(text),
                    expected=nearest(normal(text), MODBUS_FUNCTIONS),
                )
                self._say(entry, (*path, "functions", number), what)

    def _schedule(self, entry: Entry[Any], path: Path, form: PermissionForm) -> Schedule:
        if not (form.hours or form.during or form.expires) or not self._has_timezone(entry, path):
            return ALWAYS
        dated = (
            Dated(
                instant_of(begin, self.timezone),
                instant_of(end, self.timezone),
                f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}",
            )
            for begin, end in form.during
        )
        return Schedule(self.timezone, form.hours, tuple(dated))

    def _expiry(self, entry: Entry[Any], path: Path, form: PermissionForm) -> int | None:
        if form.expires is None or not self.timezone:
            return None
        try:
            return end_of(form.expires, self.timezone)
        except OverflowError:
            return None

    def _has_timezone(self, entry: Entry[Any], path: Path) -> bool:
        if not self.timezone:
            what = sentence(
                "times without a time zone, expected one such as `timezone: Asia/Tokyo` at the top of a file"
            )
            self._say(entry, path, what)
        return bool(self.timezone)

    def _limits(self, entry: Entry[Any], path: Path, form: PermissionForm) -> Iterator[Limit]:
        """The limits; one for an element that the permission does not list would never be asked."""
        seen: dict[tuple[str, int], Line] = {}
        for number, limit in enumerate(form.limits):
            place = (*path, "limits", number)
            protocol = form.protocol[0] if form.protocol else ""
            read = self._limited(entry, place, limit, protocol)
            if read is None:
                continue
            key, address, type = read
            line = entry.line(place)
            listed = dict(form.objects())
            held = listed.get(key, ()) if key in OBJECT_TYPES else ()
            if listed and not spans(held, address, address + words_of(type) - 1):
                what = sentence(
                    "{key} {address} is not among what the permission lists, expected one of its elements",
                    key=key, address=address,
                )  # fmt: skip
                self._say(entry, place, what)
            if (key, address) in seen:
                what = sentence(
                    "a second limit for {element}, expected one (first at {first})",
                    element=shown_element(protocol, key, address, words_of(type)), first=str(seen[key,
                    address]),
                )  # fmt: skip
                self._say(entry, place, what)
            seen.setdefault((key, address), line)
            name = limit.name.value() if limit.name is not None else Name("", "")
            yield Limit(
                line, name, key, address, type, limit.scale, limit.unit or "", limit.low, limit.high,
                limit.step, limit.change, protocol,
            )  # fmt: skip

    def _limited(
        self, entry: Entry[Any], place: Path, limit: LimitForm, protocol: str
    ) -> tuple[str, int, ValueType] | None:
        """Table, address and type of the element that a limit is for; None where that is wrong."""
        if protocol not in ("modbus", *EXAMPLES):
            # Which is told where it stands.
            return None
        if (limit.element is None) != (protocol == "modbus"):
            keys = ("coil", "holding_register") if protocol == "modbus" else ("element",)
            what = sentence(
                "a limit for {protocol} under another key, expected {keys}", keys=keys, protocol=protocol
            )
            self._say(entry, place, what)
            return None
        if limit.coil is not None:
            return "coils", limit.coil, limit.type
        if limit.element is None:
            return "holding_registers", limit.holding_register or 0, limit.type
        element = parse_element(protocol, limit.element)
        if element is None:
            what = sentence(
                "{text} is no element of {protocol} whose values are read, expected one such as {example}",
                text=quoted(limit.element), protocol=protocol, example=EXAMPLES[protocol],
            )  # fmt: skip
            self._say(entry, (*place, "element"), what)
            return None
        if kind_of(protocol, element.table) == "bit" and limit.measured:
            what = sentence(
                "type, scale, step or change of {element}, expected none: a bit is 0 or 1",
                element=limit.element,
            )
            self._say(entry, place, what)
        type = limit.type
        if kind_of(protocol, element.table) == "real":
            if "type" in limit.model_fields_set:
                what = sentence(
                    "type of {element}, expected none: its messages say how a number is held",
                    element=limit.element,
                )
                self._say(entry, place, what)
            type = "float32"
        if element.words and element.words != words_of(type):
            what = sentence(
                "{element} has {bits} bits, expected a type of as many",
                element=limit.element, bits=16 * element.words,
            )  # fmt: skip
            self._say(entry, place, what)
        return element.table, element.address, type

    def _ends(
        self, entry: Entry[Any], path: Path, form: PermissionForm, sides: Sides
    ) -> tuple[tuple[Endpoint, ...], tuple[Endpoint, ...]]:
        """Clients and servers. In a boundary they lie on opposite sides; one may be left out."""
        clients = self._endpoints(entry, (*path, "from"), form.from_, sides)
        servers = self._endpoints(entry, (*path, "to"), form.to, sides)
        if len(sides.zones) == 1:
            here = (Endpoint(sides.zones[0], None),)
            return clients or here, servers or here
        if form.from_ is None and form.to is None:
            what = sentence(
                "neither from nor to, expected at least one of them: {zones}", zones=either(sides.zones)
            )
            self._say(entry, path, what)
        clients, servers = _one_sided(clients, form.from_, servers), _one_sided(servers, form.to, clients)
        for key, ends in (("from", clients), ("to", servers)):
            if len({end.zone for end in ends}) > 1:
                what = sentence(
                    "{key} names both sides of the boundary, expected one; each needs its own permission",
                    key=key,
                )
                self._say(entry, (*path, key), what)
        if clients and servers and clients[0].zone == servers[0].zone:
            what = sentence(
                "from and to are both in {zone}, expected opposite sides of the boundary",
                zone=clients[0].zone,
            )
            self._say(entry, (*path, "to"), what)
        other = dict(zip(sides.zones, reversed(sides.zones), strict=True))
        if clients and form.to is None:
            servers = (Endpoint(other[clients[0].zone], None),)
        if servers and form.from_ is None:
            clients = (Endpoint(other[servers[0].zone], None),)
        return clients, servers

    def _endpoints(
        self, entry: Entry[Any], path: Path, texts: tuple[str, ...] | None, sides: Sides
    ) -> tuple[Endpoint, ...]:
        found = []
        for number, text in enumerate(texts or ()):
            if text.startswith(ROLE):
                found += self._of_role(entry, (*path, number), text.removeprefix(ROLE).strip(), sides)
                continue
            end = endpoint(text, sides)
            if isinstance(end, Endpoint):
                found.append(end)
            elif not sides.vague or not _is_address(text):
                self._say(entry, (*path, number), end)
        return tuple(found)

    def _of_role(self, entry: Entry[Any], path: Path, role: str, sides: Sides) -> list[Endpoint]:
        """The addresses of the assets that have a role, in the zones that the permission is about."""
        meant = one_name(role)
        having = [device for device in self.devices if meant in map(one_name, device.roles)]
        found = []
        for device in having:
            macs = (host(device.mac),) if device.mac is not None else ()
            for network in (*device.networks, *macs):
                lengths = {zone: _held(zone, network, sides.members) for zone in sides.zones}
                zone = max(sides.zones, key=lambda one: lengths[one])
                if lengths[zone] >= 0:
                    found.append(Endpoint(zone, network))
        if not having:
            roles = sorted({one for device in self.devices for one in device.roles})
            what = sentence(
                "no asset has the role {role}, expected {expected}",
                role=quoted(role),
                expected=nearest(role, roles) if roles else sentence("assets with roles in the model"),
            )
            self._say(entry, path, what)
        elif not found and not sides.vague:
            what = sentence(
                "no asset with the role {role} is in {zones}, expected one",
                role=quoted(role), zones=either(sides.zones),
            )  # fmt: skip
            self._say(entry, path, what)
        return found

    def _say(self, entry: Entry[Any], path: Path, what: Sentence) -> None:
        self.problems.append(entry.problem(path, what))


_OF_ELEMENTS: Final = frozenset({*get_args(ObjectType), "limits"})
"""Keys that limits are held against."""


def _is_address(text: str) -> bool:
    return parse_address(text) is not None or parse_network(text) is not None


def _one_sided(
    ends: tuple[Endpoint, ...], texts: tuple[str, ...] | None, others: tuple[Endpoint, ...]
) -> tuple[Endpoint, ...]:
    """Assets of a role may stand on both sides of a boundary: meant are those opposite to the other end."""
    away = {end.zone for end in others}
    if (
        len({end.zone for end in ends}) < 2
        or len(away) != 1
        or not any(t.startswith(ROLE) for t in texts or ())
    ):
        return ends
    return tuple(end for end in ends if end.zone not in away)


def endpoint(text: str, sides: Sides) -> Endpoint | Sentence:
    """A zone's id or an address of one of the zones; else what is wrong, as a sentence."""
    if text in sides.zones:
        return Endpoint(text, None)
    address = parse_address(text)
    network = parse_network(text) if address is None else host(address)
    named = {"end": quoted(text), "zones": either(sides.zones)}
    if network is None:
        return sentence(
            "{end} is no end of this permission, expected {zones}, or an address or prefix in it", **named
        )
    lengths = {zone: _held(zone, network, sides.members) for zone in sides.zones}
    longest = max(lengths.values())
    if longest >= 0:
        owners = [zone for zone in sides.zones if lengths[zone] == longest]
    else:
        owners = [zone for zone in sides.zones if _may_hold(zone, sides.members)]
    if len(owners) == 1:
        return Endpoint(owners[0], network)
    if owners:
        return sentence(
            "{end} may be in {zones}, expected a zone, or members that tell which one it is", **named
        )
    return sentence("{end} is not among the members of {zones}, expected one of their addresses", **named)


def _held(zone: str, network: Network, members: dict[str, tuple[Member, ...]]) -> int:
    """Length of the zone's narrowest member that covers the whole network, -1 where none does."""
    if zone == INTERNET:
        first = Address(network.bits, network.prefix << (network.bits - network.length))
        return 0 if reach(first) == "internet" else -1
    lengths = [-1]
    for member in members.get(zone, ()):
        for outer in (member.network, member.macs):
            if outer is not None and within(network, outer):
                lengths.append(outer.length)
    return max(lengths)


def _may_hold(zone: str, members: dict[str, tuple[Member, ...]]) -> bool:
    """The zone has members without an address, which may have any."""
    return any(member.network is None for member in members.get(zone, ()))
