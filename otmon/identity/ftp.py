"""Log-ins of FTP (RFC 959, 4.1.1 and 5.4): USER, PASS, and the reply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.login import ANONYMOUS, MAX_TEXT, Claim, LogIn, Piece
from otmon.identity.nvt import without_commands
from otmon.identity.stream import is_whole, lines

NOBODY: Final = frozenset((b"anonymous", b"ftp"))
"""Names for those who have none (RFC 1635)."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a control connection."""
    account: bytes | None = None
    claim: Claim | None = None
    asked = False
    # Where bytes were lost, so may have been a password.
    whole = is_whole(pieces)
    for line in lines(without_commands(pieces)):
        if line.from_client:
            # Servers take more than one space, or a tab.
            word, value = (*line.text.split(None, 1), b"", b"")[:2]
            word = word.upper()
            if word in (b"USER", b"PASS") and claim is not None:
                yield claim.ended("attempted")
                claim = None
            if word == b"USER" and len(value) <= MAX_TEXT:
                account, asked = value.rstrip(), False
            elif word == b"PASS" and account is not None and len(value) <= MAX_TEXT:
                method = ANONYMOUS if account.lower() in NOBODY else "plain"
                claim = Claim(account, method, line.seen, secret=value)
            continue
        code = line.text[:3]
        if len(line.text) > 3 and line.text[3:4] == b"-":
            continue
        if account is not None and code == b"331" and not asked:
            asked = True
        elif claim is not None and code in (b"230", b"202", b"232"):
            yield claim.ended("accepted")
            claim = account = None
        elif claim is not None and (code == b"530" or code[:1] in (b"4", b"5")):
            yield claim.ended("refused")
            claim = account = None
        elif whole and account is not None and claim is None and not asked and code in (b"230", b"232"):
            # The name alone was enough.
            method = ANONYMOUS if account.lower() in NOBODY else "plain"
            yield Claim(account, method, line.seen, secret=b"").ended("accepted")
            account = None
    if claim is not None:
        yield claim.ended("attempted")
