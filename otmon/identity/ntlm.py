"""NTLM ([MS-NLMP]): a challenge, and a response that a password's hash gives; in SMB, HTTP, mail and DCE/RPC.
And what both sides say of themselves in it (2.2), which leaves out who logs in: that is a person.

Version 1 (3.3.1, also with the client's challenge in it) and version 2 (3.3.2). Its messages are looked for
by their signature, bare or in a SPNEGO token.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from otmon.identity.claim import ClaimKind, line, wide_line
from otmon.identity.claims.wire import number, part
from otmon.identity.des import encrypted
from otmon.identity.login import MAX_TEXT, Claim, Seen
from otmon.identity.md4 import md4
from otmon.identity.proof_budget import CHEAP

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
_EXTENDED_SESSION: Final = 0x00080000
_V1_BYTES: Final = 24
DES_UNITS: Final = 500
"""A block of DES, which tells wrong passwords apart (`otmon.identity.proof_budget`)."""


class Handshake:
    """One authentication: the challenge of the server, the response of the client."""

    def __init__(self) -> None:
        self._challenge: bytes | None = None

    def challenge(self, data: bytes) -> None:
        """What the server sent, with a CHALLENGE_MESSAGE (2.2.1.2) in it or not."""
        message = data[data.find(SIGNATURE) :] if SIGNATURE in data else b""
        if number(message, 8, 4, little=True) == _CHALLENGE and len(message) >= 32:
            self._challenge = message[24:32]

    def response(self, data: bytes, seen: Seen) -> Claim | None:
        """What the client sent; the claim where there is an AUTHENTICATE_MESSAGE (2.2.1.3) in it with a
        response to a challenge that was seen."""
        message = data[data.find(SIGNATURE) :] if SIGNATURE in data else b""
        if (
            number(message, 8, 4, little=True) != _AUTHENTICATE
            or len(message) < 64
            or self._challenge is None
        ):
            return None
        server, self._challenge = self._challenge, None
        weak, strong, domain, user = (_field(message, at) for at in (12, 20, 28, 36))
        if weak is None or strong is None or domain is None or user is None:
            return None
        flags = int.from_bytes(message[60:64], "little")
        coding = "utf-16-le" if flags & _UNICODE else "latin-1"
        name = user.decode(coding, "replace")
        account = name.encode()
        if not account or len(account) > MAX_TEXT:
            return None
        if len(strong) == _V1_BYTES:
            if flags & _EXTENDED_SESSION and weak[8:] == bytes(16):
                server = hashlib.md5(server + weak[:8]).digest()[:8]

            def first(password: bytes) -> bool:
                key = nt_hash(password)
                return key is not None and answers(key, server, strong)

            return Claim(account, "ntlm", seen, proves=first, cost=lambda password: DES_UNITS)
        if len(strong) <= _V1_BYTES:
            return None
        proof, blob = strong[:16], strong[16:]
        identity = (name.upper() + domain.decode(coding, "replace")).encode("utf-16-le", "replace")

        def second(password: bytes) -> bool:
            key = nt_hash(password)
            if key is None:
                return False
            own = hmac.digest(key, identity, "md5")
            return hmac.digest(own, server + blob, "md5") == proof

        return Claim(account, "ntlmv2", seen, proves=second, cost=lambda password: CHEAP)


def _field(message: bytes, at: int) -> bytes | None:
    """The bytes that a field at `at` points to: length, room, offset; None where they are not there."""
    size, begin = number(message, at, 2, little=True), number(message, at + 4, 4, little=True)
    return part(message, begin, size) if size >= 0 and begin >= 0 else None


@lru_cache(maxsize=2_048)
def nt_hash(password: bytes) -> bytes | None:
    """NTOWFv1 (3.3.1) of a published password in UTF-8; None for other bytes."""
    try:
        return md4(password.decode().encode("utf-16-le"))
    except UnicodeError:
        return None


def answers(key: bytes, challenge: bytes, response: bytes) -> bool:
    """DESL (6): whether the response is the challenge under each third of the hash."""
    whole = key.ljust(21, b"\0")
    return all(
        encrypted(_spread(whole[7 * third : 7 * third + 7]), challenge) == response[8 * third : 8 * third + 8]
        for third in range(3)
    )


def _spread(key: bytes) -> bytes:
    """56 bits as the 8 bytes that DES takes: the lowest bit of each is parity, and not looked at."""
    bits = int.from_bytes(key, "big")
    return bytes(bits >> 49 - 7 * place << 1 & 0xFE for place in range(8))


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
        yield "name", line(_field(data, 24) or b"")
    elif kind == _AUTHENTICATE:
        yield "name", (wide_line if flags & _UNICODE else line)(_field(data, 44) or b"")
    elif kind == _CHALLENGE:
        yield from _pairs(_field(data, 40) or b"")


def told_by(token: bytes | None) -> Iterator[tuple[ClaimKind, str]]:
    """As `told_in`, of a token that may hold a message, bare or in SPNEGO."""
    at = -1 if token is None else token.find(SIGNATURE)
    if token is not None and at >= 0:
        yield from told_in(token[at:])


def _names(data: bytes, kind: int) -> int:
    """Where the first field's value begins: where that is, there is no version."""
    places = {_NEGOTIATE: (16, 24), _CHALLENGE: (12, 40), _AUTHENTICATE: (12, 20, 28, 36, 44, 52)}[kind]
    found = [number(data, at + 4, 4, little=True) for at in places if number(data, at, 2, little=True) > 0]
    return min(found, default=1 << 32)


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
