"""From facts and a model to findings: every fact is decided once, then the detectors look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b

from otmon.detect.condition_rules import matched
from otmon.detect.detector import Case, detectors, registered
from otmon.detect.finding import SEVERITIES, Finding, Place
from otmon.detect.rules.load import shipped_rules
from otmon.detect.rules.rule import Rule, Text
from otmon.findings.aggregation import Aggregation, Kind, kind_of
from otmon.findings.risk import risk_of, scales, silence_of
from otmon.garbage_collection import without_garbage_collection
from otmon.ledger.ledger import Ledger
from otmon.protocols.registry import PROTOCOLS
from otmon.zones.decide import UNJUDGED, decide_all, index
from otmon.zones.model import Model


def go_on() -> None:
    """What is done between two steps of a judgement: nothing."""


def judge(
    ledger: Ledger,
    model: Model | None,
    baseline: Ledger | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> tuple[Finding, ...]:
    """What is wrong, gravest first, then by risk and time. Without a model only what needs none; what is new
    since `baseline`, the facts of normal operation, only with one. Without `rules` those of the program."""
    return found_in(case_of(ledger, model, baseline, rules))


@without_garbage_collection()
def case_of(
    ledger: Ledger,
    model: Model | None,
    baseline: Ledger | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> Case:
    """Facts with their verdicts."""
    ready = None if model is None else index(model, ledger.assets, baseline, ledger.claims)
    return Case(
        ledger=ledger,
        rules=shipped_rules() if rules is None else rules,
        baseline=baseline,
        protocols={protocol.id: protocol for protocol in PROTOCOLS},
        index=ready,
        conversations=UNJUDGED if ready is None else decide_all(ready, ledger.conversations),
        written=UNJUDGED if ready is None else decide_all(ready, ledger.written),
        operations=UNJUDGED if ready is None else decide_all(ready, ledger.operations),
    )


@without_garbage_collection()
def found_in(case: Case, between: Callable[[], None] = go_on) -> tuple[Finding, ...]:
    """What the rules find, gravest first, then by risk, then by time; what is too much to be read one by one
    is told as one (`otmon.findings.aggregation`). `between` is called between two rules, and may raise."""
    order = {severity: number for number, severity in enumerate(SEVERITIES)}
    ready = scales(case)
    aggregations: dict[Kind, Aggregation] = {}
    for one, rule in _found(case, between):
        kind = kind_of(one)
        aggregation = aggregations.get(kind)
        if aggregation is None:
            aggregation = aggregations[kind] = Aggregation(rule, _owned(case, one.place))
        aggregation.add(one, risk_of(one, rule.threat, ready), silence_of(one, ready))
    found = (_named(case, one) for aggregation in aggregations.values() for one in aggregation.findings())
    return tuple(
        sorted(found, key=lambda one: (order[one.severity], one.risk.value, one.first_ns, one.rule, one.key))
    )


def _owned(case: Case, place: Place) -> Place:
    """The place with those who answer for its zones."""
    zones = case.index.zones if case.index is not None else {}
    owners = [zones[id].owners if id in zones else () for id in (place.from_zone, place.to_zone)]
    return replace(place, from_owners=owners[0], to_owners=owners[1])


def _named(case: Case, finding: Finding) -> Finding:
    """The finding with the names that the inventory has for those whom it is about."""
    if case.index is None or not case.index.model.devices:
        return finding
    ends = dict.fromkeys(filter(None, (finding.link.client, finding.link.server)))
    listed = ((end, [device.name for device in registered(case, end)]) for end in ends)
    names = tuple(
        (end, Text(", ".join(one.en for one in named), ", ".join(one.ja for one in named)))
        for end, named in listed
        if named
    )
    return replace(finding, names=names) if names else finding


def by_risk(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings by risk, the highest first; those of one risk stay in their order."""
    return tuple(sorted(findings, key=lambda one: one.risk.value))


def _found(case: Case, between: Callable[[], None]) -> Iterator[tuple[Finding, Rule]]:
    """Of each rule that names a detector, then of those that are conditions."""
    known = detectors()
    for rule in case.rules.values():
        between()
        if rule.detector and rule.runs:
            yield from ((finding, rule) for finding in known[rule.detector](case))
    for finding in matched(case, case.rules.values()):
        yield finding, case.rules[finding.rule]


def id_of(finding: Finding) -> str:
    """A short name that stays the same from one replay to the next: it says what the finding is
    about, and nothing of when or how often."""
    text = "\x1f".join((finding.rule, *finding.key))
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()
