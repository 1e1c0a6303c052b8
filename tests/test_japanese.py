"""The Japanese texts of all data are punctuated as Japanese is: 、 and 。, not commas and full stops."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
_SIGN = "[\u3040-\u30ff\u3400-\u9fff]"
WESTERN = re.compile(rf"{_SIGN}[」』)]? ?[,.;!?](?=\s|$|{_SIGN})|[,;] ?{_SIGN}|\. {_SIGN}")
FILES = sorted(
    path
    for folder in ("otmon/findings", "plants", "rules", "scenarios", "zones")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".json", ".yaml", ".yml")
)


def texts(value: Any) -> Iterator[str]:
    """Every text of a tree."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_text_is_punctuated_as_japanese_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = json.loads(text) if path.suffix == ".json" else list(YAML(typ="safe").load_all(text))
    if path.name == "messages.json":
        # Its English names words of Japanese sheets and models.
        tree = [said["ja"] for said in tree.values()]
    assert [one for one in texts(tree) if WESTERN.search(one)] == []


@pytest.mark.parametrize("western", ["読み, 書く", "書く.", "Telnet, 設定", "止める. 次に"])
def test_western_punctuation_is_seen(western: str) -> None:
    assert WESTERN.search(western)
