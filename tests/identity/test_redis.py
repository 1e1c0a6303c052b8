from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told

OK: Turn = ("s", b"+OK\r\n")


def command(*words: bytes) -> Turn:
    return "c", b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def test_a_password_alone_is_of_the_default_user() -> None:
    assert told(log_ins("redis", *TRANSCRIPTS["redis"])) == [(b"default", "plain", "accepted", b"hunter2")]
    assert told(log_ins("redis", ("c", b"auth hunter2\r\n"), OK)) == [
        (b"default", "plain", "accepted", b"hunter2")
    ]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", "refused"),
        (b"-ERR invalid password\r\n", "refused"),
        (b"-ERR Client sent AUTH, but no password is set\r\n", "unknown"),
        (b"%7\r\n", "accepted"),
    ],
)
def test_the_answer_tells(answer: bytes, outcome: str) -> None:
    (one,) = log_ins("redis", command(b"HELLO", b"3", b"AUTH", b"bob", b"x"), ("s", answer))
    assert (one.account, one.outcome, one.secret) == (b"bob", outcome, b"x")
    assert log_ins("redis", command(b"AUTH", b"bob", b"x"))[0].outcome == "attempted"


def test_of_several_commands_only_the_first_is_answered_for_sure() -> None:
    both = command(b"PING")[1] + command(b"AUTH", b"x")[1]
    (one,) = log_ins("redis", ("c", both), ("s", b"+PONG\r\n-WRONGPASS no\r\n"))
    assert one.outcome == "unknown"


@pytest.mark.parametrize(
    "said",
    [
        command(b"GET", b"auth")[1],
        command(b"AUTH")[1],
        command(b"AUTH", b"x" * 600)[1],
        b"*2\r\n$4\r\nAUTH\r\n$9\r\nshort\r\n",
        b"*99999999999\r\n$4\r\nAUTH\r\n",
        b"*2\r\nAUTH\r\nx\r\n",
    ],
)
def test_anything_else_is_nothing(said: bytes) -> None:
    assert log_ins("redis", ("c", said), OK) == []


def test_a_server_that_says_something_else_is_none() -> None:
    assert log_ins("redis", ("s", b"220 mail\r\n"), ("c", b"AUTH LOGIN\r\n"), ("s", b"334 x\r\n")) == []
