"""From facts and a model to findings: every fact is decided once, then the detectors look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from otmon.detect.detector import SEVERITIES, Case, Finding, detectors, of_rule
from otmon.detect.matched import matched
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Rule
from otmon.ledger.acyclic import acyclic
from otmon.ledger.ledger import Ledger
from otmon.protocols.registry import PROTOCOLS
from otmon.zones.decide import decide, index
from otmon.zones.model import Model


def judge(
    ledger: Ledger,
    model: Model | None,
    baseline: Ledger | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> tuple[Finding, ...]:
    """What is wrong, gravest first, then by time. Without a model only what needs none; what is new
    since `baseline`, the facts of normal operation, only with one. Without `rules` those of the program."""
    return found_in(case_of(ledger, model, baseline, rules))


@acyclic()
def case_of(
    ledger: Ledger,
    model: Model | None,
    baseline: Ledger | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> Case:
    """Facts with their verdicts."""
    ready = None if model is None else index(model, ledger.assets)
    return Case(
        ledger=ledger,
        rules=shipped_rules() if rules is None else rules,
        baseline=baseline,
        protocols={protocol.id: protocol for protocol in PROTOCOLS},
        index=ready,
        conversations=()
        if ready is None
        else tuple((fact, decide(ready, fact)) for fact in ledger.conversations),
        written=() if ready is None else tuple((fact, decide(ready, fact)) for fact in ledger.written),
        operations=() if ready is None else tuple((fact, decide(ready, fact)) for fact in ledger.operations),
    )


@acyclic()
def found_in(case: Case) -> tuple[Finding, ...]:
    """What the rules find, gravest first, then by time."""
    return tuple(
        sorted(
            _found(case), key=lambda one: (SEVERITIES.index(one.severity), one.first_ns, one.rule, one.key)
        )
    )


def _found(case: Case) -> Iterator[Finding]:
    """Of each rule that names a detector, then of those that are conditions."""
    known = detectors()
    for rule in case.rules.values():
        if rule.detector and rule.runs:
            yield from (of_rule(finding, rule) for finding in known[rule.detector](case))
    for finding in matched(case, case.rules.values()):
        yield of_rule(finding, case.rules[finding.rule])


def id_of(finding: Finding) -> str:
    """A short name that stays the same from one replay to the next: it says what the finding is
    about, and nothing of when or how often."""
    text = "\x1f".join((finding.rule, *finding.key))
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()
