"""The program's help and what is said of wrong words, in Japanese."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
import typer

from otmon.cli.group import commands, texts
from otmon.cli.program import app
from otmon.findings.wording import catalogue
from tests.command import MODEL, otmon

TOLD = [(one.name, text) for one in commands(typer.main.get_command(app)) for text in texts(one)]


def width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


def test_every_text_of_the_help_is_in_the_catalogue_and_none_besides() -> None:
    known = {said["en"] for key, said in catalogue().items() if key.startswith("help.")}
    asked = {text for _, text in TOLD}
    assert asked <= known, asked - known
    assert known <= asked | {"Example:", "Show this message and exit."}, known - asked


@pytest.mark.parametrize(
    "words",
    [
        "",
        "zones",
        "zones paths",
        "zones import",
        "sensor",
        "sensor doctor",
        "lab run",
        "replay",
        "assets list",
    ],
)
def test_help_is_japanese_and_fits(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    status, told, _ = otmon(*words.split(), "--help")
    assert status == 0 and told.startswith("使い方: otmon")
    for line in told.splitlines():
        assert width(line) <= 80, line
    # Names of options, of commands and of what stands for values are the same in every language.
    rest = re.sub(r"\[OPTIONS\]|例: .*(?:\n  .*)?|[-a-z]+(?= {2})|--?[a-z-]+|<[^>]*>|[A-Z_.:]{2,}", "", told)
    for word in ("Show", "default", "required", "env var", "Options", "Exit", "the ", " of "):
        assert word not in rest, rest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            f"replay no.pcap --zones {MODEL} --zones {MODEL}",
            "誤り: --zones の値が正しくない: 2回以上指定されている。値は1つだけ書く",
        ),
        ("zones check", "誤り: 引数 MODEL がない"),
        ("zones check a b", "誤り: 余分な引数がある: b"),
        ("zones chekc", "誤り: コマンド 'chekc' はない。候補: 'check'"),
        ("nothing", "誤り: コマンド 'nothing' はない"),
        ("replay --zonez x", "誤り: オプション --zonez はない。候補: --json, --zones"),
        ("zones check m --qqqqq", "誤り: オプション --qqqqq はない"),
        ("zones paths m --to b", "誤り: オプション --from がない"),
        ("lab record rogue-master", "誤り: オプション -o(--output)がない"),
        ("zones check m --today", "誤り: オプション --today に値がない"),
        ("rules list --json=3", "誤り: オプション --json に値は付けられない"),
        ("zones check m --lang de", "誤り: --lang の値が正しくない: 'de' は選べない。選べるもの: 'en', 'ja'"),
        ("zones paths m --from a --to b --limit x", "誤り: --limit の値が正しくない: 整数を書く"),
        ("zones paths m --from a --to b --limit 0", "誤り: --limit の値が正しくない: 1 以上の値を書く"),
        ("zones import x --prefix 50", "誤り: --prefix の値が正しくない: 32 以下の値を書く"),
        ("lab run x --speed fast", "誤り: --speed の値が正しくない: 数値を書く"),
    ],
)  # fmt: skip
def test_wrong_words_are_told_in_japanese(words: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    status, out, said = otmon(*words.split())
    *before, last = said.splitlines()
    assert (status, out, last) == (2, "", told)
    # Of an option without its value the library knows no command.
    if before:
        first, hint, empty = before
        assert first.startswith("使い方: otmon") and hint.startswith("説明を見るには: otmon") and not empty


def test_a_choice_that_is_missing_is_told_with_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    _, _, said = otmon("zones", "export", MODEL)
    assert "誤り: オプション --format がない。次から選ぶ:\n\tnftables,\n" in said


def test_without_a_command_the_help_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    english = otmon("zones")
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    japanese = otmon("zones")
    assert (english[0], japanese[0]) == (2, 2)
    assert "Work with a zone model." in english[2] and "ゾーンモデルを扱う。" in japanese[2]


def test_what_takes_one_value_is_given_once_and_the_rest_as_often_as_one_likes(tmp_path: Path) -> None:
    status, _, error = otmon("replay", "pcaps/factory-day.pcapng", "--zones", MODEL, "--zones", MODEL)
    assert status == 2
    assert "Invalid value for '--zones': given more than once, and takes one value" in error
    ledgers = [str(tmp_path / name) for name in ("a.db", "b.db")]
    for ledger in ledgers:
        assert otmon("replay", "pcaps/factory-day.pcapng", "--ledger", ledger)[0] == 1
    both = [word for ledger in ledgers for word in ("--ledger", ledger)]
    assert otmon("check", *both, "--zones", MODEL)[0] == 1
