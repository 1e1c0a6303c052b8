"""Decisions as people complete them."""

from __future__ import annotations

from datetime import date

from otmon.detect.detector import Case
from otmon.detect.finding import Finding
from otmon.findings.decision import Decision
from otmon.findings.judge import id_of
from otmon.findings.standing import Decided, decided, subject_of
from otmon.zones.model import Line

LAST = date(2027, 3, 31)
"""Long after the captures that the tests replay."""
PAST = date(2026, 4, 1)


def decision(finding: Finding, until: date = LAST) -> Decision:
    """As it is drafted."""
    return Decision(
        Line("d.yaml", 2), finding.rule, id_of(finding), subject_of(finding), finding.severity,
        finding.risk.value, finding.extent, "撤去は3月", "製造部", date(2026, 4, 1), until,
    )  # fmt: skip


def taken(case: Case, findings: tuple[Finding, ...], *about: Finding, until: date = LAST) -> Decided:
    """What was decided about some of the findings of a case."""
    return decided(case, findings, {id_of(one): decision(one, until) for one in about})
