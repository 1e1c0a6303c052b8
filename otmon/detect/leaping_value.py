"""A register that a client changed many times over by one write, where no limit says how far it may go.

What it means, when it is wrong and how to respond: `rules/leaping-value.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from otmon.detect.detector import Case, Finding, Place, first, graded, link_of, place_of, say
from otmon.detect.registers import (
    READINGS,
    Register,
    finding_key,
    holds_numbers,
    is_denied,
    is_plausible,
    is_real,
    judged,
    largest_step,
    register_of,
    said,
    shown_type,
)
from otmon.ledger.facts import Extreme, WrittenValue
from otmon.zones.decide import Verdict
from otmon.zones.model import ValueType
from otmon.zones.quantity import quantity, shown_quantity, words_of

RULE: Final = "leaping-value"
SECOND_NS: Final = 1_000_000_000
FLOATS, SHORTS = READINGS[:2]
"""Whole numbers of 32 bits are not read: any switch leaps that stands before another number."""
DIGITS: Final = 4
"""Most significant digits of a floating point number that a person sets."""
GRAVE: Final = 100
"""So many times over it is graver."""


class _Bounds(NamedTuple):
    """The parameters of the rule."""

    factor: int
    least: int
    moves: int
    apart_ns: int


@dataclass(frozen=True, slots=True)
class _Leap:
    fact: WrittenValue
    verdict: Verdict | None
    step: Extreme
    type: ValueType
    ends: tuple[Decimal, Decimal]
    """What the register held, and what was written."""
    factor: Decimal
    """How many times the smaller one the larger one is; 0 where nobody can say."""

    @property
    def register(self) -> Register:
        return register_of(self.fact)

    @property
    def element(self) -> tuple[str, str, int, str, int]:
        """The register, whoever writes it and by which way."""
        fact = self.fact
        return fact.server, fact.vlan, fact.unit, fact.table, fact.address


def _leap(fact: WrittenValue, verdict: Verdict | None, step: Extreme, type: ValueType) -> _Leap:
    shift = 16 * (fact.words - words_of(type))
    before = quantity(step.before >> shift, type, Decimal(1))
    after = quantity(step.value >> shift, type, Decimal(1))
    small, large = sorted((abs(before), abs(after)))
    return _Leap(fact, verdict, step, type, (before, after), large / small if small else Decimal(0))


def leaping_value(case: Case) -> Iterator[Finding]:
    rule = case.rules[RULE]
    apart_ns = SECOND_NS * rule.number("seconds")
    bounds = _Bounds(rule.number("factor"), rule.number("least"), rule.number("moves"), apart_ns)
    usual = _values_of(() if case.baseline is None else case.baseline.written)
    leaps: dict[Register, _Leap] = {}
    for one in _leaps(bounds, judged(case)):
        known = leaps.get(one.register)
        if known is None or known.factor < one.factor:
            leaps[one.register] = one
    moved = {(one.element, one.ends): one.step.evidence.time_ns for one in leaps.values()}
    for register, one in sorted(leaps.items()):
        # Somebody put back what was there.
        since = moved.get((one.element, one.ends[::-1]))
        if (
            (since is None or since > one.step.evidence.time_ns)
            and not is_denied(one.verdict)
            and not _has_limit(one)
            and not any(_is_among(one, fact) for fact in usual.get(register, ()))
        ):
            yield _finding(case, one)


def _values_of(facts: Iterable[WrittenValue]) -> dict[Register, list[WrittenValue]]:
    found: dict[Register, list[WrittenValue]] = {}
    for fact in facts:
        if holds_numbers(fact):
            found.setdefault(register_of(fact), []).append(fact)
    return found


def _leaps(bounds: _Bounds, facts: Iterable[tuple[WrittenValue, Verdict | None]]) -> Iterator[_Leap]:
    moved = [(fact, verdict) for fact, verdict in facts if holds_numbers(fact) and fact.steps]
    # Halves of a float are no numbers. Beside a zero one may be of two: that of the usual order counts.
    halves: set[Register] = set()
    leapt: set[Register] = set()
    wide = [(fact, verdict) for fact, verdict in moved if fact.words == words_of(FLOATS[0])]
    for order in FLOATS:
        for fact, verdict in wide:
            type = shown_type(fact, order)
            if is_real(fact):
                both = {register_of(fact)} if order == FLOATS[0] else set()
            elif _is_float(fact, type):
                both = {register_of(fact), register_of(fact, 1)}
            else:
                both = set()
            halves |= both
            if both and both.isdisjoint(leapt) and _is_set(bounds, fact):
                for one in _float_leaps(bounds, fact, verdict, type):
                    leapt |= both
                    yield one
    for fact, verdict in moved:
        if register_of(fact) not in halves and _is_set(bounds, fact):
            yield from _short_leaps(bounds, fact, verdict)


def _is_set(bounds: _Bounds, fact: WrittenValue) -> bool:
    """Whether it is set now and then: what is written in each cycle follows something."""
    moves = fact.times - fact.repeated
    return moves <= bounds.moves or fact.last_ns - fact.first_ns >= bounds.apart_ns * (moves - 1)


def _is_float(fact: WrittenValue, type: ValueType) -> bool:
    """Whether all that was seen in two registers may be floating point numbers."""
    step = largest_step(fact, type)
    bits = {one.value for one in fact.extremes}
    if step is not None:
        bits |= {step.before, step.value}
    return any(bits) and all(is_plausible(one, type) for one in bits)


def _float_leaps(
    bounds: _Bounds, fact: WrittenValue, verdict: Verdict | None, type: ValueType
) -> Iterator[_Leap]:
    step = largest_step(fact, type)
    found = None if step is None else _leap(fact, verdict, step, type)
    if found is None or found.factor < bounds.factor:
        return
    if not is_real(fact):
        counts = all(map(_is_typed, found.ends))
    else:
        # A whole number may be a mode.
        whole = all(value == value.to_integral_value() for value in found.ends)
        counts = not whole or min(map(abs, found.ends)) >= bounds.least or found.factor >= GRAVE
    if counts:
        yield found


def _is_typed(value: Decimal) -> bool:
    """Whether a person may have set a floating point number: what is calculated, and what is none, mostly has
    more digits."""
    return len(Decimal(str(np.float32(value))).normalize().as_tuple().digits) <= DIGITS


def _short_leaps(bounds: _Bounds, fact: WrittenValue, verdict: Verdict | None) -> Iterator[_Leap]:
    """It leaps with and without a sign: from 50 to -30 is no way to 65506."""
    shift = 16 * (fact.words - 1)
    one, other = (largest_step(fact, type) for type in SHORTS)
    for step in filter(None, (one, None if other == one else other)):
        small, large = sorted((step.before >> shift, step.value >> shift))
        if small < bounds.least or large < bounds.factor * small:
            continue
        found = min((_leap(fact, verdict, step, type) for type in SHORTS), key=lambda one: one.factor)
        ends = [abs(int(value)) for value in found.ends]
        # Single bits are switches.
        are_bits = all(value & (value - 1) == 0 for value in ends)
        if found.factor >= bounds.factor and min(ends) >= bounds.least and not are_bits:
            yield found


def _has_limit(one: _Leap) -> bool:
    """Whether the permission says how far the register may go, which then decides."""
    permission = None if one.verdict is None else one.verdict.permission
    held = {register_of(one.fact, n) for n in range(words_of(one.type))}
    return permission is not None and any(
        limit.protocol == one.fact.protocol
        and limit.table == one.fact.table
        and any(limit.address == address for *_, address in held)
        for limit in permission.limits
    )


def _is_among(one: _Leap, fact: WrittenValue) -> bool:
    """Whether what was written lies among the values of a fact of the baseline."""
    shift = 16 * (fact.words - words_of(one.type))
    if shift < 0:
        return False
    seen = [quantity(extreme.value >> shift, one.type, Decimal(1)) for extreme in fact.extremes]
    return min(seen) <= one.ends[1] <= max(seen)


def _finding(case: Case, one: _Leap) -> Finding:
    fact = one.fact
    before, after = one.ends
    factor = int(one.factor)
    way = "leaps-up" if abs(after) > abs(before) else "leaps-down"
    place = Place() if one.verdict is None else place_of(case, one.verdict)
    return Finding(
        rule=RULE,
        # One that goes ten times as far is told anew.
        key=(*finding_key(fact), str(len(str(factor)))),
        severity=graded(case, place.to_zone, "high" if one.factor >= GRAVE else "medium"),
        link=link_of(fact),
        place=place,
        what=said(
            ("leaps", "leaps-element"), fact, one.type, before=shown_quantity(before),
            after=shown_quantity(after),
        ),
        why=(say(way, factor=factor, type=shown_type(fact, one.type), times=fact.times),),
        count=1,
        unit="transactions",
        first_ns=one.step.evidence.time_ns,
        last_ns=one.step.evidence.time_ns,
        evidence=first(one.step.evidence),
        extent=factor,
    )  # fmt: skip
