"""Log-ins of POP3: USER and PASS, APOP (RFC 1939, 7), AUTH (RFC 5034)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.login import MAX_TEXT, Claim, LogIn, Piece
from otmon.identity.sasl import Exchange
from otmon.identity.stream import Line, lines

_STAMP: Final = re.compile(rb"<[^<>\s]{1,250}>")
"""The greeting's timestamp (RFC 1939, 7, APOP)."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    stamp = account = None
    exchange: Exchange | None = None
    claim: Claim | None = None
    for line in lines(pieces):
        if line.from_client:
            if claim is not None and exchange is not None and not line.text:
                # What SCRAM's server proves in the end is answered with nothing (RFC 5034, 4).
                continue
            if claim is not None:
                yield claim.ended("attempted")
                claim = None
            if exchange is not None:
                claim = exchange.response(line.text, line.seen)
                continue
            word, _, value = line.text.partition(b" ")
            word = word.upper()
            if word == b"USER":
                account = value
            elif word == b"PASS" and account is not None and max(len(value), len(account)) <= MAX_TEXT:
                claim = Claim(account, "plain", line.seen, secret=value)
            elif word == b"APOP" and stamp is not None:
                claim = _apop(stamp, value, line)
            elif word == b"AUTH" and value.strip():
                mechanism, _, initial = value.partition(b" ")
                exchange = Exchange(mechanism)
                claim = exchange.response(initial, line.seen) if initial else None
            continue
        if stamp is None and line.text.startswith(b"+OK"):
            found = _STAMP.search(line.text)
            stamp = found[0] if found is not None else b""
        if exchange is not None and line.text.startswith(b"+ "):
            exchange.challenge(line.text[2:])
            continue
        if line.text.startswith((b"+OK", b"-ERR")):
            if claim is not None:
                yield claim.ended("accepted" if line.text[:1] == b"+" else "refused")
            claim = exchange = None
    if claim is not None:
        yield claim.ended("attempted")


def _apop(stamp: bytes, value: bytes, line: Line) -> Claim | None:
    user, _, proof = value.partition(b" ")
    if not stamp or len(proof.strip()) != 32 or len(user) > MAX_TEXT:
        return None
    return Claim(
        user,
        "apop",
        line.seen,
        proves=lambda key: hashlib.md5(stamp + key).hexdigest().encode() == proof.strip().lower(),
    )
