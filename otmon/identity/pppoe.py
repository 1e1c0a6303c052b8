"""Log-ins of PPP over Ethernet: PAP (RFC 1334, 2), whose password is in clear, and CHAP (`chap.py`).

Frames begin with PPP's protocol field. Either end may ask the other one; who answers is the one that logs in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.chap import Response, claim_of
from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Piece

_PAP: Final = b"\xc0\x23"
_CHAP: Final = b"\xc2\x23"
_CHALLENGE, _RESPONSE = 1, 2
_ASKED: Final = 1
_ENDS: Final[dict[tuple[bytes, int], Outcome]] = {
    (_CHAP, 3): "accepted",
    (_CHAP, 4): "refused",
    (_PAP, 2): "accepted",
    (_PAP, 3): "refused",
}
"""Codes of answers that end a log-in."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """One for each response to a challenge, and each request of PAP."""
    challenges: dict[tuple[bool, int], bytes] = {}
    waiting: dict[tuple[bool, bytes, int], Claim] = {}
    for piece in pieces:
        found = _packet(piece.data)
        if found is None:
            continue
        protocol, code, number, body = found
        told = _ENDS.get((protocol, code))
        if told is not None:
            claim = waiting.pop((not piece.from_client, protocol, number), None)
            if claim is not None:
                yield claim.ended(told)
            continue
        claim = None
        if protocol == _PAP and code == _ASKED:
            claim = _in_clear(body, piece)
        elif protocol == _CHAP and code in (_CHALLENGE, _RESPONSE) and body:
            value, name = body[1 : 1 + body[0]], body[1 + body[0] :]
            if code == _CHALLENGE:
                challenges[piece.from_client, number] = value
                continue
            challenge = challenges.get((not piece.from_client, number), b"")
            claim = claim_of(Response(name, number, value, piece.seen), challenge)
        if claim is not None:
            # What is sent again says the same again.
            waiting.setdefault((piece.from_client, protocol, number), claim)
    for claim in waiting.values():
        yield claim.ended("attempted")


def _packet(frame: bytes) -> tuple[bytes, int, int, bytes] | None:
    """Protocol, code, identifier and body of a frame; None for one that is cut or neither protocol's."""
    size = int.from_bytes(frame[4:6], "big")
    if frame[:2] not in (_PAP, _CHAP) or not 4 <= size <= len(frame) - 2:
        return None
    return frame[:2], frame[2], frame[3], frame[6 : 2 + size]


def _in_clear(body: bytes, piece: Piece) -> Claim | None:
    """An Authenticate-Request (RFC 1334, 2.2.1): account and password, each behind its length."""
    if not body or len(body) < 2 + body[0]:
        return None
    account, rest = body[1 : 1 + body[0]], body[1 + body[0] :]
    if len(rest) < 1 + rest[0] or len(account) > MAX_TEXT:
        return None
    return Claim(account, "plain", piece.seen, secret=rest[1 : 1 + rest[0]])
