"""The test cases of a rule, tried: whether it fires on facts that it is meant for, and not on others.

A case is judged as a capture is: with its own zone model, and with the rule alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from otmon.detect.rules.rule import Rule
from otmon.detect.rules.sample import ledger_of
from otmon.findings.judge import judge
from otmon.ledger.ledger import Ledger
from otmon.zones.files.load import known_protocols, read_model
from otmon.zones.model import Model


@dataclass(frozen=True, slots=True)
class Trial:
    """How one test case went."""

    rule: str
    name: str
    expected: bool
    """Whether the rule should have fired."""
    fired: bool


def trials(rule: Rule) -> Iterator[Trial]:
    """Every test case of a rule that `otmon.detect.rules.load` has checked."""
    for case in rule.tests:
        facts, model, baseline = _given(rule, case)
        found = judge(facts, model, baseline, {rule.name: rule})
        yield Trial(rule.name, case["name"], case["fires"] == "true", bool(found))


def _given(rule: Rule, case: Mapping[str, Any]) -> tuple[Ledger, Model | None, Ledger | None]:
    file = f"{rule.line.rpartition(':')[0]} ({case['name']})"
    model = None
    if case.get("zones"):
        model = read_model([(file, case["zones"].encode())], known_protocols())
    baseline = ledger_of(case["baseline"]) if case.get("baseline") else None
    return ledger_of(case["facts"]), model, baseline
