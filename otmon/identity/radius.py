"""Log-ins by RADIUS (RFC 2865): what a switch, an access point or a VPN gateway asks a server about.

Read are CHAP-Password (5.3), Microsoft's responses (RFC 2548, 2.1 and 2.3; `chap.py`), and EAP (RFC 3579,
3.1; `eap.py`), whose exchanges are joined by State (RFC 2865, 5.24). A User-Password (5.2) is hidden with a
secret that both share, and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.chap import Response, claim_of
from otmon.identity.eap import Station, packet
from otmon.identity.login import Claim, LogIn, Outcome, Piece

_REQUEST: Final = 1
_ENDS: Final[dict[int, Outcome]] = {2: "accepted", 3: "refused", 11: "unknown"}
"""Access-Accept, Access-Reject, Access-Challenge."""
_HEADER: Final = 20
_USER_NAME, _CHAP_PASSWORD, _STATE, _VENDOR, _CHAP_CHALLENGE, _EAP_MESSAGE = 1, 3, 24, 26, 60, 79
_MICROSOFT: Final = (311).to_bytes(4, "big")
_MS_RESPONSE, _MS_CHALLENGE, _MS2_RESPONSE = 1, 11, 25
_MS_BYTES: Final = 50
"""Identifier, flags, and two responses of 24 bytes, or challenge, reserved bytes and response."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """One for each request with a response to a challenge."""
    waiting: dict[int, tuple[bytes, Claim | Station]] = {}
    stations: dict[bytes, Station] = {}
    for piece in pieces:
        data = piece.data
        if len(data) < _HEADER or not _HEADER <= int.from_bytes(data[2:4], "big") <= len(data):
            continue
        code, number, authenticator = data[0], data[1], data[4:_HEADER]
        if piece.from_client and code == _REQUEST:
            before = waiting.get(number)
            if before is not None and before[0] == authenticator:
                # Sent again.
                continue
            said, microsoft = _told(data)
            asks: Claim | Station | None
            if _EAP_MESSAGE in said:
                asks = stations.pop(said.get(_STATE, b""), None) or Station(said.get(_USER_NAME, b""))
                yield from _says(asks, said[_EAP_MESSAGE], piece)
            else:
                asks = _claim(said, microsoft, authenticator, piece)
            if asks is None:
                continue
            if before is not None:
                yield from _ended(before[1], "attempted")
            waiting[number] = authenticator, asks
        elif not piece.from_client and code in _ENDS:
            asked = waiting.pop(number, None)
            if asked is None:
                continue
            if isinstance(asked[1], Station) and _ENDS[code] == "unknown":
                said, _ = _told(data)
                one = packet(said.get(_EAP_MESSAGE, b""))
                yield from asked[1].hears(one) if one is not None else ()
                stations[said.get(_STATE, b"")] = asked[1]
            else:
                yield from _ended(asked[1], _ENDS[code])
    for one_waits in (*(one for _, one in waiting.values()), *stations.values()):
        yield from _ended(one_waits, "attempted")


def _says(station: Station, message: bytes, piece: Piece) -> Iterator[LogIn]:
    one = packet(message)
    if one is not None:
        yield from station.says(one, piece.seen)


def _ended(asked: Claim | Station, outcome: Outcome) -> Iterator[LogIn]:
    if isinstance(asked, Station):
        yield from asked.ends(outcome)
    else:
        yield asked.ended(outcome)


def _told(data: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """The attributes of a packet, the first of each type, and those of Microsoft; the parts of a message of
    EAP are one."""
    said: dict[int, bytes] = {}
    microsoft: dict[int, bytes] = {}
    for kind, value in _attributes(data[_HEADER : int.from_bytes(data[2:4], "big")]):
        if kind == _VENDOR and value[:4] == _MICROSOFT:
            microsoft.update(_attributes(value[4:]))
        elif kind == _EAP_MESSAGE:
            said[kind] = said.get(kind, b"") + value
        else:
            said.setdefault(kind, value)
    return said, microsoft


def _claim(
    said: dict[int, bytes], microsoft: dict[int, bytes], authenticator: bytes, piece: Piece
) -> Claim | None:
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
