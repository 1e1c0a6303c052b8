"""Digest access authentication (RFC 7616, RFC 2617, RFC 2069): a response recomputed from a password.

The same in HTTP, RTSP (RFC 2326, 14.5: RFC 2617) and SIP (RFC 3261, 22.4).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Final

_PARAMETER: Final = re.compile(rb'([A-Za-z*-]{1,32})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)')
_HASHES: Final = {
    said: name
    for said, name in ((b"md5", "md5"), (b"sha-256", "sha256"), (b"sha-512-256", "sha512_256"))
    if name in hashlib.algorithms_available
}
_QUALITIES: Final = (b"", b"auth", b"auth-int")
MAX_PARAMETERS: Final = 32


def parameters(text: bytes) -> dict[bytes, bytes]:
    """The parameters of a header field's value behind its scheme, names in lower case. Of one that comes
    twice the first counts."""
    found: dict[bytes, bytes] = {}
    for number, match in enumerate(_PARAMETER.finditer(text)):
        if number >= MAX_PARAMETERS:
            break
        name, quoted, token = match.groups()
        value = re.sub(rb"\\(.)", rb"\1", quoted) if quoted is not None else token
        found.setdefault(name.lower(), value)
    return found


def proof_of(given: Mapping[bytes, bytes], method: bytes) -> Callable[[bytes], bool] | None:
    """What tells whether a password gives the response in `given`, the parameters of an Authorization
    field of a request with `method`. None where something is missing or the user's name is hashed. A body
    that is part of it (qop=auth-int) is taken for empty, as that of most requests is."""
    algorithm = given.get(b"algorithm", b"MD5").lower()
    session = algorithm.endswith(b"-sess")
    hashed = _HASHES.get(algorithm.removesuffix(b"-sess"))
    quality = given.get(b"qop", b"").lower()
    needed = [b"username", b"realm", b"nonce", b"uri", b"response"]
    needed += [b"nc", b"cnonce"] if quality else [b"cnonce"] if session else []
    hides = given.get(b"userhash", b"").lower() == b"true"
    if hashed is None or hides or quality not in _QUALITIES or any(name not in given for name in needed):
        return None
    response = given[b"response"].lower()

    def digest(*parts: bytes) -> bytes:
        return hashlib.new(hashed, b":".join(parts)).hexdigest().encode()

    target = digest(method, given[b"uri"], *([digest()] if quality == b"auth-int" else []))
    counted = [given[b"nc"], given[b"cnonce"], quality] if quality else []

    def proves(password: bytes) -> bool:
        key = digest(given[b"username"], given[b"realm"], password)
        if session:
            key = digest(key, given[b"nonce"], given[b"cnonce"])
        return digest(key, given[b"nonce"], *counted, target) == response

    return proves
