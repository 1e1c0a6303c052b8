"""Messages in a person's language, from the one catalogue `messages.json`.

Each key has a text in English and Japanese with the same parameters in braces. What comes from the
network or from a model stands in parameters only; control characters in it are made visible.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from otmon.detect.finding import Message, say
from otmon.sentence import Part, Sentence, Speak

if TYPE_CHECKING:
    # Who has no errors to tell does not wait for the parser that knows lines.
    from otmon.zones.files.document import Problem

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


def retold(said: str, language: Language) -> str:
    """What an earlier stage said in English, where it is a sentence of the catalogue (keys `said.*`), or what
    an operating system or a library said that is known (`foreign.*`); anything else is left as it is."""
    if language == "en":
        return said
    if not isinstance(said, Sentence):
        return _again("foreign.", _ANYTHING, said, language) or said
    key = _english("said.").get(said.form)
    if key is None:
        return said
    parts = {name: _retold_part(part, language) for name, part in said.parts.items()}
    return catalogue()[key][language].format(**parts)


def speaker(language: Language) -> Speak:
    """Says sentences in a language."""
    return lambda said: retold(said, language)


def problem_lines(problems: Iterable[Problem], language: Language) -> Iterator[str]:
    """Errors of files, a line each, behind their places."""
    return (f"{one.place}: {retold(one.what, language)}" for one in problems)


def _retold_part(part: Part, language: Language) -> str | int:
    if isinstance(part, tuple):
        return catalogue()["joint"][language].join(retold(one, language) for one in part)
    return part if isinstance(part, int) else retold(part, language)


@cache
def _english(family: str) -> dict[str, str]:
    """English form -> its key, of a family of keys."""
    return {said["en"]: key for key, said in catalogue().items() if key.startswith(family)}


def usage_line(line: str, language: Language) -> str:
    """A line of what the library of the command line says of wrong words, and of its help."""
    return _again("usage.", _ANYTHING, line, language) or line


def help_text(text: str, language: Language) -> str:
    """A text of the program's help, which stands in English where its command is defined (keys `help.*`)."""
    key = _english("help.").get(text)
    return text if key is None else catalogue()[key][language]


def damage_detail(detail: str, language: Language) -> str:
    """What a damage says of itself: facts hold it in English, with numbers in it. What an operating system or
    a library said is left as it is."""
    return _again("damage-detail.", _NUMBER, detail, language) or visible(detail)


_NUMBER: Final = "[-0-9.]+"
_ANYTHING: Final = ".+"


def _again(family: str, part: str, said: str, language: Language) -> str:
    """An English text that was made of a form of this family of keys, in a language; "" for others. Its parts
    are texts of the pattern `part`, and may be texts of the family themselves."""
    for key, form in _family(family, part):
        match = form.fullmatch(said)
        if match is not None:
            parts = {
                name: _again(family, part, one, language) or visible(one)
                for name, one in match.groupdict().items()
            }
            return catalogue()[key][language].format(**parts)
    return ""


@cache
def _family(family: str, part: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Keys of a family and patterns of their English texts."""
    return tuple(
        (key, re.compile(_pattern(said["en"], part), re.ASCII))
        for key, said in catalogue().items()
        if key.startswith(family)
    )


def _pattern(form: str, part: str) -> str:
    return "".join(
        re.escape(literal) + (f"(?P<{name}>{part})" if name else "")
        for literal, name, _, _ in string.Formatter().parse(form)
    )


def _param(value: str | int | tuple[Message, ...], language: Language) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return catalogue()["joint"][language].join(worded(one, language) for one in value)
    return visible(retold(value, language) if isinstance(value, Sentence) else value)


def visible(value: str) -> str:
    """The text without what would move a terminal's cursor, turn its line or change its colours."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in value)
