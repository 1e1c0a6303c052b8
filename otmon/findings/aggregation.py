"""Findings of one kind beyond what anybody reads one by one: the others are told as one that counts them.

A flood from addresses that nobody knows makes a finding of each of them, tens of thousands, which take more
memory than the facts and bury what matters. Of one rule, severity, place and unit `EACH` findings are kept
as they are: those that somebody answered before those that nobody did, as senders can be made up by the
thousand and answers not; then those of highest risk, of these the earliest. The others, where there are
several, become one, whose `alike` says how many they are, with the sum of what they count, the first and the
last time, their first packets, and the first ones by name. Nothing is lost: the facts that they are about are
in the ledger. Which are kept depends on the findings alone and not on their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.detect.finding import Finding, Link, Message, Place, Risk, Severity, Unit, first, of_rule, say
from otmon.detect.rules.rule import Rule
from otmon.ledger.facts import Evidence

EACH: Final = 1_000
"""A plant has some tens of one kind, and a list of a thousand is worked through by a program, if at all. A
finding takes 2 kB."""
NAMED: Final = 5
"""Of the others, in the finding that counts them."""
KEY: Final = "alike"
"""First part of that finding's key; the others say what they have in common."""

Kind = tuple[str, Severity, Unit, Place]
_Ranked = tuple[int, str, int, tuple[str, ...], Finding, Risk]
"""How little it was answered, risk, first time and key of a finding; no two of one rule have the same key."""
_ORDER: Final = 4
"""What of it tells the order."""


def kind_of(finding: Finding) -> Kind:
    """What findings have in common that are told as one where they are many."""
    return finding.rule, finding.severity, finding.unit, finding.place


class Aggregation:
    """The findings of one kind, taken in any order; never more than twice `EACH` at once."""

    def __init__(self, rule: Rule, place: Place | None = None) -> None:
        """`rule` is the rule of all of them; `place` is told as theirs, where it is given."""
        self._rule = rule
        self._place = place
        self._each: list[_Ranked] = []
        self._others: list[_Ranked] = []
        """The first of those beyond `EACH`, at most `NAMED`."""
        self._alike = self._count = 0
        self._first_ns = self._last_ns = 0
        self._evidence: tuple[Evidence, ...] = ()

    def add(self, finding: Finding, risk: Risk, silence: int = 0) -> None:
        """Take in a finding, which has no risk yet; `silence` is larger where less was answered."""
        self._each.append((silence, risk.value, finding.first_ns, finding.key, finding, risk))
        if len(self._each) >= 2 * EACH:
            self._cut()

    def findings(self) -> Iterator[Finding]:
        """The findings that are kept, and the one that counts all others."""
        self._cut()
        for *_, finding, risk in self._each:
            yield of_rule(finding, self._rule, risk, self._place)
        if self._alike == 1:
            ((*_, finding, risk),) = self._others
            yield of_rule(finding, self._rule, risk, self._place)
        elif self._alike:
            yield self._joined()

    def _cut(self) -> None:
        # Keys tell all findings of a rule apart: findings are never compared.
        self._each.sort(key=lambda one: one[:_ORDER])
        others = self._each[EACH:]
        del self._each[EACH:]
        if not others:
            return
        found = [one[_ORDER] for one in others]
        starts = [one.first_ns for one in found]
        self._first_ns = min(self._first_ns, *starts) if self._alike else min(starts)
        self._last_ns = max(self._last_ns, *(one.last_ns for one in found))
        self._alike += len(found)
        self._count += sum(one.count for one in found)
        self._evidence = first(*self._evidence, *(packet for one in found for packet in one.evidence))
        self._others = sorted([*self._others, *others], key=lambda one: one[:_ORDER])[:NAMED]

    def _joined(self) -> Finding:
        *_, one, risk = self._others[0]
        named: tuple[Message, ...] = tuple(other[_ORDER].what for other in self._others)
        place = one.place
        finding = Finding(
            rule=one.rule,
            key=(KEY, one.severity, one.unit, place.from_zone, place.to_zone, place.boundary),
            severity=one.severity,
            link=Link(),
            place=place,
            what=say("alike", count=self._alike),
            why=(say("alike-named", named=named), say("alike-limit", each=EACH)),
            count=self._count,
            unit=one.unit,
            first_ns=self._first_ns,
            last_ns=self._last_ns,
            evidence=self._evidence,
            alike=self._alike,
        )
        return of_rule(finding, self._rule, risk, self._place)
