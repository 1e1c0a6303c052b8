"""The user-based security model of SNMP version 3 (RFC 3414, RFC 7860): the digest of a message, recomputed
from a password.

A password is repeated to a megabyte before it is hashed (RFC 3414, A.2), which takes milliseconds: what comes
of it is the same for every engine, and is kept for published passwords.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from otmon.identity.ber import element
from otmon.identity.login import MAX_TEXT
from otmon.identity.proof_budget import CHEAP

_MEGABYTE: Final = 1_048_576
_MEGABYTE_UNITS: Final = 2_500
"""Of MD5, the slowest, in microseconds (`otmon.identity.proof_budget`)."""
_HASHES: Final = {12: ("md5", "sha1"), 16: ("sha224",), 24: ("sha256",), 32: ("sha384",), 48: ("sha512",)}
"""By the length of the digest, which is all that a message says of it (RFC 3414, 6 and 7; RFC 7860, 4)."""
_AUTHENTICATED: Final = 0x01
_MODEL: Final = 3
MAX_KEYS: Final = 2_048
_keys: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
"""Keys made of published passwords, the latest ones."""
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04


@dataclass(frozen=True, slots=True)
class Secured:
    """A message of version 3 with a digest."""

    user: bytes
    number: bytes
    """Its id, which a response repeats."""
    proves: Callable[[bytes], bool] = field(repr=False)
    cost: Callable[[bytes], int] = field(repr=False)


def message_of(data: bytes) -> tuple[bytes, Secured | None, bytes] | None:
    """Id, digest and the scoped PDU of a message of version 3 (RFC 3412, 6); no digest where there is none
    or it is of an unknown length. None for other bytes."""
    outer = element(data, 0)
    version = None if outer is None or outer[0] != _SEQUENCE else element(data, outer[1])
    if version is None or version[0] != _INTEGER or data[version[1] : version[2]] != b"\3":
        return None
    header = element(data, version[2])
    if header is None or header[0] != _SEQUENCE:
        return None
    fields = _children(data, header[1], 4)
    security = element(data, header[2])
    if fields is None or security is None or security[0] != _OCTETS:
        return None
    number = data[fields[0][1] : fields[0][2]]
    flags, model = data[fields[2][1] : fields[2][2]], data[fields[3][1] : fields[3][2]]
    inner = element(data, security[1])
    given = None if inner is None or inner[2] > security[2] else _children(data, inner[1], 6)
    if given is None or len(flags) != 1 or model != bytes((_MODEL,)):
        return None
    engine, user, digest = (data[given[at][1] : given[at][2]] for at in (0, 3, 4))
    rest = data[security[2] :]
    hashes = _HASHES.get(len(digest), ())
    if not flags[0] & _AUTHENTICATED or not hashes or not user or max(len(user), len(engine)) > MAX_TEXT:
        return number, None, rest
    begin, end = given[4][1:]
    zeroed = data[:begin] + bytes(end - begin) + data[end:]

    def proves(password: bytes) -> bool:
        return any(_digest(name, password, engine, zeroed)[: len(digest)] == digest for name in hashes)

    def cost(password: bytes) -> int:
        return CHEAP + sum(_MEGABYTE_UNITS for name in hashes if (name, password) not in _keys)

    return number, Secured(user, number, proves, cost), rest


def _children(data: bytes, at: int, count: int) -> list[tuple[int, int, int]] | None:
    found = []
    for _ in range(count):
        one = element(data, at)
        if one is None:
            return None
        found.append(one)
        at = one[2]
    return found


def _digest(name: str, password: bytes, engine: bytes, message: bytes) -> bytes:
    return hmac.digest(localised(name, password, engine), message, name) if password else b""


@lru_cache(maxsize=MAX_KEYS)
def localised(name: str, password: bytes, engine: bytes) -> bytes:
    """The key of a user at an engine (RFC 3414, 2.6), from a published password that is not empty."""
    key = name, password
    whole = _keys.get(key)
    if whole is None:
        times = _MEGABYTE // len(password) + 1
        whole = _keys[key] = hashlib.new(name, (password * times)[:_MEGABYTE]).digest()
        if len(_keys) > MAX_KEYS:
            _keys.popitem(last=False)
    return hashlib.new(name, whole + engine + whole).digest()
