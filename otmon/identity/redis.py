"""Log-ins of Redis (Redis serialization protocol; commands AUTH and HELLO): a password, since version
6 with a name, which without one is "default".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Piece
from otmon.identity.stream import lines

DEFAULT: Final = b"default"
_MAX_WORDS: Final = 32
_ANSWERS: Final = (b"+", b"-", b"*", b"%", b"$", b":", b"_")
_REFUSALS: Final = (b"-WRONGPASS", b"-ERR invalid password", b"-NOAUTH", b"-NOPERM")


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection. Of several commands that wait, only the first one's answer is known."""
    if b"auth" not in b"".join(piece.data for piece in pieces if piece.from_client).lower():
        return
    waiting: list[Claim | None] = []
    reader = _Reader()
    answered = False
    for line in lines(pieces):
        if line.from_client:
            words = reader.line(line.text)
            if words:
                claim = _claim(words)
                waiting.append(
                    None if claim is None else Claim(claim[0], "plain", line.seen, secret=claim[1])
                )
            continue
        if not line.text.startswith(_ANSWERS):
            if not answered:
                # Not a word of Redis.
                return
            continue
        answered = True
        if not waiting:
            continue
        first, rest = waiting[0], waiting[1:]
        waiting = []
        if first is not None:
            yield first.ended(_told(line.text))
        for other in rest:
            if other is not None:
                yield other.ended("unknown")
    for one in waiting:
        if one is not None:
            yield one.ended("attempted")


def _told(text: bytes) -> Outcome:
    if text.startswith(_REFUSALS):
        return "refused"
    return "unknown" if text[:1] == b"-" else "accepted"


def _claim(words: list[bytes]) -> tuple[bytes, bytes] | None:
    """Name and password of AUTH [name] password, or of HELLO version AUTH name password."""
    command = words[0].upper()
    if command == b"AUTH" and len(words) in (2, 3):
        pair = words[1:] if len(words) == 3 else [DEFAULT, words[1]]
    elif command == b"HELLO" and len(words) >= 5 and words[2].upper() == b"AUTH":
        pair = words[3:5]
    else:
        return None
    return (pair[0], pair[1]) if max(map(len, pair)) <= MAX_TEXT else None


class _Reader:
    """Commands out of lines: arrays of strings, or words in one line. A string with a line end in it is none
    that logs in."""

    def __init__(self) -> None:
        self._wanted = 0
        self._size = -1
        self._words: list[bytes] = []

    def line(self, text: bytes) -> list[bytes]:
        """The command that ends with this line; nothing where it goes on."""
        if self._wanted:
            if self._size < 0:
                self._size = _number(text, b"$")
                self._wanted = self._wanted if self._size >= 0 else 0
                return []
            if len(text) != self._size:
                self._wanted, self._size = 0, -1
                return []
            self._words.append(text)
            self._wanted, self._size = self._wanted - 1, -1
            return [] if self._wanted else self._words
        if text[:1] == b"*":
            count = _number(text, b"*")
            self._wanted, self._words = count if 0 < count <= _MAX_WORDS else 0, []
            return []
        return text.split()[:_MAX_WORDS]


def _number(text: bytes, mark: bytes) -> int:
    digits = text[1:]
    return int(digits) if text[:1] == mark and digits.isdigit() and len(digits) <= 6 else -1
