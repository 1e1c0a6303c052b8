from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told

NAMES: Turn = TRANSCRIPTS["rlogin"][0]


def test_a_password_behind_the_names() -> None:
    assert told(log_ins("rlogin", *TRANSCRIPTS["rlogin"])) == [(b"root", "plain", "accepted", b"vizxv")]
    refused = log_ins("rlogin", *TRANSCRIPTS["rlogin"][:3], ("s", b"\r\nLogin incorrect\r\n"))
    assert told(refused) == [(b"root", "plain", "refused", b"vizxv")]


def test_another_name_may_be_asked_for() -> None:
    again: tuple[Turn, ...] = (
        NAMES, ("s", b"\0login: "), ("c", b"admin\r"), ("s", b"Password: "), ("c", b"1234\r"),
    )  # fmt: skip
    assert told(log_ins("rlogin", *again)) == [(b"admin", "plain", "attempted", b"1234")]


def test_who_is_trusted_types_nothing() -> None:
    assert log_ins("rlogin", NAMES, ("s", b"\0Last login: never\r\n$ "), ("c", b"ls\r")) == []


@pytest.mark.parametrize("names", [b"\0a\0\0vt100\0", b"a\0b\0c\0d\0", b"\0a\0b\0vt100", b"\0" + b"a" * 4000])
def test_without_names_it_is_nothing(names: bytes) -> None:
    assert log_ins("rlogin", ("c", names), ("s", b"\0Password: "), ("c", b"x\r")) == []
