"""Log-ins of PostgreSQL (Frontend/Backend Protocol 3.0, 55.2.1, 55.7): a password in clear, its MD5 with a
salt, or SCRAM (55.3). What follows an agreed TLS is encrypted, and gives nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.frames import Frame, one_log_in
from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Piece
from otmon.identity.scram import proof_of

_VERSION_3: Final = 3
_ENCRYPTION: Final = frozenset((80877103, 80877104))
"""SSLRequest and GSSENCRequest."""
_OK, _CLEAR, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_REFUSALS: Final = (b"28P01", b"28000")
"""SQLSTATE: invalid_password, invalid_authorization_specification."""
_LARGEST: Final = 1 << 30


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-in of a connection from its first byte on."""
    one = _Connection()
    return one_log_in(pieces, one.size_of, one)


class _Connection:
    def __init__(self) -> None:
        self.over = False
        self.claim: Claim | None = None
        self._started = self._encryption = False
        self._account = b""
        self._asked = -1
        self._salt = b""
        self._early: Frame | None = None
        """A password that came before it was asked for."""
        self._mechanism = self._first = self._challenge = b""

    def size_of(self, from_client: bool, buffer: bytearray) -> int:
        if not from_client and self._encryption:
            # One letter answers a request for encryption.
            return 1
        if from_client and not self._started:
            return int.from_bytes(buffer[:4], "big") if len(buffer) >= 4 else 0
        if len(buffer) < 5:
            return 0
        size = int.from_bytes(buffer[1:5], "big")
        return size + 1 if 4 <= size < _LARGEST else -1

    def client(self, frame: Frame) -> None:
        data = frame.data
        if not self._started:
            self._begin(data)
        elif data[:1] == b"p" and self._asked < 0:
            self._early = frame
        elif data[:1] == b"p":
            self._answer(data[5:], frame)

    def _begin(self, data: bytes) -> None:
        code = int.from_bytes(data[4:8], "big")
        if code in _ENCRYPTION:
            self._encryption = True
            return
        words = data[8:].split(b"\0")
        named = dict(zip(words[::2], words[1::2], strict=False))
        self._account = named.get(b"user", b"")
        self._started = True
        self.over = code >> 16 != _VERSION_3 or not 0 < len(self._account) <= MAX_TEXT

    def _answer(self, data: bytes, frame: Frame) -> None:
        account, seen = self._account, frame.seen
        text = data.removesuffix(b"\0")
        if self._asked == _CLEAR and len(text) <= MAX_TEXT:
            self.claim = Claim(account, "plain", seen, secret=text)
        elif self._asked == _MD5 and text.startswith(b"md5"):
            salt = self._salt

            def proves(password: bytes) -> bool:
                inner = hashlib.md5(password + account).hexdigest().encode()
                return hashlib.md5(inner + salt).hexdigest().encode() == text[3:]

            self.claim = Claim(account, "md5", seen, proves=proves)
        elif self._asked == _SASL:
            self._mechanism, _, rest = data.partition(b"\0")
            self._first = rest[4:]
        elif self._asked == _SASL_CONTINUE:
            proof = proof_of(self._mechanism, self._first, self._challenge, data)
            if proof is not None:
                self.claim = Claim(account, "scram", seen, proves=proof.proves, cost=proof.cost)

    def server(self, data: bytes) -> Outcome | None:
        """What this message says of the claim, None where nothing."""
        if self._encryption:
            self._encryption = False
            self.over = data == b"S" or data == b"G"
            return None
        if data[:1] == b"E":
            self.over = True
            fields = data[5:].split(b"\0")
            return "refused" if any(one[:1] == b"C" and one[1:] in _REFUSALS for one in fields) else "unknown"
        if data[:1] != b"R" or len(data) < 9:
            return None
        code = int.from_bytes(data[5:9], "big")
        if code == _OK:
            self.over = True
            return "accepted"
        if code != _SASL_FINAL:
            self._asked = code
        if code == _MD5:
            self._salt = data[9:13]
        elif code == _SASL_CONTINUE:
            self._challenge = data[9:]
        if self._early is not None and code == _CLEAR:
            self._answer(self._early.data[5:], self._early)
        self._early = None
        return None
