"""What the demo prints and writes, as files that a reviewer can read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.command import otmon

DEMO = ("pcaps/factory-day.pcapng", "--zones", "zones/factory.yaml")


def run(*arguments: str) -> str:
    status, out, err = otmon("replay", *arguments)
    assert status == 1, err
    return out


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_table(language: str, golden: Callable[[str, str], None]) -> None:
    golden(f"demo.{language}.txt", run(*DEMO, "--lang", language))


def test_the_table_without_a_model(golden: Callable[[str, str], None]) -> None:
    golden("demo-without-a-model.txt", run(DEMO[0]))


def test_the_json_lines(golden: Callable[[str, str], None]) -> None:
    golden("demo.jsonl", run(*DEMO, "--json", "-"))
