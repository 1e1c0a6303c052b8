"""Bytes that are not all there are None, and runs end where bytes are missing."""

from __future__ import annotations

from otmon.identity.claims.wire import MAX_SIDE, ipv4, ipv6, number, part, said, software_fields, wholes
from otmon.identity.login import Piece, Seen
from tests.identity.talk import pieces


def test_parts_and_numbers() -> None:
    assert part(b"abc", 1, 2) == b"bc" and part(b"abc", 3, 0) == b""
    assert part(b"abc", 2, 2) is None and part(b"abc", -1, 1) is None and part(b"abc", 1, -1) is None
    assert number(b"\1\2", 0, 2) == 0x102 and number(b"\1\2", 0, 2, little=True) == 0x201
    assert number(b"\1", 0, 2) == number(b"", -1, 1) == -1
    assert ipv4(b"\x0a\0\0\1") == "10.0.0.1" and ipv4(bytes(4)) == ipv4(b"\1") == ipv4(None) == ""
    assert ipv6(bytes(15) + b"\1") == "::1" and ipv6(bytes(16)) == ipv6(None) == ""


def test_what_says_nothing_is_no_claim() -> None:
    (piece,) = pieces(("s", b"x"))
    assert [one.value for one in said("name", b" PLC\0", piece)] == ["PLC"]
    assert list(said("name", b"\0", piece)) == []


def test_runs_end_at_gaps_and_at_their_limit() -> None:
    seen = Seen(1, 1, 0)
    turns = [Piece(True, at, b"ab", seen) for at in (0, 2, 9, 11)] + [Piece(False, 0, b"z", seen)]
    assert [(one.from_client, one.at, one.data) for one in wholes(turns)] == [
        (True, 0, b"abab"), (True, 9, b"abab"), (False, 0, b"z"),
    ]  # fmt: skip
    long = [Piece(True, 1000 * n, bytes(1000), seen) for n in range(200)]
    assert [len(one.data) for one in wholes(long)] == [MAX_SIDE // 1000 * 1000]


def test_fields_stand_in_the_head_of_the_sender_who_is_named_by_them() -> None:
    body = b"GET / HTTP/1.1\r\nServer: x\r\n\r\nUser-Agent: y\r\n"
    assert list(software_fields(pieces(("c", body)), (b"GET ",))) == []
    lower = pieces(("c", b"GET / HTTP/1.1\r\nuser-agent:  a b \r\n\r\n"))
    assert [one.value for one in software_fields(lower, (b"GET ",))] == ["a b"]
    assert list(software_fields(lower, (b"POST ",))) == []
