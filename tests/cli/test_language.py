"""Which language the program talks in."""

from __future__ import annotations

from pathlib import Path

import pytest

from otmon.cli.language import Language, asked_for, usual
from tests.command import MODEL, otmon

EN, JA = Language.en, Language.ja


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, EN),
        ({"LANG": "ja_JP.UTF-8"}, JA),
        ({"LANG": "ja"}, JA),
        ({"LANG": "jav_ID.UTF-8"}, EN),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, EN),
        ({"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, EN),
        ({"LANG": "C", "LC_MESSAGES": "ja_JP.eucJP"}, JA),
        ({"LANG": "C", "LC_ALL": "", "LC_MESSAGES": "ja_JP"}, JA),
    ],
)
def test_without_an_option_it_is_that_of_the_locale(environment: dict[str, str], found: Language) -> None:
    assert usual(environment) is found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("zones check m.yaml --lang ja", JA),
        ("zones check --lang=ja m.yaml", JA),
        ("zones check --lang ja --lang en", EN),
        ("zones check --lang", EN),
        ("zones check --lang fr", EN),
        ("zones check --lang=", EN),
        ("--lang ja --wrong", JA),
        ("zones check ja", EN),
    ],
)
def test_an_option_is_seen_whatever_else_is_wrong(words: str, found: Language) -> None:
    assert asked_for(words.split(), EN) is found


def test_an_option_goes_before_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "ゾーン 7 個" in otmon("zones", "check", MODEL)[1]
    assert "7 zones" in otmon("zones", "check", MODEL, "--lang", "en")[1]


def test_what_is_wrong_is_told_in_the_language_of_the_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    model = tmp_path / "m.yaml"
    model.write_text("zones: [{id: a, importance: 大, inside: nothing}]\n", encoding="utf-8")
    assert otmon("zones", "check", "m.yaml", cwd=tmp_path) == (
        2,
        "",
        "m.yaml:1:40: ここには書けない値: 'nothing'。everything、listed、baseline のいずれかを書く\n"
        "otmon: m.yaml: ゾーンモデルに誤りが 1 件ある\n",
    )
