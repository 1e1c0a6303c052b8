"""The text of a drafted model: lines that know which row of a sheet they came from, and texts quoted so
that whatever stood in a cell is one text again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from otmon.sentence import Sentence, Speak
from otmon.zones.address import Address, Network
from otmon.zones.files.text import MAX_TEXT

_PLAIN: Final = re.compile(r"(?!(?:null|Null|NULL)\Z)[A-Za-z0-9][A-Za-z0-9._/-]*", re.ASCII)
MAX_COMMENT: Final = 2000
"""Characters of a row that is kept as a comment."""


class Block:
    """Lines of a file."""

    def __init__(self, speak: Speak = str) -> None:
        """`speak` says what the program has to say in comments."""
        self._speak = speak
        self._lines: list[str] = []
        self._rows: dict[int, int] = {}

    def line(self, text: str, row: int | None = None) -> None:
        """Add a line that is written already; `row` is where it came from."""
        self._lines.append(text)
        if row is not None:
            self._rows[len(self._lines)] = row

    def comment(self, text: str, indent: int = 0) -> None:
        """Add a comment of whatever text that is nobody's language."""
        self._lines.append(f"{' ' * indent}# {_printable(text)[:MAX_COMMENT]}")

    def say(self, said: Sentence, indent: int = 0) -> None:
        """Add a comment in the language of who reads the file."""
        self.comment(self._speak(said), indent)

    def line_and_say(self, text: str, said: Sentence) -> None:
        """Add a line with a comment behind it."""
        self.line(f"{text}    # {_printable(self._speak(said))}")

    def row_of(self, line: int) -> int | None:
        """The row that a line, from 1, came from."""
        return self._rows.get(line)

    def text(self) -> str:
        """The text of the file."""
        return "\n".join(self._lines) + "\n"


def scalar(text: str) -> str:
    """The text as a YAML scalar."""
    return text if _PLAIN.fullmatch(text) else "'" + _printable(text).replace("'", "''") + "'"


def listing(texts: Iterable[str]) -> str:
    """One text as itself, several as a list."""
    said = [scalar(text) for text in texts]
    return said[0] if len(said) == 1 else f"[{', '.join(said)}]"


def text_of(text: str) -> str:
    """A cell as a text that a model takes: on one line, printable, not too long."""
    folded = " ".join(_printable(text).split())
    return folded if len(folded) <= MAX_TEXT else f"{folded[: MAX_TEXT - 3]}..."


def free_id(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or with another number behind it: unique, and no longer than an id may be."""
    used = taken if isinstance(taken, (set, dict)) else set(taken)
    name, number = wanted[:64], 2
    stem = wanted.removesuffix("-1")
    while name in used:
        name = f"{stem[: 63 - len(str(number))]}-{number}"
        number += 1
    return name


def member_text(
    network: Network | None,
    mac: Address | None,
    vlan: str | None,
    oui: Network | None = None,
    port: str | None = None,
) -> str:
    """A member of a zone as it stands in a list; `vlan` as a model writes it."""
    said = {}
    if network is not None:
        said["address" if network.length == network.bits else "prefix"] = str(network)
    if mac is not None:
        said["mac"] = ":".join(f"{byte:02x}" for byte in mac.value.to_bytes(6, "big"))
    if oui is not None:
        said["oui"] = str(oui)
    if vlan is not None:
        said["vlan"] = vlan
    if port is not None:
        said["switch_port"] = port
    if len(said) == 1 and not said.keys() & {"vlan", "oui", "switch_port"}:
        return scalar(*said.values())
    return "{" + ", ".join(f"{key}: {scalar(text)}" for key, text in said.items()) + "}"


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
