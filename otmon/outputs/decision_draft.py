"""Decisions about findings as they stand in a file (`otmon.findings.decision_file`), for people to complete.

Why, who, since when and until when is left open: a file in which nobody has said it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from otmon.detect.finding import Finding
from otmon.findings.judge import id_of
from otmon.findings.standing import subject_of
from otmon.findings.wording import Language, text, worded
from otmon.outputs.table import names_text
from otmon.zones.files.draftfile import Block, listing, scalar


def drafted(findings: Iterable[Finding], language: Language) -> str:
    """The text of a file with a decision about each finding; comments are in a language."""
    block = Block()
    block.line("decisions:")
    for finding in findings:
        block.comment(
            f"[{text(f'severity.{finding.severity}', language)}] {worded(finding.what, language)}", 2
        )
        if finding.names:
            block.comment(names_text(finding, language), 2)
        block.line(f"  - rule: {scalar(finding.rule)}")
        block.line(f"    finding: {scalar(id_of(finding))}")
        block.line(f"    about: {listing(subject_of(finding))}")
        block.line(f"    severity: {finding.severity}")
        block.line(f"    risk: {finding.risk.value}")
        block.line(f"    extent: {finding.extent}")
        for key, said in (
            ("reason", text("decision.why", language)),
            ("by", text("decision.who", language)),
            ("decided", text("decision.when", language)),
            ("until", text("decision.until", language)),
        ):
            block.line(f"    {key}:    # {said}")
    return block.text()
