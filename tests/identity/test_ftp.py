from __future__ import annotations

import pytest

from otmon.identity.ftp import log_ins as parse
from otmon.identity.login import Piece, Seen
from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, pieces, told

USER: tuple[Turn, ...] = (("s", b"220 x\r\n"), ("c", b"USER bob\r\n"), ("s", b"331 go on\r\n"))


def test_the_reply_tells() -> None:
    assert told(log_ins("ftp", *TRANSCRIPTS["ftp"])) == [
        (b"sysdiag", "plain", "accepted", b"factorycast@schneider")
    ]
    for reply, outcome in (("530 no", "refused"), ("421 bye", "refused"), ("230 yes", "accepted")):
        turns = (*USER, ("c", b"PASS x y\r\n"), ("s", f"{reply}\r\n".encode()))
        assert told(log_ins("ftp", *turns)) == [(b"bob", "plain", outcome, b"x y")]  # type: ignore[arg-type]
    assert told(log_ins("ftp", *USER, ("c", b"PASS x\r\n"))) == [(b"bob", "plain", "attempted", b"x")]
    first_of_two: Turn = ("s", b"230-Welcome\r\n530 but no\r\n")
    assert told(log_ins("ftp", *USER, ("c", b"PASS x\r\n"), first_of_two))[0][2] == "refused"


@pytest.mark.parametrize("name", [b"anonymous", b"FTP"])
def test_names_for_those_who_have_none(name: bytes) -> None:
    turns: list[Turn] = [
        ("c", b"USER %s\r\n" % name),
        ("s", b"331 x\r\n"),
        ("c", b"PASS me@x\r\n"),
        ("s", b"230 x\r\n"),
    ]
    assert told(log_ins("ftp", *turns)) == [(name, "anonymous", "accepted", b"me@x")]


def test_a_name_that_needs_no_password() -> None:
    assert told(log_ins("ftp", ("c", b"USER CONFIDENTIAL\r\n"), ("s", b"230 x\r\n"))) == [
        (b"CONFIDENTIAL", "plain", "accepted", b"")
    ]


def test_a_lost_password_is_not_taken_for_none() -> None:
    seen = Seen(1, 1, 0)
    lost = [
        Piece(True, 0, b"USER a\r\n", seen),
        Piece(True, 20, b"QUIT\r\n", seen),
        Piece(False, 0, b"230 x\r\n", seen),
    ]
    assert list(parse(lost)) == []
    assert log_ins("ftp", ("c", b"USER a\r\n"), ("s", b"331 x\r\n230 x\r\n")) == []


def test_each_password_has_its_own_answer() -> None:
    turns: list[Turn] = [*USER]
    turns += [("c", b"PASS 1\r\n"), ("s", b"530 no\r\n"), ("c", b"USER eve\r\n"), ("s", b"331 x\r\n")]
    turns += [("c", b"PASS 2\r\n"), ("s", b"230 yes\r\n")]
    assert told(log_ins("ftp", *turns)) == [
        (b"bob", "plain", "refused", b"1"),
        (b"eve", "plain", "accepted", b"2"),
    ]


def test_a_password_without_a_name_and_other_commands_are_nothing() -> None:
    assert log_ins("ftp", ("c", b"PASS x\r\n"), ("s", b"230 x\r\n")) == []
    assert log_ins("ftp", ("c", b"USER x\r\nQUIT\r\n"), ("s", b"221 x\r\n")) == []


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (b"USER  bob \r\n", b"pass\tx y\r\n"),
        (b"US\xff\xf1ER bob\r\n", b"PA\xff\xfb\x01SS x\xff\xf1 y\r\n"),
        (b"\r\n" * 300 + b"USER bob\r\n", b"NOOP\r\n" * 300 + b"PASS x y\r\n"),
    ],
    ids=["spaces", "commands of Telnet", "many lines"],
)
def test_commands_in_another_dress(user: bytes, password: bytes) -> None:
    turns: tuple[Turn, ...] = ("c", user), ("s", b"331 x\r\n"), ("c", password), ("s", b"230 x\r\n")
    assert told(list(parse(pieces(*turns)))) == [(b"bob", "plain", "accepted", b"x y")]
