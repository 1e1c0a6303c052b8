"""Log-ins of VNC (RFC 6143, 7.1 and 7.2): a challenge that is encrypted with the password, or none asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otmon.identity.des import encrypted
from otmon.identity.login import ANONYMOUS, LogIn, Outcome, Piece

_VERSION: Final = 12
_NONE, _VNC = 1, 2
_BLOCK: Final = 8


def log_ins(pieces: Sequence[Piece]) -> Iterator[LogIn]:
    """The log-in of a connection from its first byte on."""
    server, client = _said(pieces, False), _said(pieces, True)
    minor = client[8:11]
    if not (server.startswith(b"RFB 003.") and client.startswith(b"RFB 003.") and minor.isdigit()):
        return
    first = next(piece for piece in pieces if piece.from_client)
    old = int(minor) < 7
    if old:
        # The server decides (7.1.2).
        kind = int.from_bytes(server[_VERSION : _VERSION + 4], "big")
        at, there = _VERSION + 4, _VERSION
    else:
        count = server[_VERSION] if len(server) > _VERSION else 0
        kind = client[_VERSION] if len(client) > _VERSION and count else 0
        at, there = _VERSION + 1 + count, _VERSION + 1
    if kind == _NONE:
        # Before 3.8 no result is sent: the client goes on.
        told = int(minor) >= 8
        outcome = _result(server, at) if told else "accepted" if len(client) > there else "attempted"
        yield LogIn(b"", ANONYMOUS, outcome, first.seen, secret=b"")
    elif kind == _VNC:
        challenge, response = server[at : at + 16], client[there : there + 16]
        if len(challenge) == 16 and len(response) == 16:
            yield LogIn(
                b"",
                "vnc",
                _result(server, at + 16),
                first.seen,
                proves=lambda password: _response(challenge, password) == response,
            )


def _result(server: bytes, at: int) -> Outcome:
    told = server[at : at + 4]
    if len(told) < 4:
        return "attempted"
    return {0: "accepted", 1: "refused", 2: "refused"}.get(int.from_bytes(told, "big"), "unknown")  # type: ignore[return-value]


def _said(pieces: Sequence[Piece], from_client: bool) -> bytes:
    """The first bytes of one side, up to a gap."""
    data = b""
    for piece in pieces:
        if piece.from_client == from_client:
            if piece.at != len(data) or len(data) > 1024:
                break
            data += piece.data
    return data


def _response(challenge: bytes, password: bytes) -> bytes:
    """7.2.2; in practice the bits of each byte of the key stand in reverse."""
    key = bytes(int(f"{byte:08b}"[::-1], 2) for byte in password[:_BLOCK].ljust(_BLOCK, b"\0"))
    return encrypted(key, challenge[:_BLOCK]) + encrypted(key, challenge[_BLOCK:])
