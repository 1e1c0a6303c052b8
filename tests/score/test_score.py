"""The score: shares, times, false alarms, techniques, ranking; and what holds whatever is said."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.score.answers import read_answers
from otmon.score.findings import read_findings
from otmon.score.score import Score, object_of, ranked, score
from otmon.score.truth import Truth, read_truth
from tests.command import ROOT
from tests.score.made import SECOND, finding, lines, run, written

SAID = (
    finding("a", "modbus-scan", "10.0.9.66", "", 605, 606, techniques=["T0846", "T0888"]),
    finding("b", "address-scan", "10.0.9.66", "", 640, techniques=["T0846"]),
    finding("c", "value-out-of-limits", "10.0.9.66", "10.0.2.11", 1221, techniques=["T0836"]),
    finding("d", "stopped-poll", "10.0.1.10", "10.0.2.11", 1305, techniques=["T0814"]),
    finding("e", "unlisted-traffic", "10.0.1.10", "10.0.2.12", 10, techniques=["T0846"]),
)


def scored(truth: Truth, folder: Path, *objects: dict[str, Any], name: str = "otmon") -> Score:
    return score(truth, read_findings(lines(folder / f"{name}.jsonl", run(), *objects)))


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    return written(tmp_path / "made.truth.json")


def test_what_was_found_and_how_soon(truth: Truth, tmp_path: Path) -> None:
    one = scored(truth, tmp_path, *SAID)
    after = {step.step.id: (step.found, step.after_ns, step.said) for step in one.steps}
    assert after == {
        "scan": (True, 4 * SECOND, ("modbus-scan", "address-scan")),
        "write": (True, 20 * SECOND, ("value-out-of-limits", "stopped-poll")),
        "usb": (False, None, ()),
        "leak": (False, None, ()),
    }
    # The USB stick is nothing that a passive sensor can miss.
    assert (one.recall.part, one.recall.whole) == (2, 3)
    assert (one.precision.part, one.precision.whole) == (4, 5)
    assert one.after_ns == 4 * SECOND and one.median_after_ns == 12 * SECOND
    assert [claim.id for claim in one.false_alarms] == ["e"]
    assert one.false_alarms_per_day == 24
    assert float(one.f1) == pytest.approx(2 * (2 / 3 * 4 / 5) / (2 / 3 + 4 / 5))
    assert not one.is_perfect


def test_techniques_have_recall_and_precision(truth: Truth, tmp_path: Path) -> None:
    one = scored(truth, tmp_path, *SAID)
    told = {
        t.technique: (t.recall.part, t.recall.whole, t.precision.part, t.precision.whole)
        for t in one.techniques
    }
    assert told == {
        "T0814": (0, 0, 0, 1),
        "T0831": (1, 1, 0, 0),
        "T0836": (1, 1, 1, 1),
        "T0846": (1, 1, 2, 3),
        "T0882": (0, 1, 0, 0),
        "T0888": (0, 0, 0, 1),
    }
    assert {t.technique: t.recall.value for t in one.techniques}["T0814"] is None


def test_a_perfect_score(truth: Truth, tmp_path: Path) -> None:
    leak = finding("f", "internet-contact", "10.0.1.10", "203.0.113.9", 1801)
    one = scored(truth, tmp_path, SAID[0], SAID[2], leak)
    assert one.is_perfect and one.f1 == 1
    assert not scored(truth, tmp_path, SAID[0], SAID[2]).is_perfect
    assert not scored(truth, tmp_path, SAID[0], SAID[2], leak, SAID[4]).is_perfect


def test_nothing_said_is_nothing_right(truth: Truth, tmp_path: Path) -> None:
    one = scored(truth, tmp_path)
    assert one.f1 == 0 and one.precision.value is None and one.recall.value == 0
    assert one.after_ns is None and one.median_after_ns is None and one.false_alarms_per_day == 0


def test_a_clean_day_has_false_alarms_only(truth: Truth, tmp_path: Path) -> None:
    clean = replace(
        truth, events=tuple(event for event in truth.events if not event.is_step), _event=(0,) * 7
    )
    assert scored(clean, tmp_path).is_perfect
    noisy = scored(clean, tmp_path, SAID[4])
    assert not noisy.is_perfect and noisy.recall.value is None and len(noisy.false_alarms) == 1
    assert scored(replace(clean, end_ns=clean.start_ns), tmp_path).false_alarms_per_day is None


def test_the_better_is_ranked_before_the_faster(truth: Truth, tmp_path: Path) -> None:
    both = scored(truth, tmp_path, SAID[1], SAID[2], name="both")
    fast = scored(truth, tmp_path, SAID[0], name="fast")
    slow = scored(truth, tmp_path, SAID[1], name="slow")
    none = scored(truth, tmp_path, SAID[4], name="none")
    names = [Path(one.name).stem for one in ranked([none, slow, fast, both])]
    assert names == ["both", "fast", "slow", "none"]


PACKETS = st.lists(st.integers(1, 3601), max_size=3)
HOSTS = st.sampled_from(["10.0.9.66", "10.0.1.10", "10.0.2.11", "10.0.2.12", "10.0.7.7", ""])
TECHNIQUES = st.lists(st.sampled_from(["T0846", "T0836", "T0831", "T0882", "T0814"]), max_size=3)


@st.composite
def findings(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        finding(f"id {number}", "rule", draw(HOSTS), draw(HOSTS), *draw(PACKETS), techniques=draw(TECHNIQUES))
        for number in range(draw(st.integers(0, 8)))
    ]


@given(findings(), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=150)
def test_shares_are_shares_and_order_plays_no_part(
    folder: Path, said: list[dict[str, Any]], order: random.Random, numbered: bool
) -> None:
    truth = written(folder / "made.truth.json")
    about = [run()] if numbered else []
    one = score(truth, read_findings(lines(folder / "f.jsonl", *about, *said)))
    shares = [one.recall, one.precision, *(s for t in one.techniques for s in (t.recall, t.precision))]
    assert all(0 <= share.part <= share.whole for share in shares)
    assert all(share.value is None or 0 <= share.value <= 1 for share in shares)
    assert 0 <= one.f1 <= 1
    assert one.precision.part + len(one.false_alarms) == one.claims == len(said)
    assert all(step.after_ns is None or step.after_ns >= 0 for step in one.steps)
    mixed = list(said)
    order.shuffle(mixed)
    other = score(truth, read_findings(lines(folder / "f.jsonl", *about, *mixed)))
    assert _without_places(object_of(truth, [other])) == _without_places(object_of(truth, [one]))


@given(findings(), findings())
@settings(max_examples=60)
def test_more_said_finds_no_less(
    folder: Path, said: list[dict[str, Any]], more: list[dict[str, Any]]
) -> None:
    truth = written(folder / "made.truth.json")
    more = [{**one, "id": f"more {one['id']}"} for one in more]
    few, all_ = (
        score(truth, read_findings(lines(folder / "f.jsonl", run(), *them)))
        for them in (said, [*said, *more])
    )
    assert few.recall.part <= all_.recall.part
    assert len(few.false_alarms) <= len(all_.false_alarms)


def _without_places(value: Any) -> Any:
    """Lines of files are where they are."""
    if isinstance(value, dict):
        return {key: _without_places(one) for key, one in value.items() if key != "place"}
    return [_without_places(one) for one in value] if isinstance(value, list) else value


def test_the_object_is_json_and_says_the_same(truth: Truth, tmp_path: Path) -> None:
    one = scored(truth, tmp_path, *SAID)
    told = json.loads(json.dumps(object_of(truth, [one]), allow_nan=False))
    assert (told["format"], told["plant"], told["scenario"], told["seconds"]) == (1, "made", "by-hand", 3600)
    (of_one,) = told["scores"]
    assert of_one["recall"] == {"found": 2, "steps": 3, "value": 2 / 3}
    assert of_one["steps"][0]["by"][0] | {"place": ""} == {
        "id": "a", "said": "modbus-scan", "how": "evidence", "seconds": 4.0, "place": "",
    }  # fmt: skip
    assert of_one["steps"][1]["by"][1]["how"] == "consequence"
    assert of_one["steps"][2]["unseen_because"] == "nothing is sent"
    assert of_one["false_alarms"][0]["said"] == "unlisted-traffic"


def test_a_person_is_scored_by_the_same_rules(tmp_path: Path) -> None:
    """On the shipped capture: three right answers, one of them late, and a wrong one."""
    truth = read_truth(str(ROOT / "pcaps" / "factory-day.truth.json"))
    path = tmp_path / "team-a.csv"
    path.write_text(
        "time,from,to,note\n"
        "2026-04-14 09:12,office-pc-77,plc-conveyor,an office PC stops the conveyor\n"
        "2026-04-14 10:05,camera,camera-cloud,camera\n"
        "2026-04-14 15:40:10,10.60.0.5,plc-mixing,scan\n"
        "2026-04-14 12:00,hmi,plc-mixing,no attack\n",
        encoding="utf-8",
    )
    one = score(truth, read_answers(str(path), ZoneInfo("Asia/Tokyo")))
    right = {step.step.id: (step.after_ns or 0) // SECOND for step in one.steps if step.found}
    assert right == {"office-writes": 0, "camera": 0, "scan": 70}
    assert (one.recall.part, one.recall.whole, one.claims) == (3, 9, 4)
    assert [claim.said for claim in one.false_alarms] == ["no attack"]
