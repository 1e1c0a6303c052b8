"""Log-ins of IMAP: LOGIN and AUTHENTICATE (RFC 9051, 6.2.2 and 6.2.3; strings and literals, 4.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.login import MAX_TEXT, Claim, LogIn, Piece
from otmon.identity.sasl import Exchange
from otmon.identity.stream import lines

_WORD: Final = re.compile(rb' *(?:"((?:[^"\\]|\\.)*)"|([^ "{]+))')
_LITERAL: Final = re.compile(rb"\{([0-9]{1,4})\+?\}$")
_MAX_WORDS: Final = 5


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    exchange: Exchange | None = None
    claim: Claim | None = None
    tag = b""
    said: list[bytes] = []
    literal = -1
    for line in lines(pieces):
        if line.from_client:
            if exchange is not None and claim is None and not said:
                claim = exchange.response(line.text, line.seen)
                continue
            text = line.text
            if literal >= 0:
                # The literal's bytes, then the rest of the command's line.
                said, text = [*said, text[:literal]], text[literal:]
            else:
                said = []
            literal = -1
            more = _LITERAL.search(text)
            said += _words(text[: more.start()] if more else text)
            if more is not None and len(said) <= _MAX_WORDS:
                literal = int(more[1])
                continue
            if len(said) >= 3 and said[1].upper() in (b"LOGIN", b"AUTHENTICATE"):
                if claim is not None:
                    yield claim.ended("attempted")
                tag, claim, exchange = said[0], None, None
                if said[1].upper() == b"AUTHENTICATE":
                    exchange = Exchange(said[2])
                    claim = exchange.response(said[3], line.seen) if len(said) > 3 else None
                elif len(said) == 4 and max(map(len, said)) <= MAX_TEXT:
                    claim = Claim(said[2], "plain", line.seen, secret=said[3])
            said = []
            continue
        if line.text.startswith(b"+ ") and exchange is not None:
            exchange.challenge(line.text[2:])
        elif tag and line.text.startswith(tag + b" "):
            word = line.text[len(tag) + 1 :].split(b" ")[0].upper()
            if claim is not None:
                yield claim.ended("accepted" if word == b"OK" else "refused" if word == b"NO" else "unknown")
            claim = exchange = None
            tag = b""
    if claim is not None:
        yield claim.ended("attempted")


def _words(text: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while len(found) <= _MAX_WORDS and (match := _WORD.match(text, at)) is not None:
        quoted, atom = match.groups()
        found.append(atom if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted))
        at = match.end()
    return found
