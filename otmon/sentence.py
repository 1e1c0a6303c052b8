"""Sentences that people may be told in another language: in English, and what they were made of.

A stage says what is wrong where it knows it, so that an exception reads well in a notebook and in a log.
`otmon.findings.wording.retold` finds the form in the catalogue of messages, which has it in every language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Part = str | int | tuple[str, ...]
"""What stands in a sentence: texts may be sentences, and several are a list."""


class Sentence(str):
    """The English text, made by `sentence`."""

    __slots__ = ("form", "parts")

    form: str
    """With the names of its parts in braces."""
    parts: Mapping[str, Part]


def sentence(form: str, /, **parts: Part) -> Sentence:
    """The form with its parts; a form stands in the catalogue of messages."""
    made = Sentence(form.format(**{name: _english(part) for name, part in parts.items()}))
    made.form, made.parts = form, parts
    return made


Speak = Callable[[Sentence], str]
"""Says a sentence in somebody's language; `str` says it in English."""


class Complaint(Exception):
    """An error that says what is wrong in a sentence."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(why)
        self.why = why


def verbatim(text: str) -> Sentence:
    """What somebody else said: in no catalogue."""
    return sentence("{text}", text=text)


def placed(place: object, what: str) -> Sentence:
    """What is wrong, or somebody said of it, behind the place where it is."""
    return sentence("{place}: {text}", place=str(place), text=what)


def either(choices: Sequence[str]) -> str:
    """One of them, of which there is at least one."""
    return choices[0] if len(choices) == 1 else sentence("{one} or {other}", one=choices[0], other=choices[1])


def both(things: Sequence[str]) -> str:
    """All of them, of which there is at least one."""
    *first, last = things
    return last if not first else sentence("{one} and {other}", one=tuple(first), other=last)


def some_of(things: Sequence[str], most: int) -> Part:
    """The first of them, and how many more there are."""
    shown = tuple(things[:most])
    more = len(things) - len(shown)
    return sentence("{some} and {more} more", some=shown, more=more) if more else shown


def _english(part: Part) -> str | int:
    return ", ".join(part) if isinstance(part, tuple) else part
