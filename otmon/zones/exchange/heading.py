"""Which column of a sheet of rules says what: headings in Japanese and English, with their usual synonyms.

Of several columns of one meaning the one counts that is headed as our own sheets are, else the first; but
what they say of protocols, services, ports and transports is read together. A heading counts however it is
spaced and punctuated. Two rows may make one head: a group ("送信元") above its columns ("IPアドレス").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from otmon.zones.exchange.cell import words
from otmon.zones.exchange.sheet import COLUMNS

HEAD_ROWS: Final = 50
"""Rows with text in which a head is looked for: titles and notes may stand above it."""

_KEYS: Final[dict[str, str]] = {name: key for key, names in words()["headings"].items() for name in names}
TOGETHER: Final = ("protocol", "service", "port", "transport")
"""What each of these columns may say in place of another."""
_ENDS: Final = ("from_zone", "from_address"), ("to_zone", "to_address")


@dataclass(frozen=True, slots=True)
class Head:
    row: int
    """The last row of the head: rules begin behind it."""
    keys: dict[int, str]
    """Column -> what it says; only of `TOGETHER` do several say the same."""
    others: dict[int, str]
    """Column -> its heading, where that is not known or another column says the same."""
    seconds: dict[int, int]
    """Column -> the one of `keys` that says the same, of those `others` that are known."""
    texts: dict[int, str]
    """Column -> its heading, for all of them."""


def key_of(heading: str) -> str:
    """What a heading means, "" where it is not known."""
    return _KEYS.get(_plain(heading), _KEYS.get(_plain(re.sub(r"[(（].*?[)）]", "", heading)), ""))


def find_head(rows: Mapping[int, Sequence[str]]) -> Head | None:
    """The head of a sheet of rules: the row, or two rows, with the most known headings, among them one for
    each end. None where there is none."""
    best: Head | None = None
    numbers = list(rows)[:HEAD_ROWS]
    for place, number in enumerate(numbers):
        heads = [{c: text for c, text in enumerate(rows[number], 1) if text}]
        if place and numbers[place - 1] == number - 1:
            heads.append(_joined(rows[number - 1], rows[number]))
        for texts in heads:
            head = _head(number, texts)
            found = set(head.keys.values())
            if all(found & set(end) for end in _ENDS) and (
                best is None or len(found) > len(set(best.keys.values()))
            ):
                best = head
    return best


def _joined(groups: Sequence[str], texts: Sequence[str]) -> dict[int, str]:
    """Headings of two rows. A group stands for the columns to its right that have none of their own."""
    found: dict[int, str] = {}
    group = ""
    for column in range(1, max(len(groups), len(texts)) + 1):
        above = groups[column - 1] if column <= len(groups) else ""
        below = texts[column - 1] if column <= len(texts) else ""
        group = above or group
        if below and group and key_of(group + below):
            found[column] = group + below
        elif below and key_of(below):
            found[column] = below
        elif above or below:
            found[column] = above if above == below or not below else f"{above} {below}".strip()
    return found


def _head(row: int, texts: dict[int, str]) -> Head:
    keys = {column: key for column, text in texts.items() if (key := key_of(text))}
    chosen: dict[str, int] = {}
    # False sorts before True, and of equals the first stays first.
    for column in sorted(keys, key=lambda column: _plain(texts[column]) not in _OURS):
        chosen.setdefault(keys[column], column)
    seconds = {
        column: chosen[key] for column, key in keys.items() if key not in TOGETHER and chosen[key] != column
    }
    others = {column: text for column, text in texts.items() if column not in keys or column in seconds}
    return Head(row, {c: key for c, key in keys.items() if c not in seconds}, others, seconds, texts)


def _plain(heading: str) -> str:
    """Letters and digits of any script, in their usual width and case."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return "#" if text.strip() == "#" else "".join(sign for sign in text if sign.isalnum() or sign == "ー")


_OURS: Final = frozenset(_plain(heading) for column in COLUMNS for heading in (column.ja, column.en))
