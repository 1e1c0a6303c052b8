"""What was written, as findings tell it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from heapq import nsmallest
from typing import Final

from otmon.detect.detector import Case, Message, say_some
from otmon.ledger.facts import UNKNOWN, Operation, WrittenValue
from otmon.ledger.ledger import ConversationKey, conversation_key
from otmon.zones.elements import kind_of, shown_element
from otmon.zones.functions import MODBUS_OBJECTS
from otmon.zones.model import Range, merged, spans
from otmon.zones.quantity import quantity, shown_quantity

VALUES_SHOWN: Final = 4
"""Written values that are named in one finding."""


def asked_for(case: Case, operations: Collection[Operation], shown: int) -> Iterator[Message]:
    """The services of operations, at most `shown` by name, and what they wrote."""
    if operations:
        yield say_some("asked-for", sorted({one.service for one in operations}), shown)
        yield from values_written(case, operations)


def values_written(case: Case, operations: Iterable[Operation]) -> Iterator[Message]:
    """What operations wrote, as far as it was seen."""
    asked: dict[tuple[ConversationKey, int, str], list[Range]] = {}
    for one in operations:
        table = MODBUS_OBJECTS.get(one.function, "") if one.protocol == "modbus" else ""
        if one.access == "write" and table and one.address != UNKNOWN:
            about = conversation_key(one), one.unit, table
            asked.setdefault(about, []).append((one.address, one.address + max(one.count, 1) - 1))
    facts = []
    for about, ranges in sorted(asked.items()):
        elements = merged(ranges)
        facts += [
            fact
            for fact in case.values.get(about, ())
            if spans(elements, fact.address, fact.address + fact.words - 1)
        ]
    yield from values_of(facts)


def values_of(facts: Iterable[WrittenValue]) -> Iterator[Message]:
    """What was written, the largest change of each element, largest first."""
    changes: dict[tuple[str, int, str, int], tuple[Decimal, Decimal, Decimal | None]] = {}
    for fact in facts:
        element = fact.protocol, fact.unit, fact.table, fact.address
        largest = changes.get(element)
        real = kind_of(fact.protocol, fact.table) == "real"
        shift = 16 * (fact.words - 1)
        for written, held, _ in fact.extremes[: 8 if real else 2]:
            value = _real(written) if real else Decimal(written >> shift)
            before = None if held == UNKNOWN else _real(held) if real else Decimal(held >> shift)
            size = value if before is None else abs(value - before)
            if largest is None or largest[0] < size:
                largest = changes[element] = size, value, before
    if changes:
        # Of very many elements a few are named.
        ordered = nsmallest(VALUES_SHOWN, changes.items(), key=lambda item: (-item[1][0], item[0]))
        texts = [
            f"{_element(*element)} {'?' if before is None else shown_quantity(before)} → "
            f"{shown_quantity(value)}"
            for element, (_, value, before) in ordered
        ]
        yield say_some("wrote", texts, VALUES_SHOWN, len(changes))


def _real(bits: int) -> Decimal:
    return quantity(bits, "float32", Decimal(1))


def _element(protocol: str, unit: int, table: str, address: int) -> str:
    if protocol == "modbus":
        return f"{table} {unit}:{address}"
    return shown_element(protocol, table, address, unit=unit)
