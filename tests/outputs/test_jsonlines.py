"""JSON lines: by their schema, in their order, the same for the same facts."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from otmon.capture.window import KINDS
from otmon.detect.finding import SEVERITIES
from otmon.engine import replay
from otmon.findings.judge import id_of, judge
from otmon.ledger.facts import Damage
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect, merge
from otmon.outputs.jsonlines import by_boundary, finding_line, write_jsonlines
from otmon.zones.files.load import load_model
from tests.ledger.conftest import any_ledgers

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "findings.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def written(ledger: Ledger, files: tuple[str, ...] = (), model: Any = None) -> list[dict[str, Any]]:
    stream = io.StringIO()
    write_jsonlines(stream, ledger, judge(ledger, model), files, "0.0.0")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    return lines


@pytest.fixture(scope="module")
def day() -> Ledger:
    return replay([str(ROOT / "pcaps" / "factory-day.pcapng")]).ledger


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["$defs"]["damage"]["properties"]["kind"]["enum"]) == set(KINDS)
    assert tuple(SCHEMA["$defs"]["severity"]["enum"]) == SEVERITIES


def test_when_a_finding_was_told_is_said_where_it_is_known(day: Ledger) -> None:
    findings = judge(day, None)
    stream = io.StringIO()
    write_jsonlines(stream, day, findings, (), "0.0.0", told_ns={id_of(findings[0]): 1_500_000_000})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    told = [line.get("told") for line in lines if line["type"] == "finding"]
    assert told == ["1970-01-01T00:00:01.500000000Z", *[None] * (len(findings) - 1)]


def test_a_day_gives_valid_lines_in_their_order(day: Ledger) -> None:
    model = load_model(str(ROOT / "zones" / "factory.yaml"))
    damaged = merge(day, collect(damage=[Damage("x.pcap", "garbage", 24, 1, "7 bytes")]))
    lines = written(damaged, model.files, model)
    kinds = [line["type"] for line in lines]
    assert kinds == ["run", "damage", *["finding"] * (len(lines) - 3), "summary"]
    severities = [SEVERITIES.index(line["severity"]) for line in lines[2:-1]]
    assert severities == sorted(severities)
    summary = lines[-1]
    assert summary["findings"] == len(lines) - 3 == sum(summary["by_severity"].values())
    ids = [line["id"] for line in lines[2:-1]]
    assert len(ids) == len(set(ids))
    zoned = [line for line in lines[2:-1] if line["from_zone"] or line["to_zone"]]
    assert sum(row["findings"] for row in summary["by_boundary"]) == len(zoned)


def test_each_finding_proves_itself_by_packets_of_the_capture(day: Ledger) -> None:
    model = load_model(str(ROOT / "zones" / "factory.yaml"))
    for line in written(day, model.files, model):
        if line["type"] == "finding":
            assert line["evidence"]
            assert all(1 <= one["packet"] <= day.sources[0].packets for one in line["evidence"])
            assert line["why"]
            assert line["references"]


@settings(max_examples=50)
@given(any_ledgers())
def test_any_facts_give_valid_lines(ledger: Ledger) -> None:
    lines = written(ledger)
    assert lines[0]["facts"]["conversations"] == len(ledger.conversations)


def test_the_counts_by_boundary_come_from_the_findings(day: Ledger) -> None:
    findings = judge(day, load_model(str(ROOT / "zones" / "factory.yaml")))
    rows = by_boundary(findings)
    assert [count for _, count in rows] == sorted((count for _, count in rows), reverse=True)
    assert {finding_line(one)["boundary"] for one in findings} == {boundary for (boundary, _), _ in rows}
