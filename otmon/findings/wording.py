"""Messages in a person's language, from the one catalogue `messages.json`.

Each key has a text in English and Japanese with the same parameters in braces. What comes from the
network or from a model stands in parameters only; control characters in it are made visible.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Final, Literal

from otmon.detect.finding import Message, say

Language = Literal["en", "ja"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")


@cache
def catalogue() -> dict[str, dict[Language, str]]:
    """Key to its text in each language."""
    text = Path(__file__).with_name("messages.json").read_text(encoding="utf-8")
    found: dict[str, dict[Language, str]] = json.loads(text)
    return found


def worded(message: Message, language: Language) -> str:
    """The message as a sentence."""
    params = {name: _param(value, language) for name, value in message.params}
    return catalogue()[message.key][language].format(**params)


def text(key: str, language: Language, **params: str | int) -> str:
    """A text of the catalogue with its parameters."""
    return worded(say(key, **params), language)


def named(part: str, name: str, language: Language) -> str:
    """What has a name of its own, such as a counter: the text `part.name`; the name itself where a fact comes
    from a version that knows more of them."""
    key = f"{part}.{name}"
    return text(key, language) if key in catalogue() else visible(name)


def damage_detail(detail: str, language: Language) -> str:
    """What a damage says of itself: facts hold it in English, with numbers in it. What an operating system or
    a library said is left as it is."""
    for key, form in _damage_details():
        match = form.fullmatch(detail)
        if match is not None:
            return text(key, language, **match.groupdict())
    return visible(detail)


@cache
def _damage_details() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Keys and their English texts, whose parameters are numbers."""
    return tuple(
        (key, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[-0-9.]+)", re.escape(said["en"]), flags=re.ASCII)))
        for key, said in catalogue().items()
        if key.startswith("damage-detail.")
    )


def _param(value: str | int | tuple[Message, ...], language: Language) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return catalogue()["joint"][language].join(worded(one, language) for one in value)
    return visible(value)


def visible(value: str) -> str:
    """The text without what would move a terminal's cursor, turn its line or change its colours."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in value)
