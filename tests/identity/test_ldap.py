from __future__ import annotations

import pytest

from tests.identity.talk import TRANSCRIPTS, Turn, log_ins, told
from tests.secrets import bind


def answer(code: int) -> Turn:
    return "s", bytes.fromhex(f"300c02010161070a01{code:02x}04000400")


def test_a_simple_bind() -> None:
    assert told(log_ins("ldap", *TRANSCRIPTS["ldap"])) == [(b"a", "simple", "accepted", b"12")]


@pytest.mark.parametrize(("code", "outcome"), [(0, "accepted"), (49, "refused"), (8, "unknown")])
def test_the_result_tells(code: int, outcome: str) -> None:
    assert told(log_ins("ldap", bind(b"cn=a", b"x"), answer(code))) == [(b"cn=a", "simple", outcome, b"x")]


def test_nobody_and_no_password() -> None:
    assert told(log_ins("ldap", bind(b"", b""), answer(0))) == [(b"", "anonymous", "accepted", b"")]
    assert told(log_ins("ldap", bind(b"cn=a", b""), answer(0))) == [(b"cn=a", "simple", "accepted", b"")]


def test_searches_and_nonsense_are_nothing() -> None:
    assert log_ins("ldap", ("c", bytes.fromhex("30050201026300")), ("c", b"\xff" * 50)) == []
