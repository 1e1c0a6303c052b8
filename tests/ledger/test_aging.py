"""What is old goes, what was seen since stays, and sums are kept."""

from __future__ import annotations

from dataclasses import replace

from otmon.engine import replay
from otmon.ledger.aging import without_older
from otmon.ledger.merge import merge
from tests.command import DAY


def test_facts_go_by_when_they_were_last_seen() -> None:
    ledger = replay([str(DAY)]).ledger
    parts = ("assets", "conversations", "operations", "written", "anomalies", "credentials", "claims")
    times = sorted(fact.last_ns for part in parts for fact in getattr(ledger, part))
    middle = times[len(times) // 2]
    kept, gone = without_older(ledger, middle)
    assert gone == sum(time < middle for time in times) > 0
    for part in parts:
        there = getattr(kept, part)
        assert there == tuple(fact for fact in getattr(ledger, part) if fact.last_ns >= middle)
    assert (kept.sources, kept.damage, kept.overflow) == (ledger.sources, ledger.damage, ledger.overflow)
    # Still a ledger in canonical order.
    assert merge(kept, replace(kept, sources=())).conversations != ()
    assert without_older(ledger, times[0]) == (ledger, 0)
