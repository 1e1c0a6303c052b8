"""What the name in a question of DNS could carry: data that is not asked for but told.

Whoever owns a domain gets every question below it, by way of any name server; tunnels write what they carry
into the labels there, and get answers as text. How much that can be is bounded by the length of the labels
and the entropy of their characters.

References: RFC 1035, 2.3.4 (limits), 3.1 (labels), 4.1.1 and 4.1.2 (header, question); RFC 4343 (names are
the same in any case of letters); RFC 6895, 3.1 (types for private use).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log2
from typing import Final

from otmon.identity.claim import line
from otmon.identity.claims.record import name_at
from otmon.identity.claims.wire import number

NULL, TXT, KEY = 10, 16, 25
PRIVATE, PRIVATE_END = 0xFF00, 0xFFFE
"""Types whose answers hold any bytes or text."""
HEADER: Final = 12
MAX_NAME: Final = 255
_GENERIC: Final = frozenset(
    (b"ac", b"co", b"com", b"edu", b"gob", b"gov", b"go", b"lg", b"mil", b"ne", b"net", b"or", b"org")
)
"""What stands before a country in the suffix under which people register ("co.jp")."""
_REVERSE: Final = b"arpa"
"""Names that are made of addresses (RFC 3172): long, many, and without data."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question below a domain that somebody registered."""

    domain: str
    name: bytes
    """All of it in small letters, for counting."""
    carried_bits: int
    free: bool
    """It asks for a type whose answers hold any text or bytes."""


def question_of(message: bytes) -> Question | None:
    """The question of a message (without the length that TCP puts before it); None where it is not all there,
    or where its name lies below no domain, as that of a host of one label or of an address does."""
    found = name_at(message, HEADER)
    if found is None or found[1] > HEADER + MAX_NAME:
        return None
    kind = number(message, found[1], 2)
    labels = [label.lower() for label in found[0]]
    own = _domain_labels(labels)
    below = labels[: len(labels) - own]
    domain = line(b".".join(labels[len(below) :]))
    if kind < 0 or not below or labels[-1] == _REVERSE or not domain:
        return None
    return Question(domain, b"\0".join(labels), _information(b"".join(below)), is_free(kind))


def is_free(kind: int) -> bool:
    return kind in (NULL, TXT, KEY) or PRIVATE <= kind <= PRIVATE_END


def _domain_labels(labels: list[bytes]) -> int:
    """How many labels of a name are the registered domain: two, or three where a country's suffix has two.
    The list of all suffixes changes weekly; where a suffix has more labels than this knows, domains that
    share it count as one."""
    return 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _GENERIC else 2


def _information(text: bytes) -> int:
    """Bits of characters that are independent and as frequent as these."""
    size = len(text)
    return round(sum(count * log2(size / count) for count in Counter(text).values()))
