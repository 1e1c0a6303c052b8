"""From facts and a model to findings: every fact is decided once, then the detectors look at it."""

from __future__ import annotations

from hashlib import blake2b

from otmon.detect.detector import SEVERITIES, Case, Finding, detectors
from otmon.ledger.acyclic import acyclic
from otmon.ledger.ledger import Ledger
from otmon.protocols.registry import PROTOCOLS
from otmon.zones.decide import decide, index
from otmon.zones.model import Model


def judge(ledger: Ledger, model: Model | None, baseline: Ledger | None = None) -> tuple[Finding, ...]:
    """What is wrong, gravest first, then by time. Without a model only what needs none; what is new
    since `baseline`, the facts of normal operation, only with one."""
    return found_in(case_of(ledger, model, baseline))


@acyclic()
def case_of(ledger: Ledger, model: Model | None, baseline: Ledger | None = None) -> Case:
    """Facts with their verdicts."""
    ready = None if model is None else index(model, ledger.assets, baseline)
    return Case(
        ledger=ledger,
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
    """What the detectors find, gravest first, then by time."""
    found = [finding for _, detector in detectors() for finding in detector(case)]
    return tuple(
        sorted(found, key=lambda one: (SEVERITIES.index(one.severity), one.first_ns, one.rule, one.key))
    )


def id_of(finding: Finding) -> str:
    """A short name that stays the same from one replay to the next: it says what the finding is
    about, and nothing of when or how often."""
    text = "\x1f".join((finding.rule, *finding.key))
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()
