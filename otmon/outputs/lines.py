"""Lines of a text with letters of East Asia, which take two columns each and have no spaces between words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

_NEVER_FIRST: Final = frozenset(
    "、。，．・：；？！ー）」』】〉》〕］｝,.:;?!)]}ぁぃぅぇぉっゃゅょァィゥェォッャュョ々〜"
)
_NEVER_LAST: Final = frozenset("（「『【〈《〔［｛([{")
"""Signs at which no line begins or ends (JIS X 4051)."""


def wrapped(paragraph: str, width: int) -> list[str]:
    """A paragraph as lines (`broken`), with one space where it has several, or begins a new line."""
    return broken(" ".join(paragraph.split()), width)


def broken(text: str, width: int) -> list[str]:
    """A text as lines of at most `width` columns: broken between letters of East Asia or at spaces, and not
    before what ends a part of a sentence; elsewhere only where a word alone is longer. Each line is a part of
    the text, in order; blanks between lines are left out."""
    lines: list[str] = []
    line, at = "", 0
    for word in _words(text):
        if line and at + columns(word.rstrip()) > width:
            lines.append(line.rstrip())
            line, at = "", 0
            word = word.lstrip()
        while columns(word.rstrip()) > max(width, 2):
            fits = _fitting(word, width)
            lines.append(word[:fits])
            word = word[fits:]
        line, at = line + word, at + columns(word)
    return [*lines, line.rstrip()] if line.strip() else lines


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _fitting(word: str, width: int) -> int:
    """How many signs at its beginning fit: one at least."""
    fits = 1
    while columns(word[: fits + 1]) <= width:
        fits += 1
    return fits


def _words(text: str) -> Iterator[str]:
    """Parts between which a line may be broken."""
    word = ""
    for number, sign in enumerate(text):
        before = text[number - 1] if number else ""
        between = before == " " or columns(sign) == 2 or (before and columns(before) == 2)
        if word and between and sign not in _NEVER_FIRST and before not in _NEVER_LAST:
            yield word
            word = ""
        word += sign
    if word:
        yield word
