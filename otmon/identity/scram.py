"""SCRAM (RFC 5802, RFC 7677): the client's proof, recomputed from a password.

A channel binding changes nothing: its bytes are in the messages.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from binascii import Error
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from otmon.identity.login import MAX_TEXT
from otmon.identity.proof_budget import CHEAP

HASHES: Final = {
    b"SCRAM-SHA-1": "sha1",
    b"SCRAM-SHA-1-PLUS": "sha1",
    b"SCRAM-SHA-256": "sha256",
    b"SCRAM-SHA-256-PLUS": "sha256",
}
"""Hash by the name of the mechanism."""
MAX_ITERATIONS: Final = 100_000
"""RFC 7677 recommends 4,096 and more; who asks for a hundred times that is not recomputed."""
_ITERATIONS_PER_UNIT: Final = 2
"""`otmon.identity.proof_budget`: PBKDF2 makes 3 to 4 iterations in a microsecond."""
_KEYS: Final = 4_096
_keys: OrderedDict[tuple[str, bytes, bytes, int], bytes] = OrderedDict()
"""Keys made of published passwords and the salts of servers, the latest ones."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What tells whether a password was proved, and what a try costs."""

    account: bytes
    """b"" where it was not said here (PostgreSQL says it before)."""
    proves: Callable[[bytes], bool] = field(repr=False)
    cost: Callable[[bytes], int] = field(repr=False)


def proof_of(mechanism: bytes, first: bytes, challenge: bytes, final: bytes) -> Proof | None:
    """From the client's first message, the server's, and the client's final one, as they were sent; None
    where they do not belong together, or ask for too many iterations."""
    hashed = HASHES.get(mechanism)
    # The header is the first two fields, of which the second may be a name (RFC 5802, 7).
    parts = first.split(b",", 2)
    unproved, mark, proof_text = final.rpartition(b",p=")
    if (
        hashed is None
        or len(parts) < 3
        or not mark
        or max(map(len, (first, challenge, final))) > 4 * MAX_TEXT
    ):
        return None
    said, asked = _fields(parts[2]), _fields(challenge)
    salt, proof = _bytes(asked.get(b"s")), _bytes(proof_text)
    count = asked.get(b"i", b"")
    nonce = asked.get(b"r", b"")
    if salt is None or proof is None or len(proof) != hashlib.new(hashed).digest_size:
        return None
    if not count.isdigit() or len(count) > 6 or not 0 < int(count) <= MAX_ITERATIONS:
        return None
    own = said.get(b"r", b"")
    if not own or not nonce.startswith(own) or _fields(unproved).get(b"r") != nonce:
        return None
    iterations = int(count)
    whole = b",".join((parts[2], challenge, unproved))

    def proves(password: bytes) -> bool:
        key = hmac.digest(_salted(hashed, password, salt, iterations), b"Client Key", hashed)
        signature = hmac.digest(hashlib.new(hashed, key).digest(), whole, hashed)
        return bytes(a ^ b for a, b in zip(key, signature, strict=True)) == proof

    def cost(password: bytes) -> int:
        known = (hashed, password, salt, iterations) in _keys
        return CHEAP if known else CHEAP + iterations // _ITERATIONS_PER_UNIT

    name = said.get(b"n", b"").replace(b"=2C", b",").replace(b"=3D", b"=")
    return Proof(name[:MAX_TEXT], proves, cost)


def _salted(hashed: str, password: bytes, salt: bytes, iterations: int) -> bytes:
    key = hashed, password, salt, iterations
    found = _keys.get(key)
    if found is None:
        found = _keys[key] = hashlib.pbkdf2_hmac(hashed, password, salt, iterations)
        if len(_keys) > _KEYS:
            _keys.popitem(last=False)
    return found


def _fields(text: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for part in text.split(b",", 16)[:16]:
        name, equals, value = part.partition(b"=")
        if equals:
            found.setdefault(name, value)
    return found


def _bytes(text: bytes | None) -> bytes | None:
    try:
        return None if text is None else b64decode(text, validate=True)
    except (Error, ValueError):
        return None
