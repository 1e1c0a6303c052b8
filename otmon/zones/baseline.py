"""What a baseline covers: the facts of normal operation, ready to be compared with others.

A fact is covered where the baseline holds the same one: for a conversation the same client, server,
transport, port and protocol; for an operation besides the same unit, function, subfunction and access
class, and elements that were asked for; for a written value an element that was written to. VLAN, time
and frequency play no part, nor do the values: what may be written is for limits to say.

- Ranges that touch are one, as in a permission.
- What a server only refused covers refusals: that it obeys now is new.
- A connection on which nothing was said is covered by whatever was said between the two on that port.
  So are elements of a request that was not seen by any elements of that service.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

from otmon.ledger.facts import UNKNOWN, Conversation, Operation, WrittenValue
from otmon.ledger.ledger import Ledger
from otmon.zones.functions import MODBUS_OBJECTS
from otmon.zones.lack import assumed
from otmon.zones.model import Range, Ranges, merged, spans

New = Literal["conversation", "request", "elements", "write"]
"""What of a fact the baseline does not hold: who talks with whom over what, what is asked for there, of
which elements, or what is written to."""

_Key = tuple[Any, ...]
_link: Callable[[Any], _Key] = attrgetter("client", "server", "transport", "port")
_spoken: Callable[[Any], _Key] = attrgetter("client", "server", "transport", "port", "protocol")
_request: Callable[[Any], _Key] = attrgetter(
    "client", "server", "transport", "port", "protocol", "unit", "function", "subfunction", "access"
)
_units: Callable[[Any], _Key] = attrgetter("client", "server", "transport", "port", "protocol", "unit")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The facts of normal operation by what they are about; made by `baseline_of`."""

    links: frozenset[_Key]
    """Client, server, transport, port."""
    spoken: frozenset[_Key]
    """The same and the protocol."""
    obeyed: dict[_Key, Ranges]
    """Elements of requests that were not refused; no range where the service has none."""
    asked: dict[_Key, Ranges]
    """Elements of all requests."""
    written: dict[_Key, Ranges]
    """Elements of requests to write, by conversation, unit and type of element."""


def baseline_of(ledger: Ledger) -> Baseline:
    """Prepare the facts of normal operation."""
    obeyed: dict[_Key, list[Range]] = {}
    asked: dict[_Key, list[Range]] = {}
    written: dict[_Key, list[Range]] = {}
    for fact in ledger.operations:
        elements = _elements(fact)
        asked.setdefault(_request(fact), []).extend(elements)
        if not fact.refused:
            obeyed.setdefault(_request(fact), []).extend(elements)
        if fact.access == "write":
            table = MODBUS_OBJECTS.get(fact.function, "")
            written.setdefault((*_units(fact), table), []).extend(elements)
    return Baseline(
        frozenset(map(_link, ledger.conversations)),
        frozenset(map(_spoken, ledger.conversations)),
        {key: merged(ranges) for key, ranges in obeyed.items()},
        {key: merged(ranges) for key, ranges in asked.items()},
        {key: merged(ranges) for key, ranges in written.items()},
    )


def new_in(baseline: Baseline, fact: Conversation | Operation | WrittenValue) -> New | None:
    """What of a fact is new; None where the baseline covers it."""
    if isinstance(fact, Conversation) and assumed(fact):
        return None if _link(fact) in baseline.links else "conversation"
    if _spoken(fact) not in baseline.spoken:
        return "conversation"
    if isinstance(fact, Conversation):
        return None
    if isinstance(fact, WrittenValue):
        if fact.protocol != "modbus":
            # Of which elements is told of Modbus alone; that it writes is judged as an operation.
            return None
        ranges = baseline.written.get((*_units(fact), fact.table), ())
        return None if spans(ranges, fact.address, fact.address + fact.words - 1) else "write"
    known = (baseline.asked if fact.refused else baseline.obeyed).get(_request(fact))
    if known is None:
        return "request"
    return None if all(spans(known, *range) for range in _elements(fact)) else "elements"


def _elements(operation: Operation) -> list[Range]:
    """What an operation asks for; nothing where it has no elements or its request was not seen. A count
    that was not seen is of one."""
    if operation.address == UNKNOWN:
        return []
    return [(operation.address, operation.address + max(operation.count, 1) - 1)]
