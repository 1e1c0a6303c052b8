"""Files of decisions: what they say, and what is told of one that cannot be used."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from otmon.detect.rules.load import shipped_rules
from otmon.findings.decision import Decision
from otmon.findings.decision_file import (
    MAX_DAYS,
    MAX_DECISIONS,
    MAX_EXTENT,
    MAX_FILE_BYTES,
    DecisionError,
    DecisionForm,
    json_schema,
    load_decisions,
    read_decisions,
)
from otmon.findings.wording import problem_lines
from otmon.zones.model import Line

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = shipped_rules()
GOOD = """\
# 月例の見直し
decisions:
  - rule: default-credentials
    finding: bd1a64adf983
    about: [10.12.1.60, 10.12.2.200]
    severity: high
    risk: A
    extent: 2
    reason: メーカーが変更を禁止。次回の更新工事で撤去
    by: 製造部 B工場
    decided: 2026-04-20
    until: 2027-03-31
"""


def problems(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(DecisionError) as caught:
        read_decisions("d.yaml", data, RULES)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    # Every sentence is in the catalogue.
    assert all("expected" not in line for line in problem_lines(caught.value.problems, "ja"))
    return [str(one) for one in caught.value.problems]


def test_a_decision_says_about_what_and_what() -> None:
    assert read_decisions("d.yaml", GOOD.encode(), RULES) == {
        "bd1a64adf983": Decision(
            Line("d.yaml", 3), "default-credentials", "bd1a64adf983", ("10.12.1.60", "10.12.2.200"), "high",
            "A", 2, "メーカーが変更を禁止。次回の更新工事で撤去", "製造部 B工場",
            date(2026, 4, 20), date(2027, 3, 31),
        )
    }  # fmt: skip


@pytest.mark.parametrize("text", ["decisions:\n", "decisions: []\n", "\ufeffdecisions: ~\n"])
def test_a_file_may_have_none_left(text: str) -> None:
    assert read_decisions("d.yaml", text.encode(), RULES) == {}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("rule: default-credentials", "rule: default-credential",
         "d.yaml:3:11: no rule 'default-credential', expected default-credentials"),
        ("rule: default-credentials", "rule: '*'", "d.yaml:3:11: no rule '*', expected one of"),
        ("rule: default-credentials", "rule: unlisted-traffic",
         "d.yaml:3:11: what unlisted-traffic tells is agreed in the zone model, expected a permission"),
        ("bd1a64adf983", "'*'", "d.yaml:4:14: '*' does not fit here, expected the id of a finding"),
        ("bd1a64adf983", "BD1A64ADF983", "d.yaml:4:14: 'BD1A64ADF983' does not fit here"),
        ("bd1a64adf983", "[bd1a64adf983, 00c5a9c0fa79]", "d.yaml:4:14: a list does not fit here"),
        ("    finding: bd1a64adf983\n", "", "d.yaml:3:5: finding is missing, expected it here"),
        ("[10.12.1.60, 10.12.2.200]", "[]", "d.yaml:5:12: an empty list, expected at least one entry"),
        ("[10.12.1.60, 10.12.2.200]", f"[{', '.join(map(str, range(17)))}]",
         "d.yaml:5:12: wrong number of entries under about, expected 1 to 16"),
        ("severity: high", "severity: highest", "d.yaml:6:15: 'highest' does not fit here, expected cri"),
        ("risk: A", "risk: F", "d.yaml:7:11: 'F' does not fit here, expected A, B, C, D, E"),
        ("extent: 2", "extent: 0", "d.yaml:8:13: '0' does not fit here, expected a whole number from 1 to"),
        ("extent: 2", f"extent: {'9' * 5000}", "d.yaml:8:13: '9999"),
        ("extent: 2", "extend: 2", "d.yaml:8:5: unknown key 'extend', expected extent"),
        ("by: 製造部 B工場", "by:", "d.yaml:10:5: by is empty, expected a printable text"),
        ("by: 製造部 B工場", f"by: {'a' * 501}", "d.yaml:10:9: 'aaa"),
        ("2026-04-20", "today", "d.yaml:11:14: 'today' does not fit here, expected a day such as 2026-12-31"),
        ("2027-03-31", "9999-12-31", "d.yaml:12:12: '9999-12-31' does not fit here, expected a day"),
        ("2027-03-31", "2027-04-22", "d.yaml:3:5: until 2027-04-22 does not fit decided 2026-04-20, expected "
         "a day from then to 2027-04-21, a year later at most"),
        ("2027-03-31", "2026-04-19", "d.yaml:3:5: until 2026-04-19 does not fit decided 2026-04-20"),
        ("    until: 2027-03-31\n", "", "d.yaml:3:5: until is missing, expected it here"),
        ("decisions:", "decision:", "d.yaml:2:1: decisions is missing, expected it here"),
        ("  - rule", "  - 4\n  - rule", "d.yaml:3:5: '4' does not fit here, expected a decision as a map"),
        ("decisions:\n", "zones: []\ndecisions:\n", "d.yaml:2:1: unknown key 'zones', expected decisions"),
    ],
)  # fmt: skip
def test_an_error_has_its_line_and_what_was_expected(before: str, after: str, said: str) -> None:
    assert before in GOOD
    assert problems(GOOD.replace(before, after))[0].startswith(said)


def test_an_extent_may_be_as_large_as_rules_measure() -> None:
    text = GOOD.replace("extent: 2", f"extent: {MAX_EXTENT}")
    (one,) = read_decisions("d.yaml", text.encode(), RULES).values()
    assert one.extent == MAX_EXTENT
    assert problems(text.replace(str(MAX_EXTENT), str(MAX_EXTENT + 1)))


def test_a_year_is_a_leap_year_too() -> None:
    assert MAX_DAYS == 366
    assert read_decisions("d.yaml", GOOD.replace("2027-03-31", "2027-04-21").encode(), RULES)


def test_all_errors_are_told_at_once() -> None:
    text = GOOD.replace("high", "hi").replace("risk: A", "risk: a") + GOOD.partition("decisions:\n")[2]
    assert [one.partition(": ")[0] for one in problems(text)] == ["d.yaml:6:15", "d.yaml:7:11"]
    twice = GOOD + GOOD.partition("decisions:\n")[2]
    assert problems(twice) == [
        "d.yaml:14:14: a second decision about the finding bd1a64adf983, expected one (first at d.yaml:3)"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "d.yaml: an empty value does not fit here, expected a mapping with `decisions`"),
        ("[]", "d.yaml:1:1: a list does not fit here, expected a mapping with `decisions`"),
        ("{}", "d.yaml:1:1: decisions is missing, expected it here"),
        ("decisions: all", "d.yaml:1:12: 'all' does not fit here, expected a list of decisions"),
        ("decisions: {a: b}", "d.yaml:1:12: a mapping does not fit here, expected a list of decisions"),
        (b"decisions: \xff", "d.yaml:1:12: byte 0xff is not UTF-8"),
        (" " * (MAX_FILE_BYTES + 1), f"d.yaml: more than {MAX_FILE_BYTES} bytes"),
        ("decisions:\n" + "- a\n" * (MAX_DECISIONS + 1), f"d.yaml:2:1: more than {MAX_DECISIONS} decisions"),
        ("decisions: " + "[" * 100, "d.yaml:1:"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{two}: &{two} [{','.join([f'*{one}'] * 9)}]\n" for one, two in pairwise("abcdefg")),
            "d.yaml:5:4: more than 200000 values",
        ),
    ],
    ids=lambda one: str(one)[:20],
)
def test_no_file_takes_more_than_it_should(text: str | bytes, said: str) -> None:
    assert problems(text)[0].startswith(said)


@given(
    st.one_of(
        st.binary(max_size=200), st.text("decisons:-ruflang{}[]&*!\n '\"#0", max_size=200).map(str.encode)
    )
)
def test_any_bytes_give_decisions_or_problems(data: bytes) -> None:
    try:
        assert read_decisions("d.yaml", data, RULES) == {}
    except DecisionError as error:
        assert error.problems


_VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=9), st.sampled_from(["A", "high", "2026-04-20"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*DecisionForm.model_fields, "x"]), _VALUES))
def test_any_values_give_problems(entry: dict[str, object]) -> None:
    with pytest.raises(DecisionError):
        read_decisions("d.yaml", json.dumps({"decisions": [entry]}).encode(), {})


def test_a_file_is_opened_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "受容.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_decisions(str(path), RULES)["bd1a64adf983"].line == Line(str(path), 3)
    for wrong in (tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(DecisionError, match=r"cannot be read .*, expected a file of decisions"):
            load_decisions(str(wrong), RULES)


def test_the_published_schema_is_the_programs(request: pytest.FixtureRequest) -> None:
    path = ROOT / "docs" / "decisions.schema.json"
    text = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--regenerate"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
    said = yaml.load(GOOD, yaml.BaseLoader) | {}
    said["decisions"][0]["extent"] = 2
    jsonschema.validate(said, json_schema())
    del said["decisions"][0]["until"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(said, json_schema())
