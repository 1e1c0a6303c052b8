"""Log-ins of SNMP: communities of version 1 and 2c (RFC 1157, 4; RFC 3416, 3), which are names and passwords
in one, and users of version 3, whose messages carry a digest (`usm.py`).

An agent answers a community that it knows and is silent to others (RFC 1157, 4.1; RFC 3584, 5.2.1): a
response is a yes, none is not a no. A user's message with a wrong digest is answered by a report without
one (RFC 3414, 3.2), a right one by a message that has one. Traps are no log-ins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.ber import element
from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Piece
from otmon.identity.usm import message_of

_REQUESTS: Final = (0xA0, 0xA1, 0xA3, 0xA5)
_RESPONSE: Final = 0xA2
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_REFUSALS: Final = tuple(
    bytes.fromhex(f"06 0a 2b 06 01 06 03 0f 01 01 {number} 00") for number in ("03", "05")
)
"""usmStatsUnknownUserNames.0 and usmStatsWrongDigests.0 (RFC 3414, 5)."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """One for each request of a flow of datagrams."""
    waiting: dict[tuple[bytes, bytes], list[Piece]] = {}
    claims: dict[bytes, Claim] = {}
    said: set[bytes] = set()
    for piece in pieces:
        found = _message(piece.data)
        if found is None:
            yield from _secured(piece, claims)
            continue
        community, kind, number = found
        if piece.from_client and kind in _REQUESTS:
            waiting.setdefault((community, number), []).append(piece)
            said.add(community)
        elif not piece.from_client and kind == _RESPONSE:
            asked = waiting.get((community, number))
            if asked:
                yield LogIn(b"", "community", "accepted", asked.pop(0).seen, secret=community)
            elif community not in said:
                # An answer repeats what it was asked with, also where nobody saw that.
                yield LogIn(b"", "community", "accepted", piece.seen, secret=community)
    for (community, _), asked in waiting.items():
        for piece in asked:
            yield LogIn(b"", "community", "attempted", piece.seen, secret=community)
    for claim in claims.values():
        yield claim.ended("attempted")


def _secured(piece: Piece, claims: dict[bytes, Claim]) -> Iterator[LogIn]:
    """What a message of version 3 says; requests wait in `claims` for what has their number."""
    found = message_of(piece.data)
    if found is None:
        return
    number, digest, rest = found
    if piece.from_client:
        if digest is not None:
            again = claims.pop(number, None)
            if again is not None:
                yield again.ended("attempted")
            claims[number] = Claim(digest.user, "usm", piece.seen, proves=digest.proves, cost=digest.cost)
        return
    claim = claims.pop(number, None)
    if claim is not None:
        told: Outcome = "accepted" if digest is not None else "unknown"
        if digest is None and any(one in rest for one in _REFUSALS):
            told = "refused"
        yield claim.ended(told)


def _message(data: bytes) -> tuple[bytes, int, bytes] | None:
    """Community, kind of PDU and request id of a message of version 1 or 2c."""
    outer = element(data, 0)
    if outer is None or outer[0] != _SEQUENCE:
        return None
    version = element(data, outer[1])
    if version is None or version[0] != _INTEGER:
        return None
    # Agents take an integer that is longer than it must be.
    if int.from_bytes(data[version[1] : version[2]][:8], "big") not in (0, 1) or version[2] - version[1] > 8:
        return None
    community = element(data, version[2])
    if community is None or community[0] != _OCTETS or community[2] - community[1] > MAX_TEXT:
        return None
    pdu = element(data, community[2])
    number = None if pdu is None else element(data, pdu[1])
    if pdu is None or number is None or number[0] != _INTEGER:
        return None
    return data[community[1] : community[2]], pdu[0], data[number[1] : number[2]]
