"""The log-ins of real captures: a file that a reviewer can judge as a diff. It names no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from otmon.engine import replay
from tests.oracle import captures


def test_the_log_ins(corpus: Path, golden: Callable[[str, str], None]) -> None:
    lines = ["capture\tprotocol\tkind\tmethod\toutcome\taccount\tentry\ttimes\n"]
    for name in captures(corpus):
        for one in replay([str(corpus / name)]).ledger.credentials:
            row = one.protocol, one.kind, one.method, one.outcome, one.account, one.entry, str(one.times)
            lines.append("\t".join((name, *row)) + "\n")
    assert len(lines) > 1
    golden("corpus-log-ins.tsv", "".join(lines))
