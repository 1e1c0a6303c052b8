"""A register that a client moves far in one direction by many small writes.

What it means, when it is wrong and how to respond: `rules/creeping-value.yml`.

Of all that was written to a register, facts keep the smallest and the largest value and the largest step,
each with its time, and how often it was written. That is enough: n writes with steps of at most s go n·s at
the most, and nearly as far as that only if nearly all of them go the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

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
from otmon.detect.rules.rule import Rule
from otmon.ledger.facts import MINUTE_NS, Evidence, WrittenValue
from otmon.zones.decide import Verdict
from otmon.zones.model import ValueType
from otmon.zones.quantity import quantity, shown_quantity, words_of
from otmon.zones.times import shown_instant

RULE: Final = "creeping-value"
SECOND_NS: Final = 1_000_000_000

ROUNDED: Final = Decimal("0.999")
"""Equal steps of a float are not equal to the last bit."""


@dataclass(frozen=True, slots=True)
class _Creep:
    fact: WrittenValue
    verdict: Verdict | None
    type: ValueType
    before: Decimal
    """Where it began, and where it got to."""
    after: Decimal
    step: Decimal
    """The largest one."""
    leap: Evidence
    """Its packet."""
    since: Evidence
    until: Evidence

    @property
    def registers(self) -> Iterator[Register]:
        for n in range(1 if is_real(self.fact) else words_of(self.type)):
            yield register_of(self.fact, n)

    @property
    def steps(self) -> int:
        """How many of the largest steps make the way."""
        return int(abs(self.after - self.before) / (self.step * ROUNDED))


def creeping_value(case: Case) -> Iterator[Finding]:
    rule = case.rules[RULE]
    before = case.baseline.written if case.baseline is not None else ()
    usual = {name for one in _creeps(rule, ((fact, None) for fact in before)) for name in one.registers}
    found = _creeps(rule, ((fact, verdict) for fact, verdict in judged(case) if not is_denied(verdict)))
    for one in sorted(found, key=lambda one: next(one.registers)):
        if usual.isdisjoint(one.registers):
            yield _finding(case, one)


def _creeps(rule: Rule, facts: Iterable[tuple[WrittenValue, Verdict | None]]) -> list[_Creep]:
    """Each register once, as the first reading that explains it."""
    least, apart_ns = rule.number("steps"), SECOND_NS * rule.number("seconds")
    often = [
        (fact, verdict)
        for fact, verdict in facts
        if holds_numbers(fact)
        and fact.times >= least
        and fact.steps
        # What is written in each cycle follows something.
        and fact.last_ns - fact.first_ns >= apart_ns * (fact.times - 1)
    ]
    found: list[_Creep] = []
    known: set[Register] = set()
    for types in READINGS:
        for fact, verdict in often:
            read = types[:1] if is_real(fact) else types
            creeps = (_creep(rule, fact, verdict, type) for type in read if words_of(type) <= fact.words)
            one = next((one for one in creeps if one is not None), None)
            if one is not None and known.isdisjoint(one.registers):
                found.append(one)
                known.update(one.registers)
    return found


def _creep(rule: Rule, fact: WrittenValue, verdict: Verdict | None, type: ValueType) -> _Creep | None:
    """The way from one extreme to the other, where small steps alone can have led along it."""
    largest = largest_step(fact, type)
    if largest is None:
        return None
    shift = 16 * (fact.words - words_of(type))
    # The extremes of all orders are looked at: those of the type are among them.
    bits = (largest.value, largest.before, *(one.value for one in fact.extremes))
    if type.startswith("float") and not all(is_plausible(one, type) for one in bits):
        return None
    seen = [(quantity(one.value >> shift, type, Decimal(1)), one.evidence) for one in fact.extremes]
    reached, left = (quantity(bits >> shift, type, Decimal(1)) for bits in (largest.value, largest.before))
    lowest, highest = min(seen), min(seen, key=lambda one: (-one[0], one[1]))
    (before, since), (after, until) = sorted((lowest, highest), key=lambda one: one[1])
    found = _Creep(fact, verdict, type, before, after, abs(reached - left), largest.evidence, since, until)
    return found if _is_creep(rule, found) else None


def _is_creep(rule: Rule, one: _Creep) -> bool:
    # Who writes each value again and again goes no further by it.
    far, writes = abs(one.after - one.before), max(one.fact.times - one.fact.repeated - 1, 1)
    if not one.step or one.steps < rule.number("steps"):
        return False
    counts = not one.type.startswith("float") and one.after - one.before == writes and one.step == 1
    return (
        not counts
        and 100 * far >= rule.number("percent") * abs(one.before)
        and 100 * far >= rule.number("share") * writes * one.step
        and one.until.time_ns - one.since.time_ns >= rule.number("minutes") * MINUTE_NS
    )


def _finding(case: Case, one: _Creep) -> Finding:
    fact, verdict = one.fact, one.verdict
    place = Place() if verdict is None else place_of(case, verdict)
    return Finding(
        rule=RULE,
        key=finding_key(fact),
        severity=graded(case, place.to_zone, "medium"),
        link=link_of(fact),
        place=place,
        what=said(
            ("creeps", "creeps-element"), fact, one.type, before=shown_quantity(one.before),
            after=shown_quantity(one.after), minutes=(one.until.time_ns - one.since.time_ns) // MINUTE_NS,
        ),
        why=(
            say(
                "creeps-by", step=shown_quantity(one.step), times=fact.times, type=shown_type(fact, one.type),
            ),
            say("creeps-since", since=shown_instant(one.since.time_ns, case.timezone)),
        ),
        count=fact.times,
        unit="transactions",
        first_ns=one.since.time_ns,
        last_ns=fact.last_ns,
        evidence=first(one.since, one.leap, one.until),
        extent=one.steps,
    )  # fmt: skip
