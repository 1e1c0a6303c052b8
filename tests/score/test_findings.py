"""Findings as claims: what is read of each line, and what is no line of findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otmon.score.claim import ClaimError
from otmon.score.findings import MAX_LINE_BYTES, read_findings
from tests.score.made import NOON, SECOND, finding, lines, run


def test_a_finding_is_read_with_what_shows_it(tmp_path: Path) -> None:
    line = finding(
        "a1", "modbus-scan", "10.0.9.66", "10.0.2.11", 613, 601, 602,
        techniques=["T0888", "T0846"], told="2026-04-14T03:10:30.500000000Z",
    )  # fmt: skip
    line["references"].append({"scheme": "IEC 62443-3-3", "id": "SR 5.1", "title": "", "edition": ""})
    path = lines(tmp_path / "f.jsonl", run(), line, {"type": "summary", "findings": 1})
    said = read_findings(path)
    assert (said.name, said.packets, said.is_sensor) == (path, 3601, True)
    (claim,) = said.claims
    assert claim.packets == (601, 602, 613)
    assert claim.times_ns == tuple(NOON + n * SECOND for n in (600, 601, 612))
    assert (claim.clients, claim.servers) == (("10.0.9.66",), ("10.0.2.11",))
    assert claim.techniques == ("T0846", "T0888")
    assert claim.told_ns == NOON + 630 * SECOND + SECOND // 2
    assert (claim.said, claim.place) == ("modbus-scan", f"{path}:2")


def test_a_finding_without_packets_has_its_first_instant(tmp_path: Path) -> None:
    said = read_findings(lines(tmp_path / "f.jsonl", finding("a1", "silent-server", "10.0.2.11")))
    assert said.claims[0].times_ns == (NOON,) and said.claims[0].packets == ()
    assert said.packets is None
    odd = finding("a1", "flood", "10.0.2.11", first="-5 ns")
    assert read_findings(lines(tmp_path / "f.jsonl", odd)).claims[0].times_ns == (-5,)


def test_what_a_sensor_tells_again_is_said_once(tmp_path: Path) -> None:
    early = finding("a1", "flood", "10.0.9.66", "", 601, told="2026-04-14T03:20:00.000000000Z")
    late = finding("a1", "flood", "10.0.9.66", "", 602, 603, told="2026-04-14T03:11:00.000000000Z")
    one, other = (
        read_findings(lines(tmp_path / "f.jsonl", *both)).claims for both in ((early, late), (late, early))
    )
    assert len(one) == 1 and one == other
    assert one[0].packets == (601, 602, 603)
    assert one[0].told_ns == NOON + 660 * SECOND


def test_numbers_of_several_captures_mean_nothing(tmp_path: Path) -> None:
    both = run()
    both["sources"] *= 2
    assert read_findings(lines(tmp_path / "f.jsonl", both)).packets is None
    assert read_findings(lines(tmp_path / "f.jsonl", run(), run())).packets is None


WRONG = {
    ":2: no JSON: ": "{]",
    ":2: input tag 'alert' found using 'type' does not match": '{"type": "alert"}',
    ":2: unable to extract tag using discriminator 'type'": "{}",
    ":2: input should be": "[1, 2]",
    ":2: finding.rule: field required": json.dumps(
        {key: value for key, value in finding("a", "b", "c").items() if key != "rule"}
    ),
    ":2: finding.evidence[0].packet: input should be greater than": json.dumps(
        finding("a", "b", "c") | {"evidence": [{"packet": 0, "time_ns": 0}]}
    ),
    ":2: first: 'yesterday' is no instant, expected": json.dumps(finding("a", "b", "c", first="yesterday")),
    ":2: first: '2026-02-30T": json.dumps(finding("a", "b", "c", first="2026-02-30T00:00:00.000000000Z")),
    ":2: told: ": json.dumps(finding("a", "b", "c", told="12:00")),
    ":2: run.format: input should be 1": '{"type":"run","format":2,"sources":[]}',
}  # fmt: skip


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_is_told_with_its_line(told: str, tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text(f"{json.dumps(run())}\n{WRONG[told]}\n", encoding="utf-8")
    with pytest.raises(ClaimError) as caught:
        read_findings(str(path))
    assert f"{path}{told}" in str(caught.value)


def test_every_wrong_line_is_told_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text("{\n" * 500, encoding="utf-8")
    with pytest.raises(ClaimError) as caught:
        read_findings(str(path))
    assert len(str(caught.value).splitlines()) == 20


def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"{" + b" " * (2 * MAX_LINE_BYTES))
    with pytest.raises(ClaimError, match=":1: a line of more than"):
        read_findings(str(path))


@given(
    st.lists(st.binary(max_size=60) | st.just(json.dumps(finding("a", "b", "c", "", 1)).encode()), max_size=5)
)
@settings(max_examples=150)
def test_any_bytes_are_findings_or_an_error(folder: Path, given_lines: list[bytes]) -> None:
    path = folder / "hostile.jsonl"
    path.write_bytes(b"\n".join(given_lines))
    try:
        said = read_findings(str(path))
    except ClaimError as error:
        assert all(line.startswith(f"{path}:") for line in str(error).splitlines())
    else:
        assert len(said.claims) <= 1
