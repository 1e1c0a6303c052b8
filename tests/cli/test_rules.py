"""`otmon rules`, and rules of one's own beside those of otmon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otmon.detect.rules.load import shipped_rules
from tests.command import DAY, MODEL, one_line, otmon
from tests.detect.rules.test_load import SOUND

OURS = SOUND.replace("protocol: telnet\n", "protocol: rdp\n").replace(
    ", protocol: telnet}", ", protocol: rdp}"
)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "telnet-anywhere.yml"
    path.write_text(OURS, encoding="utf-8")
    return path


def test_every_rule_is_listed_for_people_and_for_programs() -> None:
    status, out, err = otmon("rules", "list", "--lang", "ja")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == list(shipped_rules())
    assert "モデルで許可されていない通信" in out
    listed = [json.loads(line) for line in otmon("rules", "list", "--json")[1].splitlines()]
    assert [one["name"] for one in listed] == list(shipped_rules())
    assert all(one["response"]["ja"] and one["tests"] for one in listed)


def test_the_rules_of_otmon_are_sound_and_pass_their_tests() -> None:
    assert otmon("rules", "check")[::2] == (0, "")
    status, out, err = otmon("rules", "test")
    assert (status, err) == (0, "")
    assert out.endswith(" test cases, 0 failed\n")


def test_a_rule_that_fails_its_test_is_told_with_status_1(ours: Path) -> None:
    assert otmon("rules", "test", ours)[:2] == (0, "1 test cases, 0 failed\n")
    ours.write_text(OURS.replace("fires: true", "fires: false"), encoding="utf-8")
    status, out, _ = otmon("rules", "test", ours.parent)
    assert status == 1
    assert out.splitlines() == [
        "telnet-anywhere: it is: fired, expected it not to",
        "1 test cases, 1 failed",
    ]


def test_errors_name_file_line_and_column_with_status_2(ours: Path) -> None:
    ours.write_text(OURS.replace("protocol: rdp\n", "protocl: rdp\n"), encoding="utf-8")
    for command in (("rules", "check", ours), ("rules", "test", ours), ("replay", DAY, "--rules", ours)):
        status, out, err = otmon(*command)
        assert (status, out) == (2, "")
        assert err.startswith(f"{ours}:11:5: unknown field 'protocl', expected protocol")


def test_a_wrong_model_of_a_test_case_is_an_error(ours: Path) -> None:
    ours.write_text(OURS + "    zones: |\n      version: 1\n      zones: [{id: a}]\n", encoding="utf-8")
    status, _, err = otmon("rules", "check", ours)
    assert status == 2
    assert err.startswith(f"{ours}:18:12: zone model, line 2, column 9: importance is missing")


def test_a_rule_is_shown_in_both_languages() -> None:
    status, out, err = otmon("rules", "show", "plc-stop")
    assert (status, out) == (2, "")
    assert "no rule 'plc-stop'" in one_line(err)
    assert "How to respond" in otmon("rules", "show", "dangerous-command")[1]
    assert "  writing = mes: " in otmon("rules", "show", "command-without-role")[1]
    assert "spread = 16" in otmon("rules", "show", "unlisted-traffic", "--lang", "ja")[1]


def test_a_replay_and_a_check_find_by_rules_of_ones_own(ours: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "day.db"
    replayed = otmon("replay", DAY, "--zones", MODEL, "--rules", ours, "--json", "-", "--ledger", ledger)
    found = [one for one in map(json.loads, replayed[1].splitlines()) if one.get("rule") == "telnet-anywhere"]
    assert found and found[0]["title"] == {"en": "A host speaks Telnet", "ja": "A host speaks Telnet"}
    checked = otmon("check", "--ledger", ledger, "--zones", MODEL, "--rules", ours.parent, "--json", "-")
    assert checked[1] == replayed[1]
    plain = otmon("replay", DAY, "--zones", MODEL, "--json", "-")[1]
    assert "telnet-anywhere" not in plain


def test_a_rule_of_the_same_name_replaces_ours_and_says_so(tmp_path: Path) -> None:
    mine = tmp_path / "foreign-protocol.yml"
    text = (Path("rules") / "foreign-protocol.yml").read_text(encoding="utf-8")
    mine.write_text(text.replace("status: stable", "status: deprecated"), encoding="utf-8")
    status, _, err = otmon("replay", DAY, "--zones", MODEL, "--rules", mine)
    assert status == 1
    assert one_line(err) == f"otmon: {mine} replaces the rule foreign-protocol of otmon\n"


def test_findings_can_be_sorted_by_risk() -> None:
    ordered = []
    for sort in ("severity", "risk"):
        _, out, _ = otmon("replay", DAY, "--zones", MODEL, "--json", "-", "--sort", sort)
        found = [one for one in map(json.loads, out.splitlines()) if one["type"] == "finding"]
        ordered.append([(one["severity"], one["risk"]["value"], one["id"]) for one in found])
    by_severity, by_risk = ordered
    assert sorted(by_severity) == sorted(by_risk) and by_severity != by_risk
    assert [value for _, value, _ in by_risk] == sorted(value for _, value, _ in by_risk)
