"""Log-ins by RADIUS (RFC 2865): what a switch, an access point or a VPN gateway asks a server about.

Read are CHAP-Password (5.3) and Microsoft's responses (RFC 2548, 2.1 and 2.3; `chap.py`). A User-Password
(5.2) is hidden with a secret that both share, and one of EAP is not said here: both are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.chap import Response, claim_of
from otmon.identity.login import Claim, LogIn, Outcome, Piece

_REQUEST: Final = 1
_ENDS: Final[dict[int, Outcome]] = {2: "accepted", 3: "refused", 11: "unknown"}
"""Access-Accept, Access-Reject, Access-Challenge."""
_HEADER: Final = 20
_USER_NAME, _CHAP_PASSWORD, _VENDOR, _CHAP_CHALLENGE = 1, 3, 26, 60
_MICROSOFT: Final = (311).to_bytes(4, "big")
_MS_RESPONSE, _MS_CHALLENGE, _MS2_RESPONSE = 1, 11, 25
_MS_BYTES: Final = 50
"""Identifier, flags, and two responses of 24 bytes, or challenge, reserved bytes and response."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """One for each request with a response to a challenge."""
    waiting: dict[int, tuple[bytes, Claim]] = {}
    for piece in pieces:
        data = piece.data
        if len(data) < _HEADER or not _HEADER <= int.from_bytes(data[2:4], "big") <= len(data):
            continue
        code, number, authenticator = data[0], data[1], data[4:_HEADER]
        if piece.from_client and code == _REQUEST:
            claim = _claim(piece, authenticator)
            before = waiting.get(number)
            if claim is None or (before is not None and before[0] == authenticator):
                # Nothing to prove, or sent again.
                continue
            if before is not None:
                yield before[1].ended("attempted")
            waiting[number] = authenticator, claim
        elif not piece.from_client and code in _ENDS:
            asked = waiting.pop(number, None)
            if asked is not None:
                yield asked[1].ended(_ENDS[code])
    for _, claim in waiting.values():
        yield claim.ended("attempted")


def _claim(piece: Piece, authenticator: bytes) -> Claim | None:
    size = int.from_bytes(piece.data[2:4], "big")
    said: dict[int, bytes] = {}
    microsoft: dict[int, bytes] = {}
    for kind, value in _attributes(piece.data[_HEADER:size]):
        if kind == _VENDOR and value[:4] == _MICROSOFT:
            microsoft.update(_attributes(value[4:]))
        else:
            said.setdefault(kind, value)
    account = said.get(_USER_NAME, b"")
    answer = said.get(_CHAP_PASSWORD, b"")
    if len(answer) == 17:
        one = Response(account, answer[0], answer[1:], piece.seen)
        return claim_of(one, said.get(_CHAP_CHALLENGE, authenticator))
    challenge = microsoft.get(_MS_CHALLENGE, b"")
    first, second = microsoft.get(_MS_RESPONSE, b""), microsoft.get(_MS2_RESPONSE, b"")
    value = b""
    if len(second) == _MS_BYTES:
        value = second[2:] + second[1:2]
    elif len(first) == _MS_BYTES:
        value = first[2:] + first[1:2]
    return claim_of(Response(account, 0, value, piece.seen), challenge)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each, up to one that is cut or too short (RFC 2865, 5)."""
    at = 0
    while at + 2 <= len(data) and 2 <= data[at + 1] <= len(data) - at:
        yield data[at], data[at + 2 : at + data[at + 1]]
        at += data[at + 1]
