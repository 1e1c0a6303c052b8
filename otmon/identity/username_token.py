"""The user in the head of a SOAP message (OASIS Web Services Security, UsernameToken Profile 1.0, section 3).

ONVIF's clients send it with each request to a camera: a digest of the password, or the password itself.

Only what stands between the tags is looked for, as no server asks where in the message it stands.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error, a2b_base64
from dataclasses import dataclass, field
from hashlib import sha1
from html import unescape
from typing import Final

from otmon.identity.login import MAX_TEXT

_TOKEN: Final = re.compile(rb"<(?:[\w.-]{1,64}:)?UsernameToken[\s>]")
_FIELD: Final = re.compile(
    rb"<(?:[\w.-]{1,64}:)?(Username|Password|Nonce|Created)(\s[^<>]{0,512})?>([^<>]{0,1024})</"
)
_DIGEST: Final = b"#PasswordDigest"
MAX_FIELDS: Final = 8
"""A token has four, and each counts once: the first."""


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """Whom a message comes from, and how that is shown."""

    account: bytes
    secret: bytes | None = field(repr=False)
    """The password; None where a digest of it was sent."""
    digest: bytes = field(default=b"", repr=False)
    salt: bytes = field(default=b"", repr=False)
    """What the digest holds before the password: nonce and time."""

    def proves(self, password: bytes) -> bool:
        """Whether a password gives the digest that was sent."""
        return b64encode(sha1(self.salt + password).digest()) == self.digest


def username_token(body: bytes) -> UsernameToken | None:
    """The token of a message; None where it has none, or one that shows nothing."""
    begin = _TOKEN.search(body)
    if begin is None:
        return None
    found: dict[bytes, tuple[bytes, bytes]] = {}
    for number, match in enumerate(_FIELD.finditer(body, begin.end())):
        if number == MAX_FIELDS:
            break
        found.setdefault(match[1], (match[2] or b"", _unescaped(match[3].strip())))
    if b"Username" not in found or b"Password" not in found:
        return None
    account, (attributes, password) = found[b"Username"][1], found[b"Password"]
    if max(len(account), len(password)) > MAX_TEXT:
        return None
    if _DIGEST not in attributes:
        return UsernameToken(account, password)
    try:
        nonce = a2b_base64(found.get(b"Nonce", (b"", b""))[1])
    except Error:
        return None
    return UsernameToken(account, None, password, nonce + found.get(b"Created", (b"", b""))[1])


def _unescaped(text: bytes) -> bytes:
    """Character references as what they stand for (XML 1.0, 4.1)."""
    if b"&" not in text:
        return text
    return unescape(text.decode("utf-8", "replace")).encode("utf-8", "replace")
