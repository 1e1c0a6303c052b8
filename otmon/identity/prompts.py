"""Log-ins behind prompts: a name and a password that are typed where a server asks for them.

A server asks in its own words. What a client types is a name or a password only where the server has just
asked for one, on the line that it asked on; or where it stood behind the name already, and the server then
asks for a password. Whether the server let it in is told by its next words: a shell's prompt, or a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from otmon.identity.login import MAX_TEXT, Claim, LogIn, Outcome, Piece, Seen

_TAIL: Final = 256
"""Bytes of the server's last line that are looked at."""
_SAID: Final = 2_048
"""Bytes of its answer to a password."""
_NAME: Final = re.compile(
    rb"(?<!last )\b(?:log ?-?in|user ?-?name|user ?id|user|account|name|logon)[^:>?]{0,16}[:>?]\s*$", re.I
)
_ELSEWHERE: Final = b"|".join(
    re.escape("パスワード".encode(coding)) for coding in ("utf-8", "shift_jis", "euc_jp")
)
_PASSWORD: Final = re.compile(
    rb"(?:\b(?:pass ?-?wor[dt]|passwd|passcode|passphrase|pin\b)"
    rb"|\b(?:kennwort|mot de passe|contrase|senha|wachtwoord)|"
    + _ELSEWHERE
    + rb")[^:>?]{0,24}(?:[:>?]|\xef\xbc\x9a|\x81\x46|\xa1\xa7)\s*$",
    re.I,
)
"""In the languages of makers whose devices are met, behind a colon of either width."""
_HIDDEN: Final = re.compile(rb"(?:secret|code|key|token|phrase)\b[^:>?]{0,16}[:>?]\s*$", re.I)
"""What is asked for is no name, whatever stands before: a name is kept, and a secret is not."""
_REFUSAL: Final = re.compile(
    rb"incorrect|invalid|fail|denied|wrong|bad (?:pass|user|login)|not (?:valid|allowed|authori)|try again"
    rb"|reject|error",
    re.I,
)
_SHELL: Final = re.compile(rb"[^\s].{0,64}?[#$%>]\s*$|^\s*[#$%>]\s*$")
_WELCOME: Final = re.compile(rb"last login|logged (?:in|on)|welcome", re.I)


def typed_log_ins(texts: Iterable[tuple[Piece, bytes]], account: bytes = b"") -> Iterator[LogIn]:
    """The log-ins of a connection: its pieces, each with the text that it brought. `account` is the name
    that was said before the first prompt."""
    asked = ""
    typed = bytearray()
    tail = bytearray()
    said = bytearray()
    claim: Claim | None = None
    ahead: _Ahead | None = None
    ended = [0, 0]
    for piece, data in texts:
        side = 0 if piece.from_client else 1
        if piece.at > ended[side]:
            # What was lost may have been a part of the line.
            asked = ""
            typed.clear()
            tail.clear()
            ahead = None
        ended[side] = piece.at + len(piece.data)
        if not piece.from_client:
            del said[max(_SAID - len(data), 0) :]
            said += data[:_SAID]
            before = bytes(tail)
            tail = bytearray(re.split(rb"[\r\n]", before + data[-_TAIL:])[-1][-_TAIL:])
            if ahead is not None and ahead.lines:
                answer = _behind_prompt(before + data[:_SAID])
                if answer is not None:
                    claim = Claim(account, "plain", ahead.seen, secret=ahead.lines[0])
                    said[:] = answer
                if answer is not None or _SHELL.search(tail):
                    ahead = None
            continue
        if not typed and data.strip(b"\n\0"):
            # A line begins: what stands before it is what the server asks for.
            asked = _asks(tail)
            ahead = ahead if not asked else None
            if claim is not None:
                yield claim.ended(_outcome(said, asked))
                claim = None
        for line in _typed(data, typed):
            if asked == "name":
                account = line
                ahead = _Ahead(piece.seen, [])
            elif asked == "password":
                claim = Claim(account, "plain", piece.seen, secret=line)
                said.clear()
            elif ahead is not None:
                ahead = _Ahead(piece.seen, [*ahead.lines, line][:1])
            asked = ""
            tail.clear()
    if claim is not None:
        yield claim.ended(_outcome(said, _asks(tail)))


class _Ahead(NamedTuple):
    """What was typed behind a name, before the server asked for it."""

    seen: Seen
    lines: list[bytes]

    def __repr__(self) -> str:
        """Without the lines: they may be a secret."""
        return f"_Ahead({self.seen})"


def _behind_prompt(text: bytes) -> bytes | None:
    """What stands behind the first line that asks for a password; None where none does."""
    at = 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        if _PASSWORD.search(line):
            return text[at:]
    return None


def _asks(tail: bytearray) -> str:
    if _PASSWORD.search(tail):
        return "password"
    return "name" if _NAME.search(tail) and not _HIDDEN.search(tail) else ""


def _outcome(said: bytearray, asks: str) -> Outcome:
    text = bytes(said).replace(b"\0", b"").strip()
    if not text:
        return "attempted"
    if _REFUSAL.search(text) or asks:
        return "refused"
    last = re.split(rb"[\r\n]+", text)[-1]
    return "accepted" if _SHELL.search(last) or _WELCOME.search(text) else "unknown"


def _typed(data: bytes, typed: bytearray) -> Iterator[bytes]:
    """Lines as they end; rubbed out characters, words and lines are gone (RFC 854, EC and EL; DEL, BS, ETB
    and NAK of terminals), and what stands behind SYN is none of these."""
    for byte in data:
        if typed[-1:] == b"\x16":
            typed[-1] = byte
        elif byte in (0x0D, 0x0A):
            if byte == 0x0A and not typed:
                continue
            yield bytes(typed)
            typed.clear()
        elif byte in (0x08, 0x7F):
            del typed[-1:]
        elif byte == 0x15:
            typed.clear()
        elif byte == 0x17:
            rest = typed.rstrip(b" \t")
            del typed[len(re.sub(rb"[^ \t]+$", b"", rest)) :]
        elif byte and len(typed) < MAX_TEXT:
            typed.append(byte)
