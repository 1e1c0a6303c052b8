"""Log-ins of HTTP: Basic (RFC 7617), Digest (RFC 7616), NTLM (RFC 4559), forms (WHATWG HTML, 4.10.21.6;
JSON), and SOAP (`otmon.identity.username_token`).

Many pages send Base64 or a hash of the password in place of it: both are told by a password that gives them.

Of a form nobody knows what its answer means, unless it is a refusal in so many words (401, 403): many
devices answer 200 to both.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from otmon.identity.headers import AUTHORISATIONS, Message, authorised, exchanges, outcome_of, unquoted
from otmon.identity.login import MAX_TEXT, LogIn, Outcome, Piece
from otmon.identity.ntlm import Handshake
from otmon.identity.sasl import decoded
from otmon.identity.username_token import username_token

ACCOUNTS: Final = frozenset(
    b"user username login loginname account id uid uname name usr userid user_name loginid j_username"
    b" auth_user login_user admin_user loginuser luser usuario canopyusername"
    b" usr -usr loginuse".split()
)
PASSWORDS: Final = frozenset(
    b"password pass passwd pwd psw passwort pw userpwd userpassword user_password loginpassword"
    b" login_password j_password auth_pass login_pwd loginpass login_pass admin_password mypassword"
    b" passcode canopypassword -pwd loginpas".split()
)
"""Names of a form's fields, in lower case. A field of another name is not taken for a password."""
SHORT: Final = (b"u", b"p")
"""Account and password where another field says "login" (exacqVision): else they may be anything."""
_NEEDLES: Final = (b"pas", b"ass", b"pw", b"psw", b"uthorization", b"&p=", b"\\u00", b"chunked")
_QUOTED_NEEDLES: Final = (b"%6", b"%7", b"%4", b"%5")
"""One of all these stands in every request that logs in, in any case of letters: of all others the rest is
not parsed. Some letters of a name may be quoted, or stand in two chunks."""
_PART: Final = re.compile(
    rb"content-disposition:[^\r\n]{0,64}?[ ;]name=(?:\"([^\"\r\n]{1,512})\"|([^\s;]{1,512}))"
    rb"[^\r\n]{0,512}\r?\n"
    rb"(?:[^\r\n]{1,512}\r?\n){0,8}\r?\n([^\r\n]{0,512})\r?\n--",
    re.I,
)
_HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""By the hexadecimal digits of their values."""
_HEXADECIMAL: Final = re.compile(rb"[0-9a-fA-F]+")
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]{4})+|(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2,3}={1,2}")
MAX_FORM: Final = 1_000
"""Fields of a form: no more are taken by PHP, unless it is told otherwise."""
MAX_DEPTH: Final = 4
"""Nesting of a JSON body."""


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-ins of a connection."""
    said = b"".join([piece.data for piece in pieces if piece.from_client]).lower()
    if not _may_log_in(said):
        return
    challenged = False
    handshake = Handshake()
    for request, response in exchanges(pieces):
        yield from _ntlm(handshake, request, response)
        yield from authorised(request, outcome_of(response), challenged)
        challenged = challenged or (response is not None and response.status in (401, 407))
        told: Outcome = "unknown" if response is not None else "attempted"
        if outcome_of(response, (401, 403, 407)) == "refused":
            told = "refused"
        method, pair = _form(request)
        if pair is not None:
            yield LogIn(pair[0], method, told, request.seen, pair[1], _disguised(pair[1]))
        token = username_token(request.body)
        if token is not None:
            proves = token.proves if token.secret is None else None
            method = "plain" if proves is None else "digest"
            yield LogIn(token.account, method, told, request.seen, token.secret, proves)


def _may_log_in(said: bytes) -> bool:
    """Whether one of `_NEEDLES` or `_QUOTED_NEEDLES` stands in a text of small letters."""
    for needle in _NEEDLES:
        if needle in said:
            return True
    return b"%" in said and any(needle in said for needle in _QUOTED_NEEDLES)


def _ntlm(handshake: Handshake, request: Message, response: Message | None) -> Iterator[LogIn]:
    """A connection is asked by one response, and proves itself by the request behind it."""
    for name in AUTHORISATIONS:
        token = _token(request.fields.get(name, b""))
        claim = None if token is None else handshake.response(token, request.seen)
        if claim is not None:
            yield claim.ended(outcome_of(response))
    if response is not None:
        for name in (b"www-authenticate", b"proxy-authenticate"):
            handshake.challenge(_token(response.fields.get(name, b"")) or b"")


def _token(value: bytes) -> bytes | None:
    scheme, _, text = value.partition(b" ")
    return decoded(text) if scheme.lower() in (b"ntlm", b"negotiate") else None


def _form(request: Message) -> tuple[str, tuple[bytes, bytes] | None]:
    """How a form was sent, and its pair. A body of another type is one where it has an account, too."""
    kind = request.fields.get(b"content-type", b"").lower()
    pair = None
    if request.body and b"multipart" in kind:
        pair = _pair(_parts(request.body))
    elif request.body and (b"json" in kind or request.body.lstrip()[:1] in (b"{", b"[")):
        pair = _pair(_json_fields(request.body))
    elif request.body:
        pair = _pair(_url_fields(request.body))
        if kind and b"urlencoded" not in kind and pair is not None and not pair[0]:
            pair = None
    if pair is not None:
        return "form", pair
    return "query", _pair(_url_fields(request.words[1].partition(b"?")[2]))


def _pair(fields: Iterator[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
    """Account and password; None where there is no password, or two that differ: it is changed."""
    account = b""
    passwords = set()
    others: dict[bytes, bytes] = {}
    for name, value in fields:
        if len(value) > MAX_TEXT:
            continue
        if name.lower() in ACCOUNTS:
            account = account or value
        elif name.lower() in PASSWORDS:
            passwords.add(value)
        else:
            others.setdefault(name, value)
    if not passwords and b"login" in others.values() and others.keys() >= set(SHORT):
        return others[SHORT[0]], others[SHORT[1]]
    return (account, passwords.pop()) if len(passwords) == 1 else None


def _disguised(value: bytes) -> Callable[[bytes], bool] | None:
    """Whether a password gives what a page may have sent in its place; None for other values."""
    name = _HASHES.get(len(value))
    if name is not None and _HEXADECIMAL.fullmatch(value):
        hashed = bytes.fromhex(value.decode())
        return lambda password: hashlib.new(name, password).digest() == hashed
    if _BASE64.fullmatch(value):
        return lambda password: password != b"" and b64encode(password) == value
    return None


def _url_fields(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    for part in text.split(b"&", MAX_FORM)[:MAX_FORM]:
        name, equals, value = part.partition(b"=")
        if equals:
            # Of "data[User][passwd]" the last part is the field's name.
            whole = _unquoted(name).rstrip(b"]")
            yield whole.rpartition(b"[")[2], _unquoted(value.strip(b"\r\n"))


def _parts(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The fields of a form in parts (RFC 7578, 4): a file is none."""
    for found in _PART.finditer(body):
        if b"filename" not in found[0].lower():
            yield found[1] or found[2], found[3]


def _unquoted(text: bytes) -> bytes:
    """As forms quote: "+" stands for a space."""
    return unquoted(text.replace(b"+", b" "))


def _json_fields(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    open_parts = [(found, 0)]
    while open_parts:
        part, depth = open_parts.pop()
        if isinstance(part, list) and depth <= MAX_DEPTH:
            open_parts += [(one, depth + 1) for one in part[:MAX_FORM]]
        if not isinstance(part, dict) or depth > MAX_DEPTH:
            continue
        for name, value in list(part.items())[:MAX_FORM]:
            if isinstance(value, str):
                yield name.encode("utf-8", "replace"), value.encode("utf-8", "replace")
            else:
                open_parts.append((value, depth + 1))
