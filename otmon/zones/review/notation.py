"""The values of a model as they are written in its files, whatever fields they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from otmon.zones.model import Endpoint, FunctionRef, Limit, Line, Name, Permission, shown
from otmon.zones.quantity import shown_limit
from otmon.zones.times import Schedule

KEYS: Final = {
    "clients": "from",
    "servers": "to",
    "protocols": "protocol",
    "transports": "transport",
    "ports": "port",
    "owners": "owner",
    "objects": "elements",
    "production_line": "line",
    "schedule": "hours",
}
"""Fields whose key in a file is another word."""
ANY: Final = "any"
"""An empty value of a permission does not restrict."""


_UNSAID: Final = frozenset(
    {"id", "line", "name", "clients", "servers", "reason", "approver", "expires_ns", "exception"}
)
"""Fields of a permission that do not say what its clients may do, or say it twice."""


def key_of(field: str) -> str:
    """The key of a file that fills a field."""
    return KEYS.get(field, field)


def written(value: Any) -> str:
    """A value of a model as text; "" for one that is empty."""
    if value is None or value == () or value == "" or (isinstance(value, Schedule) and not value):
        return ""
    if isinstance(value, Limit):
        return shown_limit(value)
    if isinstance(value, Endpoint):
        return value.zone if value.network is None else str(value.network)
    if isinstance(value, FunctionRef):
        return _function(value)
    if isinstance(value, Name):
        return value.ja if value.ja == value.en else f"{value.ja} / {value.en}"
    if isinstance(value, tuple):
        return _tuple(value)
    if is_dataclass(value) and not isinstance(value, type):
        inner = ((field.name, getattr(value, field.name)) for field in fields(value))
        told = [(name, written(one)) for name, one in inner if not isinstance(one, Line)]
        if type(value).__str__ is not object.__str__:
            return str(value)
        return " ".join(f"{key_of(name)} {text}" for name, text in told if text)
    return str(value)


def allows(permission: Permission) -> str:
    """What a permission allows its clients to do: its keys and values, but for who and why."""
    return "; ".join(f"{key} {text}" for key, text in _told(permission))


def _told(permission: Permission) -> Iterator[tuple[str, str]]:
    for field in fields(permission):
        value = getattr(permission, field.name)
        if field.name in _UNSAID:
            continue
        if field.name == "objects":
            yield from ((kind, shown(ranges)) for kind, ranges in value)
        elif value or field.name == "protocols":
            yield key_of(field.name), written(value) or ANY


def _tuple(value: tuple[Any, ...]) -> str:
    if all(_is_range(one) for one in value):
        return shown(value)
    if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], tuple):
        return f"{value[0]} {written(value[1])}"
    return ", ".join(written(one) for one in value)


def _is_range(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(one, int) for one in value)


def _function(function: FunctionRef) -> str:
    if function.number is None:
        return function.name
    return (
        str(function.number) if function.subfunction is None else f"{function.number}/{function.subfunction}"
    )
