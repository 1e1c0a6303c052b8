"""What holding registers may hold, as nobody says it, and how far one write moved them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from otmon.detect.detector import Case
from otmon.ledger.facts import UNKNOWN, WAYS, Extreme, Way, WrittenValue
from otmon.ledger.ledger import ConversationKey
from otmon.zones.decide import Verdict
from otmon.zones.model import ValueType
from otmon.zones.quantity import words_of

Register = tuple[ConversationKey, int, int]
"""Who writes to whom, unit and address."""
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
SMALLEST_REAL: Final = Decimal("1e-4")
LARGEST_REAL: Final = Decimal("1e7")
"""Between which quantities of a process lie. Two whole numbers read as one float are hardly ever there."""


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


def is_plausible(value: Decimal) -> bool:
    """Whether a floating point number may be a quantity of a process."""
    return value == 0 or (value.is_finite() and SMALLEST_REAL <= abs(value) <= LARGEST_REAL)
