from __future__ import annotations

import pytest

from otmon.identity.login import Piece, Seen
from otmon.identity.telnet import log_ins as parse
from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told


def test_a_log_in_with_options_and_an_echo() -> None:
    assert told(log_ins("telnet", *TRANSCRIPTS["telnet"])) == [(b"root", "plain", "accepted", b"vizxv")]


def asked(answer: bytes, password: bytes = b"secret\r\n") -> tuple[Turn, ...]:
    return (
        ("s", b"User Name: "),
        ("c", b"admin\r\0"),
        ("s", b"admin\r\nPassword:"),
        ("c", password),
        ("s", answer),
    )


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"\r\nLogin incorrect\r\nlogin: ", "refused"),
        (b"\r\n\r\nUser Name: ", "refused"),
        (b"\r\nswitch>", "accepted"),
        (b"\r\nWelcome to the pump\r\nMenu", "accepted"),
        (b"\r\n1) Status\r\n2) Set", "unknown"),
        (b"\r\n", "attempted"),
        (b"", "attempted"),
    ],
)
def test_the_next_words_of_the_server_tell(answer: bytes, outcome: str) -> None:
    turns = asked(answer)
    assert told(log_ins("telnet", *turns)) == [(b"admin", "plain", outcome, b"secret")]


def test_typing_is_corrected_as_a_terminal_does() -> None:
    for password in (
        b"sexx\x7f\x08cret\r\n",
        b"wrong\x15secret\r\0",
        b"secret\n",
        b"a word\x17\x17secret\r\n",
        b"s\x16ecret\n",
    ):
        assert told(log_ins("telnet", *asked(b"\r\n# ", password)))[0][3] == b"secret"


def test_a_password_alone_and_several_tries() -> None:
    turns: tuple[Turn, ...] = (
        ("s", b"\r\nPassword: "),
        ("c", b"one\r\n"),
        ("s", b"\r\nPassword: "),
        ("c", b"two\r\n"),
        ("s", b"\r\nrouter>"),
    )
    assert told(log_ins("telnet", *turns)) == [
        (b"", "plain", "refused", b"one"),
        (b"", "plain", "accepted", b"two"),
    ]


def test_what_nobody_asked_for_is_no_password() -> None:
    assert log_ins("telnet", ("s", b"$ "), ("c", b"ls\r\n"), ("s", b"a b\r\n$ "), ("c", b"exit\r\n")) == []
    assert log_ins("telnet", ("c", b"root\r\nsecret\r\n"), ("s", b"login: ")) == []


@pytest.mark.parametrize(
    "prompt", [b"Mapping: ", b"Last login: ", b"Shipping address? ", b"password changed\r\n$ "]
)
def test_words_that_look_like_a_prompt_are_none(prompt: bytes) -> None:
    assert log_ins("telnet", ("s", b"$ " + prompt), ("c", b"secret\r\n"), ("s", b"\r\n$ ")) == []


def test_lost_bytes_never_become_a_part_of_a_password() -> None:
    seen = Seen(1, 1, 0)
    prompt = Piece(False, 0, b"login: root\r\nPassword: ", seen)
    whole = [prompt, Piece(True, 0, b"vizxv\r\n", seen)]
    lost = [prompt, Piece(True, 0, b"vi", seen), Piece(True, 3, b"xv\r\n", seen)]
    assert [one.secret for one in parse(whole)] == [b"vizxv"]
    assert list(parse(lost)) == []
