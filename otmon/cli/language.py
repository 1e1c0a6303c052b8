"""The language in which the program talks to whoever started it.

It is known before the words of the command line are understood, as what is wrong with them is told in it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """Languages of what people read."""

    en = "en"
    ja = "ja"


OPTION: Final = "--lang"
_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where the language of messages is looked for, in this order (POSIX, XBD 8.2)."""
_SPOKEN: ContextVar[Language] = ContextVar("spoken", default=Language.en)


def usual(environment: Mapping[str, str]) -> Language:
    """The language of who set no option: that of the locale, as far as the program speaks it."""
    name = next((said for key in _LOCALE if (said := environment.get(key))), "")
    return Language.ja if name.split(".")[0].split("_")[0] == "ja" else Language.en


def asked_for(words: Sequence[str], otherwise: Language) -> Language:
    """The language that a command line asks for, whatever else is wrong with it."""
    found = otherwise
    for place, word in enumerate(words):
        name, _, said = word.partition("=")
        if word == OPTION:
            said = words[place + 1] if place + 1 < len(words) else ""
        if name == OPTION and said in set(Language):
            found = Language(said)
    return found


def speak(language: Language) -> None:
    """Go on in this language."""
    _SPOKEN.set(language)


def spoken() -> Language:
    """The language that is spoken now."""
    return _SPOKEN.get()


def told(what: object) -> str:
    """A sentence, or what an error says, in the language that is spoken."""
    from otmon.findings.wording import retold

    # The text of an exception is a plain one, and what it was given may be a sentence.
    said = what.args[0] if isinstance(what, Exception) and what.args else what
    return retold(said if isinstance(said, str) else str(what), spoken().value)
