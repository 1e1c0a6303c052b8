"""SASL in mail protocols: PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5 (RFC 2195), SCRAM
(RFC 5802, RFC 7677), NTLM ([MS-SMTPNTLM], [MS-POP3], [MS-OXIMAP4]).
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error

from otmon.identity.login import MAX_TEXT, Claim, Seen
from otmon.identity.ntlm import Handshake
from otmon.identity.scram import HASHES, proof_of


def decoded(text: bytes) -> bytes | None:
    """Base64 as the mail protocols send it, "=" for nothing; None for anything else."""
    if text.strip() == b"=":
        return b""
    try:
        return b64decode(text.strip(), validate=True)
    except (Error, ValueError):
        return None


class Exchange:
    """One authentication: challenges of the server, responses of the client."""

    def __init__(self, mechanism: bytes) -> None:
        self.mechanism = mechanism.upper()
        self._challenge: bytes | None = None
        self._ntlm = Handshake()
        self._user: bytes | None = None
        """What the client said first: the name of LOGIN, the first message of SCRAM."""

    def challenge(self, text: bytes) -> None:
        """What the server sent, in Base64."""
        self._challenge = decoded(text)
        self._ntlm.challenge(self._challenge or b"")

    def response(self, text: bytes, seen: Seen) -> Claim | None:
        """What the client sent, in Base64; the claim where it is complete."""
        data = decoded(text)
        if self.mechanism == b"NTLM":
            # It tells its lengths itself; a line is bounded (`otmon.identity.stream.MAX_LINE`).
            return self._ntlm.response(data or b"", seen)
        if data is None or len(data) > 2 * MAX_TEXT:
            return None
        if self.mechanism == b"PLAIN":
            parts = data.split(b"\0")
            return Claim(parts[1], "plain", seen, secret=parts[2]) if len(parts) == 3 else None
        if self.mechanism == b"LOGIN":
            if self._user is None:
                self._user = data
                return None
            return Claim(self._user, "plain", seen, secret=data)
        if self.mechanism in HASHES:
            if self._user is None:
                self._user = data or None
                return None
            found = proof_of(self.mechanism, self._user, self._challenge or b"", data)
            if found is None:
                return None
            return Claim(found.account, "scram", seen, proves=found.proves, cost=found.cost)
        if self.mechanism == b"CRAM-MD5" and self._challenge:
            user, space, proof = data.rpartition(b" ")
            if space and len(proof) == 32:
                challenge = self._challenge
                return Claim(
                    user,
                    "cram-md5",
                    seen,
                    proves=lambda key: hmac.new(key, challenge, "md5").hexdigest().encode() == proof.lower(),
                )
        return None
