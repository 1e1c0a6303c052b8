"""Which steps a claim found: by its packets, by time and hosts, as a consequence; what is a false alarm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otmon.score.answers import read_answers
from otmon.score.claim import ClaimError
from otmon.score.findings import read_findings
from otmon.score.match import hits, ids
from otmon.score.truth import Truth
from tests.score.made import NOON, SECOND, finding, lines, plant, run, written


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    return written(tmp_path / "made.truth.json")


def found(truth: Truth, folder: Path, *objects: dict[str, Any], clean: tuple[str, ...] = ()) -> list[Any]:
    """(step, how, seconds after noon) of each hit."""
    said = read_findings(lines(folder / "f.jsonl", *objects))
    return [(hit.step, hit.how, (hit.time_ns - NOON) / SECOND) for hit in hits(truth, said, clean)]


def answered(truth: Truth, folder: Path, row: str) -> list[str]:
    path = folder / "a.csv"
    path.write_text(f"time,from,to,technique\n{row}\n", encoding="utf-8")
    return [hit.step for hit in hits(truth, read_answers(str(path), None))]


def test_a_finding_found_the_steps_that_its_packets_belong_to(truth: Truth, tmp_path: Path) -> None:
    # Its first packet is routine, the next ones are of two steps; hosts play no part.
    one = finding("a", "unlisted-traffic", "10.0.1.10", "10.0.2.12", 300, 650, 651, 1250)
    assert found(truth, tmp_path, run(), one) == [("scan", "evidence", 649), ("write", "evidence", 1249)]


def test_a_finding_goes_on_in_later_steps_between_the_same_hosts(truth: Truth, tmp_path: Path) -> None:
    pair = "unlisted-traffic", "10.0.9.66", "10.0.2.11"
    last = {"last": f"{NOON + 1201 * SECOND} ns"}
    both = [("scan", "evidence", 604), ("write", "going-on", 1200)]
    assert found(truth, tmp_path, run(), finding("a", *pair, 605, **last)) == both
    assert found(truth, tmp_path, run(), finding("a", pair[0], *pair[:0:-1], 605, **last)) == both
    # It ended before; it is between others; it rests on routine.
    assert found(truth, tmp_path, run(), finding("a", *pair, 605)) == both[:1]
    assert found(truth, tmp_path, run(), finding("a", *pair[:2], "10.0.2.12", 605, **last)) == both[:1]
    assert found(truth, tmp_path, run(), finding("a", *pair[:2], "", 605, **last)) == both[:1]
    assert found(truth, tmp_path, run(), finding("a", *pair, 5, **last)) == []
    # About one host: where it was told while that one acted.
    for at, steps in (("03:19:59", both[:1]), ("03:20:10", both), ("03:31:40", both[:1])):
        of_one = finding("a", *pair[:2], "", 605, told=f"2026-04-14T{at}.000000000Z", **last)
        assert [step for step, _, _ in found(truth, tmp_path, run(), of_one)] == [one[0] for one in steps]
    # Told late, it is found late.
    late = finding("a", *pair, 605, told="2026-04-14T03:21:00.000000000Z", **last)
    assert found(truth, tmp_path, run(), late) == [("scan", "evidence", 1260), ("write", "going-on", 1260)]


def test_a_finding_on_routine_is_a_false_alarm(truth: Truth, tmp_path: Path) -> None:
    before = finding("a", "unlisted-traffic", "10.0.1.10", "10.0.2.11", 300)
    nobody = finding("b", "unlisted-traffic", "10.0.1.10", "10.0.2.99", 705)
    late = finding("c", "stopped-poll", "", "10.0.2.12", 1301)
    assert found(truth, tmp_path, run(), before) == []
    assert found(truth, tmp_path, run(), nobody) == []
    # The pump takes part in the scan only, which ended at 699 s: more than ten minutes before.
    assert found(truth, tmp_path, run(), late) == []


def test_a_consequence_fits_in_time_and_hosts_and_is_none_of_the_clean_capture(
    truth: Truth, tmp_path: Path
) -> None:
    silent = finding("a", "stopped-poll", "10.0.1.10", "10.0.2.11", 1301)
    assert found(truth, tmp_path, run(), silent) == [("write", "consequence", 1300)]
    assert found(truth, tmp_path, run(), silent, clean=("a",)) == []
    of_one = finding("a", "silent-server", "10.0.2.12", "", 1200)
    assert found(truth, tmp_path, run(), of_one) == [("scan", "consequence", 1199)]
    other = finding("a", "unlisted-traffic", "10.0.7.7", "10.0.7.8", 1301)
    assert found(truth, tmp_path, run(), other) == []


def test_what_stopped_is_a_consequence_from_when_it_was_told(truth: Truth, tmp_path: Path) -> None:
    # A poll since the beginning: what shows it are its first packets.
    told = {"told": "2026-04-14T03:22:00.000000000Z"}
    stopped = finding("a", "stopped-poll", "10.0.1.10", "10.0.2.11", 1, 2, 3, **told)
    assert found(truth, tmp_path, run(), stopped) == [("write", "consequence", 1320)]
    early = finding("b", "stopped-poll", "10.0.1.10", "10.0.2.11", 1, told="2026-04-14T03:05:00.000000000Z")
    assert found(truth, tmp_path, run(), early) == []


def test_when_it_was_told_counts_where_that_is_known(truth: Truth, tmp_path: Path) -> None:
    told = finding("a", "flood", "10.0.9.66", "", 610, told="2026-04-14T03:10:40.000000000Z")
    early = finding("b", "flood", "10.0.9.66", "", 610, told="2026-04-14T03:00:00.000000000Z")
    assert found(truth, tmp_path, run(), told, early) == [
        ("scan", "evidence", 640),
        ("scan", "evidence", 609),
    ]


def test_findings_of_another_capture_are_told_apart(truth: Truth, tmp_path: Path) -> None:
    one = finding("a", "flood", "10.0.9.66", "", 610)
    with pytest.raises(ClaimError, match="findings of 3,600 packets, and the truth is about 3,601"):
        found(truth, tmp_path, run(3600), one)
    one["evidence"][0]["time_ns"] += 3600 * SECOND
    with pytest.raises(ClaimError, match=r":2: packet 610 has not the time of event 'scan'"):
        found(truth, tmp_path, run(), one)


def test_without_numbers_findings_are_matched_by_time_and_hosts(truth: Truth, tmp_path: Path) -> None:
    # As a sensor tells them: no line about the run.
    scan = finding("a", "modbus-scan", "10.0.9.66", "", 605)
    turned = finding("b", "unlisted-traffic", "10.0.2.12", "10.0.9.66", 605)
    routine = finding("c", "new-operation", "10.0.1.10", "10.0.2.11", 605)
    early = finding("d", "modbus-scan", "10.0.9.66", "", 500)
    assert found(truth, tmp_path, scan, turned) == [("scan", "time", 604), ("scan", "time", 604)]
    assert found(truth, tmp_path, early) == []
    assert found(truth, tmp_path, routine) == [("scan", "consequence", 604)]
    assert found(truth, tmp_path, routine, clean=("c",)) == []


def test_a_truth_without_numbers_is_matched_by_time(tmp_path: Path) -> None:
    form = plant()
    for event in form["events"]:
        event["packets"] = []
    truth = written(tmp_path / "live.truth.json", form)
    one = finding("a", "modbus-scan", "10.0.9.66", "", 605)
    assert found(truth, tmp_path, run(7), one) == [("scan", "time", 604)]


@pytest.mark.parametrize(
    ("row", "steps"),
    {
        "2026-04-14T12:10+09:00,attacker,plc,": ["scan"],
        "2026-04-14T12:10+09:00,10.0.9.66,,": ["scan"],
        "2026-04-14T12:10+09:00,,02:00:00:00:00:12,": ["scan"],
        "2026-04-14T12:09:00+09:00,attacker,plc,": ["scan"],
        "2026-04-14T12:08:59+09:00,attacker,plc,": [],
        "2026-04-14T12:08+09:00,attacker,plc,": [],
        "2026-04-14T12:09+09:00,attacker,plc,": ["scan"],
        "2026-04-14T12:12:39+09:00,attacker,plc,": ["scan"],
        "2026-04-14T12:12:40+09:00,attacker,plc,": [],
        "2026-04-14T12:10+09:00,plc,attacker,": [],
        "2026-04-14T12:10+09:00,attacker,hmi,": [],
        "2026-04-14T12:10+09:00,hmi,plc,": [],
        "2026-04-14T12:10+09:00,attacker,10.0.2.99,": ["scan"],
        "2026-04-14T12:10+09:00,10.0.2.99,10.0.2.98,": [],
        "2026-04-14T12:20:55+09:00,attacker,,": ["usb"],
        "2026-04-14T12:20:55+09:00,attacker,,T0836": ["write"],
        "2026-04-14T12:20:55+09:00,attacker,plc hmi,": [],
        "2026-04-14T12:20:05+09:00,attacker,,": ["write"],
        "2026-04-14T12:20:05+09:00,attacker,,T0847": ["usb"],
    }.items(),
)
def test_an_answer_found_one_step_by_time_and_hosts(
    row: str, steps: list[str], truth: Truth, tmp_path: Path
) -> None:
    assert answered(truth, tmp_path, row) == steps


def test_the_ids_of_clean_captures(tmp_path: Path) -> None:
    said = [read_findings(lines(tmp_path / "f.jsonl", finding(id, "flood", "c"))) for id in ("a", "b")]
    assert ids(said) == {"a", "b"}
