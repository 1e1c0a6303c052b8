"""Bytes of messages, read with one rule: what is not all there is None."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from otmon.identity.claim import Claim, ClaimKind, line
from otmon.identity.login import Piece

MAX_SIDE: Final = 65_536
"""Bytes of one direction that are put together."""
_FIELD: Final = re.compile(rb"\n(server|user-agent) *: *([^\r\n]{1,400})\r?\n", re.IGNORECASE)


def part(data: bytes, at: int, size: int) -> bytes | None:
    """`size` bytes from `at` on."""
    return data[at : at + size] if 0 <= at <= at + size <= len(data) else None


def number(data: bytes, at: int, size: int, little: bool = False) -> int:
    """A whole number of `size` bytes; -1 where it is not all there."""
    found = part(data, at, size)
    return -1 if found is None else int.from_bytes(found, "little" if little else "big")


def holds(data: bytes, mark: bytes) -> bool:
    """Whether a mark stands in data, as ``in`` says it: where none does, from the end takes half the time."""
    return data.rfind(mark) >= 0


def ipv4(data: bytes | None) -> str:
    """An address of four bytes; "" for none and for 0.0.0.0."""
    return str(IPv4Address(data)) if data is not None and len(data) == 4 and any(data) else ""


def ipv6(data: bytes | None) -> str:
    """An address of sixteen bytes; "" for none."""
    return str(IPv6Address(data)) if data is not None and len(data) == 16 and any(data) else ""


def said(kind: ClaimKind, value: bytes | str, piece: Piece) -> Iterator[Claim]:
    """A claim of who sent a piece, where the value is more than blanks."""
    text = line(value)
    if text:
        yield Claim(kind, text, piece.seen, piece.from_client)


def wholes(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """What each side said without a gap, as one piece for each such run, at most `MAX_SIDE` bytes, with the
    packet in which it began."""
    if len(pieces) == 1 and len(pieces[0].data) <= MAX_SIDE:
        # So it is with most TLS: only whom the client asks for was copied.
        return pieces
    runs: list[list[Piece]] = []
    open_runs: dict[bool, list[Piece]] = {}
    ends: dict[bool, int] = {}
    for piece in pieces:
        run = open_runs.get(piece.from_client)
        if run is None or piece.at != ends[piece.from_client]:
            run = open_runs[piece.from_client] = []
            runs.append(run)
        ends[piece.from_client] = piece.at + len(piece.data)
        if ends[piece.from_client] - (run[0].at if run else piece.at) <= MAX_SIDE:
            run.append(piece)
    return [
        run[0]
        if len(run) == 1
        else Piece(run[0].from_client, run[0].at, b"".join([one.data for one in run]), run[0].seen)
        for run in runs
        if run
    ]


def software_fields(pieces: Sequence[Piece], heads: tuple[bytes, ...]) -> Iterator[Claim]:
    """The first Server or User-Agent field of each side, in payloads that begin with one of `heads`: a
    request names its sender in User-Agent, a response in Server, as SIP does in either."""
    missing = {True, False}
    for piece in pieces:
        from_client, _, data, seen = piece
        if from_client not in missing or not data.startswith(heads):
            continue
        end = data.find(b"\r\n\r\n")
        for found in _FIELD.finditer(data, 0, end + 2 if end >= 0 else len(data)):
            if from_client and found[1][:1] in b"sS":
                continue
            missing.remove(from_client)
            value = line(found[2])
            if value:
                # As the class makes it, in a third of the time.
                yield tuple.__new__(Claim, ("software", value, seen, from_client, "", ""))
            break
        if not missing:
            return
