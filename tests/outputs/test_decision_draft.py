"""Drafted decisions: what people complete is a file that covers the findings, and none before."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from otmon.detect.finding import Link
from otmon.detect.rules.load import shipped_rules
from otmon.engine import replay
from otmon.findings.decision_file import DecisionError, read_decisions
from otmon.findings.judge import case_of, found_in
from otmon.findings.standing import decided, undecidable
from otmon.findings.wording import LANGUAGES, Language, worded
from otmon.outputs.decision_draft import drafted
from otmon.zones.files.load import load_model
from tests.command import ROOT

RULES = shipped_rules()
SAID = {"reason": "撤去は3月", "by": "製造部", "decided": "2026-04-20", "until": "2027-03-31"}


def completed(draft: str) -> bytes:
    for key, said in SAID.items():
        draft = re.sub(f"^    {key}:    # .+$", f"    {key}: {said}", draft, flags=re.M)
    return draft.encode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_covers_its_findings_once_people_have_completed_it(language: Language) -> None:
    model = load_model(str(ROOT / "zones" / "two-factories.yaml"))
    case = case_of(replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger, model)
    findings = found_in(case)
    mine = tuple(one for one in findings if not undecidable(one))
    assert {one.rule for one in mine} > {"unsupported-system", "default-credentials"}
    draft = drafted(mine, language)
    assert all(worded(one.what, language) in draft for one in mine)
    assert {"en": "10.11.8.35: Factory A label PC", "ja": "10.11.8.35: A工場 ラベルPC"}[language] in draft
    with pytest.raises(DecisionError) as caught:
        read_decisions("d.yaml", draft.encode(), RULES)
    # Each open key, at its own place.
    assert len(caught.value.problems) == 4 * len(mine)
    lines = draft.splitlines()
    assert all(" is empty, " in one.what for one in caught.value.problems)
    assert all(lines[one.line - 1][one.column - 1 :].startswith(tuple(SAID)) for one in caught.value.problems)
    decisions = read_decisions("d.yaml", completed(draft), RULES)
    known = decided(case, findings, decisions)
    assert set(known.uncovered(findings)) == set(findings) - set(mine)
    assert known.states == {"holds": len(mine), "outgrown": 0, "lapsed": 0, "unmet": 0}


def test_names_from_a_capture_stay_names() -> None:
    (finding,) = [
        one
        for one in found_in(case_of(replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger, None))
        if one.rule == "unsupported-system"
    ]
    odd = "it's: {a}, [b] # c\n  - rule: x\x1b\u2028"
    draft = drafted([replace(finding, link=Link(odd, "null"))], "en")
    assert len(draft.splitlines()) == 12
    (one,) = read_decisions("d.yaml", completed(draft), RULES).values()
    assert one.about == ("it's: {a}, [b] # c - rule: x", "null")
