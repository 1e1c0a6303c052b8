"""Written values as quantities: the bits of registers, by the type and scale that a limit gives them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

from otmon.ledger.facts import UNKNOWN, WAYS, Change, Extreme, Way, WrittenValue
from otmon.zones.elements import LOW_WORD_FIRST, kind_of, shown_element, stride_of
from otmon.zones.model import Limit, ValueType

_Move = TypeVar("_Move", Extreme, Change)

DIGITS: Final = 9
"""Significant digits of a quantity that is shown: as many as a float32 has at most."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A value that was written beyond a limit, too far from what was there, or too fast."""

    limit: Limit
    written: Decimal
    """As a quantity; NaN and infinities as such."""
    before: Decimal | None
    """What the element held until then, None where nobody saw it."""
    extreme: Extreme | Change
    step: Decimal | None = None
    """How far it lies from what was there before, where that is too far and nothing else is wrong."""
    change: Change | None = None
    """How writes moved the element within a minute, where only that is too far; `before` and `written` are
    its ends."""
    half: bool = False
    """The higher word alone was written: with whatever is in the other register the quantity is `written`, or
    lies farther beyond the limit."""

    @property
    def distance(self) -> Decimal:
        """How far beyond the limit it lies, as a quantity."""
        if self.step is not None and self.limit.step is not None:
            return self.step - self.limit.step
        if self.change is not None and self.before is not None and self.limit.change is not None:
            return abs(self.written - self.before) - self.limit.change
        if self.written.is_nan():
            return Decimal("Infinity")
        return max(self.limit.low - self.written, self.written - self.limit.high)


def words_of(type: ValueType) -> int:
    """How many registers a type takes."""
    return 1 if type in ("uint16", "int16") else 2


def held_as(limit: Limit) -> ValueType:
    """The type of a limit as facts have values: with the first word as the higher one, or swapped."""
    if limit.protocol not in LOW_WORD_FIRST:
        return limit.type
    return OTHER_ORDER.get(limit.type, limit.type)


OTHER_ORDER: Final[dict[ValueType, ValueType]] = {
    "uint32": "uint32-swapped",
    "int32": "int32-swapped",
    "float32": "float32-swapped",
    "uint32-swapped": "uint32",
    "int32-swapped": "int32",
    "float32-swapped": "float32",
}
"""Of a number in two words."""


def higher_word(limit: Limit) -> int:
    """The address of the register with the higher word of a number; of the element where it takes one."""
    return limit.address + stride_of(limit.protocol) * held_as(limit).endswith("-swapped")


def addresses(limit: Limit) -> range:
    """The addresses of the registers, or of the one element, that hold the number."""
    if kind_of(limit.protocol, limit.table) == "real":
        return range(limit.address, limit.address + 1)
    stride = stride_of(limit.protocol)
    return range(limit.address, limit.address + stride * words_of(limit.type), stride)


def quantity(bits: int, type: ValueType, scale: Decimal) -> Decimal:
    """The quantity that the bits of registers stand for, the first register higher."""
    if type == "uint16":
        return bits * scale
    if type == "int16":
        return (bits - (1 << 16) if bits >> 15 else bits) * scale
    if type.endswith("-swapped"):
        bits = (bits & 0xFFFF) << 16 | bits >> 16
    if type.startswith("uint32"):
        return bits * scale
    if type.startswith("int32"):
        return (bits - (1 << 32) if bits >> 31 else bits) * scale
    return Decimal(struct.unpack(">f", bits.to_bytes(4, "big"))[0]) * scale


def excess(limit: Limit, fact: WrittenValue) -> Excess | None:
    """The value of a fact that lies farthest beyond a limit for its element, None where all are within.

    The extremes of all orders are looked at: whatever a type's own order is, its smallest and largest
    values are among them.
    """
    if fact.words < words_of(limit.type):
        return _half(limit, fact)
    if fact.address != limit.address:
        return None
    # A single register's value is in the higher word of a pair's.
    type, shift = held_as(limit), 16 * (fact.words - words_of(limit.type))
    worst: Excess | None = None
    for extreme in _different(fact.extremes):
        value = quantity(extreme.value >> shift, type, limit.scale)
        if not value.is_nan() and limit.low <= value <= limit.high:
            continue
        seen = extreme.before != UNKNOWN
        before = quantity(extreme.before >> shift, type, limit.scale) if seen else None
        found = Excess(limit, value, before, extreme)
        if worst is None or found.distance > worst.distance:
            worst = found
    return worst or _leap(limit, fact) or _drift(limit, fact)


def _different(extremes: Iterable[Extreme]) -> Iterable[Extreme]:
    """The first ones of each value: those of several orders are mostly one."""
    found: dict[int, Extreme] = {}
    for one in extremes:
        found.setdefault(one.value, one)
    return found.values()


def _half(limit: Limit, fact: WrittenValue) -> Excess | None:
    """A higher word that was written beyond a limit, whatever the other register holds: None where with some
    lower word the quantity would be within."""
    if fact.address != higher_word(limit):
        return None
    type, worst = held_as(limit), None
    for extreme in _different(fact.extremes):
        pairs = (extreme.value << 16, extreme.value << 16 | 0xFFFF)
        if type.endswith("-swapped"):
            pairs = (extreme.value, 0xFFFF << 16 | extreme.value)
        one, other = (quantity(bits, type, limit.scale) for bits in pairs)
        if one.is_nan() or other.is_nan():
            # Words of which no float is a number that is finite.
            nearest = one
        elif limit.low <= max(one, other) and min(one, other) <= limit.high:
            continue
        else:
            nearest = min(one, other) if min(one, other) > limit.high else max(one, other)
        found = Excess(limit, nearest, None, extreme, half=True)
        if worst is None or found.distance > worst.distance:
            worst = found
    return worst


def _leap(limit: Limit, fact: WrittenValue) -> Excess | None:
    """The largest step of a fact, where it goes farther than a limit allows one write to go."""
    found = None if limit.step is None else _largest(limit, fact, fact.steps)
    if found is None or limit.step is None:
        return None
    value, before, largest = found
    step = abs(value - before)
    return Excess(limit, value, before, largest, step) if step > limit.step else None


def _drift(limit: Limit, fact: WrittenValue) -> Excess | None:
    """The largest change of a fact within a minute, where it goes farther than a limit allows."""
    found = None if limit.change is None else _largest(limit, fact, fact.changes)
    if found is None or limit.change is None:
        return None
    value, before, largest = found
    far = abs(value - before) > limit.change
    return Excess(limit, value, before, largest, change=largest) if far else None


def _largest(
    limit: Limit, fact: WrittenValue, moves: tuple[_Move, ...]
) -> tuple[Decimal, Decimal, _Move] | None:
    """Of the steps or changes of a fact the largest one of the limit's type: to what, from what, and which it
    is. None where there is none, or nothing that holds the limit's element."""
    words, type = words_of(limit.type), held_as(limit)
    if not moves or fact.words < words:
        return None
    way: Way = _WAYS_OF[type]
    if fact.words > words:
        way = "first-unsigned" if way == "unsigned" else "first-signed"
    largest = moves[WAYS.index(way)]
    if largest.before == UNKNOWN:
        return None
    shift = 16 if fact.words > words else 0
    value, before = (quantity(bits >> shift, type, limit.scale) for bits in (largest.value, largest.before))
    return value, before, largest


_WAYS_OF: Final[dict[ValueType, Way]] = {
    "uint16": "unsigned",
    "int16": "signed",
    "uint32": "unsigned",
    "int32": "signed",
    "uint32-swapped": "unsigned-swapped",
    "int32-swapped": "signed-swapped",
    "float32": "float",
    "float32-swapped": "float-swapped",
}


def shown_quantity(value: Decimal) -> str:
    """A quantity in at most `DIGITS` digits, whole numbers in full, without an exponent where that is
    short."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and value.adjusted() < 2 * DIGITS:
        return f"{value:.0f}"
    rounded = Decimal(f"{value:.{DIGITS}g}").normalize()
    return f"{rounded:f}" if abs(rounded.adjusted()) <= DIGITS else f"{rounded:g}"


def shown_limited(limit: Limit, unit: int = UNKNOWN) -> str:
    """The element of a limit as people name it, and of which station behind the server it is."""
    return shown_element(limit.protocol, limit.table, limit.address, words_of(limit.type), unit)


def shown_limit(limit: Limit) -> str:
    """The limits of an element, such as "holding_registers 21: 0 … 2 ml/l" or "D100: 0 … 2", understood in
    both languages of the texts that they stand in."""
    low, high = shown_quantity(limit.low), shown_quantity(limit.high)
    span = f"{low} … {high}" if low != high else low
    measure = f" {limit.unit}" if limit.unit else ""
    step = f" (±{shown_quantity(limit.step)}{measure})" if limit.step is not None else ""
    change = f" (±{shown_quantity(limit.change)}{measure}/min)" if limit.change is not None else ""
    return f"{shown_limited(limit)}: {span}{measure}{step}{change}"
