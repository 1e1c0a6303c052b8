"""What is found in real captures, without a zone model: a file that a reviewer can judge as a diff.

Most of them hold no attack, so a new line is mostly a false positive: docs/corpus-findings.md says of
each kind whether it is right.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from otmon.detect.rules.load import shipped_rules
from otmon.engine import replay
from otmon.findings.judge import judge
from tests.oracle import captures

ROOT = Path(__file__).resolve().parent.parent.parent
JUDGED = ROOT / "docs" / "corpus-findings.md"
EXPECTED = ROOT / "tests" / "golden" / "corpus-findings.tsv"


def test_the_findings(corpus: Path, golden: Callable[[str, str], None]) -> None:
    lines = ["capture\trule\tcount\n"]
    for name in captures(corpus):
        ledger = replay([str(corpus / name)]).ledger
        findings = judge(ledger, None)
        itself = judge(ledger, None, baseline=ledger)
        assert set(itself) <= set(findings), f"{name} has something new to itself"
        found = Counter(one.rule for one in findings)
        lines += [f"{name}\t{rule}\t{count}\n" for rule, count in sorted(found.items())]
    assert len(lines) > 1
    golden("corpus-findings.tsv", "".join(lines))


def test_every_kind_of_finding_is_judged_in_words() -> None:
    rows = [line.split("\t") for line in EXPECTED.read_text(encoding="utf-8").splitlines()[1:]]
    found = Counter(rule for _, rule, _ in rows)
    shown = {name for name, _, _ in rows}
    page = JUDGED.read_text(encoding="utf-8")
    told = dict(re.findall(r"^## ([a-z-]+): (\d+) captures?$", page, re.M))
    assert set(found) <= set(shipped_rules())
    assert told == {rule: str(count) for rule, count in found.items()}
    assert f"Captures with a finding: {len(shown)}." in page
    assert all(name.rpartition("/")[2] in page for name in shown)
