"""What a permission may lack to allow a fact, and how that is worded for the few that are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple, get_args

from otmon.ledger.facts import UNKNOWN, Conversation, Operation, WrittenValue
from otmon.protocols.registry import usual_on
from otmon.zones.elements import shown_element
from otmon.zones.functions import MODBUS_OBJECTS
from otmon.zones.model import Endpoint, FunctionRef, Permission, shown, shown_range
from otmon.zones.quantity import shown_limit
from otmon.zones.times import shown_instant

Lacking = Literal[
    "direction", "client", "server", "transport", "port", "protocol",
    "access", "function", "unit", "elements", "value", "hours", "expiry",
]  # fmt: skip
"""Farthest first: other elements of the same function are nearer than another host."""
ASPECTS: Final[tuple[Lacking, ...]] = get_args(Lacking)

LACKS: Final[dict[Lacking, str]] = {
    "direction": "{allowed}, not {seen}",
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


Fact = Conversation | Operation | WrittenValue
"""What a permission is asked about."""


_UPGRADED: Final = frozenset({"ftp", "imap", "ldap", "mysql", "pop3", "postgresql", "rdp", "smtp"})
"""Protocols that turn to TLS after a few messages of their own."""
_TOLD_FIRST: Final = {"tls": _UPGRADED, "unknown": _UPGRADED | {"ssh", "tls", "vnc"}}
"""What the rest of a connection looks like that is told by its first messages alone."""


def assumed(fact: Fact) -> bool:
    """Nothing was seen in which a protocol could have been recognised: the usual one may be it. So it is
    where nothing was said, and in connections that began before the capture, or in the file before, of a
    protocol that is told by its first messages alone."""
    if not isinstance(fact, Conversation):
        return False
    if fact.protocol == "none":
        return True
    told_first = _TOLD_FIRST.get(fact.protocol)
    return (
        told_first is not None
        and fact.expected in told_first
        and fact.role != "handshake"
        and fact.transport == "tcp"
    )


def spoken(fact: Fact) -> str:
    """What is spoken, or must be taken to be (`assumed`)."""
    return fact.expected if isinstance(fact, Conversation) and assumed(fact) else fact.protocol


def may_speak(fact: Fact) -> tuple[str, ...]:
    """The same, and where nothing was said each protocol for which the port is usual."""
    if isinstance(fact, Conversation) and fact.protocol == "none":
        return (fact.expected, *usual_on(fact.transport, fact.port))
    return (spoken(fact),)


def taken_for_granted(permission: Permission, fact: Fact) -> Literal["", "protocol", "elements"]:
    """What of the permission nobody could see in the fact that it allows."""
    if isinstance(fact, Operation):
        unseen = fact.address == UNKNOWN and fact.function in MODBUS_OBJECTS
        return "elements" if unseen and permission.objects else ""
    listed = not permission.protocols or fact.protocol in permission.protocols
    return "protocol" if assumed(fact) and not listed else ""


def allowed(key: Lacking, permission: Permission) -> str:
    """What the permission allows there."""
    match key:
        case "direction":
            return f"{_ends(permission.clients)} → {_ends(permission.servers)}"
        case "client":
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


def seen(key: Lacking, fact: Fact, zone: str = "") -> str:
    """What the fact has there; times in a time zone, without one in UTC."""
    if key == "expiry":
        return shown_instant(fact.last_ns, zone)
    if key == "hours":
        return f"{shown_instant(fact.first_ns, zone)} … {shown_instant(fact.last_ns, zone)}"
    return SEEN[type(fact)][key](fact)


def _ends(ends: Iterable[Endpoint]) -> str:
    return ", ".join(end.zone if end.network is None else str(end.network) for end in ends)


def _elements(operation: Operation) -> str:
    kind = MODBUS_OBJECTS.get(operation.function)
    if kind is None or operation.address == UNKNOWN:
        return kind or "-"
    # A count that was not seen is of one.
    return f"{kind} {shown_range(operation.address, operation.address + max(operation.count, 1) - 1)}"


def _function(function: FunctionRef) -> str:
    if function.number is None:
        return function.name
    return _numbers(function.number, UNKNOWN if function.subfunction is None else function.subfunction)


def _numbers(function: int, subfunction: int) -> str:
    return str(function) if subfunction == UNKNOWN else f"{function}/{subfunction}"


def _asked(operation: Operation) -> str:
    return f"{_numbers(operation.function, operation.subfunction)} ({operation.service})"


def _unit(fact: Operation | WrittenValue) -> str:
    return "-" if fact.unit == UNKNOWN else str(fact.unit)


def _element(written: WrittenValue) -> str:
    if not written.words:
        return "-"
    return shown_element(written.protocol, written.table, written.address, written.words)


def _direction(fact: Fact) -> str:
    return f"{fact.client} → {fact.server}"


def _port(fact: Fact) -> str:
    return str(fact.port)


def _write(_: WrittenValue) -> str:
    return "write"


Seeing = Mapping[Lacking, Callable[[Any], str]]
_OF_ALL: Final[Seeing] = {
    "direction": _direction, "client": attrgetter("client"), "server": attrgetter("server"),
    "transport": attrgetter("transport"), "port": _port, "protocol": spoken,
}  # fmt: skip
SEEN: Final[Mapping[type[Fact], Seeing]] = {
    Conversation: _OF_ALL,
    Operation: {
        **_OF_ALL, "access": attrgetter("access"), "function": _asked, "unit": _unit, "elements": _elements,
    },
    WrittenValue: {**_OF_ALL, "access": _write, "function": _write, "unit": _unit, "elements": _element},
}  # fmt: skip
"""How what a fact has is worded where that needs no permission; those of each kind are what its permissions
may lack besides their limits and times."""
