"""A flood of forged senders that speak Modbus as the plant does: the plant is seen through it, what found no
place is told, and afterwards all is as before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otmon.engine import replay
from otmon.ledger.file.store import load
from otmon.ledger.ledger import LIMITS, conversation_key
from tests.bench.captures import made
from tests.bench.live import DROPPED, PACKETS, forbidden, late, offering
from tests.namespaces import missing, wire
from tests.sensor.running import ROOT, findings_in, sensor

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"a wire to listen on: {missing()}")
FLOOD, POLLS = 160_000, 12_000
"""All of it has room in the ring: where nobody reads for long nothing is lost."""
MOST_BYTES = 800 << 20


@pytest.mark.slow
def test_a_write_and_the_polling_are_seen_through_a_flood(tmp_path: Path) -> None:
    flood, _ = made("flood", tmp_path, FLOOD)
    polls, _ = made("factory", tmp_path, POLLS)
    plant = replay([str(polls)]).ledger
    path, found = tmp_path / "plant.db", tmp_path / "found.jsonl"
    words = ["--zones", str(ROOT / "zones" / "factory.yaml"), "--ledger", str(path), "--json", str(found)]

    def told(number: int) -> bool:
        return f'"10.10.0.{100 + number}"' in json.dumps(findings_in(found))

    with wire() as wired, sensor(wired, *words, "--ring-mb", "64") as running:
        with offering(wired, polls, 2_000, POLLS) as polling:
            with offering(wired, flood, 40_000, FLOOD // 2) as first:
                late(first)
            wired.send(forbidden(0))
            with offering(wired, flood, 40_000, FLOOD // 2, 1) as second:
                late(second)
            late(polling)
        running.wait_for(lambda: told(0))
        sent = FLOOD + POLLS + len(forbidden(0))
        running.wait_for(lambda: (now := running.metrics())[PACKETS] + now[DROPPED] == sent)
        running.wait_for(lambda: running.metrics()['otmon_ledger_missing_total{kind="assets"}'] > 0)
        running.wait_for(lambda: running.says("the ledger is full: what"))
        # It goes on as before.
        wired.send(forbidden(1))
        running.wait_for(lambda: told(1))
        after = running.metrics()
        assert after[DROPPED] == 0 and after["process_resident_memory_bytes"] < MOST_BYTES
        running.end()
    lines = findings_in(found)
    ids = [line["id"] for line in lines if '"10.10.0.100"' in json.dumps(line)]
    assert len(ids) == len(set(ids)) > 0, "told once, though it was judged early and among all facts"
    kept = load(path)
    assert len(kept.conversations) == LIMITS.conversations and dict(kept.overflow)["conversations"] > 0
    talks = {conversation_key(one) for one in plant.conversations if one.answered}
    assert talks <= {conversation_key(one) for one in kept.conversations if one.answered}
    # Of a connection whose stream gave way to others, what is asked before its next segment is not seen.
    asked = {(one.client, one.server) for one in plant.operations if one.answered}
    assert asked <= {(one.client, one.server) for one in kept.operations if one.answered}
    written = {(one.client, one.server) for one in kept.operations if one.access == "write"}
    assert {("10.10.0.100", "10.30.2.11"), ("10.10.0.101", "10.30.2.11")} <= written
