"""Rule files: what is read, what is refused and where, and that the two ways of reading agree."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sigma.rule import SigmaRule

from otmon.detect.detector import detectors
from otmon.detect.rules.form import json_schema
from otmon.detect.rules.load import (
    FOLDER,
    MAX_FILE_BYTES,
    RuleError,
    load_rules,
    read_rules,
    shipped_rules,
    with_rules,
)
from otmon.detect.rules.rule import Rule

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FILES = sorted((ROOT / "rules").glob("*.yml"))
SOUND = """\
title: A host speaks Telnet
id: 3b1f5f1e-7b0c-4c55-8b53-0f7f6f0a4d11
name: telnet-anywhere
status: test
description: Telnet was spoken.
level: informational
tags: [attack.t0886]
logsource: {product: otmon, category: conversation}
detection:
  login:
    protocol: telnet
  condition: login
tests:
  - name: it is
    fires: true
    facts:
      - conversation: {client: 10.0.0.1, server: 10.0.0.2, protocol: telnet}
"""


def read(text: str, file: str = "telnet-anywhere.yml") -> Rule:
    (rule,) = read_rules([(file, text.encode())])
    return rule


def problems(text: str, file: str = "telnet-anywhere.yml") -> list[str]:
    with pytest.raises(RuleError) as caught:
        read(text, file)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_rule_is_sound_and_says_everything_in_both_languages(path: Path) -> None:
    (rule,) = load_rules([str(path)])
    assert replace(rule, line="") == replace(shipped_rules()[path.stem], line="")
    assert rule.tests == shipped_rules()[path.stem].tests
    for text in (rule.title, rule.description):
        assert text.en != text.ja
    for texts in (rule.falsepositives, rule.response):
        assert texts.en and texts.ja and texts.en != texts.ja
    assert bool(rule.severity.en) == (rule.severity.en != rule.severity.ja)
    assert rule.references and all(one.scheme and one.id and one.title for one in rule.references)
    assert all(one.meaning.en != one.meaning.ja for one in rule.parameters.values())
    assert {case["fires"] for case in rule.tests} == {"true", "false"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tags_and_references_name_the_same_techniques(path: Path) -> None:
    rule = shipped_rules()[path.stem]
    techniques = [one.id.lower() for one in rule.references if one.scheme.startswith("ATT&CK")]
    assert [tag.removeprefix("attack.") for tag in rule.tags] == techniques


TABLE = {
    one["id"]: one
    for one in yaml.safe_load((FOLDER / "tables" / "techniques.yml").read_text(encoding="utf-8"))[
        "techniques"
    ]
}


def test_the_table_of_techniques_is_in_order_and_names_what_replaces_them() -> None:
    assert list(TABLE) == sorted(TABLE)
    assert {one["edition"] for one in TABLE.values()} == {"v18.1", "v19"}
    for one in TABLE.values():
        assert ("." in one["id"]) == (": " in one["title"])
        assert "now" not in one or (one["edition"], TABLE[one["now"]]["edition"]) == ("v18.1", "v19")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_techniques_are_called_as_the_table_has_them(path: Path) -> None:
    named = [one for one in shipped_rules()[path.stem].references if one.scheme == "ATT&CK for ICS"]
    ids = {one.id for one in named}
    for one in named:
        assert (one.title, one.edition) == (TABLE[one.id]["title"], TABLE[one.id]["edition"])
        # Both are named, as not everybody has the newer edition.
        assert TABLE[one.id].get("now", one.id) in ids


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_rule_fits_the_published_schema(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), json_schema())


def test_what_is_a_condition_is_a_rule_of_sigma_to_others() -> None:
    conditions = [path for path in FILES if shipped_rules()[path.stem].condition is not None]
    assert len(conditions) >= 5
    for path in conditions:
        rule = SigmaRule.from_yaml(path.read_text(encoding="utf-8"))
        assert (rule.errors, rule.name) == ([], path.stem)


def test_ids_are_unique_and_the_package_holds_the_files() -> None:
    rules = shipped_rules().values()
    assert len({rule.uuid for rule in rules}) == len(rules) == len(FILES)
    assert FOLDER.resolve() == ROOT / "rules"


def test_the_published_schema_is_the_programs(request: pytest.FixtureRequest) -> None:
    path = ROOT / "docs" / "rule.schema.json"
    text = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--regenerate"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "`make goldens` writes it anew"


def test_a_rule_of_a_team_is_read() -> None:
    rule = read(SOUND)
    assert (rule.name, rule.level, rule.category) == ("telnet-anywhere", "info", "conversation")
    # Nobody has to write Japanese, and a tag alone is a reference too.
    assert rule.title.ja == rule.title.en
    assert [(one.scheme, one.id) for one in rule.references] == [("ATT&CK", "T0886")]
    assert rule.line == "telnet-anywhere.yml:1"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("protocol: telnet\n  c", "protocl: telnet\n  c", "11:5: unknown field 'protocl', expected protocol"),
        ("    protocol: telnet\n", "    port: telnet\n", "11:11: 'telnet' does not fit here"),
        ("    protocol: telnet\n", "    protocol|base64: x\n", "11:5: modifier 'base64' is not supported"),
        ("    protocol: telnet\n", "    protocol|re: '(?=x)'\n", "11:18: the pattern '(?=x)' cannot be used"),
        ("    protocol: telnet\n", "    client|cidr: 10.0.0.1/8\n", "11:18: '10.0.0.1/8' does not fit here"),
        ("condition: login", "condition: logins", "12:14: Detection 'logins' not defined"),
        ("level: informational", "level: urgent", "6:8: 'urgent' does not fit here, expected informational"),
        ("status: test", "state: test", "4:1: unknown key 'state', expected status"),
        ("3b1f5f1e", "3b1f", "2:5: '3b1f-7b0c-4c55-8b53-0f7f6f0a4d11' does not fit here, expected a UUID"),
        ("name: telnet-anywhere", "name: other", "3:7: rule 'other' in telnet-anywhere.yml, expected a file"),
        ("otmon, category", "windows, category", "8:22: 'windows' does not fit here, expected otmon"),
        ("category: conversation", "category: packet", "8:39: 'packet' does not fit here"),
        ("fires: true", "fires: maybe", "15:12: 'maybe' does not fit here, expected true, false"),
        ("client: 10.0.0.1", "clients: 10.0.0.1", "17:24: unknown key 'clients', expected client"),
        ("client: 10.0.0.1, ", "", "17:23: client is missing"),
        ("server: 10.0.0.2", "server: 10.0.0.2, port: x", "17:66: 'x' does not fit here, expected a whole"),
        ("- conversation: {", "- talk: {", "17:9: expected one of conversation, operation"),
        ("detection:", "detector: telnet_anywhere\nx:", "unknown key 'x'"),
        ("tests:", "parameters: {a: {value: [b], en: x}}\ntests:", "parameters beside a detection"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, says: str) -> None:
    assert old in SOUND
    told = problems(SOUND.replace(old, new))
    assert any(says in line for line in told), told
    assert all(line.startswith("telnet-anywhere.yml:") for line in told)


def test_what_comes_with_the_program_is_read_without_what_is_slow_to_load() -> None:
    code = (
        "import sys; from otmon.detect.rules.load import shipped_rules; rules = shipped_rules(); "
        "assert any(rule.condition for rule in rules.values()); "
        "print({'pydantic', 'ruamel.yaml', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_all_errors_are_told_at_once() -> None:
    told = problems(SOUND.replace("status: test", "status: x").replace("level: inf", "level: inx"))
    assert len(told) == 2


DETECTED = (ROOT / "rules" / "unlisted-traffic.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("spread: {value: 16,", "spread: {value: 0,", "value 0 is out of bounds, expected 1 to 1000"),
        (
            "spread: {value: 16, low: 1, high: 1000",
            "spread: {value: 5000, low: 1, high: 9000",
            "5000 is out of",
        ),
        ("spread: {value: 16,", "spread: {value: 1.5,", "1.5 is not whole"),
        ("spread: {value: 16, low: 1, high: 1000", "spread: {value: [a]", "another kind of value"),
        ("  spread: {", "  spred: {", "unknown parameter 'spred', expected spread, shown"),
        ("  spread: {", "  spred: {", "parameter spread is missing"),
        ("detector: unlisted_traffic", "detector: other", "cannot name the detector 'other'"),
    ],
)
def test_a_detectors_parameters_are_its_own_and_in_their_bounds(old: str, new: str, says: str) -> None:
    assert old in DETECTED
    assert any(says in line for line in problems(DETECTED.replace(old, new), "unlisted-traffic.yml"))


def test_a_detector_that_does_not_exist_is_an_error() -> None:
    text = DETECTED.replace("unlisted-traffic", "no-such").replace("unlisted_traffic", "no_such")
    assert any("no detector 'no_such'" in line for line in problems(text, "no-such.yml"))
    assert "no_such" not in detectors()


def test_a_given_rule_replaces_the_programs_and_two_of_one_name_are_an_error(tmp_path: Path) -> None:
    mine = tmp_path / "unlisted-traffic.yml"
    mine.write_text(DETECTED.replace("value: 16", "value: 3"), encoding="utf-8")
    loaded = with_rules([str(mine)])
    assert loaded.replaced == (("unlisted-traffic", str(mine)),)
    assert loaded.rules["unlisted-traffic"].number("spread") == 3
    assert list(loaded.rules) == sorted(shipped_rules())
    with pytest.raises(RuleError, match="a second rule 'unlisted-traffic'"):
        with_rules([str(mine), str(tmp_path)])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "absent.yml", "cannot be read (No such file or directory)"),
        (lambda folder: folder, "0 rule files in this folder"),
    ],
)
def test_a_path_without_rules_is_an_error(make: Any, says: str, tmp_path: Path) -> None:
    with pytest.raises(RuleError) as caught:
        load_rules([str(make(tmp_path))])
    assert says in str(caught.value)


def test_a_file_that_is_too_large_or_empty_is_an_error() -> None:
    assert "expected one rule" in problems("#" * (MAX_FILE_BYTES + 1))[0]
    assert "the file is empty" in problems("")[0]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400))
def test_any_text_is_a_rule_or_told(text: str) -> None:
    with pytest.raises(RuleError) as caught:
        read(text)
    assert caught.value.problems


_LEAVES = st.sampled_from(["", "~", "a", "1", "true", "login", "telnet", "[", "*", "(", "-1", "1 of *"])
_TREES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_LEAVES, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(list(yaml.safe_load(SOUND))), _TREES)
def test_any_value_of_any_key_is_read_or_told(key: str, value: object) -> None:
    content = yaml.safe_load(SOUND) | {key: value}
    try:
        read(yaml.safe_dump(content))
    except RuleError as error:
        assert error.problems


@given(
    st.lists(st.tuples(st.sampled_from(SOUND.splitlines()), st.sampled_from(["", "  ", "- "])), max_size=30)
)
def test_any_lines_are_read_or_told(lines: list[tuple[str, str]]) -> None:
    try:
        read("\n".join(indent + line for line, indent in lines))
    except RuleError as error:
        assert error.problems


def test_a_deep_file_is_told_and_no_crash() -> None:
    deep = dedent(SOUND).replace("protocol: telnet\n", "protocol: " + "[" * 500 + "]" * 500 + "\n", 1)
    assert "nested too deeply" in problems(deep)[0]


GUIDELINE, CHECKLIST = "工場セキュリティガイドライン", "工場セキュリティガイドライン 付録E準拠チェックリスト"
STEPS = {
    "ステップ1-1": "セキュリティ対策検討・企画に必要な要件の整理",
    "ステップ1-2": "業務の整理",
    "ステップ1-3": "業務の重要度の設定",
    "ステップ1-4": "保護対象の整理",
    "ステップ1-5": "保護対象の重要度の設定",
    "ステップ1-6": "ゾーンの整理とゾーンと業務、保護対象の結びつけ",
    "ステップ1-7": "ゾーンと、セキュリティ脅威の影響の整理",
    "ステップ2-1": "セキュリティ対策方針の策定",
    "ステップ2-2": "想定脅威に対するセキュリティ対策の対応づけ",
    "ステップ3 (1)①A": "サイバー攻撃の早期認識と対処(OODAプロセス)",
    "ステップ3 (1)①B": "セキュリティ対策管理(ID/PW管理、機器の設定変更など)",
    "ステップ3 (1)①C": "情報共有",
    "ステップ3 (1)②": "維持・改善面",
    "ステップ3 (2)": "サプライチェーン対策",
}
"""The guideline's steps, in its words (main volume of 2022-11-16; METI's overview of it)."""


def test_each_rule_names_the_guidelines_step_that_it_serves() -> None:
    for name, rule in shipped_rules().items():
        steps = [one for one in rule.references if one.scheme == GUIDELINE]
        assert steps, f"{name} names no step"
        for one in steps:
            assert STEPS.get(one.id) == one.title, f"{name}: {one.id} is {STEPS.get(one.id)}"
            assert one.edition == "本編 (2022-11-16)"
        schemes = {one.scheme for one in rule.references if one.scheme.startswith("工場")}
        assert schemes <= {GUIDELINE, CHECKLIST}, name


def test_one_error_hides_no_other() -> None:
    text = """
title: Telnet
id: 0d3c7d52-6a5b-4b8e-9c69-5f2a1d0b7e31
name: telnet
status: test
description: Telnet.
level: awful
logsource: {product: otmon, category: conversation}
detection:
  one: {protocoll: telnet}
  two: {client|cidr: 10.5.0.0/28}
  condition: one andd not two
tests:
  - {name: x, fires: perhaps, zones: "zones: 1", facts: [{conversation: {client: 10.2.0.9, porrt: 1}}]}
"""
    with pytest.raises(RuleError) as raised:
        read_rules([("telnet.yml", text.lstrip().encode())])
    told = [(problem.line, problem.what.split(",")[0]) for problem in raised.value.problems]
    assert [line for line, _ in told] == [6, 9, 11, 13, 13, 13, 13]
    assert told[0][1] == "'awful' does not fit here" and told[1][1] == "unknown field 'protocoll'"
    assert told[2][1] == "Expected end of text"
