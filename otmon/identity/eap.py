"""Proofs of a password by EAP (RFC 3748), which 802.1X carries to a switch and RADIUS from there on.

Read are MD5-Challenge (5.4: the hash of CHAP over the packet's identifier), Microsoft's EAP CHAP (MS-CHAP-V2,
draft-kamath-pppext-eap-mschapv2-02, 2) and a Generic Token Card (5.6), whose answer is in clear. Who is asked
says its name before (5.1, Identity). What runs inside of TLS (PEAP, TTLS, EAP-TLS) is encrypted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from otmon.identity.chap import MICROSOFT_BYTES, Response, claim_of
from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Seen
from otmon.identity.proof_budget import CHEAP

REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
"""Codes (RFC 3748, 4)."""
_IDENTITY, _MD5, _TOKEN, _MICROSOFT = 1, 4, 6, 26
"""Types (IANA, EAP method types)."""
_CHALLENGE, _ANSWER = 1, 2
_VERDICTS: Final[dict[int, Outcome]] = {3: "accepted", 4: "refused"}
"""Operations of Microsoft's type."""
MAX_CHALLENGES: Final = 32
"""Of one station that are remembered: several may be heard that were sent to all, of which one is its own."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; `kind` is 0 and `body` empty for SUCCESS and FAILURE."""

    code: int
    number: int
    kind: int
    body: bytes = field(repr=False)


def packet(data: bytes) -> Packet | None:
    """The packet at the beginning of these bytes; None for one that is cut or none."""
    size = int.from_bytes(data[2:4], "big")
    if not 4 <= size <= len(data):
        return None
    if data[0] in (SUCCESS, FAILURE):
        return Packet(data[0], data[1], 0, b"")
    return (
        Packet(data[0], data[1], data[4], data[5:size])
        if data[0] in (REQUEST, RESPONSE) and size > 4
        else None
    )


class Station:
    """One that proves who it is; what it was asked, and its proof that waits for an answer."""

    def __init__(self, account: bytes = b"") -> None:
        self._account = account
        self._challenges: deque[tuple[int, int, bytes]] = deque(maxlen=MAX_CHALLENGES)
        self._last: Packet | None = None
        self._waiting: Claim | None = None

    def hears(self, one: Packet) -> Iterator[LogIn]:
        """Take what it is asked or told; its log-in, if that ends by it."""
        if one.code in (SUCCESS, FAILURE):
            # With the number of the last response (RFC 3748, 4.2); some count on.
            if self._last is not None and (one.number - self._last.number) & 0xFF in (0, 1):
                yield from self.ends("accepted" if one.code == SUCCESS else "refused")
        elif one.code == REQUEST:
            value = _value(one)
            if value:
                self._challenges.append((one.kind, one.number, value))
            elif one.kind == _MICROSOFT and one.body and one.body[0] in _VERDICTS:
                yield from self.ends(_VERDICTS[one.body[0]])

    def says(self, one: Packet, seen: Seen) -> Iterator[LogIn]:
        """Take what it answers; its log-in before, if nobody ended that."""
        if one.code != RESPONSE or one == self._last:
            # What is sent again says the same again.
            return
        if one.kind == _IDENTITY:
            # Options may follow behind a NUL.
            self._account = one.body.partition(b"\0")[0]
        claim = self._claim(one, seen)
        if claim is not None:
            yield from self.ends("attempted")
            self._waiting = claim
        self._last = one

    def ends(self, outcome: Outcome) -> Iterator[LogIn]:
        """Its log-in, if one waits, with this outcome."""
        if self._waiting is not None:
            yield self._waiting.ended(outcome)
            self._waiting = None

    def _claim(self, one: Packet, seen: Seen) -> Claim | None:
        name = self._account
        if one.kind == _TOKEN:
            short = 0 < len(name) <= MAX_TEXT and len(one.body) <= MAX_TEXT
            return Claim(name, "plain", seen, secret=one.body) if short else None
        value = _value(one)
        if one.kind == _MICROSOFT:
            name = one.body[5 + len(value) :] or name
        response = Response(name, one.number, value, seen)
        asked = [known for *about, known in self._challenges if about == [one.kind, one.number]]
        found = [claim for known in asked if value and (claim := claim_of(response, known)) is not None]
        return _any_of(found) if found else None


def _value(one: Packet) -> bytes:
    """A challenge, or the response to one; b"" for another packet."""
    if one.kind == _MD5 and one.body:
        value = one.body[1 : 1 + one.body[0]]
        return value if len(value) == one.body[0] else b""
    if one.kind == _MICROSOFT and len(one.body) > 5:
        operation, size = one.body[0], one.body[4]
        wanted = {(REQUEST, _CHALLENGE): 16, (RESPONSE, _ANSWER): MICROSOFT_BYTES}.get((one.code, operation))
        value = one.body[5 : 5 + size]
        return value if size == wanted == len(value) else b""
    return b""


def _any_of(claims: list[Claim]) -> Claim:
    """One log-in that is proved where any of these is: they differ in the challenge alone."""
    first = claims[0]

    def proves(password: bytes) -> bool:
        return any(one.proves is not None and one.proves(password) for one in claims)

    def cost(password: bytes) -> int:
        return sum(CHEAP if one.cost is None else one.cost(password) for one in claims)

    return Claim(first.account, first.method, first.seen, proves=proves, cost=cost)
