"""What both sides of an SMB connection say of themselves: the log-in of NTLM, and in version 1 the system.

References: [MS-SMB2] 2.2.5 and 2.2.6, [MS-SMB] 2.2.4.6 (SESSION_SETUP with a security blob), [MS-CIFS]
2.2.4.53 (SMB_COM_SESSION_SETUP_ANDX: NativeOS, NativeLanMan), [MS-NLMP] 2.2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, line, wide_line
from otmon.identity.claims.wire import holds, number, wholes
from otmon.identity.login import Piece
from otmon.identity.ntlm import SIGNATURE, told_in

_SMB1: Final = b"\xffSMB"
_SESSION_SETUP: Final = 0x73
_SETUP: Final = _SMB1 + bytes((_SESSION_SETUP,))
_RESPONSE: Final = 0x80
_UNICODE: Final = 0x8000
MAX_MESSAGES: Final = 16
"""Messages of one side that are read: a connection begins with fewer."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims at the beginning of a connection."""
    for whole in wholes(pieces):
        data = whole.data
        at = data.find(SIGNATURE) if holds(data, SIGNATURE) else -1
        for _ in range(MAX_MESSAGES):
            if at < 0:
                break
            for kind, value in told_in(data[at:]):
                yield Claim(kind, value, whole.seen, whole.from_client)
            at = data.find(SIGNATURE, at + 1)
        at = data.find(_SMB1) if holds(data, _SETUP) else -1
        for _ in range(MAX_MESSAGES):
            if at < 0:
                break
            yield from _session_setup(data[at:], whole)
            at = data.find(_SMB1, at + 1)


def _session_setup(data: bytes, whole: Piece) -> Iterator[Claim]:
    """NativeOS and NativeLanMan of a message that begins with the header of version 1 (32 bytes)."""
    words = number(data, 32, 1)
    if number(data, 4, 1) != _SESSION_SETUP or words not in (3, 4, 12, 13):
        return
    answers = bool(data[9] & _RESPONSE)
    if answers == whole.from_client or answers != (words in (3, 4)):
        return
    begin = 33 + 2 * words + 2
    size = number(data, begin - 2, 2, little=True)
    skipped = {3: 0, 4: number(data, 39, 2, little=True), 12: number(data, 47, 2, little=True)}.get(words)
    if skipped is None:
        skipped = number(data, 47, 2, little=True) + number(data, 49, 2, little=True)
    if size < 0 or skipped < 0 or begin + size > len(data):
        return
    texts = _texts(data[: begin + size], begin + skipped, bool(data[11] & _UNICODE >> 8))
    if words == 13:
        # The account and its domain come first.
        texts = texts[2:]
    if texts:
        yield Claim("system", texts[0], whole.seen, whole.from_client)
    if len(texts) > 1:
        yield Claim("software", texts[1], whole.seen, whole.from_client)


def _texts(data: bytes, at: int, wide: bool) -> list[str]:
    """Texts that end with a NUL. Wide ones begin at an even distance from the header."""
    found: list[str] = []
    step = 2 if wide else 1
    at += at & 1 if wide else 0
    while at < len(data) and len(found) < 4:
        end = at
        while end + step <= len(data) and any(data[end : end + step]):
            end += step
        found.append(wide_line(data[at:end]) if wide else line(data[at:end]))
        at = end + step
    return found
