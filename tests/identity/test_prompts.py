from __future__ import annotations

import pytest

from otmon.identity.login import Piece, Seen
from otmon.identity.prompts import typed_log_ins
from tests.identity.talk import told


def texts(*turns: tuple[str, bytes]) -> list[tuple[Piece, bytes]]:
    ends = {"c": 0, "s": 0}
    found = []
    for who, data in turns:
        found.append((Piece(who == "c", ends[who], data, Seen(1, 1, 0)), data))
        ends[who] += len(data)
    return found


def test_a_name_that_was_said_before_counts_until_another_is_typed() -> None:
    talk = texts(
        ("s", b"Password: "), ("c", b"x\r"), ("s", b"\r\nLogin incorrect\r\nlogin: "), ("c", b"bob\r"),
        ("s", b"\r\nPassword: "), ("c", b"y\r"), ("s", b"\r\n$ "),
    )  # fmt: skip
    assert told(list(typed_log_ins(talk, b"root"))) == [
        (b"root", "plain", "refused", b"x"),
        (b"bob", "plain", "accepted", b"y"),
    ]


def test_what_is_typed_without_a_prompt_is_nothing() -> None:
    assert list(typed_log_ins(texts(("s", b"$ "), ("c", b"ls\r"), ("s", b"a b\r\n$ ")), b"root")) == []


WESTERN = (
    "Login Passwort:",
    "Login-Kennwort: ",
    "Login mot de passe :",
    "User contraseña: ",
    "login password>",
)
PROMPTS = [
    *(prompt.encode(coding) for prompt in WESTERN for coding in ("utf-8", "latin-1")),
    *("パスワード：".encode(coding) for coding in ("utf-8", "shift_jis", "euc_jp")),
]
HIDDEN = [b"User access code: ", b"account key:", b"Login secret> ", b"user token: "]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_password_is_no_name_in_other_languages(prompt: bytes) -> None:
    talk = texts(("s", prompt), ("c", b"first\r"), ("s", b"\r\nEnable password: "), ("c", b"second\r"))
    found = told(list(typed_log_ins(talk, b"")))
    assert [(account, secret) for account, _, _, secret in found] == [(b"", b"first"), (b"", b"second")]


@pytest.mark.parametrize("prompt", HIDDEN)
def test_what_is_hidden_is_no_name(prompt: bytes) -> None:
    talk = texts(("s", prompt), ("c", b"first\r"), ("s", b"\r\nPassword: "), ("c", b"second\r"))
    assert [(one.account, one.secret) for one in typed_log_ins(talk, b"")] == [(b"", b"second")]


def test_a_password_that_stands_behind_the_name_already() -> None:
    ahead = ("s", b"login: "), ("c", b"bob\r\nsecret\r\n")
    for answer in (
        [b"bob\r\nPassword: ", b"\r\n$ "],
        [b"bob\r\nPassword: \r\n$ "],
        [b"Passw", b"ord: ", b"\r\n$ "],
    ):
        talk = texts(*ahead, *(("s", one) for one in answer))
        assert told(list(typed_log_ins(talk, b""))) == [(b"bob", "plain", "accepted", b"secret")]
    # Who was let in at once types commands.
    shell = texts(
        *ahead, ("s", b"bob\r\n$ "), ("s", b"secret\r\nPassword: "), ("c", b"x\r"), ("s", b"\r\n$ ")
    )
    assert [one.secret for one in typed_log_ins(shell, b"")] == [b"x"]
