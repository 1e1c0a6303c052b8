"""What the demo prints and writes, as files that a reviewer can read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO = ("pcaps/factory-day.pcapng", "--zones", "zones/factory.yaml")


def run(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("otmon")), "replay", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_table(language: str, golden: Callable[[str, str], None]) -> None:
    golden(f"demo.{language}.txt", run(*DEMO, "--lang", language))


def test_the_table_without_a_model(golden: Callable[[str, str], None]) -> None:
    golden("demo-without-a-model.txt", run(DEMO[0]))


def test_the_json_lines(golden: Callable[[str, str], None]) -> None:
    golden("demo.jsonl", run(*DEMO, "--json", "-"))
