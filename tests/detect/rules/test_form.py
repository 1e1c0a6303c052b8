from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from otmon.detect.rules.form import RuleForm, TestForm, json_schema, problems_of
from otmon.detect.rules.load import read_rules
from otmon.findings.trial import trials
from tests.detect.rules.test_load import ROOT, SOUND

PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def sound(**more: Any) -> dict[str, Any]:
    """What is sound, all leaves texts, and more."""
    content: dict[str, Any] = yaml.load(SOUND, yaml.BaseLoader)
    return content | more


def test_a_sound_rule_has_no_problem() -> None:
    assert problems_of(sound()) == []


@pytest.mark.parametrize(
    ("content", "path", "says"),
    [
        ("x", (), "'x' does not fit here, expected a mapping"),
        (sound(title=""), ("title",), "expected one line"),
        (sound(title="a\x1bb"), ("title",), "expected one line"),
        (sound(name="No"), ("name",), "expected lower-case letters"),
        (sound(tags="attack.t1"), ("tags",), "expected a list"),
        (sound(tags=["t1"]), ("tags", 0), "expected a tag"),
        (sound(logsource={"product": "otmon"}), ("logsource", "category"), "category is missing"),
        (sound(logsource={"product": "otmon", "x": "y"}), ("logsource", "x"), "expected product, category"),
        (sound(ja={"title": "x", "titel": "x"}), ("ja", "titel"), "unknown key 'titel', expected title"),
        (sound(standards=[{"scheme": "a", "id": "b"}]), ("standards", 0, "title"), "title is missing"),
        (sound(tests=[]), None, None),
        (sound(tests=[{"name": "a", "fires": "true", "facts": []}]), ("tests", 0, "facts"), "wrong number"),
        (sound(response=[]), ("response",), "an empty list"),
        (sound(detector="a"), (), "both a detection and a detector, expected one of them"),
        (
            sound(parameters={"a": {"value": "x", "en": "x"}}),
            ("parameters", "a", "value"),
            "'x' does not fit here, expected a number such as 16 or 0.5, or a list",
        ),
    ],
)
def test_a_problem_has_its_path(content: Any, path: tuple[Any, ...] | None, says: str | None) -> None:
    found = problems_of(content)
    if path is None or says is None:
        assert found == []
        return
    assert any(where == path and says in what for where, what, _ in found), found


def test_a_value_that_may_be_two_things_is_told_once() -> None:
    found = problems_of(sound(parameters={"a": {"value": "x", "en": "x"}}))
    assert len({path for path, _, _ in found}) == len(found)


def test_the_page_explains_every_key() -> None:
    cells = re.findall(r"^\| (`.*?`) \|", PAGE, re.M)
    explained = set(re.findall(r"`(\w+)`", " ".join(cells)))
    assert set(RuleForm.model_fields) <= explained
    assert set(TestForm.model_fields) <= explained


def test_the_rule_in_the_page_is_one_and_passes_its_tests() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    (rule,) = read_rules([("telnet-to-plc.yml", block.encode())])
    assert [one.fired for one in trials(rule)] == [True, False]


def test_the_schema_knows_the_same_keys() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == set(RuleForm.model_fields)
    assert schema["additionalProperties"] is False
