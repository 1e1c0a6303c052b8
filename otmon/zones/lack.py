"""What a permission may lack to allow a fact, and how that is worded for the few that are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

from otmon.ledger.facts import UNKNOWN, Conversation, Operation, WrittenValue
from otmon.zones.address import Address
from otmon.zones.functions import MODBUS_OBJECTS
from otmon.zones.model import Endpoint, FunctionRef, Permission, shown
from otmon.zones.quantity import shown_limit
from otmon.zones.times import shown_instant

Lacking = Literal[
    "direction", "client", "server", "transport", "port", "protocol",
    "access", "function", "unit", "elements", "value", "hours", "expiry",
]  # fmt: skip
"""Farthest first: other elements of the same function are nearer than another host."""
ASPECTS: Final[tuple[Lacking, ...]] = get_args(Lacking)

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
    "value": "{allowed}, not {seen}",
    "hours": "only {allowed}, not {seen}",
    "expiry": "until {allowed}, not {seen}",
}
"""What a permission allows instead of what was seen, in English."""


class Lack(NamedTuple):
    """One thing for which a permission does not fit. A tuple, as very many are made."""

    key: Lacking
    allowed: str
    seen: str


class Subject(NamedTuple):
    """A fact, read once for all permissions. A tuple, as very many are made."""

    fact: Conversation | Operation | WrittenValue
    operation: Operation | None
    """The fact, if it is one."""
    written: WrittenValue | None
    client: Address | None
    server: Address | None
    client_zone: str
    server_zone: str
    protocol: str
    """What the conversation speaks, or must be taken to speak (`assumed`)."""
    assumed: bool


def subject(
    fact: Conversation | Operation | WrittenValue,
    addresses: tuple[Address | None, Address | None],
    zones: tuple[str, str],
) -> Subject:
    """Read a fact whose ends have these addresses and zones, client first."""
    if isinstance(fact, Operation):
        return Subject(fact, fact, None, *addresses, *zones, fact.protocol, False)
    if isinstance(fact, WrittenValue):
        return Subject(fact, None, fact, *addresses, *zones, fact.protocol, False)
    # Nothing was said in which a protocol could have been recognised: the usual one may be it.
    assumed = fact.protocol == "none"
    return Subject(fact, None, None, *addresses, *zones, fact.expected if assumed else fact.protocol, assumed)


def taken_for_granted(permission: Permission, subject: Subject) -> Literal["", "protocol", "elements"]:
    """What of the permission nobody could see in the fact that it allows."""
    operation = subject.operation
    if subject.written is not None:
        return ""
    if operation is None:
        listed = not permission.protocols or subject.fact.protocol in permission.protocols
        return "" if listed or not subject.assumed else "protocol"
    unseen = operation.function in MODBUS_OBJECTS and operation.address == UNKNOWN
    return "elements" if permission.objects and unseen else ""


def _span(operation: Operation) -> tuple[int, int]:
    """First and last element; a count that was not seen is of one."""
    return operation.address, operation.address + max(operation.count, 1) - 1


def allowed(key: Lacking, permission: Permission) -> str:
    """What the permission allows there."""
    match key:
        case "direction" | "client":
            return _ends(permission.clients)
        case "server":
            return _ends(permission.servers)
        case "transport":
            return ", ".join(permission.transports)
        case "port":
            return shown(permission.ports)
        case "protocol":
            return ", ".join(permission.protocols)
        case "access":
            return ", ".join(permission.access)
        case "function":
            return ", ".join(map(_function, permission.functions))
        case "unit":
            return shown(permission.units)
        case "elements":
            return "; ".join(f"{kind} {shown(ranges)}" for kind, ranges in permission.objects)
        case "value":
            return "; ".join(map(shown_limit, permission.limits))
        case "hours":
            return str(permission.schedule)
        case "expiry":
            return permission.expires


def seen(key: Lacking, subject: Subject, zone: str = "") -> str:
    """What the fact has there; times in a time zone, without one in UTC."""
    fact, operation, written = subject.fact, subject.operation, subject.written
    match key:
        case "direction" | "client":
            return fact.client
        case "server":
            return fact.server
        case "transport":
            return fact.transport
        case "port":
            return str(fact.port)
    if key == "hours":
        return f"{shown_instant(fact.first_ns, zone)} … {shown_instant(fact.last_ns, zone)}"
    if key == "expiry":
        return shown_instant(fact.last_ns, zone)
    if written is not None and key != "protocol":
        if key == "unit":
            return str(written.unit)
        return "write" if key in ("access", "function") else f"{written.table} {written.address}"
    if key == "protocol" or operation is None:
        return subject.protocol
    match key:
        case "access":
            return operation.access
        case "function":
            return f"{_numbers(operation.function, operation.subfunction)} ({operation.service})"
        case "unit":
            return "-" if operation.unit == UNKNOWN else str(operation.unit)
        case _:
            return _elements(operation)


def _ends(ends: Iterable[Endpoint]) -> str:
    return ", ".join(end.zone if end.network is None else str(end.network) for end in ends)


def _elements(operation: Operation) -> str:
    kind = MODBUS_OBJECTS.get(operation.function)
    if kind is None:
        return "-"
    return kind if operation.address == UNKNOWN else f"{kind} {shown((_span(operation),))}"


def _function(function: FunctionRef) -> str:
    if function.number is None:
        return function.name
    return _numbers(function.number, UNKNOWN if function.subfunction is None else function.subfunction)


def _numbers(function: int, subfunction: int) -> str:
    return str(function) if subfunction == UNKNOWN else f"{function}/{subfunction}"
