"""JSON lines: by their schema, in their order, the same for the same facts."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from otmon.capture.window import KINDS
from otmon.detect.finding import SEVERITIES
from otmon.engine import replay
from otmon.findings.judge import case_of, found_in, id_of, judge
from otmon.findings.standing import decided
from otmon.ledger.facts import Damage
from otmon.ledger.ledger import Ledger
from otmon.ledger.merge import collect, merge
from otmon.outputs.jsonlines import by_boundary, finding_line, write_jsonlines, write_told
from otmon.zones.files.load import load_model
from tests.findings.taken import PAST, decision
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


def test_what_was_decided_is_said_and_nothing_of_it_without_decisions() -> None:
    ledger = replay([str(ROOT / "pcaps" / "two-factories-day.pcapng")]).ledger
    case = case_of(ledger, load_model(str(ROOT / "zones" / "two-factories.yaml")))
    findings = found_in(case)
    covered, lapsed = [one for one in findings if one.rule == "default-credentials"]
    decisions = {id_of(covered): decision(covered), id_of(lapsed): decision(lapsed, PAST)}
    decisions["0" * 12] = replace(decision(lapsed), finding="0" * 12)
    stream = io.StringIO()
    known = decided(case, findings, decisions)
    write_jsonlines(stream, ledger, findings, (), "0.0.0", decided=known)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        VALIDATOR.validate(line)
    of_both = {"reason": "撤去は3月", "by": "製造部", "decided": "2026-04-01", "line": "d.yaml:2"}
    told = {line["id"]: line["decision"] for line in lines if "decision" in line}
    assert told == {
        id_of(covered): {"state": "holds", **of_both, "until": "2027-03-31", "against": []},
        id_of(lapsed): {
            "state": "lapsed",
            **of_both,
            "until": "2026-04-01",
            "against": [
                {
                    "key": "decision.lapsed",
                    "en": "decided until 2026-04-01: lapsed",
                    "ja": "受容の期限 2026-04-01 は過ぎた",
                }
            ],
        },
    }
    # Who has a name in the inventory is called by it.
    assert {"address": "10.11.8.35", "en": "Factory A label PC", "ja": "A工場 ラベルPC"} in [
        name for line in lines for name in line.get("names", ())
    ]
    assert [one for one in lines if one["type"] == "finding"] and lines[-1]["findings"] == len(findings)
    assert lines[-1]["decided"] == {
        "findings": 1,
        "decisions": {"holds": 1, "outgrown": 0, "lapsed": 1, "unmet": 1},
        "unmet": [
            {
                "rule": lapsed.rule,
                "finding": "0" * 12,
                "about": [lapsed.link.client, lapsed.link.server],
                "line": "d.yaml:2",
            }
        ],
    }
    without = io.StringIO()
    write_jsonlines(without, ledger, findings, (), "0.0.0")
    plain = [json.loads(line) for line in without.getvalue().splitlines()]
    assert plain == [{k: v for k, v in line.items() if k not in ("decision", "decided")} for line in lines]
    stream = io.StringIO()
    write_told(stream, [(covered, known.of(covered)), (findings[-1], None)], 5)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["decision"]["state"] == "holds" and "decision" not in second
    VALIDATOR.validate(first)


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
