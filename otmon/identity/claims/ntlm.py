"""What both sides of an NTLM log-in say of themselves ([MS-NLMP] 2.2).

Who logs in is left out: it is a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otmon.identity.claim import ClaimKind, line, wide_line
from otmon.identity.claims.wire import number, part

SIGNATURE: Final = b"NTLMSSP\0"
_NEGOTIATE, _CHALLENGE, _AUTHENTICATE = 1, 2, 3
_FLAGS: Final = {_NEGOTIATE: 12, _CHALLENGE: 20, _AUTHENTICATE: 60}
_VERSION: Final = {_NEGOTIATE: 32, _CHALLENGE: 48, _AUTHENTICATE: 64}
_HAS_VERSION, _HAS_WORKSTATION, _UNICODE = 0x02000000, 0x00002000, 0x00000001
_REVISION: Final = 15
"""NTLMSSP_REVISION_W2K3, in every version since Windows XP (2.2.2.10)."""
_PAIRS: Final[dict[int, ClaimKind]] = {1: "name", 2: "domain", 3: "name", 4: "domain"}
"""MsvAvNbComputerName, NbDomainName, DnsComputerName, DnsDomainName (2.2.2.1)."""
MAX_PAIRS: Final = 16


def told_in(data: bytes) -> Iterator[tuple[ClaimKind, str]]:
    """What a message that begins with `SIGNATURE` says of its sender. A version of build 0 is none: other
    programs than Windows say any."""
    kind = number(data, 8, 4, little=True)
    flags = number(data, _FLAGS.get(kind, -1), 4, little=True)
    if data[:8] != SIGNATURE or flags < 0:
        return
    version = part(data, _VERSION[kind], 8)
    if flags & _HAS_VERSION and version is not None and version[7] == _REVISION:
        build = number(version, 2, 2, little=True)
        if build and _names(data, kind) >= _VERSION[kind] + 8:
            yield "system", f"Windows NT {version[0]}.{version[1]} build {build}"
    if kind == _NEGOTIATE and flags & _HAS_WORKSTATION:
        yield "name", line(_field(data, 24))
    elif kind == _AUTHENTICATE:
        yield "name", wide_line(_field(data, 44)) if flags & _UNICODE else line(_field(data, 44))
    elif kind == _CHALLENGE:
        yield from _pairs(_field(data, 40))


def _names(data: bytes, kind: int) -> int:
    """Where the first field's value begins: where that is, there is no version."""
    places = {_NEGOTIATE: (16, 24), _CHALLENGE: (12, 40), _AUTHENTICATE: (12, 20, 28, 36, 44, 52)}[kind]
    found = [number(data, at + 4, 4, little=True) for at in places if number(data, at, 2, little=True) > 0]
    return min(found, default=1 << 32)


def _field(data: bytes, at: int) -> bytes:
    """The value of a field: length, room, offset."""
    size, begin = number(data, at, 2, little=True), number(data, at + 4, 4, little=True)
    return (part(data, begin, size) if size > 0 and begin >= 0 else None) or b""


def _pairs(data: bytes) -> Iterator[tuple[ClaimKind, str]]:
    at = 0
    for _ in range(MAX_PAIRS):
        kind, size = number(data, at, 2, little=True), number(data, at + 2, 2, little=True)
        value = part(data, at + 4, size) if kind > 0 and size >= 0 else None
        if value is None:
            return
        if kind in _PAIRS:
            yield _PAIRS[kind], wide_line(value)
        at += 4 + size
