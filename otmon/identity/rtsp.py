"""Log-ins of RTSP: Basic and Digest (RFC 2326, 14.5; RFC 7826, 19.1), and account and password in the
address of a stream: before the host (RFC 3986, 3.2.1), which players should take away and some do not, or as
fields of its path, as boards of many cameras and recorders want it.

Of an address nobody knows whether it let somebody in: many cameras do not look at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.headers import challenges, exchanges, outcome_of, unquoted
from otmon.identity.login import MAX_TEXT, LogIn, Piece

_BEFORE_HOST: Final = re.compile(rb"rtspu?://([^:@/?\s]{0,512}):([^@/?\s]{0,512})@", re.IGNORECASE)
_IN_PATH: Final = re.compile(
    rb"[/?&]user(?:name)?=([^&/\s]{0,512}?)[&_]pass(?:word)?=([^&/\s]{0,512}?)(?:[&_]|$)", re.IGNORECASE
)


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection; that of an address once, as each request repeats it."""
    yield from challenges(pieces)
    told = set()
    for request, response in exchanges(pieces):
        found = _BEFORE_HOST.match(request.words[1]) or _IN_PATH.search(request.words[1])
        if found is None:
            continue
        account, secret = map(unquoted, found.groups())
        outcome = outcome_of(response)
        pair = account, secret, outcome
        if pair not in told and max(map(len, pair[:2])) <= MAX_TEXT:
            told.add(pair)
            outcome = "unknown" if outcome == "accepted" else outcome
            yield LogIn(account, "query", outcome, request.seen, secret=secret)
