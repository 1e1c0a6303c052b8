"""Answers to a challenge of PPP and its heirs (RADIUS, iSCSI), recomputed from a password.

CHAP (RFC 1994, 4.1): a hash of identifier, password and challenge; MD5, and for iSCSI the others of its list
(IANA, iSCSI CHAP algorithms). MS-CHAP (RFC 2433, 5 and A.5) and its version 2 (RFC 2759, 8.1 to 8.5): the
challenge, in version 2 hashed with that of the client and the account, under the hash that NTLM uses.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from otmon.identity.login import MAX_TEXT, Claim, Seen
from otmon.identity.ntlm import DES_UNITS, answers, nt_hash

HASHES: Final = {5: "md5", 6: "sha1", 7: "sha256", 8: "sha3_256"}
"""By the number of the algorithm."""
MICROSOFT_BYTES: Final = 49
"""Length of a response of MS-CHAP: two of 24 bytes and flags."""
_CHALLENGE, _CHALLENGE_2 = 8, 16
"""Bytes of the challenges of MS-CHAP and its version 2."""
_USES_NT: Final = 1


@dataclass(frozen=True, slots=True)
class Response:
    """Who answers a challenge, and how."""

    account: bytes
    identifier: int
    value: bytes = field(repr=False)
    seen: Seen


def claim_of(one: Response, challenge: bytes, algorithm: int = 5) -> Claim | None:
    """The log-in, None for a response of another form."""
    hashed = HASHES.get(algorithm)
    if not one.account or len(one.account) > MAX_TEXT or not challenge or hashed is None:
        return None
    if len(one.value) == MICROSOFT_BYTES and algorithm == 5:
        return _microsoft(one, challenge)
    if len(one.value) != hashlib.new(hashed).digest_size:
        return None
    begin = bytes((one.identifier & 0xFF,))

    def proves(password: bytes) -> bool:
        return hashlib.new(hashed, begin + password + challenge).digest() == one.value

    return Claim(one.account, "chap", one.seen, proves=proves)


def _microsoft(one: Response, challenge: bytes) -> Claim | None:
    own, answer, flags = one.value[:16], one.value[24:48], one.value[48]
    if len(challenge) == _CHALLENGE and flags == _USES_NT:
        method, hidden = "mschap", challenge
    elif len(challenge) == _CHALLENGE_2 and not any(one.value[16:24]):
        name = one.account.rpartition(b"\\")[2]
        method, hidden = "mschapv2", hashlib.sha1(own + challenge + name).digest()[:8]
    else:
        return None

    def proves(password: bytes) -> bool:
        key = nt_hash(password)
        return key is not None and answers(key, hidden, answer)

    return Claim(one.account, method, one.seen, proves=proves, cost=lambda password: DES_UNITS)
