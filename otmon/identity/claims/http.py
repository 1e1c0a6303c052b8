"""The program of each side by HTTP/1.1, the name by which the server is asked, who passes messages on for
others, whom it reached for them, and what both sides say of themselves where they log in by NTLM.

References: RFC 9110, 7.2 (Host), 7.6.3 (Via: whoever passes a message on adds itself), 9.3.6 (CONNECT),
10.1.5 (User-Agent), 10.2.4 (Server); RFC 9112, 3.2.2 (a request to a proxy names the whole address);
RFC 7239, 4 (Forwarded) and its forerunner X-Forwarded-For; RFC 4559, 4 (NTLM). What a proxy passes on tells
of others. Where it opened a way to a bare address, the server name of TLS behind that tells whom the client
wanted (`handshake.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from otmon.identity.claim import Claim, line
from otmon.identity.claims.certificate import is_host
from otmon.identity.claims.handshake import told
from otmon.identity.claims.wire import said, software_fields
from otmon.identity.login import Piece
from otmon.identity.ntlm import told_by
from otmon.identity.sasl import decoded

_HEADS: Final = (b"HTTP/1.", b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"PROPFIND ")
"""The most frequent first."""
_CONNECT: Final = b"CONNECT "
_STARTS: Final = (*_HEADS, _CONNECT)
_HOST: Final = re.compile(rb"\nhost *: *([^\s:]{1,255})(?::[0-9]{1,5})?[ \t]*\r?\n", re.IGNORECASE)
_PASSED_ON: Final = {
    True: re.compile(rb"\n(?:via|forwarded|x-forwarded-for) *: *[^\s]", re.IGNORECASE),
    False: re.compile(rb"\nvia *: *[^\s]", re.IGNORECASE),
}
_TO_PROXY: Final = re.compile(
    rb"(?:CONNECT |[A-Z]{3,8} https?://(?:[^/@\s]{1,255}@)?)([^/:@\s]{1,255})", re.IGNORECASE
)
_HELLO: Final = b"\x16\x03"
"""A TLS record of the handshake."""
_NOT_REACHED: Final = re.compile(rb"HTTP/1\.[01] (?:40[0357]|5[0-9]{2}|1[0-9]{2})[ \r]")
"""What a proxy answers that did not pass a request on, or has not yet."""
_OPENED: Final = re.compile(rb"HTTP/1\.[01] 2[0-9]{2}[ \r]")
_TOKEN: Final = re.compile(
    rb"\n(?:(?:www|proxy)-authenticate|(?:proxy-)?authorization) *: *(?:ntlm|negotiate) +"
    rb"([A-Za-z0-9+/]{16,8192}=*)[ \t]*\r?\n",
    re.IGNORECASE,
)
_NAMES: Final = re.compile(rb"\n(?:server|user-agent)")
"""In lower case, this stands in every head that names a program."""

_Head = tuple[bool, bytes, Piece]
"""Whether the client sent it, the head, and the piece that it begins."""


def claims(pieces: Sequence[Piece]) -> Iterator[Claim]:
    """The claims of a flow."""
    heads = _heads(pieces)
    # What few connections say is looked for in all heads of a side at once.
    asks = b"".join([head for from_client, head, _ in heads if from_client]).lower()
    answers = b"".join([head for from_client, head, _ in heads if not from_client]).lower()
    passes = b"\nvia" in asks or b"\nvia" in answers or b"forwarded" in asks
    connects = _CONNECT.lower() in asks
    to_proxy = (connects or b"://" in asks) and any(
        [from_client and _TO_PROXY.match(head) for from_client, head, _ in heads]
    )
    named = {
        True: _NAMES.search(asks) is not None,
        False: not to_proxy and _NAMES.search(answers) is not None,
    }
    own = [
        piece for from_client, head, piece in heads
        if named[from_client] and not (passes and _PASSED_ON[from_client].search(head))
    ]  # fmt: skip
    if own:
        yield from software_fields(own, _HEADS)
    if passes or connects:
        yield from _proxies(heads)
    if to_proxy:
        passed_on = {piece.seen for _, head, piece in heads if _PASSED_ON[True].search(head)}
        yield from _reached(piece for piece in pieces if piece.seen not in passed_on)
    else:
        yield from _asked_for(heads)
    # In the names of all fields that hold tokens.
    if b"auth" in asks or b"auth" in answers:
        for from_client, head, piece in heads:
            for found in _TOKEN.finditer(head):
                for kind, value in told_by(decoded(found[1])):
                    yield Claim(kind, value, piece.seen, from_client)


def _heads(pieces: Iterable[Piece]) -> list[_Head]:
    """The pieces that begin with a start line, each with its side and its head."""
    found = []
    for piece in pieces:
        from_client, _, data, _ = piece
        if data.startswith(_STARTS):
            end = data.find(b"\r\n\r\n")
            found.append((from_client, data if end < 0 else data[: end + 2], piece))
    return found


def _proxies(heads: Sequence[_Head]) -> Iterator[Claim]:
    """Each side that passes messages on, once: it says so, or opens a way to somewhere else."""
    told = set()
    connects = False
    for from_client, head, piece in heads:
        passes = _PASSED_ON[from_client].search(head) is not None
        if from_client:
            connects = head.startswith(_CONNECT)
        elif connects and _OPENED.match(head):
            passes = True
        if passes and from_client not in told:
            told.add(from_client)
            yield from said("capability", "proxy", piece)


def _reached(pieces: Iterable[Piece]) -> Iterator[Claim]:
    """The domains that the client reached by way of the server, each once, and that this took requests for
    others. What the client passes on itself is left out: another one reached that."""
    found: dict[str, Piece] = {}
    asked: tuple[str, Piece] | None = None
    opened = False
    for piece in pieces:
        if piece.from_client:
            request = _TO_PROXY.match(piece.data)
            if request is not None:
                opened = False
                asked = line(request[1]).rstrip("."), piece
            elif opened and piece.data.startswith(_HELLO):
                hello = Piece(True, 0, piece.data, piece.seen)
                for one in told([hello]):
                    found.setdefault(_domain(one.value), piece)
        elif asked is not None and piece.data.startswith(b"HTTP/1."):
            name, request_piece = asked
            connects = request_piece.data.startswith(_CONNECT)
            opened = connects and _OPENED.match(piece.data) is not None
            if opened or (not connects and _NOT_REACHED.match(piece.data) is None):
                found.setdefault(_domain(name) if is_host(name) else "", request_piece)
                asked = None
    for name, piece in found.items():
        yield from said("reaches", name, piece)
    if found:
        yield Claim("capability", "asked-as-proxy", next(iter(found.values())).seen, from_client=False)


def _domain(name: str) -> str:
    """The last parts of a name by which somebody may have registered it: of a browser's thousand hosts some
    hundred are left. Below a country, short parts stand for a kind of registrant ("co.jp")."""
    parts = name.split(".")
    registered = 3 if len(parts) > 2 and len(parts[-1]) == 2 and len(parts[-2]) <= 3 else 2
    return ".".join(parts[-registered:])


def _asked_for(heads: Sequence[_Head]) -> Iterator[Claim]:
    last = b""
    for from_client, head, piece in heads:
        found = _HOST.search(head) if from_client else None
        # Most requests of a connection ask for the same.
        if found is not None and found[1] != last:
            last = found[1]
            name = line(last)
            if is_host(name):
                yield Claim("called", name.rstrip("."), piece.seen, from_client=False)
                return
