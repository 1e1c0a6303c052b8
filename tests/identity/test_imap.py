from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told


def test_a_literal() -> None:
    assert told(log_ins("imap", *TRANSCRIPTS["imap"])) == [(b"bob", "plain", "accepted", b"1234")]


@pytest.mark.parametrize(
    ("said", "account", "secret"),
    [
        (b"a LOGIN bob 1234\r\n", b"bob", b"1234"),
        (b'a login "b \\"b" ""\r\n', b'b "b', b""),
        (b"a LOGIN {3+}\r\nbob {4+}\r\n1234\r\n", b"bob", b"1234"),
    ],
)
def test_strings(said: bytes, account: bytes, secret: bytes) -> None:
    no: Turn = ("s", b"a NO bad\r\n")
    assert told(log_ins("imap", ("c", said), no)) == [(account, "plain", "refused", secret)]


def test_authenticate() -> None:
    turns: tuple[Turn, ...] = (
        ("c", b"a AUTHENTICATE PLAIN\r\n"),
        ("s", b"+ \r\n"),
        ("c", b"AGJvYgAxMjM0\r\n"),
        ("s", b"* x\r\na OK\r\n"),
    )
    assert told(log_ins("imap", *turns)) == [(b"bob", "plain", "accepted", b"1234")]


def test_other_commands_are_nothing() -> None:
    assert (
        log_ins("imap", ("c", b"a SELECT inbox\r\nb LOGIN bob\r\nc LOGIN a b c\r\n"), ("s", b"a OK\r\n"))
        == []
    )
