"""What registers and words of controllers may hold, as nobody says it, and how far one write moved them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.detector import Case, Message, say
from otmon.ledger.facts import UNKNOWN, WAYS, Extreme, Way, WrittenValue
from otmon.ledger.ledger import ConversationKey, conversation_key
from otmon.zones.decide import Verdict
from otmon.zones.elements import LOW_WORD_FIRST, kind_of, shown_element, stride_of
from otmon.zones.model import ValueType
from otmon.zones.quantity import OTHER_ORDER, words_of

Register = tuple[ConversationKey, int, str, int]
"""Who writes to whom, unit, table and address."""
READINGS: Final[tuple[tuple[ValueType, ...], ...]] = (
    ("float32", "float32-swapped"),
    ("uint16", "int16"),
    ("uint32", "int32", "uint32-swapped", "int32-swapped"),
)
"""What registers may hold, as nobody says it: what is read in a later line counts only where no earlier one
has explained one of its registers. Halves of a float are no numbers, and a register counts by itself rather
than as part of its neighbour."""
WAYS_OF: Final[dict[ValueType, tuple[Way, ...]]] = {
    "float32": ("float",),
    "float32-swapped": ("float-swapped",),
    "uint16": ("first-unsigned", "unsigned"),
    "int16": ("first-signed", "signed"),
    "uint32": ("unsigned",),
    "int32": ("signed",),
    "uint32-swapped": ("unsigned-swapped",),
    "int32-swapped": ("signed-swapped",),
}
"""How steps are measured in facts of two registers, and of one where the type fits into it."""
_SMALLEST_REAL: Final = 0x38D1_B718
_LARGEST_REAL: Final = 0x4B18_9680
"""Bits of the floats (IEEE 754) from 0.0001 to 10,000,000, between which a quantity of a process lies. Two
whole numbers read as one float are hardly ever there."""


def register_of(fact: WrittenValue, behind: int = 0) -> Register:
    """The first register of a fact, or one behind it."""
    return conversation_key(fact), fact.unit, fact.table, fact.address + behind * stride_of(fact.protocol)


def holds_numbers(fact: WrittenValue) -> bool:
    """Whether it is about registers or words, or a number that its protocol says to be one, and not about
    bits."""
    return bool(fact.table) and kind_of(fact.protocol, fact.table) != "bit"


def is_real(fact: WrittenValue) -> bool:
    """Whether its protocol says that it is a floating point number."""
    return kind_of(fact.protocol, fact.table) == "real"


def shown_type(fact: WrittenValue, type: ValueType) -> ValueType:
    """A type as the model would have it (`otmon.zones.quantity.held_as`)."""
    return OTHER_ORDER.get(type, type) if fact.protocol in LOW_WORD_FIRST else type


def finding_key(fact: WrittenValue) -> tuple[str, ...]:
    """What a finding about the register is about."""
    tables = () if fact.protocol == "modbus" else (fact.table,)
    return tuple(map(str, (*conversation_key(fact)[:-1], fact.unit, *tables, fact.address)))


def said(keys: tuple[str, str], fact: WrittenValue, type: ValueType, **params: str | int) -> Message:
    """What was done to the register: by the first key, or by the second one where no unit stands between a
    server and its elements."""
    element = shown_element(fact.protocol, fact.table, fact.address, words_of(type), fact.unit)
    known: dict[str, str | int] = {"client": fact.client, "server": fact.server, "element": element}
    of_unit, of_server = keys
    if fact.protocol == "modbus":
        return say(of_unit, unit=fact.unit, **known, **params)
    return say(of_server, **known, **params)


def judged(case: Case) -> Iterator[tuple[WrittenValue, Verdict | None]]:
    """What was written, with what the model says of it; None without one."""
    if case.index is None:
        yield from ((fact, None) for fact in case.ledger.written)
    else:
        yield from case.written


def is_denied(verdict: Verdict | None) -> bool:
    """What is denied has rules of its own."""
    return verdict is not None and verdict.outcome == "denied"


def largest_step(fact: WrittenValue, type: ValueType) -> Extreme | None:
    """The largest step of what a fact with steps holds as this type, in its first registers; None
    where nobody saw one."""
    of_first = words_of(type) < fact.words
    step = fact.steps[WAYS.index(WAYS_OF[type][1 - of_first if words_of(type) == 1 else 0])]
    return None if step.before == UNKNOWN else step


def is_plausible(bits: int, type: ValueType) -> bool:
    """Whether a floating point number in two words may be a quantity of a process."""
    if type.endswith("-swapped"):
        bits = bits << 16 | bits >> 16
    size = bits & 0x7FFF_FFFF
    return not size or _SMALLEST_REAL <= size <= _LARGEST_REAL
