"""What a permission lacks to allow a fact: nothing, or the reasons why it does not apply.

Asking is cheap, as every permission of a boundary is asked about every denied fact; wording is done
for the few that are shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from otmon.ledger.facts import UNKNOWN, Conversation, Operation
from otmon.zones.address import Address
from otmon.zones.functions import MODBUS_OBJECTS, normal
from otmon.zones.model import Endpoint, FunctionRef, Permission, shown, spans

Lacking = Literal[
    "direction", "client", "server", "transport", "port", "protocol", "access", "function", "unit", "elements"
]
"""Farthest first: other elements of the same function are nearer than another host."""
_RANK: Final = {key: rank for rank, key in enumerate(get_args(Lacking))}

LACKS: Final[dict[Lacking, str]] = {
    "direction": "from {allowed}, not from {seen}",
    "client": "from {allowed}, not from {seen}",
    "server": "to {allowed}, not to {seen}",
    "transport": "over {allowed}, not over {seen}",
    "port": "port {allowed}, not {seen}",
    "protocol": "{allowed}, not {seen}",
    "access": "{allowed}, not {seen}",
    "function": "function {allowed}, not {seen}",
    "unit": "unit {allowed}, not {seen}",
    "elements": "{allowed}, not {seen}",
}
"""What a permission allows instead of what was seen, in English."""


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing for which a permission does not fit."""

    key: Lacking
    allowed: str
    seen: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A fact, read once for all permissions."""

    fact: Conversation | Operation
    operation: Operation | None
    """The fact, if it is one."""
    client: Address | None
    server: Address | None
    client_zone: str
    server_zone: str
    protocol: str
    """What the conversation speaks, or must be taken to speak (`assumed`)."""
    assumed: bool


def subject(
    fact: Conversation | Operation, addresses: tuple[Address | None, Address | None], zones: tuple[str, str]
) -> Subject:
    """Read a fact whose ends have these addresses and zones, client first."""
    if isinstance(fact, Operation):
        return Subject(fact, fact, *addresses, *zones, fact.protocol, False)
    # Nothing was said in which a protocol could have been recognised: the usual one may be it.
    assumed = fact.protocol == "none"
    return Subject(fact, None, *addresses, *zones, fact.expected if assumed else fact.protocol, assumed)


def lacking(permission: Permission, subject: Subject) -> list[Lacking]:
    """Everything for which the permission does not fit, farthest first; nothing when it allows the fact."""
    fact = subject.fact
    lacks = _lacking_ends(permission, subject)
    if permission.transports and fact.transport not in permission.transports:
        lacks.append("transport")
    if permission.ports and not spans(permission.ports, fact.port, fact.port):
        lacks.append("port")
    # A port that the permission names speaks for its protocol, where no payload could.
    shown = not (subject.assumed and permission.ports)
    if shown and permission.protocols and subject.protocol not in permission.protocols:
        lacks.append("protocol")
    operation = subject.operation
    if operation is not None:
        if permission.access and operation.access not in permission.access:
            lacks.append("access")
        if permission.functions and not _named(permission.functions, operation):
            lacks.append("function")
        if permission.units and not spans(permission.units, operation.unit, operation.unit):
            lacks.append("unit")
        if permission.objects and not _addressed(permission, operation):
            lacks.append("elements")
    return lacks


def distance(lacks: list[Lacking]) -> int:
    """How far a permission is that lacks these: their number decides, then the farthest of them."""
    return len(lacks) * len(_RANK) - _RANK[lacks[0]]


def taken_for_granted(permission: Permission, subject: Subject) -> Literal["", "protocol", "elements"]:
    """What of the permission nobody could see in the fact that it allows."""
    operation = subject.operation
    if operation is None:
        listed = not permission.protocols or subject.fact.protocol in permission.protocols
        return "" if listed or not subject.assumed else "protocol"
    unseen = operation.function in MODBUS_OBJECTS and operation.address == UNKNOWN
    return "elements" if permission.objects and unseen else ""


def _lacking_ends(permission: Permission, subject: Subject) -> list[Lacking]:
    client_fits = _at(permission.clients, subject.client_zone, subject.client)
    server_fits = _at(permission.servers, subject.server_zone, subject.server)
    if client_fits and server_fits:
        return []
    if _at(permission.clients, subject.server_zone, subject.server) and _at(
        permission.servers, subject.client_zone, subject.client
    ):
        return ["direction"]
    if permission.clients[0].zone != subject.client_zone:
        return ["direction", "client"]
    lacks: list[Lacking] = [] if client_fits else ["client"]
    return lacks if server_fits else [*lacks, "server"]


def _at(ends: tuple[Endpoint, ...], zone: str, address: Address | None) -> bool:
    for end in ends:
        if end.zone == zone and (end.network is None or (address is not None and address in end.network)):
            return True
    return False


def _named(functions: Iterable[FunctionRef], operation: Operation) -> bool:
    for function in functions:
        if function.number is None:
            if function.name == normal(operation.service):
                return True
        elif function.number == operation.function and function.subfunction in (None, operation.subfunction):
            return True
    return False


def _addressed(permission: Permission, operation: Operation) -> bool:
    """Whether elements that are listed admit the operation.

    An operation on no element passes only where the permission admits it in another way: by its
    function, or by an access class that is not about data.
    """
    kind = MODBUS_OBJECTS.get(operation.function)
    if kind is None:
        by_access = operation.access in permission.access and operation.access not in ("read", "write")
        return by_access or _named(permission.functions, operation)
    for listed, ranges in permission.objects:
        if listed == kind:
            return operation.address == UNKNOWN or spans(ranges, *_span(operation))
    return False


def _span(operation: Operation) -> tuple[int, int]:
    """First and last element; a count that was not seen is of one."""
    return operation.address, operation.address + max(operation.count, 1) - 1


def worded(key: Lacking, permission: Permission, subject: Subject) -> Lack:
    """What the permission allows instead, and what was seen, as texts."""
    fact = subject.fact
    if key in ("direction", "client"):
        return Lack(key, _ends(permission.clients), fact.client)
    if key == "server":
        return Lack(key, _ends(permission.servers), fact.server)
    if key == "transport":
        return Lack(key, ", ".join(permission.transports), fact.transport)
    if key == "port":
        return Lack(key, shown(permission.ports), str(fact.port))
    operation = subject.operation
    if key == "protocol" or operation is None:
        return Lack(key, ", ".join(permission.protocols), subject.protocol)
    if key == "access":
        return Lack(key, ", ".join(permission.access), operation.access)
    if key == "function":
        allowed = ", ".join(_function(function) for function in permission.functions)
        return Lack(
            key, allowed, f"{_numbers(operation.function, operation.subfunction)} ({operation.service})"
        )
    if key == "unit":
        return Lack(key, shown(permission.units), str(operation.unit))
    allowed = "; ".join(f"{kind} {shown(ranges)}" for kind, ranges in permission.objects)
    return Lack(key, allowed, _elements(operation))


def _ends(ends: Iterable[Endpoint]) -> str:
    return ", ".join(end.zone if end.network is None else str(end.network) for end in ends)


def _elements(operation: Operation) -> str:
    kind = MODBUS_OBJECTS.get(operation.function)
    if kind is None:
        return "no element"
    return kind if operation.address == UNKNOWN else f"{kind} {shown((_span(operation),))}"


def _function(function: FunctionRef) -> str:
    if function.number is None:
        return function.name
    return _numbers(function.number, UNKNOWN if function.subfunction is None else function.subfunction)


def _numbers(function: int, subfunction: int) -> str:
    return str(function) if subfunction == UNKNOWN else f"{function}/{subfunction}"
