from __future__ import annotations

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told


def test_login() -> None:
    assert told(log_ins("smtp", *TRANSCRIPTS["smtp"])) == [(b"admin", "plain", "accepted", b"1234")]


def test_plain_in_one_line() -> None:
    for reply, outcome in ((b"235 yes", "accepted"), (b"535-no\r\n535 no", "refused"), (b"250 x", "unknown")):
        turns: tuple[Turn, ...] = (("c", b"AUTH plain AGJvYgAxMjM0\r\n"), ("s", reply + b"\r\n"))
        assert told(log_ins("smtp", *turns)) == [(b"bob", "plain", outcome, b"1234")]
    assert told(log_ins("smtp", ("c", b"AUTH PLAIN AGJvYgAxMjM0\r\n")))[0][2] == "attempted"


def test_an_ended_exchange_takes_no_more() -> None:
    turns: tuple[Turn, ...] = (("c", b"AUTH PLAIN\r\n"), ("s", b"504 no\r\n"), ("c", b"AGJvYgAxMjM0\r\n"))
    assert log_ins("smtp", *turns) == []
